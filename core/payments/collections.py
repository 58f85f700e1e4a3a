"""Asking a customer for money: a prompt on a phone, or a page for a card; one at a time.

What is planned here is sent and asked about by a worker (``attempts``, ``asking``).
"""

from datetime import datetime, timedelta
from uuid import UUID

from core.booking.changes import payable_now
from core.booking.dues import dues_of
from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.db.tx import Tx, Work
from core.errors import Refused
from core.limits import (
    ATTEMPTS_PER_BOOKING_MAX,
    CARD_GIVE_UP_SECONDS,
    STK_DELAY_SECONDS,
    STK_REPEAT_SECONDS,
)
from core.money import Money
from core.payments import routing
from core.payments.attempts import drop
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind, Method
from core.payments.queries import collections_of, open_collection
from core.ports.money import Reason

GAVE_WAY = "gave_way"


def start_collection(tx: Tx, booking_id: UUID, msisdn: str) -> Attempt:
    """Plan a prompt on a phone for what a booking waits for: its price, a part, or a difference.

    The prompt goes out a few seconds later, when the conversation on the phone is over; after one
    that the provider was too busy for, when it takes the next. A prompt whose outcome is open
    is not joined by a second one: on the same phone it is returned. Whoever knows the code may
    pay. A page for a card that stands open gives way: who asks for a prompt has left it.

    Raises:
        NotFound: no such booking.
        Refused: ``not_payable`` (data: state), ``being_paid`` (on another phone), ``prompt_open``
            (for another sum), ``too_many_attempts``.
    """
    booking = lock_booking(tx, booking_id)
    payable = payable_now(tx, booking)
    if payable is None:
        raise Refused("not_payable", state=booking.state.value)
    already = open_collection(tx, booking_id)
    if already is not None and already.method is Method.CARD:
        give_way(tx, already)
    elif already is not None:
        if already.msisdn != msisdn:
            raise Refused("being_paid")
        if dues_of(booking) is None and already.amount_cents != payable.ask.cents:
            raise Refused("prompt_open")
        return already
    tried = collections_of(tx, booking_id)
    if len(tried) >= ATTEMPTS_PER_BOOKING_MAX:
        raise Refused("too_many_attempts")
    due = tx.now + timedelta(seconds=STK_DELAY_SECONDS)
    prompts = [attempt for attempt in tried if attempt.method is Method.MPESA]
    if prompts and (since := _repeats_since(prompts[0], msisdn, payable.ask)) is not None:
        due = max(due, since + timedelta(seconds=STK_REPEAT_SECONDS))
    return new_collection(tx, booking, msisdn, payable.ask, due)


def give_way(tx: Tx, attempt: Attempt) -> None:
    """End a page for a card because another way to pay was chosen.

    Somebody may still pay there: it is asked about until it has closed, and a late success is
    booked like any other.
    """
    drop(tx, attempt, Reason.CANCELLED, GAVE_WAY)
    if attempt.sent_at is not None:
        attempt.due_at = attempt.sent_at + timedelta(seconds=CARD_GIVE_UP_SECONDS)
    tx.db.flush()  # Only one collection of a booking is open at a time.


def _repeats_since(last: Attempt, msisdn: str, amount: Money) -> datetime | None:
    """Return from when M-Pesa may take a prompt for the last one once more; None when it cannot.

    So it is after one that it was too busy for, and with an equal part to the phone that paid one.
    """
    if last.reason is Reason.BUSY:
        return last.sent_at
    equal = last.msisdn == msisdn and last.amount_cents == amount.cents
    return last.finished_at if equal and last.state is AttemptState.SUCCEEDED else None


def first_collection(tx: Tx, booking: Booking, msisdn: str) -> Attempt:
    """Plan the prompt of a booking that this transaction has made: nothing can be in its way."""
    dues = dues_of(booking)
    assert dues is not None, "it is held"
    due = tx.now + timedelta(seconds=STK_DELAY_SECONDS)
    return new_collection(tx, booking, msisdn, dues.ask, due)


def new_collection(
    tx: Tx,
    booking: Booking,
    msisdn: str,
    amount: Money,
    due: datetime,
    method: Method = Method.MPESA,
) -> Attempt:
    """Plan to take money for a booking, through the first provider that is there."""
    order = routing.order(tx.routes, Kind.COLLECTION, method=method)
    attempt = Attempt(
        id=tx.ids.uuid(),
        kind=Kind.COLLECTION,
        method=method,
        provider=routing.choose(order, tx.routes.health.down()),
        state=AttemptState.QUEUED,
        booking_id=booking.id,
        msisdn=msisdn,
        amount_cents=amount.cents,
        account=booking.code,
        due_at=due,
        created_at=tx.now,
    )
    tx.db.add(attempt)
    tx.db.flush()
    tx.wake(Work.ATTEMPTS)
    return attempt
