"""What becomes of a change of days or people: held, paid, applied, dropped, lapsed.

Until a change is applied the booking is as it was, with its units and its money; what the change
needs more is claimed beside it while the difference is being paid. When it is applied, units,
price and audit row move in one transaction. The booking is locked by every caller.

The price of a booking is then that of the new days and people, and what the policy kept of an
earlier, higher price; both are shared out alike. What goes back because the price became lower
leaves escrow as a refund of its own, which the new price no longer counts.
"""

from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.booking import rules
from core.booking.dues import Dues, dues_of
from core.booking.lifecycle import Actor, ChangeEvent, ChangeState, Event, State
from core.booking.model import Booking, BookingChange
from core.booking.moves import move
from core.booking.notices import Topic, tell_customer, tell_vendor
from core.catalog import calendar
from core.clock import nairobi_date
from core.db.base import Json
from core.db.tx import Tx
from core.limits import HOLD_STRETCH_SECONDS
from core.money import Money
from core.payments.queries import open_collection
from core.payments.refunds import plan_refund
from core.pricing.rules import Price
from core.pricing.shares import grown

OPEN = (ChangeState.ASKED, ChangeState.AWAITING_PAYMENT)
UNANSWERED, UNPAID, DECLINED, WITHDRAWN = "unanswered", "unpaid", "declined", "withdrawn"


def payable_now(tx: Tx, booking: Booking) -> Dues | None:
    """Return what is to be paid for a booking at this moment, None when nothing is."""
    dues = dues_of(booking)
    if dues is not None:
        return dues
    change = unpaid_change(tx, booking)
    if change is None:
        return None
    assert change.due_at is not None, "a change that waits has a timer"
    more = Money(change.to_pay_cents)
    return Dues(owed=more, ask=more, part=1, parts=1, by=change.due_at)


def open_change(tx: Tx, booking_id: UUID) -> BookingChange | None:
    """Return the change that waits for the vendor or for money, if there is one."""
    return tx.db.scalar(
        select(BookingChange)
        .where(BookingChange.booking_id == booking_id, BookingChange.state.in_(OPEN))
        .execution_options(populate_existing=True)
    )


def present_price(booking: Booking) -> Money:
    """Return the price of the days and people that are booked: what a change is compared with."""
    return Money(booking.total_cents - booking.refunds_cents - booking.kept_cents)


def hold(tx: Tx, booking: Booking, change: BookingChange) -> None:
    """Claim what a dearer change needs more, until the difference is paid.

    Raises:
        NoUnits: it is no longer free.
    """
    calendar.exchange(tx, booking.listing_id, _booked(booking), _both(booking, change))
    change.move(ChangeEvent.ACCEPT)
    starts_at = min(booking.starts_at, change.starts_at)
    accepted = change.accepted_at is not None
    change.due_at = rules.change_hold_due(tx.now, starts_at, accepted=accepted)
    change.hold_until = rules.change_hold_limit(change.due_at, starts_at)


def rehold(tx: Tx, booking: Booking, change: BookingChange) -> None:
    """Turn what an unpaid booking holds into what it shall be.

    Raises:
        NoUnits: it is not free.
    """
    calendar.exchange(tx, booking.listing_id, _booked(booking), _wished(change))


def apply_change(
    tx: Tx, booking: Booking, change: BookingChange, actor: Actor, actor_id: UUID | None = None
) -> None:
    """Make a paid booking what was wished: units, price, refund, audit row and messages.

    Raises:
        NoUnits: what it needs more is no longer free; only where it was not held.
        IllegalMove: the booking is not paid for, or over.
    """
    held = _both(booking, change) if _is_held(change) else _booked(booking)
    calendar.exchange(tx, booking.listing_id, held, _wished(change))
    plan_refund(tx, booking, Money(change.refund_cents), change.id)
    booking.kept_cents += change.kept_cents
    # All of it is paid, so that what it had in two steps is over; money and price move together.
    booking.deposit_cents = booking.rest_due_at = None
    booking.received_cents += change.to_pay_cents - change.refund_cents
    become(tx, booking, change, Event.CHANGE, actor, actor_id)
    booking.due_at = rules.complete_due(booking.ends_at)
    about = {
        **was(change),
        "price_cents": present_price(booking).cents,
        "to_pay_cents": change.to_pay_cents,
        "refund_cents": change.refund_cents,
    }
    tell_customer(tx, booking, Topic.CHANGED_CUSTOMER, key=str(change.id), **about)
    tell_vendor(tx, booking, Topic.CHANGED_VENDOR, key=str(change.id), **about)


def become(
    tx: Tx,
    booking: Booking,
    change: BookingChange,
    event: Event,
    actor: Actor,
    actor_id: UUID | None,
) -> None:
    """Give a booking the days, people and price of a change, and write who did it."""
    note = (
        f"{booking.starts_on} to {booking.ends_on}, {booking.people} -> "
        f"{change.starts_on} to {change.ends_on}, {change.people}; "
        f"{change.was_cents} -> {change.price['total']} cents"
    )
    change.move(ChangeEvent.APPLY)
    _finish(tx, change)
    price = grown(_price(change.price), Money(booking.kept_cents + booking.refunds_cents))
    for part in fields(Price):
        setattr(booking, f"{part.name}_cents", getattr(price, part.name).cents)
    booking.priced_on = nairobi_date(change.created_at)
    for name in ("starts_on", "ends_on", "starts_at", "ends_at", "people", "quantity"):
        setattr(booking, name, getattr(change, name))
    move(tx, booking, event, actor, actor_id, note)


