"""What is asked about attempts and receipts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from core.db.tx import Tx
from core.payments.lifecycle import OPEN
from core.payments.model import Attempt, Kind, Receipt


def open_collection(tx: Tx, booking_id: UUID) -> Attempt | None:
    """Return a booking's prompt whose outcome is not known, if there is one."""
    return tx.db.scalar(
        select(Attempt).where(
            Attempt.booking_id == booking_id,
            Attempt.kind == Kind.COLLECTION,
            Attempt.state.in_(OPEN),
        )
    )


def collections_of(tx: Tx, booking_id: UUID) -> tuple[int, datetime | None]:
    """Return how many prompts a booking has had, and when the last one was sent."""
    count, last = tx.db.execute(
        select(func.count(), func.max(Attempt.sent_at)).where(
            Attempt.booking_id == booking_id, Attempt.kind == Kind.COLLECTION
        )
    ).one()
    return count, last


def receipt_numbered(tx: Tx, provider: str, number: str) -> Receipt | None:
    """Return a provider's receipt, if it has been seen."""
    return tx.db.scalar(
        select(Receipt).where(Receipt.provider == provider, Receipt.number == number)
    )
