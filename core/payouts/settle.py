"""What the outcome of a payout's attempt does to the payout and its bookings."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from core import outbox
from core.booking.lifecycle import Actor, Event
from core.booking.moves import move_all
from core.booking.notices import Topic
from core.db.tx import Tx
from core.escrow import accounts, ledger, postings
from core.escrow.model import Account, TransferRow
from core.escrow.transfer import TransferKind
from core.limits import (
    LIMIT_RETRY_SECONDS,
    PAYOUT_HELD_AGAIN_SECONDS,
    PAYOUT_OUR_RETRY_SECONDS,
    PAYOUT_RETRY_SECONDS,
    PAYOUT_TRIES_MAX,
)
from core.money import Money
from core.payments.lifecycle import OPEN
from core.payments.model import Attempt
from core.payouts.halts import OUR_SIDE
from core.payouts.model import LIVE, HoldReason, Payout, PayoutEvent, PayoutItem, PayoutState
from core.people.model import PayoutMethod, Vendor
from core.people.queries import owner_by_id
from core.ports.money import Reason


def lock_payout(tx: Tx, attempt: Attempt) -> Payout:
    """Return the payout of an attempt, locked until the transaction ends."""
    return tx.db.get_one(Payout, attempt.payout_id, with_for_update=True, populate_existing=True)


def live_payout(tx: Tx, vendor_id: UUID) -> Payout | None:
    """Return a vendor's payout that is not over, locked until the transaction ends."""
    return tx.db.scalar(
        select(Payout)
        .where(Payout.vendor_id == vendor_id, Payout.state.in_(LIVE))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def is_owed(tx: Tx, payout: Payout, attempt: Attempt) -> bool:
    """Tell whether an attempt's money is still the vendor's by this payout.

    It is not when a try that was given up has turned out to have gone through, or when another
    payout has taken over from a failed one: each carries all that a vendor is owed.
    """
    if attempt.amount_cents > payout.amount_cents - payout.paid_cents:
        return False
    if payout.state in LIVE:
        return True
    if payout.state is PayoutState.REVERSED:
        return False
    taken_over = select(Payout.id).where(
        Payout.vendor_id == payout.vendor_id,
        Payout.created_at > payout.created_at,
        Payout.state.in_(LIVE | {PayoutState.PAID}),
    )
    return tx.db.scalar(taken_over.limit(1)) is None


def plan_rest(tx: Tx, payout: Payout, attempt: Attempt) -> None:
    """Let the rest of a payout go out now, unless a try of it is still open or it is held."""
    others = select(Attempt.id).where(
        Attempt.payout_id == payout.id, Attempt.id != attempt.id, Attempt.state.in_(OPEN)
    )
    unpaid = payout.state is PayoutState.RELEASED and payout.paid_cents < payout.amount_cents
    if unpaid and tx.db.scalar(others.limit(1)) is None:
        go_on(tx, payout, after_seconds=0)


def go_on(tx: Tx, payout: Payout, *, after_seconds: int) -> None:
    """Plan the next part or try of a payout without an open one, unless it is to be held."""
    payout.due_at = tx.now + timedelta(seconds=after_seconds)
    if payout.hold_reason is not None:
        hold_now(tx, payout)


def hold_now(tx: Tx, payout: Payout) -> None:
    """Hold a payout of which no try is open, for the reason that it has."""
    assert payout.hold_reason is not None, "it is held for a reason"
    payout.move(PayoutEvent.HOLD)
    keep_held(tx, payout, payout.hold_reason, None)
    tell_held(tx, payout)


def keep_held(tx: Tx, payout: Payout, reason: HoldReason, until: datetime | None) -> None:
    """Note why a payout is held, and when to look again."""
    payout.hold_reason = reason
    payout.due_at = until or tx.now + timedelta(seconds=PAYOUT_HELD_AGAIN_SECONDS)


def payout_paid(tx: Tx, attempt: Attempt) -> None:
    """Post a part that reached the vendor; the last part finishes the payout and its bookings.

    Of a failed payout that another has taken over it is a part of the other one. What went out
    beyond what is owed is kept as missing from suspense: a person gets it back.
    """
    payout = lock_payout(tx, attempt)
    vendor = tx.db.get_one(Vendor, payout.vendor_id)
    amount = Money(attempt.amount_cents)
    if payout.state is PayoutState.FAILED:
        payout = _taken_over_by(tx, vendor, attempt) or payout
        attempt.payout_id = payout.id
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
        payout.tries = 0  # Where this arrived the rest can, too, if not today.
        plan_rest(tx, payout, attempt)
        return
    payout.move(PayoutEvent.PAY)
    payout.due_at = None
    payout.reason = None
    payout.hold_reason = None
    payout.finished_at = tx.now
    bookings = _bookings(tx, payout)
    set_live(tx, payout, live=True)
    move_all(tx, bookings, Event.PAID_OUT, Actor.PROVIDER)
    _tell(tx, payout, Topic.PAYOUT_SENT, bookings=len(bookings), to_bank=_goes_to_bank(attempt))


def _taken_over_by(tx: Tx, vendor: Vendor, attempt: Attempt) -> Payout | None:
    """Return the vendor's payout on the way, locked, if it lacks what an attempt has paid.

    What of it is planned and not sent yet is dropped then, or goes on with what is left.
    """
    live = live_payout(tx, vendor.id)
    if live is None:
        # Whoever is making one holds this until it is there: it is seen now, or sees what we post.
        path = accounts.payable(vendor.number)
        tx.db.execute(select(Account.path).where(Account.path == path).with_for_update())
        live = live_payout(tx, vendor.id)
    if live is None or attempt.amount_cents > live.amount_cents - live.paid_cents:
        return None
    return live


def payout_failed(tx: Tx, attempt: Attempt, reason: Reason) -> None:
    """Plan another try of a payout whose last outcome is known, three in 24 h; then give it up.

    A wallet that may receive no more today may tomorrow: what is above its limit goes out over as
    many days as it takes, while something of it arrives. What failed on our side (credentials, an
    empty account) says nothing about the vendor's: it is no try, and the halt of the provider
    keeps the next one waiting.
    """
    payout = lock_payout(tx, attempt)
    if payout.state is not PayoutState.RELEASED:
        return
    payout.reason = reason.value
    if reason in OUR_SIDE:
        go_on(tx, payout, after_seconds=PAYOUT_OUR_RETRY_SECONDS)
        return
    payout.tries += 1
    if payout.tries < PAYOUT_TRIES_MAX:
        at_limit = reason is Reason.LIMIT
        pause = LIMIT_RETRY_SECONDS if at_limit else PAYOUT_RETRY_SECONDS
        go_on(tx, payout, after_seconds=pause)
        return
    payout.move(PayoutEvent.FAIL)
    payout.due_at = None
    payout.hold_reason = None
    payout.finished_at = tx.now
    set_live(tx, payout, live=False)
    to_bank = _goes_to_bank(attempt)
    key = tx.now.isoformat()  # It may be tried again, and fail again.
    _tell(tx, payout, Topic.PAYOUT_FAILED, key=key, reason=reason.value, to_bank=to_bank)


def payout_reversed(tx: Tx, attempt: Attempt, number: str) -> None:
    """Take back a part that had reached the vendor and came back to us.

    The money is owed again; the next payout carries it, with its bookings where no other has paid
    for them. That one, and what is on its way now, is held until a person has checked where it
    should go.

    Args:
        tx: the caller's transaction.
        attempt: locked, succeeded, and not reversed before.
        number: under what the provider shows that the money came back.
    """
    # The vendor first, as everybody does who changes both.
    of_payout = select(Payout.vendor_id).where(Payout.id == attempt.payout_id)
    vendor = tx.db.scalars(
        select(Vendor)
        .where(Vendor.id == of_payout.scalar_subquery())
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    payout = lock_payout(tx, attempt)
    amount = Money(attempt.amount_cents)
    attempt.reversed_at = tx.now
    if not _was_booked(tx, attempt):
        # It had gone out beyond what was owed; suspense was short of it.
        ledger.post(tx, postings.suspended(attempt.provider, amount, number))
        return
    ledger.post(tx, postings.paid_back(vendor.number, attempt.provider, amount, reference=number))
    vendor.payout_verified_at = None
    payout.paid_cents -= attempt.amount_cents
    if payout.state is PayoutState.PAID:
        bookings = _bookings(tx, payout)
        payout.move(PayoutEvent.REVERSE)
        set_live(tx, payout, live=False)
        move_all(tx, bookings, Event.PAYOUT_REVERSED, Actor.PROVIDER)
    live = live_payout(tx, vendor.id)
    if live is not None and live.state is PayoutState.RELEASED:
        live.hold_reason = live.hold_reason or HoldReason.UNVERIFIED
        if live.due_at is not None:
            hold_now(tx, live)
    _tell(
        tx,
        payout,
        Topic.PAYOUT_REVERSED,
        key=str(attempt.id),
        amount_cents=attempt.amount_cents,
        to_bank=_goes_to_bank(attempt),
    )


def _was_booked(tx: Tx, attempt: Attempt) -> bool:
    """Tell whether an attempt's money was booked as the vendor's, not as sent beyond it."""
    key = postings.outgoing_key(attempt.provider, str(attempt.id))
    kind = tx.db.scalar(select(TransferRow.kind).where(TransferRow.idempotency_key == key))
    return kind == TransferKind.PAID_OUT


def _bookings(tx: Tx, payout: Payout) -> list[UUID]:
    return list(
        tx.db.scalars(select(PayoutItem.booking_id).where(PayoutItem.payout_id == payout.id))
    )


def set_live(tx: Tx, payout: Payout, *, live: bool) -> None:
    """Note whether a payout is the one that its bookings are paid by."""
    tx.db.execute(update(PayoutItem).where(PayoutItem.payout_id == payout.id).values(live=live))


def tell_held(tx: Tx, payout: Payout) -> None:
    """Owe the vendor a word on why a payout waits, once for each reason."""
    assert payout.hold_reason is not None, "the database says so of a held one"
    _tell(
        tx,
        payout,
        Topic.PAYOUT_HELD,
        key=payout.hold_reason.value,
        reason=payout.hold_reason.value,
        until=payout.due_at.isoformat()
        if payout.hold_reason is HoldReason.CHANGED and payout.due_at is not None
        else None,
        to_bank=payout.method is PayoutMethod.BANK,
    )


def _goes_to_bank(attempt: Attempt) -> bool:
    return attempt.bank_sealed is not None


def _tell(tx: Tx, payout: Payout, topic: Topic, key: str = "", **more: object) -> None:
    """Owe the vendor a word on a payout: on all of it when it is paid, else on what is missing."""
    missing_cents = payout.amount_cents - payout.paid_cents
    outbox.add(
        tx,
        topic.value,
        owner_by_id(tx, payout.vendor_id),
        {"amount_cents": missing_cents or payout.amount_cents, **more},
        key=f"{topic.value}:{payout.id}:{key}",
    )
