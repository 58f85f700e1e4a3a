"""Reviews; their stars are counted on the listing, where search sorts by them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.limits import REVIEW_WHY_MAX, REVIEW_WORDS_MAX, STARS_MAX


class Review(Base):
    """What one customer says of one booking.

    Who writes, changes or hides one adds to ``Listing.rating_count`` and ``rating_sum`` in the
    same transaction: they count what is shown.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("booking_id"),
        CheckConstraint(f"stars BETWEEN 1 AND {STARS_MAX}", name="stars"),
        CheckConstraint(f"char_length(words) <= {REVIEW_WORDS_MAX}", name="words"),
        CheckConstraint(
            "(hidden_at IS NULL) = (hidden_why IS NULL)"
            f" AND char_length(hidden_why) BETWEEN 1 AND {REVIEW_WHY_MAX}",
            name="hidden",
        ),
        CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL)"
            f" AND char_length(answer) BETWEEN 1 AND {REVIEW_WORDS_MAX}",
            name="answer",
        ),
        Index("ix_reviews_listing_id_written_at", "listing_id", "written_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    stars: Mapped[int] = mapped_column(SmallInteger)
    words: Mapped[str]
    """May be empty. Numbers, addresses and links are taken out before it is kept."""
    written_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    """What the vendor says to it, once; numbers, addresses and links are taken out of it too."""
    answered_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    hidden_why: Mapped[str | None]
    """An admin's grounds for not showing it."""
