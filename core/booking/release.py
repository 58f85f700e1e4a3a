"""The release of completed bookings: what waits in escrow is shared out, of many at once."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from core.booking.lifecycle import Actor, Event, State
from core.booking.model import Booking
from core.booking.moves import move_all
from core.booking.price import price_of
from core.db.tx import Tx
from core.escrow import ledger, postings
from core.payments.refunds import reversals_of
from core.people.model import Vendor
from core.pricing.shares import left_after


def due_releases(tx: Tx, limit: int) -> list[UUID]:
    """Return completed bookings whose money is due to their vendors, the longest overdue first."""
    return list(
        tx.db.scalars(
            select(Booking.id)
            .where(Booking.due_at <= tx.now, Booking.state == State.COMPLETED)
            .order_by(Booking.due_at, Booking.id)
            .limit(limit)
        )
    )


def release_many(tx: Tx, booking_ids: Collection[UUID]) -> int:
    """Release those of some bookings that are due and that no other worker has.

    All of them or none, in as many statements for a hundred as for one. Each has its own key in
    the ledger: whatever dies before the commit, the next run releases them again, once.

    Returns:
        how many were released.
    """
    bookings = tx.db.scalars(
        select(Booking)
        .where(
            Booking.id.in_(booking_ids),
            Booking.due_at <= tx.now,
            Booking.state == State.COMPLETED,
        )
        .order_by(Booking.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    release(tx, bookings)
    return len(bookings)


def release(
    tx: Tx,
    bookings: Sequence[Booking],
    actor: Actor = Actor.TIME,
    actor_id: UUID | None = None,
) -> None:
    """Share out the escrow of completed bookings: vendor, fee, commission, taxes.

    Args:
        tx: the caller's transaction.
        bookings: locked by the caller.
        actor: who says so.
        actor_id: which person, when it is one.

    Raises:
        IllegalMove: one of them is not completed; none is released.
        Unposted: the ledger refused one of them; none is released.
    """
    if not bookings:
        return
    move_all(tx, [booking.id for booking in bookings], Event.RELEASE, actor, actor_id)
    vendors = {booking.vendor_id for booking in bookings}
    rows = tx.db.execute(select(Vendor.id, Vendor.number).where(Vendor.id.in_(vendors)))
    numbers = {row.id: row.number for row in rows}
    gone = reversals_of(tx, bookings)
    ledger.post_all(
        tx,
        [
            postings.released(
                booking.code,
                numbers[booking.vendor_id],
                price_of(booking),
                booking_id=booking.id,
                refunded=gone[booking.id],
            )
            for booking in bookings
            if booking.refunds_cents < booking.total_cents
        ],
    )
    for booking in bookings:
        if gone[booking.id] and booking.refunds_cents < booking.total_cents:
            kept = left_after(price_of(booking), gone[booking.id])
            booking.released_net_cents = kept.vendor_net.cents
        booking.released_at = tx.now
        booking.due_at = None
