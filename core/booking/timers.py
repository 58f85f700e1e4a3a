"""What time does to bookings: every state with a ``due_at`` has one thing that happens then.

Due rows are polled with ``SKIP LOCKED``, one transaction each, so that one bad row never blocks
the rest, and two workers never do the same one. Releases alone are done many at once
(``core.booking.release``).
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.booking import rules
from core.booking.changes import drop_open
from core.booking.dues import left_cents
from core.booking.lifecycle import Actor, Event, State
from core.booking.model import Booking
from core.booking.moves import lock_booking, move
from core.booking.notices import Topic, tell_customer, tell_vendor
from core.booking.release import release
from core.booking.rest import rest_is_due
from core.booking.usecases import offer_alternatives, release_units
from core.db.tx import Tx
from core.errors import IllegalMove, NotFound, Refused
from core.limits import HOLD_STRETCH_SECONDS, STK_GIVE_UP_SECONDS
from core.payments.collect import give_back_parts, part_hold_end
from core.payments.queries import open_collection


def due_bookings(tx: Tx, limit: int) -> list[UUID]:
    """Return bookings whose timer has run out, the longest overdue first."""
    return list(
        tx.db.scalars(
            select(Booking.id)
            .where(Booking.due_at <= tx.now)
            .order_by(Booking.due_at, Booking.id)
            .limit(limit)
        )
    )


def fire(tx: Tx, booking_id: UUID) -> State | None:
    """Do what is due for one booking; None when nothing is, or another worker has it."""
    booking = tx.db.scalar(
        select(Booking)
        .where(Booking.id == booking_id, Booking.due_at <= tx.now)
        .with_for_update(skip_locked=True)
    )
    if booking is None:
        return None
    match booking.state:
        case State.REQUESTED:
            _lapse_request(tx, booking)
        case State.AWAITING_PAYMENT:
            _lapse_hold(tx, booking)
        case State.CONFIRMED if left_cents(booking):
            rest_is_due(tx, booking)
        case State.CONFIRMED | State.CHECKED_IN:
            complete(tx, booking, Actor.TIME)
        case State.COMPLETED:
            release(tx, [booking])
        case _:
            booking.due_at = None
    return booking.state


def complete(tx: Tx, booking: Booking, actor: Actor, actor_id: UUID | None = None) -> None:
    """Note that the service is done; its money becomes the vendor's two days later.

    Raises:
        Refused: ``rest_unpaid``.
    """
    if left_cents(booking):
        raise Refused("rest_unpaid")
    drop_open(tx, booking)
    booking.completed_at = tx.now
    booking.due_at = rules.release_due(tx.now)
    move(tx, booking, Event.COMPLETE, actor, actor_id)
    tell_customer(tx, booking, Topic.COMPLETED)


def complete_by_customer(tx: Tx, booking_id: UUID, customer_id: UUID) -> Booking:
    """The customer says that the service was given, once it has begun.

    Raises:
        NotFound: no such booking of this customer, or it has not begun.
        IllegalMove: it is not paid for, or completed already.
        Refused: ``rest_unpaid``.
    """
    booking = lock_booking(tx, booking_id)
    if booking.customer_id != customer_id or booking.starts_at > tx.now:
        raise NotFound("no_booking")
    complete(tx, booking, Actor.CUSTOMER, customer_id)
    return booking


def complete_by_vendor(tx: Tx, booking_id: UUID, vendor_id: UUID) -> Booking:
    """The vendor says that it is over: only of a guest whose PIN they typed, and after its end.

    The customer hears of it and has as long as ever to object.

    Raises:
        NotFound: no such booking of this vendor.
        IllegalMove: the customer was not checked in, or it is completed already.
        Refused: ``too_early``, it has not ended.
    """
    booking = lock_booking(tx, booking_id)
    if booking.vendor_id != vendor_id:
        raise NotFound("no_booking")
    if booking.state is not State.CHECKED_IN:
        raise IllegalMove(state=booking.state.value, event=Event.COMPLETE.value)
    if tx.now < booking.ends_at:
        raise Refused("too_early")
    complete(tx, booking, Actor.VENDOR, vendor_id)
    return booking


def _lapse_request(tx: Tx, booking: Booking) -> None:
    move(tx, booking, Event.LAPSE, Actor.TIME)
    booking.due_at = None
    offer_alternatives(tx, booking, Topic.REQUEST_EXPIRED)
    tell_vendor(tx, booking, Topic.REQUEST_MISSED)


def _lapse_hold(tx: Tx, booking: Booking) -> None:
    """Let a hold run out, unless the customer is paying at this moment."""
    limit = rules.hold_limit(booking.created_at, booking.accepted_at, booking.starts_at)
    if (end := part_hold_end(tx, booking)) is not None:
        limit = max(limit, end + timedelta(seconds=STK_GIVE_UP_SECONDS))
    if open_collection(tx, booking.id) is not None and tx.now < limit:
        booking.due_at = min(tx.now + timedelta(seconds=HOLD_STRETCH_SECONDS), limit)
        return
    move(tx, booking, Event.LAPSE, Actor.TIME)
    booking.due_at = None
    release_units(tx, booking)
    back = give_back_parts(tx, booking)
    tell_customer(tx, booking, Topic.HOLD_EXPIRED, back_cents=back.cents)
    if booking.accepted_at is not None:
        tell_vendor(tx, booking, Topic.NOT_PAID)
