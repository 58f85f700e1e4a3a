"""What people do with a booking before and until it is paid for.

Each function is one effect in the caller's transaction. Lock order, so that no two of them wait
for each other: customer (only ``book``), listing (only ``accept``), booking, calendar days.
"""

import math
from hmac import compare_digest
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from core.booking import rules
from core.booking.changes import drop_open
from core.booking.dues import left_cents
from core.booking.lifecycle import CLAIMING, LIFECYCLE, Actor, Event, State
from core.booking.model import Booking
from core.booking.moves import lock_booking, move, write_event
from core.booking.notices import Topic, as_params, tell_customer, tell_vendor
from core.booking.offers import Offer, Wish, make_offer
from core.catalog import calendar
from core.catalog.model import Listing
from core.catalog.queries import alternatives
from core.clock import nairobi_date
from core.db.tx import Tx
from core.errors import IllegalMove, NotFound, NoUnits, Refused
from core.limits import LIST_MAX, OPEN_BOOKINGS_PER_CUSTOMER_MAX, PIN_TRIES_MAX
from core.money import Money
from core.payments.collect import give_back_parts
from core.people.model import User
from core.people.usecases import ensure_user

CODE_TRIES_MAX = 20
_NEW = insert(Booking).on_conflict_do_nothing(index_elements=["code"]).returning(Booking)
_OPEN = (
    select(func.count())
    .select_from(Booking)
    .where(
        Booking.customer_id == bindparam("customer"),
        Booking.state.in_([State.REQUESTED, State.AWAITING_PAYMENT]),
    )
)


def book(tx: Tx, msisdn: str, wish: Wish, shown_total: Money) -> Booking:
    """Book at once, or ask the vendor, as the listing says.

    An instant booking claims its units and holds them; a request claims nothing yet.

    Args:
        tx: the caller's transaction.
        msisdn: the customer.
        wish: what they want.
        shown_total: the price they said yes to.

    Raises:
        BadInput, NotFound: what ``make_offer`` says.
        Refused: ``price_changed`` (data: total_cents), ``too_many_open``.
        NoUnits: somebody was faster.
    """
    offer = make_offer(tx, wish)
    if offer.price.total != shown_total:
        raise Refused("price_changed", total_cents=offer.price.total.cents)
    customer = ensure_user(tx, msisdn)
    _check_open_bookings(tx, customer)
    booking = _new_booking(tx, offer, customer)
    if offer.instant:
        _claim(tx, booking)
        first = "book_instant"
    else:
        left = calendar.min_free(tx, offer.listing.id, wish.starts_on, wish.ends_on)
        if left < offer.quantity:
            raise NoUnits(left=left)
        first = "request"
        tell_vendor(tx, booking, Topic.REQUEST_RECEIVED, others=_others_waiting(tx, booking))
    write_event(tx, booking, first, None, actor=Actor.CUSTOMER, actor_id=customer.id)
    return booking


def accept(tx: Tx, booking_id: UUID, vendor_id: UUID) -> Booking:
    """Say yes to a request: claim its units, and decline the rivals that no longer fit.

    Raises:
        NotFound: no such booking of this vendor.
        IllegalMove: it is no longer open (data: state).
        NoUnits: the units are gone.
    """
    _lock_listing_of(tx, booking_id)
    booking = _of_vendor(tx, booking_id, vendor_id)
    move(tx, booking, Event.ACCEPT, Actor.VENDOR, vendor_id)
    booking.accepted_at = tx.now
    booking.due_at = rules.accepted_hold_due(tx.now, booking.starts_at)
    _claim(tx, booking)
    tell_customer(tx, booking, Topic.REQUEST_ACCEPTED)
    _decline_rivals(tx, booking)
    return booking


def decline(tx: Tx, booking_id: UUID, vendor_id: UUID) -> Booking:
    """Say no to a request; the customer is offered alternatives. Raises as ``accept``."""
    booking = _of_vendor(tx, booking_id, vendor_id)
    move(tx, booking, Event.DECLINE, Actor.VENDOR, vendor_id)
    booking.due_at = None
    offer_alternatives(tx, booking, Topic.REQUEST_DECLINED)
    return booking


