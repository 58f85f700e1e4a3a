"""What is asked about disputes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from core.booking.model import Booking
from core.db.tx import Tx
from core.disputes.lifecycle import OPEN
from core.disputes.model import Dispute, DisputeNote, Side
from core.limits import DISPUTE_NOTES_MAX, DISPUTES_PER_BOOKING_MAX, LIST_MAX


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute with its booking and what was said, the oldest first."""

    dispute: Dispute
    booking: Booking
    notes: Sequence[DisputeNote]


def open_disputes(tx: Tx, limit: int = LIST_MAX) -> list[DisputeView]:
    """Return what is open, by when it is to be decided."""
    query = (
        select(Dispute, Booking)
        .join(Booking, Booking.id == Dispute.booking_id)
        .where(Dispute.state.in_(OPEN))
        .order_by(Dispute.decide_by, Dispute.id)
        .limit(min(limit, LIST_MAX))
    )
    return [
        DisputeView(dispute, booking, notes_of(tx, dispute.id))
        for dispute, booking in tx.db.execute(query).all()
    ]


def disputes_of(tx: Tx, booking: Booking) -> list[DisputeView]:
    """Return a booking's disputes, the newest first."""
    query = (
        select(Dispute)
        .where(Dispute.booking_id == booking.id)
        .order_by(Dispute.opened_at.desc(), Dispute.id.desc())
        .limit(DISPUTES_PER_BOOKING_MAX)
    )
    return [DisputeView(each, booking, notes_of(tx, each.id)) for each in tx.db.scalars(query)]


def open_dispute_of(tx: Tx, booking_id: UUID) -> Dispute | None:
    """Return a booking's open dispute as it is now."""
    query = select(Dispute).where(Dispute.booking_id == booking_id, Dispute.state.in_(OPEN))
    return tx.db.scalar(query.execution_options(populate_existing=True))


def notes_of(tx: Tx, dispute_id: UUID) -> list[DisputeNote]:
    """Return what was said in a dispute, the oldest first."""
    query = (
        select(DisputeNote)
        .where(DisputeNote.dispute_id == dispute_id)
        .order_by(DisputeNote.id)
        .limit(DISPUTE_NOTES_MAX * len(Side))
    )
    return list(tx.db.scalars(query))
