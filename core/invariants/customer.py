"""What customers were promised beside bookings: their reviews count, the line for a day moves."""

from core.invariants.check import Check, Invariant

RATINGS = """
SELECT listings.number::text AS subject,
    concat(count(reviews.id), ' reviews, ', coalesce(sum(stars), 0), ' stars') AS expected,
    concat(rating_count, ' reviews, ', rating_sum, ' stars') AS actual
FROM listings LEFT JOIN reviews ON reviews.listing_id = listings.id AND hidden_at IS NULL
GROUP BY listings.id
HAVING count(reviews.id) <> rating_count OR coalesce(sum(stars), 0) <> rating_sum
LIMIT :findings_max
"""

REVIEWED = """
SELECT code AS subject, 'its own listing and customer' AS expected,
    concat(reviews.listing_id, ' ', reviews.customer_id) AS actual
FROM reviews JOIN bookings ON bookings.id = booking_id
WHERE reviews.listing_id <> bookings.listing_id OR reviews.customer_id <> bookings.customer_id
LIMIT :findings_max
"""

WAITS_FIRED = """
SELECT id::text AS subject, 'fired' AS expected, concat(state, ' due ', due_at) AS actual
FROM waits
WHERE due_at < :late
LIMIT :findings_max
"""

CHECKS = (
    Check(Invariant.RATINGS, "a listing counts the reviews that are shown", RATINGS),
    Check(Invariant.RATINGS, "a review is of its booking's listing and customer", REVIEWED),
    Check(Invariant.LIFECYCLE, "places in the line end in time", WAITS_FIRED),
)
