"""What evidence does: money that moved is booked once, whatever tells of it and how often.

Evidence that does not fit (an unknown attempt, another amount, another number) changes nothing;
the note that comes back says why, for the counter and the log.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.booking.changes import apply_change, paid_change, payable_now
from core.booking.lifecycle import Actor, Event, State
from core.booking.model import Booking
from core.booking.moves import lock_booking, move
from core.booking.notices import Topic, tell_customer, tell_vendor, vendor_msisdn
from core.booking.rules import complete_due
from core.catalog import calendar
from core.db.tx import Tx, Work
from core.errors import NoUnits
from core.escrow import ledger, postings
from core.limits import B2C_MIN_CENTS, RETURN_RETRY_SECONDS, RETURN_TRIES_MAX
from core.money import CENTS_PER_SHILLING, Money
from core.payments import receipts, refunds
from core.payments.lifecycle import AttemptEvent, AttemptState
from core.payments.model import Attempt, Direction, Kind, Receipt
from core.payments.paybill import typed_code
from core.payouts.settle import payout_failed, payout_paid
from core.people.model import User
from core.ports import MoneyEvent, Outcome, Reason


def apply(tx: Tx, event: MoneyEvent, kinds: Collection[Kind] = tuple(Kind)) -> str | None:
    """Apply evidence of a money movement; safe with repeats and in any order.

    Args:
        tx: the caller's transaction.
        event: the evidence.
        kinds: what it can speak of; an attempt of another kind is not the one that is meant.

    Returns:
        None when it changed something, else why not: ``unknown_attempt``, ``wrong_amount``,
        ``wrong_number``, ``other_receipt``, ``repeat``, ``late_failure``, ``pending``.
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
        return _succeed(tx, attempt, event)
    if attempt.state is AttemptState.SUCCEEDED:
        return "late_failure"
    if event.outcome is Outcome.FAILED and attempt.state is not AttemptState.FAILED:
        fail(tx, attempt, event.reason or Reason.OTHER, event.code)
        return None
    if event.outcome is Outcome.FAILED:
        attempt.due_at = None  # It was asked about once more, and there it is.
    in_flight = attempt.state in {AttemptState.SENDING, AttemptState.PENDING}
    if event.outcome is Outcome.UNKNOWN and in_flight:
        attempt.move(AttemptEvent.LOSE)
        attempt.code = event.code
        return None
    return "pending" if event.outcome is Outcome.PENDING else "repeat"


def fail(tx: Tx, attempt: Attempt, reason: Reason, code: str | None) -> None:
    """Note that a locked attempt moved no money, and do what follows for its kind."""
    attempt.move(AttemptEvent.FAIL)
    attempt.reason = reason
    attempt.code = code
    attempt.due_at = None
    attempt.finished_at = tx.now
    match attempt.kind:
        case Kind.COLLECTION:
            booking = tx.db.get_one(Booking, attempt.booking_id)
            if (payable := payable_now(tx, booking)) is not None:
                tell_customer(
                    tx,
                    booking,
                    Topic.PAYMENT_FAILED,
                    key=str(attempt.id),
                    reason=reason.value,
                    **payable.params,
                )
        case Kind.PAYOUT:
            payout_failed(tx, attempt, reason)
        case Kind.RETURN if attempt.refund_id is not None:
            refunds.refund_failed(tx, attempt)
        case Kind.RETURN:
            _retry_return(tx, attempt)


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


def _succeed(tx: Tx, attempt: Attempt, event: MoneyEvent) -> str | None:
    """Keep the proof first: one that is another's moves nothing, not even the attempt."""
    number = event.receipt
    if attempt.state is AttemptState.SUCCEEDED:
        return _name(tx, attempt, number)
    booking = by_hand = None
    if attempt.kind is Kind.COLLECTION:
        booking = lock_booking(tx, _booking_of(attempt))
        # The paybill may have confirmed a prompt's money already.
        by_hand = receipts.confirmed_by_paybill(tx, attempt) if number is None else None
    receipt = by_hand or receipts.keep_of(tx, attempt, number)
    if receipt is None and not receipts.is_own(tx, attempt, number):
        return "other_receipt"
    attempt.move(AttemptEvent.SUCCEED)
    attempt.code = event.code
    attempt.reason = None
    attempt.due_at = None
    attempt.finished_at = tx.now
    _charge(tx, event)
    if by_hand is not None:
        by_hand.attempt_id = attempt.id
        return None
    if receipt is None:
        return "repeat"
    if booking is not None:
        _collect(tx, booking, receipt)
    elif attempt.kind is Kind.PAYOUT:
        payout_paid(tx, attempt)
    elif attempt.refund_id is not None:
        refunds.refund_returned(tx, attempt)
    else:
        _returned(tx, attempt)
    return None


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
    _collect(tx, booking, other)
    return None


def _booking_of(attempt: Attempt) -> UUID:
    assert attempt.booking_id is not None, "a collection is for a booking"
    return attempt.booking_id


def _collect(tx: Tx, booking: Booking, receipt: Receipt) -> None:
    """Put money that came for a booking where it belongs."""
    receipt.booking_id = booking.id
    exact = receipt.amount_cents == booking.total_cents
    change = paid_change(tx, booking, Money(receipt.amount_cents))
    if change is not None:
        _capture(tx, booking, receipt)
        apply_change(tx, booking, change, Actor.PROVIDER)
    elif exact and booking.state is State.AWAITING_PAYMENT:
        _confirm(tx, booking, receipt, Event.PAY)
    elif exact and claim_again(tx, booking):
        _confirm(tx, booking, receipt, Event.PAY_LATE)
    else:
        _suspend(tx, receipt)
        _send_back(tx, receipt, booking)


