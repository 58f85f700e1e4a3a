"""What is paid to a vendor at once, and which bookings it pays for."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, cents, choice
from core.lifecycle import Lifecycle
from core.people.model import PayoutMethod


class PayoutState(StrEnum):
    """Where a payout stands."""

    RELEASED = "released"
    """Money is owed and on its way: an attempt is open or planned."""
    HELD = "held"
    """Nothing is sent until the reason for holding it is gone."""
    PAID = "paid"
    FAILED = "failed"
    REVERSED = "reversed"
    """It was paid and came back: what it carried is owed again."""


class PayoutEvent(StrEnum):
    """What can happen to a payout."""

    HOLD = "hold"
    RELEASE = "release"
    PAY = "pay"
    FAIL = "fail"
    RETRY = "retry"
    REVERSE = "reverse"


TABLE = (
    (PayoutEvent.HOLD, PayoutState.RELEASED, PayoutState.HELD),
    (PayoutEvent.RELEASE, PayoutState.HELD, PayoutState.RELEASED),
    (PayoutEvent.PAY, PayoutState.RELEASED, PayoutState.PAID),
    (PayoutEvent.FAIL, PayoutState.RELEASED, PayoutState.FAILED),
    # A payment that we had given up may still turn out to have gone through.
    (PayoutEvent.PAY, PayoutState.FAILED, PayoutState.PAID),
    (PayoutEvent.PAY, PayoutState.HELD, PayoutState.PAID),
    # A person has found out what was wrong.
    (PayoutEvent.RETRY, PayoutState.FAILED, PayoutState.HELD),
    (PayoutEvent.REVERSE, PayoutState.PAID, PayoutState.REVERSED),
)

LIFECYCLE = Lifecycle(PayoutState, TABLE)

# A vendor has one of these at the most.
LIVE = frozenset({PayoutState.RELEASED, PayoutState.HELD})


class HoldReason(StrEnum):
    """Why a vendor is not paid now; the first that applies is the one that is told."""

    RESTRICTED = "restricted"
    """The vendor is not active."""
    ADMIN = "admin"
    """A person of ours has said so."""
    KYC = "kyc"
    """Nobody has checked who the vendor is."""
    NO_DETAILS = "no_details"
    """The vendor has not said where to pay."""
    UNVERIFIED = "unverified"
    """Nobody has checked where the vendor wants to be paid."""
    CHANGED = "changed"
    """The vendor has said lately that another place is to be paid."""
    NO_ROUTE = "no_route"
    """Nobody pays to such a place."""


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
        CheckConstraint("state <> 'held' OR hold_reason IS NOT NULL", name="held_for_a_reason"),
        CheckConstraint("state <> 'released' OR recipient_sealed IS NOT NULL", name="recipient"),
        Index(
            "uq_payouts_live",
            "vendor_id",
            unique=True,
            postgresql_where=text("state IN ('released', 'held')"),
        ),
        Index("ix_payouts_vendor_id_created_at", "vendor_id", "created_at"),
        Index("ix_payouts_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"))
    state: Mapped[PayoutState] = mapped_column(choice(PayoutState, "state"))
    hold_reason: Mapped[HoldReason | None] = mapped_column(choice(HoldReason, "hold_reason"))
    """Why it is held; on a released one, that it is held as soon as the open try has ended."""
    method: Mapped[PayoutMethod | None] = mapped_column(choice(PayoutMethod, "method"))
    recipient_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Where it goes, as the vendor's details were when it was released: each try goes there."""
    amount_cents: Mapped[int] = cents()
    carried_in_cents: Mapped[int] = cents()
    carried_out_cents: Mapped[int] = cents()
    paid_cents: Mapped[int] = cents()
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    """When the next part or try is to be made, or a held one is looked at again; empty while an
    attempt is open."""
    reason: Mapped[str | None]
    """Why the last try failed."""
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
    """False once the payout has failed or come back: the booking waits for another."""
