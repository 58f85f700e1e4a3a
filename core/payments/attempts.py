"""Sending attempts and asking about them: who may do what next, each step a commit of its own.

An attempt is marked ``sending`` before the provider is called. If the worker dies then, the
attempt is found with its time run out and becomes ``unknown``: it is asked about, never sent
again.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, exists, or_, select

from core.booking.changes import payable_now
from core.booking.dues import dues_of, left_cents
from core.booking.model import Booking
from core.booking.notices import Topic, tell_customer
from core.db.tx import Tx, Work
from core.limits import (
    ATTEMPT_BACKOFF_SECONDS,
    ATTEMPT_LEASE_SECONDS,
    COLLECTION_TRIES_MAX,
    PAYOUT_SEND_TRIES_MAX,
    TAKE_BACK_TRIES_MAX,
)
from core.money import Money
from core.payments import routing
from core.payments.asking import PAYOUT_ASKED_MIN, ask_in_time, ask_late, next_question
from core.payments.lifecycle import AttemptEvent, AttemptState
from core.payments.links import page_of
from core.payments.model import Attempt, Kind, Method, Receipt
from core.payments.queries import charge_of
from core.payments.refunds import is_wanted
from core.payments.settle import fail
from core.payouts.halts import Halt, HaltReason, is_halted
from core.payouts.settle import is_owed, lock_payout, plan_rest
from core.ports.money import (
    BankAccount,
    CardRefund,
    CheckoutRequest,
    PayRequest,
    PushRequest,
    Reason,
    TakeBackRequest,
)
from core.ports.providers import ProviderError

Request = PushRequest | CheckoutRequest | CardRefund | PayRequest | TakeBackRequest
REROUTED = "rerouted"
REASONS = {
    "bad_number": Reason.BAD_RECIPIENT,
    "bad_credentials": Reason.CREDENTIALS,
    "busy": Reason.BUSY,
    "no_balance": Reason.NO_FLOAT,
}


def drop(tx: Tx, attempt: Attempt, reason: Reason, code: str | None = None) -> None:
    """Let an attempt fail without a word to anybody: something else takes its place."""
    attempt.move(AttemptEvent.FAIL)
    attempt.reason = reason
    attempt.code = code
    attempt.due_at = None
    attempt.finished_at = tx.now


# Built once: workers look every second.
_HALTED = exists().where(
    Halt.provider == Attempt.provider,
    or_(Halt.reason != HaltReason.LOW_FLOAT, Attempt.state == AttemptState.QUEUED),
)
_DUE = (
    select(Attempt.id)
    .where(
        Attempt.due_at <= bindparam("now"),
        Attempt.kind.in_(bindparam("kinds", expanding=True)),
        or_(Attempt.kind == Kind.COLLECTION, ~_HALTED),
    )
    .order_by(Attempt.due_at, Attempt.id)
    .limit(bindparam("at_most"))
)


def due_attempts(
    tx: Tx,
    limit: int,
    kinds: Collection[Kind] = tuple(Kind),
) -> list[UUID]:
    """Return attempts that are to be sent, asked about or given up, the longest due first.

    Nothing leaves through a provider that is halted. Where only money is wanting, what has left
    is still asked about; refused credentials would be refused for questions, too.

    Args:
        tx: the caller's transaction.
        limit: so many at the most.
        kinds: only of these.
    """
    chosen = {"now": tx.now, "kinds": list(kinds), "at_most": limit}
    return list(tx.db.scalars(_DUE, chosen))


def begin(tx: Tx, attempt_id: UUID) -> Request | Attempt | None:
    """Take one due attempt.

    Returns:
        a request to send now (the attempt is marked ``sending``), the attempt itself when it is
        to be asked about, or None when there is nothing to do.
    """
    attempt = tx.db.scalar(
        select(Attempt)
        .where(Attempt.id == attempt_id, Attempt.due_at <= tx.now)
        .with_for_update(skip_locked=True)
    )
    if attempt is None or _must_wait(tx, attempt):
        return None
    if attempt.state is AttemptState.QUEUED:
        return None if _reroute(tx, attempt) else _send(tx, attempt)
    if attempt.state is AttemptState.SENDING:
        attempt.move(AttemptEvent.LOSE)
    if attempt.state not in {AttemptState.PENDING, AttemptState.UNKNOWN}:
        return ask_late(tx, attempt)
    if _may_be_sent_again(attempt) and _still_wanted(tx, attempt):
        attempt.move(AttemptEvent.REQUEUE)
        attempt.asked = 0
        attempt.code = None  # What was said of the last try proves nothing about this one.
        return _send(tx, attempt)
    return ask_in_time(tx, attempt)


def _must_wait(tx: Tx, attempt: Attempt) -> bool:
    """Tell whether another worker has learned of a halt since this one looked what is due."""
    to_send = attempt.state is AttemptState.QUEUED or _may_be_sent_again(attempt)
    return to_send and attempt.kind is not Kind.COLLECTION and is_halted(tx, attempt.provider)


def _may_be_sent_again(attempt: Attempt) -> bool:
    """A payment that may never have reached the provider, after asking about it in vain.

    Our id is the provider's idempotency key (``PayoutGateway.pay``), so the same attempt again
    cannot pay twice. Prompts have no such key: they are given up instead. Neither have refunds
    to a card: they wait for an answer, or for a person. A payment is taken back once
    (``TakeBackGateway``): asking for that again tells what became of it the first time.
    """
    return (
        attempt.kind is not Kind.COLLECTION
        and attempt.method is Method.MPESA
        and attempt.state is AttemptState.UNKNOWN
        and (attempt.reference is None or attempt.takes_back is not None)
        and attempt.asked >= PAYOUT_ASKED_MIN
        and attempt.tries < _sent_at_most(attempt)
    )


def _sent_at_most(attempt: Attempt) -> int:
    return PAYOUT_SEND_TRIES_MAX if attempt.takes_back is None else TAKE_BACK_TRIES_MAX


def _send(tx: Tx, attempt: Attempt) -> Request | None:
    if not _still_wanted(tx, attempt):
        drop(tx, attempt, Reason.CANCELLED)
        if attempt.kind is Kind.PAYOUT:
            plan_rest(tx, lock_payout(tx, attempt), attempt)
        return None
    attempt.move(AttemptEvent.SEND)
    attempt.tries += 1
    attempt.sent_at = tx.now
    attempt.due_at = tx.now + timedelta(seconds=ATTEMPT_LEASE_SECONDS)
    amount = Money(attempt.amount_cents)
    if attempt.method is Method.CARD and attempt.kind is Kind.RETURN:
        return CardRefund(attempt.id, charge_of(tx, attempt), amount)
    if attempt.method is Method.CARD:
        page = page_of(tx, attempt)
        return CheckoutRequest(attempt.id, attempt.msisdn, amount, attempt.account, page)
    if attempt.kind is Kind.COLLECTION:
        return PushRequest(attempt.id, attempt.msisdn, amount, attempt.account)
    if attempt.takes_back is not None:
        return TakeBackRequest(attempt.id, attempt.takes_back, amount)
    sealed = attempt.bank_sealed
    bank = BankAccount(**tx.vault.open(sealed)) if sealed is not None else None
    return PayRequest(attempt.id, attempt.msisdn, amount, attempt.account, bank)


def _reroute(tx: Tx, attempt: Attempt) -> bool:
    """Give an attempt that was provably not sent to another provider, once; True when done.

    The old attempt ends as failed and stays findable: should its provider show that it did move
    the money after all, its late success is booked like any other.
    """
    other = _other_provider(tx, attempt)
    if other is None or attempt.provider not in tx.routes.health.down():
        return False
    drop(tx, attempt, Reason.OTHER, REROUTED)
    tx.db.flush()  # Only one attempt of a booking or payout is open at a time.
    tx.db.add(
        Attempt(
            id=tx.ids.uuid(),
            kind=attempt.kind,
            method=attempt.method,
            provider=other,
            state=AttemptState.QUEUED,
            booking_id=attempt.booking_id,
            payout_id=attempt.payout_id,
            msisdn=attempt.msisdn,
            amount_cents=attempt.amount_cents,
            account=attempt.account,
            bank_sealed=attempt.bank_sealed,
            rerouted_from=attempt.id,
            due_at=tx.now,
            created_at=tx.now,
        )
    )
    tx.db.flush()
    tx.wake(Work.ATTEMPTS)
    return True


def _other_provider(tx: Tx, attempt: Attempt) -> str | None:
    """Return who could take over an attempt that has provably not been carried out."""
    if attempt.kind is Kind.RETURN or attempt.lost or attempt.rerouted_from is not None:
        return None
    order = routing.order(
        tx.routes, attempt.kind, method=attempt.method, bank=attempt.bank_sealed is not None
    )
    return routing.alternative(order, tx.routes.health.down(), attempt.provider)


def own_reference(tx: Tx, attempt_id: UUID) -> None:
    """Note, before a push is sent, that its provider can be asked about it by our own id."""
    tx.db.get_one(Attempt, attempt_id).reference = str(attempt_id)


def _still_wanted(tx: Tx, attempt: Attempt) -> bool:
    """Tell whether money should still move: much may have happened while the attempt waited."""
    match attempt.kind:
        case Kind.COLLECTION:
            # Paid by hand or withdrawn in the meantime: nobody should be asked for too much.
            booking = tx.db.get_one(Booking, attempt.booking_id)
            if dues_of(booking) is not None:
                return attempt.amount_cents <= left_cents(booking)
            payable = payable_now(tx, booking)
            return payable is not None and attempt.amount_cents == payable.ask.cents
        case Kind.PAYOUT:
            payout = lock_payout(tx, attempt)
            return payout.hold_reason is None and is_owed(tx, payout, attempt)
        case Kind.RETURN if attempt.refund_id is not None:
            return is_wanted(tx, attempt)
        case Kind.RETURN:
            # An earlier return, given up as failed, may have gone through after all.
            return tx.db.get_one(Receipt, attempt.receipt_id, with_for_update=True).suspense


def accepted(tx: Tx, attempt_id: UUID, reference: str, link: str | None = None) -> None:
    """Note that the provider took a request; its callback may have come before."""
    attempt = tx.db.get_one(Attempt, attempt_id, with_for_update=True)
    attempt.reference = reference
    attempt.link = link
    if attempt.state in {AttemptState.SENDING, AttemptState.UNKNOWN}:
        attempt.move(AttemptEvent.ACCEPT)
        attempt.due_at = next_question(attempt, tx.now)


def refused(tx: Tx, attempt_id: UUID, error: ProviderError) -> AttemptState:
    """Note that a request did not go through, and plan what comes next.

    Unknown: it is asked about. Proven not processed and worth another try: when its provider is
    down and another is not, that one takes over; else it waits with growing pauses, and the
    customer is told once. Else it has failed.
    """
    attempt = tx.db.get_one(Attempt, attempt_id, with_for_update=True)
    if attempt.state is not AttemptState.SENDING:
        return attempt.state  # A callback was faster.
    attempt.code = error.code
    tries_max = COLLECTION_TRIES_MAX if attempt.kind is Kind.COLLECTION else PAYOUT_SEND_TRIES_MAX
    if error.unknown:
        attempt.move(AttemptEvent.LOSE)
        attempt.due_at = next_question(attempt, tx.now)
    elif error.retryable and attempt.tries < tries_max:
        attempt.move(AttemptEvent.REQUEUE)
        pause = ATTEMPT_BACKOFF_SECONDS[min(attempt.tries, len(ATTEMPT_BACKOFF_SECONDS)) - 1]
        attempt.due_at = tx.now + timedelta(seconds=pause)
        if _reroute(tx, attempt):
            return attempt.state
        # While somebody else may still take it over, there is nothing to tell.
        waits = attempt.kind is Kind.COLLECTION and attempt.method is Method.MPESA
        if waits and _other_provider(tx, attempt) is None:
            booking = tx.db.get_one(Booking, attempt.booking_id)
            if (payable := payable_now(tx, booking)) is not None:
                due_at = payable.by.isoformat()
                amount_cents = attempt.amount_cents
                tell_customer(
                    tx, booking, Topic.PROVIDER_DOWN, amount_cents=amount_cents, due_at=due_at
                )
    else:
        other = Reason.CONFIGURATION if error.stop else Reason.OTHER
        fail(tx, attempt, REASONS.get(error.code, other), error.code)
    return attempt.state
