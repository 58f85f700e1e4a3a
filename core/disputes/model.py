"""Disputes and what both sides say."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, cents, choice
from core.disputes.lifecycle import LIFECYCLE, DisputeEvent, DisputeState


class Problem(StrEnum):
    """What a customer says was wrong, in the few kinds that can be chosen."""

    NOT_THERE = "not_there"
    """Nobody was there, or the customer was turned away."""
    NOT_AS_OFFERED = "not_as_offered"
    UNCLEAN = "unclean"
    """Dirty or not safe."""
    EXTRA_PAY = "extra_pay"
    """More money was asked for."""
    OTHER = "other"


class Side(StrEnum):
    """Whose words a note holds."""

    CUSTOMER = "customer"
    VENDOR = "vendor"
    ADMIN = "admin"


class Dispute(Base):
    """One problem with one booking; while it is open, the booking's money does not move.

    Who writes it holds the lock of its booking (``core.booking.moves.lock_booking``).
    """

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint("answer_by < decide_by", name="deadlines"),
        CheckConstraint(
            "(state IN ('resolved', 'withdrawn')) = (closed_at IS NOT NULL)", name="closed_at"
        ),
        CheckConstraint(
            "num_nonnulls(customer_percent, refund_cents, kept_cents, why)"
            " = CASE state WHEN 'resolved' THEN 4 ELSE 0 END",
            name="decision",
        ),
        CheckConstraint("customer_percent BETWEEN 0 AND 100", name="customer_percent"),
        CheckConstraint("refund_cents >= 0 AND kept_cents >= 0", name="shares"),
        Index(
            "uq_disputes_open",
            "booking_id",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'deciding')"),
        ),
        Index("ix_disputes_booking_id", "booking_id"),
        Index("ix_disputes_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    problem: Mapped[Problem] = mapped_column(choice(Problem, "problem"))
    state: Mapped[DisputeState] = mapped_column(choice(DisputeState, "state"))
    due_at: Mapped[datetime | None]
    """The dispute's only timer: the reminder, then ``answer_by``, then ``decide_by``."""
    answer_by: Mapped[datetime]
    """Until then the vendor is waited for."""
    decide_by: Mapped[datetime]
    """Until then an admin should have decided."""
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    customer_percent: Mapped[int | None]
    """The decision: of what was held, how much goes back; 100 is all."""
    refund_cents: Mapped[int | None] = cents(nullable=True)
    kept_cents: Mapped[int | None] = cents(nullable=True)
    why: Mapped[str | None]
    """The admin's grounds."""

    def move(self, event: DisputeEvent) -> DisputeState:
        """Go where the table says; the only writer of the state; raises IllegalMove."""
        self.state = LIFECYCLE.target(self.state, event)
        return self.state


class DisputeNote(Base):
    """What one side says, in its own words. Append-only: it is evidence."""

    __tablename__ = "dispute_notes"
    __table_args__ = (Index("ix_dispute_notes_dispute_id_id", "dispute_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    dispute_id: Mapped[UUID] = mapped_column(ForeignKey("disputes.id"))
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    words: Mapped[str]
    at: Mapped[datetime]
