"""What evidence does: money that moved is booked once, whatever tells of it and how often.

Evidence that does not fit (an unknown attempt, another amount, another number) changes nothing;
the note that comes back says why, for the counter and the log.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from core.booking.changes import payable_now
from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.booking.notices import Topic, customer_msisdn, tell_customer
from core.db.tx import Tx
from core.escrow import ledger, postings
from core.money import Money
from core.msisdn import is_shown_as
from core.payments import receipts, refunds
from core.payments.came_back import refund_came_back, return_came_back
from core.payments.collect import collect
from core.payments.lifecycle import AttemptEvent, AttemptState
from core.payments.model import Attempt, Direction, Kind, Method
from core.payments.paybill import typed_code
from core.payments.returns import retry_return, returned, send_back, suspend
from core.payments.ways_back import belongs_to_another, own_reason
from core.payouts.halts import OUR_SIDE, HaltReason, halt
from core.payouts.settle import payout_failed, payout_paid, payout_reversed
from core.ports.money import NOT_TAKEN_BACK, MoneyEvent, Outcome, Reason

REVERSAL = "reversal:"
"""How the number of money that came back begins where its provider has none for it."""


def apply(tx: Tx, event: MoneyEvent, kinds: Collection[Kind] = tuple(Kind)) -> str | None:
    """Apply evidence of a money movement; safe with repeats and in any order.

    Args:
        tx: the caller's transaction.
        event: the evidence.
        kinds: what it can speak of; an attempt of another kind is not the one that is meant.

    Returns:
        None when it changed something, else why not: ``unknown_attempt``, ``wrong_amount``,
        ``wrong_number``, ``other_receipt``, ``repeat``, ``late_failure``, ``pending``,
        ``not_reversible``, ``came_back`` (it had arrived, but its return was told of before).
    """
    if event.account is not None:
        return _apply_paybill(tx, event)
    attempt = _find(tx, event)
    if attempt is None or attempt.sent_at is None or attempt.kind not in kinds:
        return "unknown_attempt"
    if event.amount is not None and event.amount.cents != attempt.amount_cents:
        return "wrong_amount"
    if event.payer is not None and event.payer != attempt.msisdn:
        return "wrong_number"
    return _apply_outcome(tx, attempt, event)


def _apply_outcome(tx: Tx, attempt: Attempt, event: MoneyEvent) -> str | None:
    if event.outcome is Outcome.SUCCEEDED:
        return _arrived(tx, attempt, event)
    if event.outcome is Outcome.REVERSED:
        return _reverse(tx, attempt, event)
    if attempt.state is AttemptState.SUCCEEDED:
        return "late_failure"
    if event.outcome is Outcome.FAILED and attempt.state is not AttemptState.FAILED:
        fail(tx, attempt, event.reason or Reason.OTHER, event.code)
        return None
    if event.reason is Reason.CREDENTIALS and attempt.kind is not Kind.COLLECTION:
        # The question itself was refused, and so would be whatever else is sent.
        halt(tx, attempt.provider, HaltReason.CREDENTIALS, event.code)
    if event.outcome is Outcome.FAILED:
        attempt.due_at = None  # It was asked about once more, and there it is.
    in_flight = attempt.state in {AttemptState.SENDING, AttemptState.PENDING}
    if event.outcome is Outcome.UNKNOWN and in_flight:
        attempt.move(AttemptEvent.LOSE)
    elif event.code != NOT_TAKEN_BACK or attempt.state is not AttemptState.UNKNOWN:
        return "pending" if event.outcome is Outcome.PENDING else "repeat"
    # That a payment stands as it was also says what became of a request that was lost.
    attempt.code = event.code
    return None


def _reverse(tx: Tx, attempt: Attempt, event: MoneyEvent) -> str | None:
    """Book that money came back; what we never knew to have arrived has simply failed."""
    if attempt.kind is Kind.COLLECTION:
        return "not_reversible"
    if attempt.reversed_at is not None:
        return "repeat"
    if attempt.state is AttemptState.FAILED:
        attempt.reason = Reason.CAME_BACK
        return "repeat"
    if attempt.state is not AttemptState.SUCCEEDED:
        fail(tx, attempt, Reason.CAME_BACK, event.code)
        return None
    number = event.receipt or f"{REVERSAL}{attempt.id}"
    amount = Money(attempt.amount_cents)
    kept = receipts.keep(
        tx, attempt.provider, number, Direction.IN, amount, account=receipts.CAME_BACK
    )
    if kept is None:
        return "other_receipt"
    if attempt.kind is Kind.PAYOUT:
        payout_reversed(tx, attempt, number)
    elif attempt.refund_id is not None:
        refund_came_back(tx, attempt, number)
    else:
        return_came_back(tx, attempt, number)
    return None


def fail(tx: Tx, attempt: Attempt, reason: Reason, code: str | None) -> None:
    """Note that a locked attempt moved no money, and do what follows for its kind."""
    reason = own_reason(attempt, reason)
    attempt.move(AttemptEvent.FAIL)
    attempt.reason = reason
    attempt.code = code
    attempt.due_at = None
    attempt.finished_at = tx.now
    if attempt.kind is not Kind.COLLECTION and reason in OUR_SIDE:
        # The next one would fail like this one, and bring the operator's lock closer.
        halt(tx, attempt.provider, OUR_SIDE[reason], code)
    match attempt.kind:
        case Kind.COLLECTION:
            booking = tx.db.get_one(Booking, attempt.booking_id)
            # Who has left the page for a card knows it; who is on it reads it there, too.
            left = attempt.method is Method.CARD and reason is Reason.SILENT
            if not left and (payable := payable_now(tx, booking)) is not None:
                tell_customer(
                    tx,
                    booking,
                    Topic.PAYMENT_FAILED,
                    key=str(attempt.id),
                    reason=reason.value,
                    card=attempt.method is Method.CARD,
                    amount_cents=attempt.amount_cents,
                    due_at=payable.by.isoformat(),
                )
        case Kind.PAYOUT:
            payout_failed(tx, attempt, reason)
        case Kind.RETURN if attempt.refund_id is not None:
            refunds.refund_failed(tx, attempt)
        case Kind.RETURN:
            retry_return(tx, attempt)


def _find(tx: Tx, event: MoneyEvent) -> Attempt | None:
    if event.attempt_id is not None:
        chosen = Attempt.id == event.attempt_id
    elif event.reference is not None:
        chosen = Attempt.reference == event.reference
    else:
        return None
    return tx.db.scalar(
        select(Attempt).where(Attempt.provider == event.provider, chosen).with_for_update()
    )


def _arrived(tx: Tx, attempt: Attempt, event: MoneyEvent) -> str | None:
    """Book that money has moved, unless that is known, over, or another attempt's doing."""
    if attempt.state is AttemptState.SUCCEEDED:
        return _name(tx, attempt, event.receipt)
    if attempt.reason is Reason.CAME_BACK:
        # The word of its arrival is late; nobody must be taken for paid by it.
        return "came_back"
    if belongs_to_another(tx, attempt):
        return "repeat"
    return _succeed(tx, attempt, event)


