"""Money that is nobody's: kept apart in suspense, and sent back to whoever paid it."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, cast, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from core.booking.model import Booking
from core.booking.notices import Topic, tell_customer
from core.clock import NAIROBI
from core.db.tx import Tx, Work
from core.escrow import ledger, postings
from core.limits import (
    B2C_MIN_CENTS,
    LIMIT_RETRY_SECONDS,
    RETURN_RETRY_SECONDS,
    RETURN_TRIES_MAX,
)
from core.money import CENTS_PER_SHILLING, Money
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind, Receipt
from core.payments.queries import paid_by
from core.payments.ways_back import ending_of_another, payment_to_take_back, tell_returned
from core.ports.money import Reason


def suspend(tx: Tx, receipt: Receipt) -> None:
    """Keep all of a payment apart."""
    receipt.suspense = True
    receipt.spare_cents = receipt.amount_cents
    ledger.post(
        tx, postings.suspended(receipt.provider, Money(receipt.amount_cents), receipt.number)
    )


def send_back(tx: Tx, receipt: Receipt, booking: Booking | None) -> None:
    """Plan the return of money in suspense, when we know a way; else it waits for a person."""
    taken = payment_to_take_back(tx, receipt, receipt.spare_cents)
    if taken is None and (receipt.payer is None or not is_sendable(receipt)):
        return
    plan_return(tx, receipt, receipt.payer or "", delay_seconds=0, takes_back=taken)
    if booking is not None:
        tell_customer(
            tx,
            booking,
            Topic.MONEY_RETURNING,
            key=receipt.number,
            amount_cents=receipt.spare_cents,
            too_much=receipt.spare_cents < receipt.amount_cents,
            ending=ending_of_another(tx, booking, receipt.payer),
        )


def is_sendable(receipt: Receipt) -> bool:
    """Tell whether M-Pesa sends such an amount."""
    spare_cents = receipt.spare_cents
    return spare_cents >= B2C_MIN_CENTS and spare_cents % CENTS_PER_SHILLING == 0


def plan_return(
    tx: Tx, receipt: Receipt, msisdn: str, delay_seconds: int, takes_back: str | None = None
) -> None:
    """Plan to send a receipt's money, which is in suspense, to a number.

    With ``takes_back`` the payment of that number is taken back instead.
    """
    tx.db.flush()  # Only one attempt of a receipt is open at a time.
    tx.db.add(
        Attempt(
            id=tx.ids.uuid(),
            kind=Kind.RETURN,
            method=paid_by(tx, receipt),
            provider=receipt.provider,
            state=AttemptState.QUEUED,
            booking_id=receipt.booking_id,
            receipt_id=receipt.id,
            takes_back=takes_back,
            msisdn=msisdn,
            amount_cents=receipt.spare_cents,
            account=receipt.account or _code_of(tx, receipt.booking_id),
            due_at=tx.now + timedelta(seconds=delay_seconds),
            created_at=tx.now,
        )
    )
    tx.wake(Work.ATTEMPTS)


def _code_of(tx: Tx, booking_id: UUID | None) -> str:
    code = tx.db.scalar(select(Booking.code).where(Booking.id == booking_id))
    return code or "RETURN"


def returned(tx: Tx, attempt: Attempt) -> None:
    """Post that money in suspense has arrived where it came from, and say so."""
    # Locked: another try for it may be coming back, or a person may be giving it to a booking.
    receipt = tx.db.get_one(
        Receipt, attempt.receipt_id, with_for_update=True, populate_existing=True
    )
    amount = Money(attempt.amount_cents)
    ledger.post(tx, postings.sent_back(attempt.provider, amount, reference=str(attempt.id)))
    receipt.suspense = False
    if attempt.booking_id is not None:
        tell_returned(tx, tx.db.get_one(Booking, attempt.booking_id), attempt)


def retry_return(tx: Tx, attempt: Attempt) -> None:
    """A return that has failed for certain is tried again later; then it waits for a person.

    What could not be taken back is sent at once, if there is a number for it. What was only given
    up is never sent by itself.
    """
    receipt = tx.db.get_one(Receipt, attempt.receipt_id)
    if attempt.reason is Reason.SILENT:
        return
    if not attempt.msisdn or not is_sendable(receipt):
        return
    if tries_used(tx, Attempt.receipt_id == receipt.id) < RETURN_TRIES_MAX:
        plan_return(tx, receipt, attempt.msisdn, delay_seconds=retry_seconds(attempt))


def tries_used(tx: Tx, same: ColumnElement[bool]) -> int:
    """Count how often money was sent back in vain.

    A wallet whose limit of a day other money of the same booking used up is as good as any: much
    that goes back to one number does so over several days, and none of them is held against it.

    Args:
        tx: the caller's transaction.
        same: what tells the attempts of this money.
    """
    other = aliased(Attempt)
    others_arrived = exists().where(
        other.booking_id == Attempt.booking_id,
        other.kind == Kind.RETURN,
        other.msisdn == Attempt.msisdn,
        other.takes_back.is_(None),
        other.state == AttemptState.SUCCEEDED,
        _kenyan_day(other.sent_at) == _kenyan_day(Attempt.sent_at),
    )
    waited = and_(func.coalesce(Attempt.reason == Reason.LIMIT, False), others_arrived)
    query = select(func.count()).select_from(Attempt)
    used = query.where(same, Attempt.takes_back.is_(None), ~waited)
    return int(tx.db.scalar(used) or 0)


def _kenyan_day(moment: InstrumentedAttribute[datetime | None]) -> ColumnElement[date]:
    return cast(func.timezone(NAIROBI.key, moment), Date)


def retry_seconds(attempt: Attempt) -> int:
    """Return how long to wait before money that could not go back is sent once more."""
    if attempt.takes_back is not None:
        return 0
    return LIMIT_RETRY_SECONDS if attempt.reason is Reason.LIMIT else RETURN_RETRY_SECONDS
