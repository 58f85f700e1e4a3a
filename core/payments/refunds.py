"""Money of a booking that goes back to whoever paid it: planned, sent in parts, tried again.

What goes back never exceeds what was paid: the booking is locked, its ``refunds_cents`` has a
CHECK, and what is sent leaves the booking's escrow, which cannot be overdrawn. One row is as much
as a provider carries at once; its attempts are like any other (``attempts``, ``settle``).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from core.booking.dues import left_cents
from core.booking.model import Booking
from core.booking.notices import customer_msisdn
from core.db.tx import Tx, Work
from core.errors import BadInput, NotFound, Refused
from core.escrow import ledger, postings
from core.limits import (
    B2C_MIN_CENTS,
    LIST_MAX,
    MPESA_MAX_CENTS,
    REFUND_TRIES_MAX,
    REFUNDS_PER_BOOKING_MAX,
)
from core.money import Money
from core.msisdn import is_kenyan_mobile, parse_msisdn
from core.payments import routing
from core.payments.lifecycle import AttemptState, RefundEvent, RefundState
from core.payments.model import Attempt, Kind, Method, Receipt, Refund
from core.payments.queries import captured, paid_by
from core.payments.returns import retry_seconds, tries_used
from core.payments.ways_back import payment_to_take_back, tell_returned
from core.ports.money import Reason


def refundable(booking: Booking) -> Money:
    """Return what of a booking is held and could still go back.

    Nothing before it is paid for, nor once what was kept of it has been shared out.
    """
    if booking.paid_at is None or booking.released_at is not None:
        return Money(0)
    return Money(booking.received_cents - booking.refunds_cents)


def plan_refund(
    tx: Tx, booking: Booking, amount: Money, change_id: UUID | None = None
) -> list[Refund]:
    """Plan to send money of a booking back to the numbers that paid it, the newest first.

    Args:
        tx: the caller's transaction.
        booking: locked by the caller, paid for, and without an open change but the one that is
            applied: an open one was priced beside what has not gone back.
        amount: whole shillings, of what is still in escrow and not on its way back.
        change_id: the change of days or people that made the price lower by this; the caller
            lowers it. Without one the amount counts as gone from the price.

    Returns:
        one refund a part; none for nothing.

    Raises:
        Refused: ``over_refund`` (data: left_cents), ``too_many_refunds``.
    """
    left = refundable(booking)
    if amount > left or amount.cents < 0:
        raise Refused("over_refund", left_cents=left.cents)
    parts = [
        (receipt, cents)
        for receipt, share in _payers(tx, booking, amount.cents)
        for cents in _in_parts(share)
    ]
    if len(parts) + _count(tx, booking.id) > REFUNDS_PER_BOOKING_MAX:
        raise Refused("too_many_refunds", limit=REFUNDS_PER_BOOKING_MAX)
    if change_id is None:
        booking.refunds_cents += amount.cents
    return [_new_refund(tx, booking, receipt, cents, change_id) for receipt, cents in parts]


def refunds_of(tx: Tx, booking_id: UUID) -> list[Refund]:
    """Return a booking's refunds in the order in which they were planned."""
    query = (
        select(Refund)
        .where(Refund.booking_id == booking_id)
        .order_by(Refund.number)
        .limit(REFUNDS_PER_BOOKING_MAX)
    )
    return list(tx.db.scalars(query))


def refunded(tx: Tx, booking_id: UUID) -> list[Money]:
    """Return what of a booking's price has gone back or is on its way, in order.

    What went back because a change made the price lower is no part of the price any more.
    """
    return [
        Money(refund.amount_cents)
        for refund in refunds_of(tx, booking_id)
        if refund.change_id is None
    ]


def reversals(tx: Tx, booking: Booking) -> list[Money]:
    """Return what of a booking's price is not there to be shared out, in order."""
    return reversals_of(tx, [booking])[booking.id]


def reversals_of(tx: Tx, bookings: Sequence[Booking]) -> dict[UUID, list[Money]]:
    """Return what of each booking's price is not there to be shared out, in order.

    What never came reverses the shares as a refund does, then what went back.
    """
    gone = {
        booking.id: [Money(cents)] if (cents := left_cents(booking)) else []
        for booking in bookings
    }
    rows = tx.db.execute(
        select(Refund.booking_id, Refund.amount_cents)
        .where(Refund.booking_id.in_(gone), Refund.change_id.is_(None))
        .order_by(Refund.number)
    )
    for booking_id, cents in rows:
        gone[booking_id].append(Money(cents))
    return gone


