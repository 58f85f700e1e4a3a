"""Bookings and the calendar: units, moves, timers."""

from core.invariants.check import Check, Invariant

# Bookings that hold units, with what a change under payment needs more on a day, say the same as
# the calendar's counters, and no day is oversold.
UNITS = """
WITH claims AS (
    SELECT listing_id, claimed_day::date AS day, quantity
    FROM bookings, generate_series(starts_on, ends_on - 1, interval '1 day') AS claimed_day
    WHERE state = ANY (:claiming)
    UNION ALL
    SELECT listing_id, claimed_day::date,
        greatest(0, booking_changes.quantity - CASE
            WHEN claimed_day < bookings.starts_on OR claimed_day >= bookings.ends_on THEN 0
            ELSE bookings.quantity
        END)
    FROM booking_changes JOIN bookings ON bookings.id = booking_id,
        generate_series(booking_changes.starts_on, booking_changes.ends_on - 1, interval '1 day')
            AS claimed_day
    WHERE booking_changes.state = 'awaiting_payment'
), claimed AS (
    SELECT listing_id, day, sum(quantity) AS claimed FROM claims GROUP BY listing_id, day
)
SELECT concat(listing_id, ' ', day) AS subject,
    CASE WHEN booked > units THEN units ELSE coalesce(claimed, 0) END AS expected,
    coalesce(booked, 0) AS actual
FROM claimed FULL JOIN listing_days USING (listing_id, day)
WHERE coalesce(claimed, 0) <> coalesce(booked, 0) OR booked > units
LIMIT :findings_max
"""

# Each audit row begins where the one before it ended, by a row of the table; the last one ends
# where the booking is.
MOVES = """
SELECT code AS subject,
    concat(coalesce(state_before_expected, 'nothing'), ' by the table') AS expected,
    concat_ws(' ', coalesce(state_before, 'nothing'), event, state_after) AS actual
FROM (
    SELECT booking_id, id, event, state_before, state_after,
        lag(state_after) OVER (PARTITION BY booking_id ORDER BY id) AS state_before_expected
    FROM booking_events
) AS moves
JOIN bookings ON bookings.id = booking_id
WHERE state_before IS DISTINCT FROM state_before_expected
    OR concat_ws(' ', event, state_before, state_after) <> ALL (:moves)
LIMIT :findings_max
"""

CHAIN = """
SELECT concat(code, ' event ', events.id) AS subject, encode(chain_expected, 'hex') AS expected,
    encode(chain, 'hex') AS actual
FROM (
    SELECT booking_id, id, chain, booking_event_digest(
        lag(chain) OVER (PARTITION BY booking_id ORDER BY id), booking_events
    ) AS chain_expected
    FROM booking_events
) AS events
JOIN bookings ON bookings.id = booking_id
WHERE chain <> chain_expected
LIMIT :findings_max
"""

# Late money revives only what had ended while it waited for money: no vendor is passed over.
REVIVED = """
SELECT code AS subject, 'awaiting_payment' AS expected,
    concat(ended.state_before, ' before it was paid for late') AS actual
FROM booking_events
JOIN bookings ON bookings.id = booking_id
JOIN LATERAL (
    SELECT state_before FROM booking_events AS earlier
    WHERE earlier.booking_id = booking_events.booking_id AND earlier.id < booking_events.id
    ORDER BY earlier.id DESC LIMIT 1
) AS ended ON true
WHERE event = 'pay_late' AND ended.state_before IS DISTINCT FROM 'awaiting_payment'
LIMIT :findings_max
"""

LAST_MOVE = """
SELECT code AS subject, coalesce(last_state, 'an audit row') AS expected, state AS actual
FROM bookings
LEFT JOIN LATERAL (
    SELECT state_after AS last_state
    FROM booking_events WHERE booking_id = bookings.id
    ORDER BY id DESC LIMIT 1
) AS last_move ON true
WHERE last_state IS DISTINCT FROM state
LIMIT :findings_max
"""

TIMER_SET = """
SELECT code AS subject, 'a timer' AS expected, concat(state, ' without one') AS actual
FROM bookings
WHERE due_at IS NULL AND (
    state IN ('requested', 'awaiting_payment', 'confirmed', 'checked_in')
    OR state = 'completed' AND released_at IS NULL
)
LIMIT :findings_max
"""

TIMER_FIRED = """
SELECT code AS subject, 'fired' AS expected, concat(state, ' due ', due_at) AS actual
FROM bookings
WHERE due_at < :late
LIMIT :findings_max
"""

# Only of a paid booking a change is open, and it waits for something.
CHANGE_WAITS = """
SELECT code AS subject, 'a timer, of a paid booking' AS expected,
    concat_ws(' ', booking_changes.state, coalesce(booking_changes.due_at::text, 'no timer'),
        bookings.state) AS actual
FROM booking_changes JOIN bookings ON bookings.id = booking_id
WHERE booking_changes.state IN ('asked', 'awaiting_payment')
    AND (booking_changes.due_at IS NULL OR bookings.state <> 'confirmed')
LIMIT :findings_max
"""

CHANGE_FIRED = """
SELECT code AS subject, 'fired' AS expected,
    concat(booking_changes.state, ' due ', booking_changes.due_at) AS actual
FROM booking_changes JOIN bookings ON bookings.id = booking_id
WHERE booking_changes.due_at < :late
LIMIT :findings_max
"""

CHECKS = (
    Check(Invariant.UNITS, "claimed units are the calendar's, none oversold", UNITS),
    Check(Invariant.LIFECYCLE, "moves follow the table in order", MOVES),
    Check(Invariant.AUDIT, "moves are as they were written", CHAIN),
    Check(Invariant.LIFECYCLE, "a booking is where its last move led", LAST_MOVE),
    Check(Invariant.LIFECYCLE, "late money confirms what had waited for it", REVIVED),
    Check(Invariant.LIFECYCLE, "a state that waits has a timer", TIMER_SET),
    Check(Invariant.LIFECYCLE, "timers fire", TIMER_FIRED),
    Check(Invariant.LIFECYCLE, "a change waits for something", CHANGE_WAITS),
    Check(Invariant.LIFECYCLE, "changes fire", CHANGE_FIRED),
)
