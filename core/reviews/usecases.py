"""Writing, correcting, hiding and showing reviews; each keeps the listing's count in step.

Each function is one effect in the caller's transaction. Lock order: listing, review.
"""

from uuid import UUID

from sqlalchemy import select

from core.booking.model import Booking
from core.booking.moves import find_by_code
from core.catalog.model import Listing
from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.limits import REVIEW_WHY_MAX
from core.reviews.model import Review
from core.reviews.rules import check_may_edit, check_may_review, check_stars, fit_words


def leave_review(
    tx: Tx, booking_id: UUID, customer_id: UUID, stars: int, words: str | None = None
) -> Review:
    """Say how it was, or correct what was said.

    Args:
        tx: the caller's transaction.
        booking_id: the booking.
        customer_id: who says so.
        stars: one to five.
        words: None when there are none to add; a correction then keeps those that are there.

    Raises:
        NotFound: no such booking of this customer.
        BadInput: ``bad_stars``; ``note_too_long`` (data: most).
        Refused: ``too_early``, ``review_late``.
    """
    check_stars(stars)
    said = None if words is None else fit_words(words)
    booking = tx.db.get(Booking, booking_id)
    if booking is None or booking.customer_id != customer_id:
        raise NotFound("no_booking")
    listing = _locked(tx, booking.listing_id)
    review = review_of(tx, booking_id)
    if review is None:
        check_may_review(booking, tx.now)
        review = Review(
            id=tx.ids.uuid(),
            booking_id=booking.id,
            listing_id=listing.id,
            customer_id=customer_id,
            stars=stars,
            words=said or "",
            written_at=tx.now,
        )
        tx.db.add(review)
        _count(listing, reviews=1, stars=stars)
    else:
        check_may_edit(review, tx.now)
        _count(listing, reviews=0, stars=stars - review.stars)
        review.stars = stars
        review.words = review.words if said is None else said
        review.edited_at = tx.now
    tx.db.flush()
    return review


def review_of(tx: Tx, booking_id: UUID) -> Review | None:
    """Return the review of a booking, as it is now."""
    query = select(Review).where(Review.booking_id == booking_id)
    return tx.db.scalar(query.execution_options(populate_existing=True))


def answer_review(tx: Tx, review_id: UUID, vendor_id: UUID, words: str) -> Review:
    """Say something to a review of one's own listing, for everybody to read; once.

    Raises:
        NotFound: ``no_review``: none that is shown, or of somebody else's listing.
        BadInput: ``empty``; ``note_too_long`` (data: most).
        Refused: ``answered_already``.
    """
    said = fit_words(words)
    if not said:
        raise BadInput("empty")
    review = tx.db.get(Review, review_id, with_for_update=True, populate_existing=True)
    if review is None or review.hidden_at is not None:
        raise NotFound("no_review")
    if tx.db.get_one(Listing, review.listing_id).vendor_id != vendor_id:
        raise NotFound("no_review")
    if review.answer is not None:
        raise Refused("answered_already")
    review.answer, review.answered_at = said, tx.now
    tx.db.flush()
    return review


def hide_review(tx: Tx, code: str, why: str) -> Review:
    """Show a booking's review to nobody, for a stated reason; its stars no longer count.

    Raises:
        NotFound: ``no_booking``, ``no_review``.
        Refused: ``no_reason``.
    """
    grounds = " ".join(why.split())[:REVIEW_WHY_MAX]
    if not grounds:
        raise Refused("no_reason")
    listing, review = _by_code(tx, code)
    if review.hidden_at is None:
        _count(listing, reviews=-1, stars=-review.stars)
    review.hidden_at, review.hidden_why = tx.now, grounds
    tx.db.flush()
    return review


def show_review(tx: Tx, code: str) -> Review:
    """Show a hidden review again; raises NotFound as ``hide_review``."""
    listing, review = _by_code(tx, code)
    if review.hidden_at is not None:
        _count(listing, reviews=1, stars=review.stars)
    review.hidden_at = review.hidden_why = None
    tx.db.flush()
    return review


def _by_code(tx: Tx, code: str) -> tuple[Listing, Review]:
    booking = find_by_code(tx, code)
    listing = _locked(tx, booking.listing_id)
    review = review_of(tx, booking.id)
    if review is None:
        raise NotFound("no_review")
    return listing, review


def _locked(tx: Tx, listing_id: UUID) -> Listing:
    """Lock the listing: of two who count its stars, the second begins where the first ended."""
    query = select(Listing).where(Listing.id == listing_id).with_for_update(key_share=True)
    return tx.db.scalars(query.execution_options(populate_existing=True)).one()


def _count(listing: Listing, *, reviews: int, stars: int) -> None:
    listing.rating_count += reviews
    listing.rating_sum += stars