def failed_refunds(tx: Tx, limit: int = LIST_MAX) -> list[Refund]:
    """Return refunds that wait for a person, the oldest first."""
    query = (
        select(Refund)
        .where(Refund.state.in_((RefundState.FAILED, RefundState.REVERSED)))
        .order_by(Refund.number)
        .limit(min(limit, LIST_MAX))
    )
    return list(tx.db.scalars(query))


def refund_by_number(tx: Tx, number: int) -> Refund:
    """Return the refund that people call by a number; raises NotFound (``no_refund``)."""
    refund = tx.db.scalar(select(Refund).where(Refund.number == number))
    if refund is None:
        raise NotFound("no_refund")
    return refund


def may_go_unseen(refund: Refund) -> bool:
    """Tell whether a refund that waits may be sent as before without anybody looking into it.

    What was only given up may have arrived, and what came back is not kept by that number: its
    customer was told that we find out where to send it.
    """
    certain = refund.state is RefundState.FAILED and refund.reason is not Reason.SILENT
    return certain and refund.amount_cents >= B2C_MIN_CENTS


def goes_to_a_card(tx: Tx, refund: Refund) -> bool:
    """Tell whether a refund's payment came from a card, to which it goes back."""
    receipt = tx.db.get(Receipt, refund.receipt_id) if refund.receipt_id else None
    return paid_by(tx, receipt) is Method.CARD


def retry_refund(tx: Tx, refund_id: UUID, msisdn: str | None = None) -> Refund:
    """Send a refund that failed or came back once more: a person has found out what was wrong.

    Args:
        tx: the caller's transaction.
        refund_id: the refund.
        msisdn: another number that the customer has named, if the first was the reason; M-Pesa
            carries it there, also what came from a card.

    Raises:
        NotFound: ``no_refund``.
        BadInput: ``bad_phone``, the other number has no wallet.
        IllegalMove: it has neither failed nor come back.
        Refused: ``too_small`` (data: least_cents): M-Pesa sends no such amount.
    """
    refund = tx.db.get(Refund, refund_id, with_for_update=True, populate_existing=True)
    if refund is None:
        raise NotFound("no_refund")
    if refund.amount_cents < B2C_MIN_CENTS:
        raise Refused("too_small", least_cents=B2C_MIN_CENTS)
    named = parse_msisdn(msisdn) if msisdn is not None else None
    if named is not None and not is_kenyan_mobile(named):
        raise BadInput("bad_phone")
    refund.move(RefundEvent.RETRY)
    refund.msisdn = named or refund.msisdn
    refund.finished_at = None
    code = tx.db.scalars(select(Booking.code).where(Booking.id == refund.booking_id)).one()
    # Another number that somebody named is a wallet's; without one it goes back as it came.
    _new_attempt(tx, refund, code, delay_seconds=0, wallet=named is not None)
    return refund


def is_wanted(tx: Tx, attempt: Attempt) -> bool:
    """Tell whether an attempt's refund is still to be sent; locks the refund."""
    return _lock(tx, attempt).state is RefundState.OPEN


def refund_returned(tx: Tx, attempt: Attempt) -> None:
    """Post a refund that has arrived, and say so.

    A second try that went through as well is kept as missing from suspense: a person asks for it.
    """
    refund = _lock(tx, attempt)
    amount = Money(attempt.amount_cents)
    if refund.state is RefundState.RETURNED:
        ledger.post(tx, postings.sent_back(attempt.provider, amount, reference=str(attempt.id)))
        return
    refund.move(RefundEvent.RETURN)
    refund.reason = None
    refund.finished_at = tx.now
    booking = tx.db.get_one(Booking, refund.booking_id)
    post = postings.sent_again if _came_back_before(tx, attempt) else postings.returned
    ledger.post(
        tx,
        post(
            booking.code,
            attempt.provider,
            amount,
            reference=str(attempt.id),
            booking_id=booking.id,
        ),
    )
    tell_returned(tx, booking, attempt)


