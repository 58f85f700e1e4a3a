"""Reporting a problem, telling one's side, taking it back, deciding.

While a dispute is open its booking is ``disputed`` and has no timer: neither completion nor
release nor a payout touches it. Every use case locks the booking first and the dispute with it.
"""

from uuid import UUID

import structlog
from sqlalchemy import func, select

from core.booking.changes import drop_open
from core.booking.lifecycle import Actor, Event
from core.booking.model import Booking
from core.booking.moves import lock_booking, move
from core.booking.notices import Topic, tell_customer, tell_vendor
from core.booking.price import price_of
from core.booking.release import release
from core.booking.rules import release_due
from core.booking.usecases import release_units
from core.db.tx import Tx
from core.disputes import rules
from core.disputes.lifecycle import DisputeEvent, DisputeState
from core.disputes.model import Dispute, DisputeNote, Problem, Side
from core.disputes.queries import open_dispute_of
from core.errors import BadInput, NotFound, Refused
from core.limits import (
    DISPUTE_NOTE_MAX,
    DISPUTE_NOTES_MAX,
    DISPUTE_WHY_MAX,
    DISPUTES_PER_BOOKING_MAX,
)
from core.payments.refunds import plan_refund, refundable, refunded
from core.pricing.shares import left_after

log = structlog.get_logger()


def open_dispute(
    tx: Tx, booking_id: UUID, customer_id: UUID, problem: Problem, words: str = ""
) -> Dispute:
    """Report a problem: the money stays in escrow, and the vendor is asked for their side.

    Args:
        tx: the caller's transaction.
        booking_id: the booking.
        customer_id: who reports.
        problem: of which kind.
        words: the customer's own, kept as the first note; may be empty.

    Raises:
        NotFound: no such booking of this customer.
        IllegalMove: it is not paid for, disputed already or over.
        Refused: ``too_early`` before its first day; ``rest_unpaid`` after a deposit alone;
            ``too_late`` once its money is the vendor's; ``too_many_disputes`` (data: limit).
        BadInput: ``note_too_long`` (data: most).
    """
    booking = lock_booking(tx, booking_id)
    _check_customer(booking, customer_id)
    rules.check_may_open(booking, tx.now)
    drop_open(tx, booking)
    move(tx, booking, Event.DISPUTE, Actor.CUSTOMER, customer_id, problem.value)
    booking.due_at = None
    dispute = _new_dispute(tx, booking, problem)
    key, told = str(dispute.id), deadlines(dispute)
    held = refundable(booking)
    tell_customer(
        tx, booking, Topic.DISPUTE_OPENED_CUSTOMER, key=key, held_cents=held.cents, **told
    )
    tell_vendor(tx, booking, Topic.DISPUTE_OPENED_VENDOR, key=key, problem=problem.value, **told)
    if words.strip():
        _write_note(tx, booking, dispute, Side.CUSTOMER, words)
    return dispute


def note_by_customer(tx: Tx, booking_id: UUID, customer_id: UUID, words: str) -> Dispute:
    """Add the customer's words to an open dispute; the vendor is told them.

    Raises:
        NotFound: ``no_booking`` of this customer, ``no_dispute`` is open.
        BadInput: ``empty``, ``note_too_long`` (data: most).
        Refused: ``too_many_notes`` (data: limit).
    """
    booking, dispute = _open_of(tx, booking_id)
    _check_customer(booking, customer_id)
    _write_note(tx, booking, dispute, Side.CUSTOMER, words)
    return dispute


def note_by_vendor(tx: Tx, booking_id: UUID, vendor_id: UUID, words: str) -> Dispute:
    """Add the vendor's words; with their first ones it is for an admin to decide.

    Raises as ``note_by_customer``.
    """
    booking, dispute = _open_of(tx, booking_id)
    if booking.vendor_id != vendor_id:
        raise NotFound("no_booking")
    _write_note(tx, booking, dispute, Side.VENDOR, words)
    if dispute.state is DisputeState.WAITING:
        to_decide(dispute, DisputeEvent.ANSWER)
    return dispute


def note_by_admin(tx: Tx, booking_id: UUID, words: str) -> Dispute:
    """Add what an admin has found out; nobody is told. Raises as ``note_by_customer``."""
    booking, dispute = _open_of(tx, booking_id)
    _write_note(tx, booking, dispute, Side.ADMIN, words)
    return dispute


def withdraw_dispute(tx: Tx, booking_id: UUID, customer_id: UUID) -> Dispute:
    """Take a problem back: the service counts as given, and the money goes its way again.

    What had been completed before is released when it would have been, or at once.

    Raises:
        NotFound: ``no_booking`` of this customer, ``no_dispute`` is open.
    """
    booking, dispute = _open_of(tx, booking_id)
    _check_customer(booking, customer_id)
    dispute.move(DisputeEvent.WITHDRAW)
    _close(tx, dispute)
    move(tx, booking, Event.WITHDRAW_DISPUTE, Actor.CUSTOMER, customer_id)
    booking.completed_at = booking.completed_at or tx.now
    booking.due_at = max(release_due(booking.completed_at), tx.now)
    tell_vendor(tx, booking, Topic.DISPUTE_WITHDRAWN, key=str(dispute.id))
    return dispute


