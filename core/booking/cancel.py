"""Cancelling what has been paid for: who may, what goes back, and who gets what is kept.

In one transaction the units are free again, the refund is planned by the policy that was frozen
into the booking, and what does not go back is shared out as a release would. The vendor's part of
it is earned at once; it goes out with the next payout.
"""

from datetime import datetime
from uuid import UUID

from core.booking.changes import drop_open
from core.booking.lifecycle import LIFECYCLE, Actor, Event, State
from core.booking.model import Booking
from core.booking.moves import lock_booking, move
from core.booking.notices import Topic, tell_customer, tell_vendor
from core.booking.policy import Refund, forecast, refund_of
from core.booking.price import price_of, vendor_number
from core.booking.usecases import release_units
from core.db.tx import Tx
from core.errors import IllegalMove, NotFound, Refused
from core.escrow import ledger, postings
from core.money import Money
from core.payments.refunds import goes_to_a_card, plan_refund, refundable, reversals
from core.people.penalties import add_penalty
from core.pricing.shares import left_after

NOTE_MAX = 200


def preview(tx: Tx, booking: Booking) -> Refund:
    """Return what the customer would get back if they cancelled a paid booking now.

    Raises:
        Refused: ``already_begun``; what follows then is no matter of a policy.
        IllegalMove: it is not paid for, or over (data: state).
    """
    _check_confirmed(booking)
    if booking.starts_at <= tx.now:
        raise Refused("already_begun")
    return _by_policy(booking, tx.now)


def may_cancel(booking: Booking, now: datetime) -> bool:
    """Tell whether the customer may cancel a paid booking now."""
    return booking.state is State.CONFIRMED and booking.starts_at > now


def outlook(booking: Booking, now: datetime) -> list[Refund]:
    """Return what cancelling gives back now, and after each moment at which that drops.

    Before anything is paid: what it would give back once the whole price is. Nothing when it
    cannot be cancelled any more.
    """
    if booking.paid_at is None:
        open_ = LIFECYCLE.allows(booking.state, Event.WITHDRAW)
        total = Money(booking.total_cents)
    else:
        open_, total = may_cancel(booking, now), _of_policy(booking)
    return forecast(booking.policy, total, booking.starts_at, now) if open_ else []


def cancel_by_customer(
    tx: Tx, booking_id: UUID, customer_id: UUID, shown: Money | None = None
) -> Booking:
    """Cancel a paid booking for its customer; what goes back follows from its policy.

    Args:
        tx: the caller's transaction.
        booking_id: the booking.
        customer_id: who asks.
        shown: the refund they said yes to; it may have dropped since.

    Raises:
        NotFound: no such booking of this customer.
        IllegalMove: it is not paid for, or over.
        Refused: ``already_begun``; ``refund_changed`` (data: refund_cents).
    """
    booking = lock_booking(tx, booking_id)
    if booking.customer_id != customer_id:
        raise NotFound("no_booking")
    found = preview(tx, booking)
    if shown is not None and shown != found.refund:
        raise Refused("refund_changed", refund_cents=found.refund.cents)
    _cancel(tx, booking, found.refund, Actor.CUSTOMER, customer_id)
    return booking


def cancel_by_vendor(tx: Tx, booking_id: UUID, vendor_id: UUID) -> Booking:
    """Cancel a paid booking for its vendor: all money goes back, and a penalty is counted.

    A vendor may do so until the booking counts as done: whoever cannot serve should say so.

    Raises:
        NotFound: no such booking of this vendor.
        IllegalMove: it is not paid for, or over.
    """
    booking = lock_booking(tx, booking_id)
    if booking.vendor_id != vendor_id:
        raise NotFound("no_booking")
    _check_confirmed(booking)
    penalties = add_penalty(tx, vendor_id, booking.id)
    _cancel(tx, booking, refundable(booking), Actor.VENDOR, vendor_id, penalties=penalties)
    return booking


def cancel_by_admin(
    tx: Tx, booking_id: UUID, admin_id: UUID | None, reason: str, *, by_policy: bool = False
) -> Booking:
    """Cancel a paid booking for a stated reason; all money goes back, or what the policy says.

    Raises:
        NotFound: no such booking.
        IllegalMove: it is not paid for, or over.
        Refused: ``no_reason``.
    """
    note = " ".join(reason.split())[:NOTE_MAX]
    if not note:
        raise Refused("no_reason")
    booking = lock_booking(tx, booking_id)
    _check_confirmed(booking)
    left = _by_policy(booking, tx.now).refund if by_policy else refundable(booking)
    _cancel(tx, booking, left, Actor.ADMIN, admin_id, note=note)
    return booking


def cancel_unpaid_rest(tx: Tx, booking: Booking) -> None:
    """Cancel a locked booking whose rest did not come, as if its customer had done so now."""
    _cancel(tx, booking, _by_policy(booking, tx.now).refund, Actor.TIME, None)


def _by_policy(booking: Booking, now: datetime) -> Refund:
    """What the policy gives back of what was paid; what it kept of a change before stays kept."""
    return refund_of(booking.policy, _of_policy(booking), booking.starts_at, now)


def _of_policy(booking: Booking) -> Money:
    return Money(booking.received_cents - booking.refunds_cents - booking.kept_cents)


def _check_confirmed(booking: Booking) -> None:
    # The move itself would refuse, but only after money had been planned and penalties counted.
    if booking.state is not State.CONFIRMED:
        raise IllegalMove(state=booking.state.value, event=Event.CANCEL.value)


def _cancel(
    tx: Tx,
    booking: Booking,
    refund: Money,
    actor: Actor,
    actor_id: UUID | None,
    *,
    note: str | None = None,
    penalties: int = 0,
) -> None:
    move(tx, booking, Event.CANCEL, actor, actor_id, note)
    booking.cancelled_at = tx.now
    booking.due_at = None
    drop_open(tx, booking)
    release_units(tx, booking)
    planned = plan_refund(tx, booking, refund)
    net = _keep_the_rest(tx, booking)
    tell_customer(
        tx,
        booking,
        Topic.CANCELLED_CUSTOMER,
        by=actor.value,
        refund_cents=refund.cents,
        card=any(goes_to_a_card(tx, each) for each in planned),
    )
    tell_vendor(
        tx,
        booking,
        Topic.CANCELLED_VENDOR,
        by=actor.value,
        kept_cents=net.cents,
        penalties=penalties,
    )


def _keep_the_rest(tx: Tx, booking: Booking) -> Money:
    """Share out what came and does not go back; return the vendor's part of it."""
    gone = reversals(tx, booking)
    kept = left_after(price_of(booking), gone)
    if kept.total.cents:
        post = postings.retained(
            booking.code,
            vendor_number(tx, booking),
            price_of(booking),
            booking_id=booking.id,
            refunded=gone,
        )
        ledger.post(tx, post)
    booking.released_net_cents = kept.vendor_net.cents
    booking.released_at = tx.now
    return kept.vendor_net