def _succeed(tx: Tx, attempt: Attempt, event: MoneyEvent) -> str | None:
    """Keep the proof first: one that is another's moves nothing, not even the attempt."""
    number = event.receipt
    booking = by_hand = None
    if attempt.kind is Kind.COLLECTION:
        booking = lock_booking(tx, _booking_of(attempt))
        # The paybill may have confirmed a prompt's money already.
        by_hand = receipts.confirmed_by_paybill(tx, attempt) if number is None else None
    receipt = by_hand or receipts.keep_of(tx, attempt, number)
    if receipt is None and not receipts.is_own(tx, attempt, number):
        return "other_receipt"
    _finish(tx, attempt, event)
    _charge(tx, event)
    if by_hand is not None:
        by_hand.attempt_id = attempt.id
        return None
    if receipt is None:
        return "repeat"
    if booking is not None:
        collect(tx, booking, receipt)
    elif attempt.kind is Kind.PAYOUT:
        payout_paid(tx, attempt)
    elif attempt.refund_id is not None:
        refunds.refund_returned(tx, attempt)
    else:
        returned(tx, attempt)
    return None


def _finish(tx: Tx, attempt: Attempt, event: MoneyEvent) -> None:
    attempt.move(AttemptEvent.SUCCEED)
    if attempt.method is Method.CARD:
        attempt.reference = event.reference  # By it the provider gives back to the card.
    attempt.code = event.code
    attempt.reason = None
    attempt.due_at = None
    attempt.finished_at = tx.now


def _charge(tx: Tx, event: MoneyEvent) -> None:
    """Post what the provider took for a payment, once, whoever tells of it first."""
    if event.fee is None or not event.fee.cents or event.receipt is None:
        return
    number = f"charge:{event.receipt}"
    if receipts.keep(tx, event.provider, number, Direction.OUT, event.fee) is not None:
        ledger.post(tx, postings.charged(event.provider, event.fee, reference=number))


def _name(tx: Tx, attempt: Attempt, number: str | None) -> str | None:
    """Take the receipt's number from evidence that comes after the success itself."""
    if attempt.kind is not Kind.COLLECTION:
        receipts.name_own(tx, attempt, number)
        return "repeat"
    booking = lock_booking(tx, _booking_of(attempt))
    other = receipts.name_own(tx, attempt, number)
    if other is None:
        return "repeat"
    collect(tx, booking, other)
    return None


def _booking_of(attempt: Attempt) -> UUID:
    assert attempt.booking_id is not None, "a collection is for a booking"
    return attempt.booking_id


def _apply_paybill(tx: Tx, event: MoneyEvent) -> str | None:
    """Money paid by hand to our paybill: the account typed should be a booking code.

    M-Pesa moves whole shillings, and so do we: of a price paid with odd cents the rest could not
    be asked for, nor the whole given back. What has them is kept apart, for a person.
    """
    if event.receipt is None or event.amount is None or event.outcome is not Outcome.SUCCEEDED:
        return "no_receipt"
    typed = typed_code(event.account or "")
    booking_id = tx.db.scalar(select(Booking.id).where(Booking.code == typed))
    # Locked before anything is looked up: a prompt's success may be applied at this moment.
    booking = lock_booking(tx, booking_id) if booking_id is not None else None
    if booking is not None and receipts.name_known(
        tx, event.provider, booking.id, event.receipt, event.amount
    ):
        return "repeat"
    receipt = receipts.keep(
        tx,
        event.provider,
        event.receipt,
        Direction.IN,
        event.amount,
        account=typed,
        payer=event.payer or _hidden_payer(tx, booking, event),
    )
    if receipt is None:
        return "repeat"
    if booking is None or not event.amount.is_whole:
        suspend(tx, receipt)
        send_back(tx, receipt, None)
        return None
    collect(tx, booking, receipt)
    return None


def _hidden_payer(tx: Tx, booking: Booking | None, event: MoneyEvent) -> str | None:
    """Return who paid although the paybill hides it: a number that looks like the customer's."""
    if booking is None or event.payer_shown is None:
        return None
    msisdn = customer_msisdn(tx, booking)
    return msisdn if is_shown_as(msisdn, event.payer_shown) else None