def unpaid_change(tx: Tx, booking: Booking) -> BookingChange | None:
    """Return the change whose difference a paid booking waits for, None when it waits for none."""
    if dues_of(booking) is not None:
        return None
    if booking.state is not State.CONFIRMED or booking.starts_at <= tx.now:
        return None
    change = open_change(tx, booking.id)
    waits = change is not None and change.state is ChangeState.AWAITING_PAYMENT
    return change if waits else None


def off(
    tx: Tx,
    booking: Booking,
    change: BookingChange,
    event: ChangeEvent,
    reason: str,
    *,
    vendor: bool = True,
) -> None:
    """End a change that comes to nothing: what was held for it is free, the booking stands.

    Args:
        tx: the caller's transaction.
        booking: its booking, locked.
        change: the open change.
        event: decline, lapse or drop.
        reason: what the messages say of it.
        vendor: whether the vendor has to hear of it.
    """
    if _is_held(change):
        calendar.exchange(tx, booking.listing_id, _both(booking, change), _booked(booking))
    change.move(event)
    _finish(tx, change)
    key = str(change.id)
    if reason != WITHDRAWN:
        tell_customer(tx, booking, Topic.CHANGE_OFF_CUSTOMER, key=key, reason=reason)
    if vendor:
        tell_vendor(tx, booking, Topic.CHANGE_OFF_VENDOR, key=key, reason=reason)


def drop_open(tx: Tx, booking: Booking) -> None:
    """End the open change of a booking that is cancelled, begun or done; that is message enough.

    Call it before the booking's own units are given back.
    """
    change = open_change(tx, booking.id)
    if change is not None:
        off(tx, booking, change, ChangeEvent.DROP, WITHDRAWN, vendor=False)


def due_changes(tx: Tx, limit: int) -> list[UUID]:
    """Return changes whose timer has run out, the longest overdue first."""
    return list(
        tx.db.scalars(
            select(BookingChange.id)
            .where(BookingChange.due_at <= tx.now)
            .order_by(BookingChange.due_at)
            .limit(limit)
        )
    )


def fire_change(tx: Tx, change_id: UUID) -> ChangeState | None:
    """Let a change lapse; None when nothing is due, or somebody else has its booking."""
    of = select(BookingChange.booking_id).where(BookingChange.id == change_id).scalar_subquery()
    booking = tx.db.scalar(
        select(Booking).where(Booking.id == of).with_for_update(skip_locked=True)
    )
    if booking is None:
        return None
    change = tx.db.get_one(BookingChange, change_id, populate_existing=True)
    if change.due_at is None or change.due_at > tx.now:
        return None
    if change.state is ChangeState.ASKED:
        off(tx, booking, change, ChangeEvent.LAPSE, UNANSWERED)
    elif _being_paid(tx, booking, change):
        assert change.hold_until is not None, "a hold has a limit"
        change.due_at = min(tx.now + timedelta(seconds=HOLD_STRETCH_SECONDS), change.hold_until)
    else:
        asked = change.accepted_at is not None
        off(tx, booking, change, ChangeEvent.LAPSE, UNPAID, vendor=asked)
    return change.state


def about_wish(change: BookingChange) -> dict[str, Any]:
    """Return the values of a message about a wish that is not applied yet."""
    return {
        **was(change),
        "starts_on": change.starts_on.isoformat(),
        "ends_on": change.ends_on.isoformat(),
        "people": change.people,
        "net_cents": change.price["vendor_net"],
        "to_pay_cents": change.to_pay_cents,
        "due_at": change.due_at.isoformat() if change.due_at else None,
    }


def price_json(price: Price) -> Json:
    """Return a price as it is kept with a change."""
    return {part.name: getattr(price, part.name).cents for part in fields(Price)}


def _price(kept: Json) -> Price:
    return Price(**{name: Money(cents) for name, cents in kept.items()})


def was(change: BookingChange) -> dict[str, Any]:
    """Return the values of a message that say what a booking was before a change."""
    return {
        "was_starts_on": change.was_starts_on.isoformat(),
        "was_ends_on": change.was_ends_on.isoformat(),
        "was_people": change.was_people,
        "was_net_cents": change.was_net_cents,
    }


def _being_paid(tx: Tx, booking: Booking, change: BookingChange) -> bool:
    in_time = change.hold_until is not None and tx.now < change.hold_until
    return in_time and open_collection(tx, booking.id) is not None


def _finish(tx: Tx, change: BookingChange) -> None:
    change.due_at = None
    change.finished_at = tx.now


def _is_held(change: BookingChange) -> bool:
    return change.state is ChangeState.AWAITING_PAYMENT


def _booked(booking: Booking) -> calendar.Units:
    return calendar.units_by_day(booking.starts_on, booking.ends_on, booking.quantity)


def _wished(change: BookingChange) -> calendar.Units:
    return calendar.units_by_day(change.starts_on, change.ends_on, change.quantity)


def _both(booking: Booking, change: BookingChange) -> calendar.Units:
    return calendar.either(_booked(booking), _wished(change))
