"""What money does for the booking that it came for: it is taken, counted, or sent back.

As much as a booking lacks is taken into its escrow, whatever pieces it comes in. What confirms the
booking is its deposit or the whole price (``core.booking.dues``); what comes beyond the price goes
back at once, and everything goes back when the hold ends before enough has come. Callers hold the
booking's lock: two payments at once are counted one after the other.
"""

from datetime import datetime

from core.booking import rules
from core.booking.changes import apply_change, unpaid_change
from core.booking.dues import first_cents, goes_on_tomorrow, left_cents, missing_cents
from core.booking.lifecycle import Actor, Event, State
from core.booking.model import Booking
from core.booking.moves import came_from, move
from core.booking.notices import (
    Topic,
    customer_msisdn,
    tell_customer,
    tell_vendor,
    vendor_msisdn,
)
from core.catalog import calendar
from core.db.tx import Tx
from core.errors import NoUnits
from core.escrow import ledger, postings
from core.limits import PARTS_TAKEN_MAX
from core.money import Money
from core.payments.model import Receipt
from core.payments.queries import captured
from core.payments.returns import is_sendable, plan_return, send_back, suspend
from core.payments.ways_back import payment_to_take_back


def collect(tx: Tx, booking: Booking, receipt: Receipt) -> None:
    """Put money that came for a locked booking where it belongs."""
    receipt.booking_id = booking.id
    change = unpaid_change(tx, booking)
    if change is not None and receipt.amount_cents >= change.to_pay_cents:
        room = Money(change.to_pay_cents)
    else:
        room, change = room_for(tx, booking, receipt), None
    taken = min(room, Money(receipt.amount_cents))
    if not taken.cents:
        suspend(tx, receipt)
        send_back(tx, receipt, booking)
        return
    spare = Money(receipt.amount_cents) - taken
    ledger.post(
        tx,
        postings.paid(
            booking.code,
            receipt.provider,
            taken,
            reference=receipt.number,
            booking_id=booking.id,
            spare=spare,
        ),
    )
    if spare.cents:
        receipt.suspense = True
        receipt.spare_cents = spare.cents
        send_back(tx, receipt, booking)
    if change is not None:
        apply_change(tx, booking, change, Actor.PROVIDER)
    else:
        take(tx, booking, receipt, taken, Actor.PROVIDER)


def room_for(tx: Tx, booking: Booking, receipt: Receipt) -> Money:
    """Return how much a locked booking can take of a payment; nothing when it can use none.

    A booking that had waited for its payment in vain takes only what confirms it, and only if it
    is still free: its units are held again then.
    """
    if booking.state is State.AWAITING_PAYMENT:
        needed_cents = missing_cents(booking)
    elif booking.state is State.CONFIRMED:
        needed_cents = left_cents(booking)
    elif receipt.amount_cents >= first_cents(booking) and claim_again(tx, booking):
        return Money(booking.total_cents)
    else:
        return Money(0)
    if receipt.amount_cents < needed_cents:
        others = [other for other in captured(tx, booking.id) if other.id != receipt.id]
        if len(others) >= PARTS_TAKEN_MAX:
            return Money(0)
    return Money(left_cents(booking))


def take(tx: Tx, booking: Booking, receipt: Receipt, taken: Money, actor: Actor) -> None:
    """Count money that is in a locked booking's escrow, and do what follows from it."""
    booking.received_cents += taken.cents
    if booking.state is State.CONFIRMED and not left_cents(booking):
        booking.due_at = rules.complete_due(booking.ends_at)
        tell_customer(tx, booking, Topic.REST_RECEIVED, came_cents=taken.cents)
    elif booking.state is State.CONFIRMED:
        _tell_part(tx, booking, receipt, taken)
    elif booking.state is not State.AWAITING_PAYMENT:
        _confirm(tx, booking, receipt, Event.PAY_LATE, actor)
    elif missing_cents(booking):
        assert booking.due_at is not None, "a hold has an end"
        booking.due_at = max(booking.due_at, part_hold_end(tx, booking) or tx.now)
        _tell_part(tx, booking, receipt, taken)
    else:
        _confirm(tx, booking, receipt, Event.PAY, actor)


