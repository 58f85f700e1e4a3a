"""What is asked about attempts and receipts."""

from uuid import UUID

from sqlalchemy import select

from core.db.tx import Tx
from core.limits import ATTEMPTS_PER_BOOKING_MAX, REFUNDS_PER_BOOKING_MAX
from core.payments.lifecycle import OPEN
from core.payments.model import Attempt, Direction, Kind, Method, Receipt, Refund


def open_collection(tx: Tx, booking_id: UUID) -> Attempt | None:
    """Return a booking's prompt whose outcome is not known, if there is one."""
    return tx.db.scalar(
        select(Attempt).where(
            Attempt.booking_id == booking_id,
            Attempt.kind == Kind.COLLECTION,
            Attempt.state.in_(OPEN),
        )
    )


def collections_of(tx: Tx, booking_id: UUID) -> list[Attempt]:
    """Return the prompts that a booking has had, the newest first."""
    query = (
        select(Attempt)
        .where(Attempt.booking_id == booking_id, Attempt.kind == Kind.COLLECTION)
        .order_by(Attempt.created_at.desc(), Attempt.id.desc())
        .limit(ATTEMPTS_PER_BOOKING_MAX)
    )
    return list(tx.db.scalars(query))


def captured(tx: Tx, booking_id: UUID) -> list[Receipt]:
    """Return the payments that were taken for a booking, whole or in part, the newest first."""
    query = (
        select(Receipt)
        .where(
            Receipt.booking_id == booking_id,
            Receipt.direction == Direction.IN,
            Receipt.spare_cents < Receipt.amount_cents,
        )
        .order_by(Receipt.at.desc(), Receipt.id.desc())
        .limit(REFUNDS_PER_BOOKING_MAX)
    )
    return list(tx.db.scalars(query))


def receipt_numbered(tx: Tx, provider: str, number: str) -> Receipt | None:
    """Return a provider's receipt, if it has been seen."""
    return tx.db.scalar(
        select(Receipt).where(Receipt.provider == provider, Receipt.number == number)
    )


def paid_by(tx: Tx, receipt: Receipt | None) -> Method:
    """Return what a payment was made by, which is how it goes back."""
    if receipt is None or receipt.attempt_id is None:
        return Method.MPESA
    return tx.db.scalars(select(Attempt.method).where(Attempt.id == receipt.attempt_id)).one()


def charge_of(tx: Tx, attempt: Attempt) -> str:
    """Return the provider's id of the card payment whose money a return gives back."""
    receipt_id = attempt.receipt_id
    if attempt.refund_id is not None:
        receipt_id = tx.db.get_one(Refund, attempt.refund_id).receipt_id
    found = tx.db.scalars(
        select(Attempt.reference)
        .join(Receipt, Receipt.attempt_id == Attempt.id)
        .where(Receipt.id == receipt_id)
    ).one()
    assert found is not None, "a card's payment was booked by the provider's word on it"
    return found
