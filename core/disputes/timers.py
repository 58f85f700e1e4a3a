"""What time does to disputes: a reminder, the end of waiting, and a decision that is overdue.

A due dispute is taken by the lock of its booking, as everything about it is.
"""

from enum import StrEnum
from uuid import UUID

import structlog
from sqlalchemy import select

from core.booking.model import Booking
from core.booking.notices import Topic, tell_customer, tell_vendor
from core.db.tx import Tx
from core.disputes.lifecycle import DisputeEvent, DisputeState
from core.disputes.model import Dispute
from core.disputes.usecases import deadlines, to_decide

log = structlog.get_logger()


class Step(StrEnum):
    """What a timer did."""

    REMINDED = "reminded"
    LAPSED = "lapsed"
    OVERDUE = "overdue"


def due_disputes(tx: Tx, limit: int) -> list[UUID]:
    """Return disputes whose timer has run out, the longest overdue first."""
    return list(
        tx.db.scalars(
            select(Dispute.id)
            .where(Dispute.due_at <= tx.now)
            .order_by(Dispute.due_at)
            .limit(limit)
        )
    )


def fire(tx: Tx, dispute_id: UUID) -> Step | None:
    """Do what is due for one dispute; None when nothing is, or somebody has its booking."""
    booking = tx.db.scalar(
        select(Booking)
        .join(Dispute, Dispute.booking_id == Booking.id)
        .where(Dispute.id == dispute_id)
        .with_for_update(of=Booking, skip_locked=True)
    )
    if booking is None:
        return None
    dispute = tx.db.get_one(Dispute, dispute_id, populate_existing=True)
    if dispute.due_at is None or dispute.due_at > tx.now:
        return None
    if dispute.state is DisputeState.DECIDING:
        dispute.due_at = None
        log.warning("dispute.overdue", dispute_id=str(dispute.id))
        return Step.OVERDUE
    if tx.now < dispute.answer_by:
        _remind(tx, booking, dispute)
        return Step.REMINDED
    to_decide(dispute, DisputeEvent.LAPSE)
    return Step.LAPSED


def _remind(tx: Tx, booking: Booking, dispute: Dispute) -> None:
    """Ask the vendor once more, and tell the customer what happens next."""
    dispute.due_at = dispute.answer_by
    key, told = str(dispute.id), deadlines(dispute)
    tell_vendor(tx, booking, Topic.DISPUTE_REMINDER_VENDOR, key=key, **told)
    tell_customer(tx, booking, Topic.DISPUTE_REMINDER_CUSTOMER, key=key, **told)