def refund_failed(tx: Tx, attempt: Attempt) -> None:
    """Try a refund again that has failed for certain, three times; then it waits for a person.

    What could not be taken back is sent at once. What was only given up is never sent by itself.
    """
    refund = _lock(tx, attempt)
    if refund.state is not RefundState.OPEN:
        return
    refund.reason = attempt.reason
    certain = attempt.reason is not Reason.SILENT
    sendable = certain and refund.amount_cents >= B2C_MIN_CENTS
    tx.db.flush()
    if sendable and tries_used(tx, Attempt.refund_id == refund.id) < REFUND_TRIES_MAX:
        _new_attempt(tx, refund, attempt.account, delay_seconds=retry_seconds(attempt))
        return
    refund.move(RefundEvent.FAIL)
    refund.finished_at = tx.now


def _came_back_before(tx: Tx, attempt: Attempt) -> bool:
    """Tell whether this refund had arrived once before, and has its credit note from then."""
    back = select(Attempt.id).where(
        Attempt.refund_id == attempt.refund_id, Attempt.reversed_at.is_not(None)
    )
    return tx.db.scalar(back.limit(1)) is not None


def _lock(tx: Tx, attempt: Attempt) -> Refund:
    return tx.db.get_one(Refund, attempt.refund_id, with_for_update=True, populate_existing=True)


def _payers(tx: Tx, booking: Booking, amount_cents: int) -> Iterator[tuple[Receipt | None, int]]:
    """Share an amount over the payments of a booking, each up to what it brought."""
    gone: dict[UUID | None, int] = {}
    for refund in refunds_of(tx, booking.id):
        gone[refund.receipt_id] = gone.get(refund.receipt_id, 0) + refund.amount_cents
    for receipt in captured(tx, booking.id):
        brought_cents = receipt.amount_cents - receipt.spare_cents
        share = min(amount_cents, brought_cents - gone.get(receipt.id, 0))
        if share > 0:
            yield receipt, share
            amount_cents -= share
    if amount_cents:
        yield None, amount_cents


def _in_parts(cents: int) -> Iterator[int]:
    """Cut an amount into what one payment carries; the last must not be too small to send."""
    while cents > MPESA_MAX_CENTS:
        rest = cents - MPESA_MAX_CENTS
        part = MPESA_MAX_CENTS - (B2C_MIN_CENTS if rest < B2C_MIN_CENTS else 0)
        yield part
        cents -= part
    yield cents


def _count(tx: Tx, booking_id: UUID) -> int:
    query = select(func.count()).select_from(Refund).where(Refund.booking_id == booking_id)
    return int(tx.db.scalar(query) or 0)


def _new_refund(
    tx: Tx, booking: Booking, receipt: Receipt | None, cents: int, change_id: UUID | None
) -> Refund:
    refund = Refund(
        id=tx.ids.uuid(),
        booking_id=booking.id,
        change_id=change_id,
        receipt_id=receipt.id if receipt else None,
        provider=receipt.provider if receipt else _anyone(tx),
        # A paybill may hide who paid; then the booking's own number has the best claim.
        msisdn=(receipt.payer if receipt else None) or customer_msisdn(tx, booking),
        amount_cents=cents,
        state=RefundState.OPEN,
        created_at=tx.now,
    )
    tx.db.add(refund)
    tx.db.flush()
    taken = payment_to_take_back(tx, receipt, cents)
    if taken is None and cents < B2C_MIN_CENTS:
        # Less than M-Pesa sends: a person finds another way.
        refund.move(RefundEvent.FAIL)
        refund.finished_at = tx.now
    else:
        _new_attempt(tx, refund, booking.code, delay_seconds=0, takes_back=taken)
    return refund


def _anyone(tx: Tx) -> str:
    return routing.choose(tx.routes.payout, tx.routes.health.down())


def _new_attempt(
    tx: Tx,
    refund: Refund,
    account: str,
    delay_seconds: int,
    *,
    wallet: bool = False,
    takes_back: str | None = None,
) -> None:
    to_card = not wallet and goes_to_a_card(tx, refund)
    tx.db.add(
        Attempt(
            id=tx.ids.uuid(),
            kind=Kind.RETURN,
            method=Method.CARD if to_card else Method.MPESA,
            provider=refund.provider,
            state=AttemptState.QUEUED,
            booking_id=refund.booking_id,
            refund_id=refund.id,
            takes_back=takes_back,
            msisdn=refund.msisdn,
            amount_cents=refund.amount_cents,
            account=account,
            due_at=tx.now + timedelta(seconds=delay_seconds),
            created_at=tx.now,
        )
    )
    tx.db.flush()
    tx.wake(Work.ATTEMPTS)
