"""What the outcome of a payout's attempt does to the payout and its bookings."""

from datetime import timedelta

from sqlalchemy import select, update

from core import outbox
from core.booking.lifecycle import Actor, Event
from core.booking.moves import lock_booking, move
from core.booking.notices import Topic
from core.db.tx import Tx
from core.escrow import ledger, postings
from core.limits import PAYOUT_RETRY_SECONDS, PAYOUT_TRIES_MAX
from core.money import Money
from core.payments.model import Attempt
from core.payouts.model import Payout, PayoutEvent, PayoutItem, PayoutState
from core.people.model import User, Vendor
from core.ports import Reason


def payout_paid(tx: Tx, attempt: Attempt) -> None:
    """Post a part that reached the vendor; the last part finishes the payout and its bookings."""
    payout = tx.db.get_one(Payout, attempt.payout_id, with_for_update=True)
    vendor = tx.db.get_one(Vendor, payout.vendor_id)
    amount = Money(attempt.amount_cents)
    ledger.post(
        tx,
        postings.paid_out(vendor.number, attempt.provider, amount, reference=str(attempt.id)),
    )
    payout.paid_cents += attempt.amount_cents
    if payout.paid_cents < payout.amount_cents:
        payout.due_at = tx.now
        return
    payout.move(PayoutEvent.PAY)
    payout.due_at = None
    payout.reason = None
    payout.finished_at = tx.now
    items = tx.db.scalars(
        select(PayoutItem).where(PayoutItem.payout_id == payout.id).order_by(PayoutItem.booking_id)
    ).all()
    for item in items:
        item.live = True
        move(tx, lock_booking(tx, item.booking_id), Event.PAID_OUT, Actor.PROVIDER)
    _tell(tx, payout, Topic.PAYOUT_SENT, bookings=len(items))


def payout_failed(tx: Tx, attempt: Attempt, reason: Reason) -> None:
    """Plan another try of a payout whose last outcome is known, three in 24 h; then give it up."""
    payout = tx.db.get_one(Payout, attempt.payout_id, with_for_update=True)
    if payout.state is not PayoutState.RELEASED:
        return
    payout.tries += 1
    payout.reason = reason.value
    if payout.tries < PAYOUT_TRIES_MAX:
        payout.due_at = tx.now + timedelta(seconds=PAYOUT_RETRY_SECONDS)
        return
    payout.move(PayoutEvent.FAIL)
    payout.due_at = None
    payout.finished_at = tx.now
    tx.db.execute(update(PayoutItem).where(PayoutItem.payout_id == payout.id).values(live=False))
    _tell(tx, payout, Topic.PAYOUT_FAILED, reason=reason.value)


def _tell(tx: Tx, payout: Payout, topic: Topic, **more: object) -> None:
    msisdn = tx.db.scalars(
        select(User.msisdn)
        .join(Vendor, Vendor.user_id == User.id)
        .where(Vendor.id == payout.vendor_id)
    ).one()
    outbox.add(
        tx,
        topic.value,
        msisdn,
        {"amount_cents": payout.amount_cents, **more},
        key=f"{topic.value}:{payout.id}",
    )