def claim_again(tx: Tx, booking: Booking) -> bool:
    """Try to take the units of a booking that had run out; True when they are held again.

    One that was paid for and then cancelled stays so: its money is on the way back.
    """
    if booking.state not in {State.EXPIRED, State.CANCELLED} or booking.starts_at <= tx.now:
        return False
    if booking.cancelled_at is not None:
        return False
    try:
        with tx.db.begin_nested():
            calendar.claim(
                tx, booking.listing_id, booking.starts_on, booking.ends_on, booking.quantity
            )
    except NoUnits:
        return False
    return True


def _confirm(tx: Tx, booking: Booking, receipt: Receipt, event: Event) -> None:
    _capture(tx, booking, receipt)
    confirm_paid(tx, booking, receipt, event, Actor.PROVIDER)


def _capture(tx: Tx, booking: Booking, receipt: Receipt) -> None:
    ledger.post(
        tx,
        postings.paid(
            booking.code,
            receipt.provider,
            Money(receipt.amount_cents),
            reference=receipt.number,
            booking_id=booking.id,
        ),
    )


def confirm_paid(tx: Tx, booking: Booking, receipt: Receipt, event: Event, actor: Actor) -> None:
    """Confirm a locked booking whose money is in its escrow account, and tell both sides."""
    move(tx, booking, event, actor, note=receipt.number)
    booking.paid_at = tx.now
    booking.due_at = complete_due(booking.ends_at)
    customer = tx.db.get_one(User, booking.customer_id)
    tell_customer(
        tx,
        booking,
        Topic.CONFIRMED_CUSTOMER,
        pin=tx.vault.open(booking.check_in_pin_sealed),
        vendor_msisdn=vendor_msisdn(tx, booking),
        receipt=receipt.number if not receipt.number.startswith("attempt:") else None,
    )
    tell_vendor(tx, booking, Topic.CONFIRMED_VENDOR, customer_msisdn=customer.msisdn)


def _suspend(tx: Tx, receipt: Receipt) -> None:
    receipt.suspense = True
    ledger.post(
        tx, postings.suspended(receipt.provider, Money(receipt.amount_cents), receipt.number)
    )


def _send_back(tx: Tx, receipt: Receipt, booking: Booking | None) -> None:
    """Plan the return of money in suspense, when we know to whom; else it waits for a person."""
    too_small = receipt.amount_cents < B2C_MIN_CENTS
    if receipt.payer is None or too_small or receipt.amount_cents % CENTS_PER_SHILLING:
        return
    plan_return(tx, receipt, receipt.payer, delay_seconds=0)
    if booking is not None:
        tell_customer(
            tx,
            booking,
            Topic.MONEY_RETURNING,
            key=receipt.number,
            amount_cents=receipt.amount_cents,
        )


def plan_return(tx: Tx, receipt: Receipt, msisdn: str, delay_seconds: int) -> None:
    """Plan to send a receipt's money, which is in suspense, to a number."""
    tx.db.add(
        Attempt(
            id=tx.ids.uuid(),
            kind=Kind.RETURN,
            provider=receipt.provider,
            state=AttemptState.QUEUED,
            booking_id=receipt.booking_id,
            receipt_id=receipt.id,
            msisdn=msisdn,
            amount_cents=receipt.amount_cents,
            account=receipt.account or _code_of(tx, receipt.booking_id),
            due_at=tx.now + timedelta(seconds=delay_seconds),
            created_at=tx.now,
        )
    )
    tx.wake(Work.ATTEMPTS)


def _code_of(tx: Tx, booking_id: UUID | None) -> str:
    code = tx.db.scalar(select(Booking.code).where(Booking.id == booking_id))
    return code or "RETURN"


def _returned(tx: Tx, attempt: Attempt) -> None:
    amount = Money(attempt.amount_cents)
    ledger.post(tx, postings.sent_back(attempt.provider, amount, reference=str(attempt.id)))
    receipt = tx.db.get_one(Receipt, attempt.receipt_id)
    receipt.suspense = False
    if attempt.booking_id is not None:
        booking = tx.db.get_one(Booking, attempt.booking_id)
        tell_customer(
            tx,
            booking,
            Topic.MONEY_RETURNED,
            key=str(attempt.id),
            amount_cents=attempt.amount_cents,
        )


def _retry_return(tx: Tx, attempt: Attempt) -> None:
    """A return that has failed for certain is tried again later; then it waits for a person."""
    receipt = tx.db.get_one(Receipt, attempt.receipt_id)
    made = tx.db.scalars(select(Attempt.id).where(Attempt.receipt_id == receipt.id)).all()
    if len(made) < RETURN_TRIES_MAX:
        plan_return(tx, receipt, attempt.msisdn, delay_seconds=RETURN_RETRY_SECONDS)


def _apply_paybill(tx: Tx, event: MoneyEvent) -> str | None:
    """Money paid by hand to our paybill: the account typed should be a booking code."""
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
        payer=event.payer,
    )
    if receipt is None:
        return "repeat"
    if booking is None:
        _suspend(tx, receipt)
        _send_back(tx, receipt, None)
        return None
    _collect(tx, booking, receipt)
    return None
