"""What is paid to a vendor at once, and which bookings it pays for."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, cents, choice
from core.lifecycle import Lifecycle


class PayoutState(StrEnum):
    """Where a payout stands."""

    RELEASED = "released"
    """Money is owed and on its way: an attempt is open or planned."""
    PAID = "paid"
    FAILED = "failed"


class PayoutEvent(StrEnum):
    """What can happen to a payout."""

    PAY = "pay"
    FAIL = "fail"


TABLE = (
    (PayoutEvent.PAY, PayoutState.RELEASED, PayoutState.PAID),
    (PayoutEvent.FAIL, PayoutState.RELEASED, PayoutState.FAILED),
    # A payment that we had given up may still turn out to have gone through.
    (PayoutEvent.PAY, PayoutState.FAILED, PayoutState.PAID),
)

LIFECYCLE = Lifecycle(PayoutState, TABLE)


class PayoutRun(Base):
    """One weekly run; the row makes it once."""

    __tablename__ = "payout_runs"

    week: Mapped[date] = mapped_column(primary_key=True)
    """The Monday."""
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Payout(Base):
    """Money for one vendor. ``amount = items + carried in - carried out``, whole shillings."""

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount_cents > 0 AND mod(amount_cents, 100) = 0", name="whole_shillings"),
        CheckConstraint("paid_cents BETWEEN 0 AND amount_cents", name="paid"),
        Index(
            "uq_payouts_live",
            "vendor_id",
            unique=True,
            postgresql_where=text("state = 'released'"),
        ),
        Index("ix_payouts_vendor_id_created_at", "vendor_id", "created_at"),
        Index("ix_payouts_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"))
    state: Mapped[PayoutState] = mapped_column(choice(PayoutState, "state"))
    amount_cents: Mapped[int] = cents()
    carried_in_cents: Mapped[int] = cents()
    carried_out_cents: Mapped[int] = cents()
    paid_cents: Mapped[int] = cents()
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    """When the next part or try is to be made; empty while an attempt is open."""
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    def move(self, event: PayoutEvent) -> PayoutState:
        """Go where the table says; raises core.errors.IllegalMove."""
        self.state = LIFECYCLE.target(self.state, event)
        return self.state


class PayoutItem(Base):
    """One booking's money in a payout; a booking is in one live payout at the most."""

    __tablename__ = "payout_items"
    __table_args__ = (
        Index(
            "uq_payout_items_live_booking",
            "booking_id",
            unique=True,
            postgresql_where=text("live"),
        ),
    )

    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"), primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    amount_cents: Mapped[int] = cents()
    live: Mapped[bool] = mapped_column(default=True)
    """False once the payout has failed: the booking waits for another."""