def resolve(
    tx: Tx, booking_id: UUID, customer_percent: int, admin_id: UUID | None, why: str
) -> Dispute:
    """Decide: a part of the money goes back, the rest is released at once.

    Args:
        tx: the caller's transaction.
        booking_id: the booking.
        customer_percent: of what is held, goes back: 100 for the customer, 0 for the vendor.
        admin_id: who decides.
        why: the grounds; kept with the dispute.

    Raises:
        NotFound: ``no_booking``, ``no_dispute`` is open.
        IllegalMove: the vendor may still answer.
        BadInput: ``bad_percent``, ``bad_why`` (data: field).
    """
    grounds = " ".join(why.split())
    if not 0 < len(grounds) <= DISPUTE_WHY_MAX:
        raise BadInput("bad_why", field="why")
    booking, dispute = _open_of(tx, booking_id)
    dispute.move(DisputeEvent.RESOLVE)
    decision = rules.decide(refundable(booking), customer_percent)
    dispute.customer_percent = customer_percent
    dispute.refund_cents = decision.refund.cents
    dispute.kept_cents = decision.kept.cents
    dispute.why = grounds
    _close(tx, dispute)
    event = Event.RESOLVE if decision.kept.cents else Event.RESOLVE_FOR_CUSTOMER
    move(tx, booking, event, Actor.ADMIN, admin_id, grounds)
    plan_refund(tx, booking, decision.refund)
    if decision.kept.cents:
        booking.completed_at = booking.completed_at or tx.now
        release(tx, [booking], Actor.ADMIN, admin_id)
    else:
        _all_goes_back(tx, booking)
    _tell_decision(tx, booking, dispute, decision)
    return dispute


def to_decide(dispute: Dispute, event: DisputeEvent) -> None:
    """Put an open dispute before the admins, who have until ``decide_by``."""
    dispute.move(event)
    dispute.due_at = dispute.decide_by
    # Where an admin sees it: ``open_cases``, a case of its own, and ``nafasi disputes``.
    log.warning("dispute.to_decide", dispute_id=str(dispute.id), after=event.value)


def deadlines(dispute: Dispute) -> dict[str, str]:
    """Return until when a dispute is answered and decided, as JSON values for a message."""
    return {
        "answer_by": dispute.answer_by.isoformat(),
        "decide_by": dispute.decide_by.isoformat(),
    }


def _open_of(tx: Tx, booking_id: UUID) -> tuple[Booking, Dispute]:
    """Return a booking, locked, and its open dispute, which the booking's lock covers."""
    booking = lock_booking(tx, booking_id)
    dispute = open_dispute_of(tx, booking.id)
    if dispute is None:
        raise NotFound("no_dispute")
    return booking, dispute


def _new_dispute(tx: Tx, booking: Booking, problem: Problem) -> Dispute:
    made = select(func.count()).select_from(Dispute).where(Dispute.booking_id == booking.id)
    if int(tx.db.scalar(made) or 0) >= DISPUTES_PER_BOOKING_MAX:
        raise Refused("too_many_disputes", limit=DISPUTES_PER_BOOKING_MAX)
    answer_by = rules.answer_by(tx.now)
    dispute = Dispute(
        id=tx.ids.uuid(),
        booking_id=booking.id,
        problem=problem,
        state=DisputeState.WAITING,
        due_at=rules.remind_at(answer_by),
        answer_by=answer_by,
        decide_by=rules.decide_by(answer_by),
        opened_at=tx.now,
    )
    tx.db.add(dispute)
    tx.db.flush()
    return dispute


def _check_customer(booking: Booking, customer_id: UUID) -> None:
    if booking.customer_id != customer_id:
        raise NotFound("no_booking")


def _close(tx: Tx, dispute: Dispute) -> None:
    dispute.closed_at = tx.now
    dispute.due_at = None


def _write_note(tx: Tx, booking: Booking, dispute: Dispute, side: Side, words: str) -> None:
    """Keep what a side says, and let the other side know it."""
    said = " ".join(words.split())
    if not said:
        raise BadInput("empty")
    if len(said) > DISPUTE_NOTE_MAX:
        raise BadInput("note_too_long", most=DISPUTE_NOTE_MAX)
    before = select(func.count()).where(
        DisputeNote.dispute_id == dispute.id, DisputeNote.side == side
    )
    if int(tx.db.scalar(before) or 0) >= DISPUTE_NOTES_MAX:
        raise Refused("too_many_notes", limit=DISPUTE_NOTES_MAX)
    note = DisputeNote(dispute_id=dispute.id, side=side, words=said, at=tx.now)
    tx.db.add(note)
    tx.db.flush()
    tell = {Side.CUSTOMER: tell_vendor, Side.VENDOR: tell_customer}.get(side)
    if tell is not None:
        topic = Topic.DISPUTE_NOTE
        tell(tx, booking, topic, key=str(note.id), side=side.value, words=said)


def _all_goes_back(tx: Tx, booking: Booking) -> None:
    """End a booking as a cancellation that keeps nothing would."""
    release_units(tx, booking)
    booking.cancelled_at = tx.now
    booking.released_net_cents = 0
    booking.released_at = tx.now


def _tell_decision(tx: Tx, booking: Booking, dispute: Dispute, decision: rules.Decision) -> None:
    net = left_after(price_of(booking), refunded(tx, booking.id)).vendor_net
    key, refund_cents = str(dispute.id), decision.refund.cents
    tell_customer(
        tx,
        booking,
        Topic.DISPUTE_RESOLVED_CUSTOMER,
        key=key,
        refund_cents=refund_cents,
        kept_cents=decision.kept.cents,
    )
    tell_vendor(
        tx,
        booking,
        Topic.DISPUTE_RESOLVED_VENDOR,
        key=key,
        refund_cents=refund_cents,
        kept_cents=net.cents,
    )
