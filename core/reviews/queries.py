"""What is shown of reviews, and which bookings still wait for one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select

from core.booking.model import Booking
from core.catalog.model import Listing
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import LIST_MAX, REVIEW_EDIT_SECONDS, REVIEW_WITHIN_SECONDS
from core.people.model import User
from core.reviews.model import Review
from core.reviews.rules import DONE


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A review with what an admin knows it by."""

    review: Review
    code: str
    number: int
    title: str


def shown_reviews(tx: Tx, listing_id: UUID, limit: int = LIST_MAX) -> list[Review]:
    """Return a listing's reviews that are shown, the newest first."""
    query = (
        select(Review)
        .where(Review.listing_id == listing_id, Review.hidden_at.is_(None))
        .order_by(Review.written_at.desc(), Review.id.desc())
        .limit(limit)
    )
    return list(tx.db.scalars(query))


def shown_review(tx: Tx, review_id: UUID) -> Review:
    """Return one review that is shown; raises NotFound (``no_review``)."""
    review = tx.db.get(Review, review_id)
    if review is None or review.hidden_at is not None:
        raise NotFound("no_review")
    return review


def codes_to_review(tx: Tx, msisdn: str, limit: int = LIST_MAX) -> list[str]:
    """Return the bookings whose review their customer can write or correct, the newest first.

    Those without a review come before those with one: of them a bare number of stars speaks.
    """
    first_day: datetime = tx.now - timedelta(seconds=REVIEW_WITHIN_SECONDS)
    editable = tx.now - timedelta(seconds=REVIEW_EDIT_SECONDS)
    query = (
        select(Booking.code)
        .join(User, User.id == Booking.customer_id)
        .outerjoin(Review, Review.booking_id == Booking.id)
        .where(
            User.msisdn == msisdn,
            or_(
                and_(
                    Review.id.is_(None),
                    Booking.state.in_(DONE),
                    Booking.completed_at >= first_day,
                ),
                and_(Review.hidden_at.is_(None), Review.written_at >= editable),
            ),
        )
        .order_by(Review.id.is_not(None), Booking.completed_at.desc(), Booking.id.desc())
        .limit(limit)
    )
    return list(tx.db.scalars(query))


def newest_reviews(tx: Tx, limit: int = LIST_MAX) -> list[ReviewView]:
    """Return the newest reviews of all listings, hidden ones too."""
    query = (
        select(Review, Booking.code, Listing.number, Listing.title)
        .join(Booking, Booking.id == Review.booking_id)
        .join(Listing, Listing.id == Review.listing_id)
        .order_by(Review.written_at.desc(), Review.id.desc())
        .limit(limit)
    )
    return [ReviewView(*row) for row in tx.db.execute(query)]