def withdraw(tx: Tx, booking_id: UUID, customer_id: UUID) -> Booking:
    """Take back a request or an unpaid booking; nothing is owed, and parts go back.

    Raises:
        NotFound: no such booking of this customer.
        IllegalMove: it is paid for or over.
    """
    booking = lock_booking(tx, booking_id)
    if booking.customer_id != customer_id:
        raise NotFound("no_booking")
    held = booking.state in CLAIMING
    move(tx, booking, Event.WITHDRAW, Actor.CUSTOMER, customer_id)
    booking.due_at = None
    if held:
        release_units(tx, booking)
        give_back_parts(tx, booking)
    if booking.accepted_at is not None or not held:
        # Of an instant booking the vendor hears when it is paid for, not before.
        tell_vendor(tx, booking, Topic.REQUEST_WITHDRAWN)
    return booking


def check_in(tx: Tx, booking_id: UUID, vendor_id: UUID, pin: str) -> bool:
    """Note that the customer has come: the vendor types the PIN from the customer's SMS.

    Returns:
        False for a wrong PIN. That is no refusal: it is counted, so that four digits cannot be
        found by trying. After ``PIN_TRIES_MAX`` of them no PIN is taken for a while, and the
        customer hears of it.

    Raises:
        NotFound, IllegalMove: as ``accept``.
        Refused: ``too_early`` (before the day of the start), ``rest_unpaid``, ``pin_locked``
            (data: minutes).
    """
    booking = _of_vendor(tx, booking_id, vendor_id)
    if not LIFECYCLE.allows(booking.state, Event.CHECK_IN):
        raise IllegalMove(state=booking.state.value, event=Event.CHECK_IN.value)
    locked_until = booking.pin_locked_until
    if locked_until is not None and tx.now < locked_until:
        seconds_left = (locked_until - tx.now).total_seconds()
        raise Refused("pin_locked", minutes=math.ceil(seconds_left / 60))
    right: str = tx.vault.open(booking.check_in_pin_sealed)
    if not compare_digest(right.encode(), pin.strip().encode()):
        _count_wrong_pin(tx, booking)
        return False
    if nairobi_date(tx.now) < booking.starts_on:
        raise Refused("too_early")
    if left_cents(booking):
        raise Refused("rest_unpaid")
    drop_open(tx, booking)
    move(tx, booking, Event.CHECK_IN, Actor.VENDOR, vendor_id)
    return True


def _count_wrong_pin(tx: Tx, booking: Booking) -> None:
    booking.pin_tries += 1
    if booking.pin_tries < PIN_TRIES_MAX:
        return
    booking.pin_tries = 0
    booking.pin_locked_until = rules.pin_locked_until(tx.now)
    tell_customer(tx, booking, Topic.CHECK_IN_LOCKED, key=booking.pin_locked_until.isoformat())


def release_units(tx: Tx, booking: Booking) -> None:
    """Give a booking's units back to the calendar."""
    calendar.release(tx, booking.listing_id, booking.starts_on, booking.ends_on, booking.quantity)


def _claim(tx: Tx, booking: Booking) -> None:
    calendar.claim(tx, booking.listing_id, booking.starts_on, booking.ends_on, booking.quantity)


def _new_booking(tx: Tx, offer: Offer, customer: User) -> Booking:
    """Write a booking under a code that no other has."""
    code = tx.ids.code()
    values = _as_agreed(tx, offer, customer)
    for _ in range(CODE_TRIES_MAX):
        made = tx.db.scalar(_NEW, {**values, "code": code})
        if made is not None:
            return made
        code = tx.ids.code()
    raise AssertionError("no free booking code in many draws: the alphabet is used up")


