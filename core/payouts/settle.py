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
from core.payments.lifecycle import OPEN
from core.payments.model import Attempt
from core.payouts.model import Payout, PayoutEvent, PayoutItem, PayoutState
from core.people.model import User, Vendor
from core.ports import Reason


def lock_payout(tx: Tx, attempt: Attempt) -> Payout:
    """Return the payout of an attempt, locked until the transaction ends."""
    return tx.db.get_one(Payout, attempt.payout_id, with_for_update=True, populate_existing=True)


def is_owed(tx: Tx, payout: Payout, attempt: Attempt) -> bool:
    """Tell whether an attempt's money is still the vendor's by this payout.

    It is not when a try that was given up has turned out to have gone through, or when another
    payout has taken over the bookings of a failed one.
    """
    if attempt.amount_cents > payout.amount_cents - payout.paid_cents:
        return False
    if payout.state is PayoutState.RELEASED:
        return True
    own = select(PayoutItem.booking_id).where(PayoutItem.payout_id == payout.id)
    taken_over = select(PayoutItem.booking_id).where(
        PayoutItem.booking_id.in_(own), PayoutItem.live, PayoutItem.payout_id != payout.id
    )
    return tx.db.scalar(taken_over.limit(1)) is None


def plan_rest(tx: Tx, payout: Payout, attempt: Attempt) -> None:
    """Let the rest of a payout go out now, unless a try of it is still open."""
    others = select(Attempt.id).where(
        Attempt.payout_id == payout.id, Attempt.id != attempt.id, Attempt.state.in_(OPEN)
    )
    unpaid = payout.state is PayoutState.RELEASED and payout.paid_cents < payout.amount_cents
    if unpaid and tx.db.scalar(others.limit(1)) is None:
        payout.due_at = tx.now


def payout_paid(tx: Tx, attempt: Attempt) -> None:
    """Post a part that reached the vendor; the last part finishes the payout and its bookings.

    What went out beyond what is owed is kept as missing from suspense: a person gets it back.
    """
    payout = lock_payout(tx, attempt)
    vendor = tx.db.get_one(Vendor, payout.vendor_id)
    amount = Money(attempt.amount_cents)
    if not is_owed(tx, payout, attempt):
        ledger.post(tx, postings.sent_back(attempt.provider, amount, reference=str(attempt.id)))
        plan_rest(tx, payout, attempt)
        return
    ledger.post(
        tx,
        postings.paid_out(vendor.number, attempt.provider, amount, reference=str(attempt.id)),
    )
    payout.paid_cents += attempt.amount_cents
    if payout.paid_cents < payout.amount_cents:
        plan_rest(tx, payout, attempt)
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
    _tell(tx, payout, Topic.PAYOUT_SENT, bookings=len(items), to_bank=_goes_to_bank(attempt))


def payout_failed(tx: Tx, attempt: Attempt, reason: Reason) -> None:
    """Plan another try of a payout whose last outcome is known, three in 24 h; then give it up."""
    payout = lock_payout(tx, attempt)
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
    to_bank = _goes_to_bank(attempt)
    _tell(tx, payout, Topic.PAYOUT_FAILED, reason=reason.value, to_bank=to_bank)


def _goes_to_bank(attempt: Attempt) -> bool:
    return attempt.bank_sealed is not None


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
