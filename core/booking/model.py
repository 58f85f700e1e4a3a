"""Bookings and the audit rows of their moves."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.booking.lifecycle import (
    CHANGE_LIFECYCLE,
    LIFECYCLE,
    Actor,
    ChangeEvent,
    ChangeState,
    Event,
    State,
)
from core.db.base import Base, Json, cents, choice


class Booking(Base):
    """One customer, one listing, some days.

    ``due_at`` is the booking's only timer: what it means follows from the state
    (``core.booking.timers``).
    """

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="days"),
        CheckConstraint("people > 0 AND quantity > 0", name="people"),
        CheckConstraint(
            "total_cents = base_cents + service_fee_cents + vat_cents + rounding_cents",
            name="total",
        ),
        # However many cancel or refund at once: never more goes back than was paid.
        CheckConstraint("refunds_cents BETWEEN 0 AND received_cents", name="refunds"),
        CheckConstraint("received_cents BETWEEN 0 AND total_cents", name="received"),
        CheckConstraint(
            "(deposit_cents IS NULL) = (rest_due_at IS NULL)"
            " AND deposit_cents > 0 AND deposit_cents < total_cents",
            name="deposit",
        ),
        # Nothing is confirmed before it is paid for, nothing is served before all of it is.
        CheckConstraint(
            "CASE WHEN state = 'confirmed'"
            " THEN received_cents >= coalesce(deposit_cents, total_cents)"
            " WHEN state IN ('checked_in', 'completed', 'paid_out')"
            " THEN received_cents = total_cents ELSE true END",
            name="paid",
        ),
        CheckConstraint("kept_cents BETWEEN 0 AND total_cents", name="kept"),
        Index("ix_bookings_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_bookings_listing_id_starts_on", "listing_id", "starts_on"),
        Index("ix_bookings_customer_id_created_at", "customer_id", "created_at"),
        Index("ix_bookings_vendor_id_state_starts_on", "vendor_id", "state", "starts_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"))
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    state: Mapped[State] = mapped_column(choice(State, "state"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    """The first day after: half-open, so that one booking may end where the next begins."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    people: Mapped[int]
    quantity: Mapped[int]
    base_cents: Mapped[int] = cents()
    service_fee_cents: Mapped[int] = cents()
    vat_cents: Mapped[int] = cents()
    rounding_cents: Mapped[int] = cents()
    total_cents: Mapped[int] = cents()
    commission_cents: Mapped[int] = cents()
    withholding_cents: Mapped[int] = cents()
    vendor_net_cents: Mapped[int] = cents()
    deposit_cents: Mapped[int | None] = cents(nullable=True)
    """What confirms it when that is not the whole total; as it was shown before booking."""
    rest_due_at: Mapped[datetime | None]
    """Until when the rest after a deposit must have come."""
    received_cents: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    """Of the total, what has come into escrow and was not set aside again."""
    refunds_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    """Of what was received, what has gone back to the customer or is on its way. What a change to
    a lower price gave back is not counted: neither total nor received hold it any more."""
    kept_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    """Of the total, what the policy kept when changes made the price lower: paid for days or
    people that are no longer booked. The rest of the total is the price of what is booked."""
    released_net_cents: Mapped[int | None] = cents(nullable=True)
    """By how much the vendor's payable grew: at the release, or when it was cancelled after it
    had been paid for. Empty before, and where all of ``vendor_net_cents`` was released."""
    policy: Mapped[Json]
    """The cancellation policy as it was shown before paying."""
    check_in_pin_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    pin_tries: Mapped[int] = mapped_column(default=0)
    """Wrong PINs typed since the last lock."""
    pin_locked_until: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    priced_on: Mapped[date]
    """Whose rates its price has: the day, in Kenya, of the booking or of its last change."""
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    """When it was cancelled after it had been paid for."""

    def move(self, event: Event) -> State:
        """Go where the table says; with ``moves.move_all`` the only writer of the state.

        Raises:
            core.errors.IllegalMove: the table has no such step from here.
        """
        self.state = LIFECYCLE.target(self.state, event)
        return self.state


class BookingEvent(Base):
    """One move: who, when, from where to where. Append-only."""

    __tablename__ = "booking_events"
    __table_args__ = (Index("ix_booking_events_booking_id_id", "booking_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    event: Mapped[str]
    """An ``Event``, or ``request`` / ``book_instant`` for the first one."""
    state_before: Mapped[State | None] = mapped_column(choice(State, "state_before"))
    state_after: Mapped[State] = mapped_column(choice(State, "state_after"))
    actor: Mapped[Actor] = mapped_column(choice(Actor, "actor"))
    actor_id: Mapped[UUID | None]
    note: Mapped[str | None]
    at: Mapped[datetime]
    chain: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''"))
    """A digest of this row and of the one before; a trigger makes it (migration 0030)."""


class BookingChange(Base):
    """A wish for other days or people of a booking: what it was, what it shall be, what it costs.

    A booking has at most one that is open. It is written, and moves, under the booking's lock.
    """

    __tablename__ = "booking_changes"
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="days"),
        CheckConstraint("people > 0 AND quantity > 0", name="people"),
        CheckConstraint(
            "to_pay_cents >= 0 AND refund_cents >= 0 AND kept_cents >= 0"
            " AND (to_pay_cents = 0 OR refund_cents + kept_cents = 0)",
            name="one_way",
        ),
        Index("ix_booking_changes_booking_id", "booking_id"),
        Index("ix_booking_changes_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "uq_booking_changes_open",
            "booking_id",
            unique=True,
            postgresql_where=text("state IN ('asked', 'awaiting_payment')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    state: Mapped[ChangeState] = mapped_column(choice(ChangeState, "state"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    people: Mapped[int]
    quantity: Mapped[int]
    price: Mapped[Json]
    """The price that it was shown with, its parts in cents by their names in ``Price``."""
    was_starts_on: Mapped[date]
    was_ends_on: Mapped[date]
    was_people: Mapped[int]
    was_cents: Mapped[int] = cents()
    """The price of what was booked before."""
    was_net_cents: Mapped[int] = cents()
    """What the vendor would have got for it."""
    to_pay_cents: Mapped[int] = mapped_column(BigInteger)
    refund_cents: Mapped[int] = mapped_column(BigInteger)
    kept_cents: Mapped[int] = mapped_column(BigInteger)
    """Of a lower price: what the policy keeps of the difference."""
    due_at: Mapped[datetime | None]
    """Until when the vendor may answer, or the difference be paid: by state."""
    hold_until: Mapped[datetime | None]
    """How far an open payment attempt may stretch the hold."""
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    """When the vendor said yes; empty when nobody had to be asked."""
    finished_at: Mapped[datetime | None]

    def move(self, event: ChangeEvent) -> ChangeState:
        """Go where the table says; raises core.errors.IllegalMove."""
        self.state = CHANGE_LIFECYCLE.target(self.state, event)
        return self.state