def _as_agreed(tx: Tx, offer: Offer, customer: User) -> dict[str, Any]:
    price = offer.price
    due = rules.instant_hold_due if offer.instant else None
    return {
        "id": tx.ids.uuid(),
        "listing_id": offer.listing.id,
        "vendor_id": offer.listing.vendor_id,
        "customer_id": customer.id,
        "state": State.AWAITING_PAYMENT if offer.instant else State.REQUESTED,
        "starts_on": offer.wish.starts_on,
        "ends_on": offer.wish.ends_on,
        "starts_at": offer.starts_at,
        "ends_at": offer.ends_at,
        "people": offer.wish.people,
        "quantity": offer.quantity,
        "base_cents": price.base.cents,
        "service_fee_cents": price.service_fee.cents,
        "vat_cents": price.vat.cents,
        "rounding_cents": price.rounding.cents,
        "total_cents": price.total.cents,
        "commission_cents": price.commission.cents,
        "withholding_cents": price.withholding.cents,
        "vendor_net_cents": price.vendor_net.cents,
        "deposit_cents": offer.deposit.now.cents if offer.deposit else None,
        "rest_due_at": offer.deposit.rest_by if offer.deposit else None,
        "received_cents": 0,
        "policy": offer.policy,
        "check_in_pin_sealed": tx.vault.seal(tx.ids.digits(4)),
        "due_at": due(tx.now) if due else rules.answer_due(tx.now, offer.starts_at),
        "priced_on": nairobi_date(tx.now),
        "created_at": tx.now,
    }


def _check_open_bookings(tx: Tx, customer: User) -> None:
    """One phone cannot hold a whole town: unpaid bookings of a customer are limited.

    ``ensure_user`` has locked the customer, so that two calls of one number are counted in turn.
    """
    open_now = tx.db.scalar(_OPEN, {"customer": customer.id})
    if (open_now or 0) >= OPEN_BOOKINGS_PER_CUSTOMER_MAX:
        raise Refused("too_many_open", limit=OPEN_BOOKINGS_PER_CUSTOMER_MAX)


def _others_waiting(tx: Tx, booking: Booking) -> int:
    """How many more requests wait for this vendor: a bare answer would not say which is meant."""
    return (
        tx.db.scalar(
            select(func.count())
            .select_from(Booking)
            .where(
                Booking.vendor_id == booking.vendor_id,
                Booking.state == State.REQUESTED,
                Booking.id != booking.id,
            )
        )
        or 0
    )


def _lock_listing_of(tx: Tx, booking_id: UUID) -> None:
    """Let accepts of one listing pass one after another: each may decline the others' requests."""
    listing_id = tx.db.scalar(select(Booking.listing_id).where(Booking.id == booking_id))
    tx.db.execute(
        select(Listing.id).where(Listing.id == listing_id).with_for_update(key_share=True)
    )


def _of_vendor(tx: Tx, booking_id: UUID, vendor_id: UUID) -> Booking:
    booking = lock_booking(tx, booking_id)
    if booking.vendor_id != vendor_id:
        raise NotFound("no_booking")
    return booking


def _decline_rivals(tx: Tx, winner: Booking) -> None:
    """Decline the open requests for the same days that can no longer be met, oldest first."""
    rivals = tx.db.scalars(
        select(Booking)
        .where(
            Booking.listing_id == winner.listing_id,
            Booking.state == State.REQUESTED,
            Booking.starts_on < winner.ends_on,
            Booking.ends_on > winner.starts_on,
        )
        .order_by(Booking.created_at, Booking.id)
        .limit(LIST_MAX)
        .with_for_update()
    ).all()
    for rival in rivals:
        left = calendar.min_free(tx, rival.listing_id, rival.starts_on, rival.ends_on)
        if left < rival.quantity:
            move(tx, rival, Event.DECLINE, Actor.SYSTEM, note=f"lost to {winner.code}")
            rival.due_at = None
            offer_alternatives(tx, rival, Topic.REQUEST_DECLINED)


def offer_alternatives(tx: Tx, booking: Booking, topic: Topic) -> None:
    """Tell the customer that it came to nothing, with what else is free."""
    listing = tx.db.get_one(Listing, booking.listing_id)
    found = alternatives(tx, listing, booking.starts_on, booking.ends_on, booking.people)
    tell_customer(tx, booking, topic, alternatives=as_params(found))