def part_hold_end(tx: Tx, booking: Booking) -> datetime | None:
    """Return until when the last part of a price that has come keeps its booking waiting.

    None when nothing has come. The hold itself may last longer.
    """
    found = captured(tx, booking.id)
    if not found:
        return None
    return rules.part_hold_due(found[0].at, booking.starts_at, next_day=goes_on_tomorrow(booking))


def claim_again(tx: Tx, booking: Booking) -> bool:
    """Try to take the units of a booking that had run out; True when they are held again.

    Only one that ended while it waited for its payment: a request to which the vendor has not
    said yes is nothing that money could confirm, and of one that was paid for and then cancelled
    the money is on the way back.
    """
    if booking.state not in {State.EXPIRED, State.CANCELLED} or booking.starts_at <= tx.now:
        return False
    if came_from(tx, booking) is not State.AWAITING_PAYMENT:
        return False
    try:
        with tx.db.begin_nested():
            calendar.claim(
                tx, booking.listing_id, booking.starts_on, booking.ends_on, booking.quantity
            )
    except NoUnits:
        return False
    return True


def give_back_parts(tx: Tx, booking: Booking) -> Money:
    """Set aside what has come of a locked booking's price, and plan to send all of it back.

    Returns:
        how much that is; nothing when nothing had come.
    """
    back = Money(booking.received_cents)
    if not back.cents:
        return back
    for receipt in captured(tx, booking.id):
        assert not receipt.spare_cents, "what comes too much confirms its booking"
        ledger.post(
            tx,
            postings.set_aside(
                booking.code,
                receipt.provider,
                Money(receipt.amount_cents),
                receipt_id=receipt.id,
                booking_id=booking.id,
            ),
        )
        receipt.suspense = True
        receipt.spare_cents = receipt.amount_cents
        taken = payment_to_take_back(tx, receipt, receipt.spare_cents)
        if taken is not None or is_sendable(receipt):
            # A paybill may hide who paid; then the booking's own number has the best claim.
            msisdn = receipt.payer or customer_msisdn(tx, booking)
            plan_return(tx, receipt, msisdn, delay_seconds=0, takes_back=taken)
    booking.received_cents = 0
    return back


def _confirm(tx: Tx, booking: Booking, receipt: Receipt, event: Event, actor: Actor) -> None:
    """Confirm a booking for which enough has come, and tell both sides."""
    booking.paid_at = tx.now
    if left_cents(booking):
        assert booking.rest_due_at is not None, "only a deposit leaves a rest"
        booking.rest_due_at = rules.rest_deadline(tx.now, booking.rest_due_at, booking.starts_at)
        booking.due_at = rules.rest_due(tx.now, booking.rest_due_at)
    else:
        booking.due_at = rules.complete_due(booking.ends_at)
    move(tx, booking, event, actor, note=receipt.number)
    tell_customer(
        tx,
        booking,
        Topic.CONFIRMED_CUSTOMER,
        pin=tx.vault.open(booking.check_in_pin_sealed),
        vendor_msisdn=vendor_msisdn(tx, booking),
        receipt=receipt.number if not receipt.number.startswith("attempt:") else None,
    )
    tell_vendor(tx, booking, Topic.CONFIRMED_VENDOR, customer_msisdn=customer_msisdn(tx, booking))


def _tell_part(tx: Tx, booking: Booking, receipt: Receipt, taken: Money) -> None:
    tell_customer(
        tx,
        booking,
        Topic.PART_RECEIVED,
        key=str(receipt.id),
        came_cents=taken.cents,
        confirmed=booking.state is State.CONFIRMED,
    )
