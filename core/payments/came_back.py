"""Money that had gone back to a customer and came to us again: booked back, and for a person.

It is never sent again by itself: the number that it went to does not keep it. The refund or the
receipt stands as it stood before, and a case tells of it (``core.cases.sweep``).
"""

from sqlalchemy import ColumnElement, select

from core.booking.model import Booking
from core.booking.notices import Topic, tell_customer
from core.db.tx import Tx
from core.escrow import ledger, postings
from core.money import Money
from core.payments.lifecycle import AttemptState, RefundEvent
from core.payments.model import Attempt, Receipt, Refund


def refund_came_back(tx: Tx, attempt: Attempt, number: str) -> None:
    """Put a refund's money back into its booking's escrow.

    Args:
        tx: the caller's transaction.
        attempt: locked, succeeded, and not reversed before.
        number: under what the provider shows that the money came back.
    """
    refund = tx.db.get_one(Refund, attempt.refund_id, with_for_update=True, populate_existing=True)
    attempt.reversed_at = tx.now
    amount = Money(attempt.amount_cents)
    if _went_twice(tx, attempt, Attempt.refund_id == refund.id):
        # The customer has the other one: suspense was short of one of the two.
        ledger.post(tx, postings.return_back(attempt.provider, amount, reference=number))
        return
    refund.move(RefundEvent.REVERSE)
    refund.finished_at = tx.now
    booking = tx.db.get_one(Booking, refund.booking_id)
    ledger.post(
        tx,
        postings.refund_back(
            booking.code, attempt.provider, amount, reference=number, booking_id=booking.id
        ),
    )
    _tell(tx, booking, attempt)


def return_came_back(tx: Tx, attempt: Attempt, number: str) -> None:
    """Keep money apart again that had gone back to whoever sent it; arguments as above."""
    receipt = tx.db.get_one(
        Receipt, attempt.receipt_id, with_for_update=True, populate_existing=True
    )
    attempt.reversed_at = tx.now
    amount = Money(attempt.amount_cents)
    ledger.post(tx, postings.return_back(attempt.provider, amount, reference=number))
    if _went_twice(tx, attempt, Attempt.receipt_id == receipt.id):
        return
    receipt.suspense = True
    if attempt.booking_id is not None:
        _tell(tx, tx.db.get_one(Booking, attempt.booking_id), attempt)


def _went_twice(tx: Tx, attempt: Attempt, same: ColumnElement[bool]) -> bool:
    """Tell whether another try for the same money arrived, too, and has stayed there."""
    other = select(Attempt.id).where(
        same,
        Attempt.id != attempt.id,
        Attempt.state == AttemptState.SUCCEEDED,
        Attempt.reversed_at.is_(None),
    )
    return tx.db.scalar(other.limit(1)) is not None


def _tell(tx: Tx, booking: Booking, attempt: Attempt) -> None:
    tell_customer(
        tx,
        booking,
        Topic.MONEY_CAME_BACK,
        key=str(attempt.id),
        amount_cents=attempt.amount_cents,
    )
