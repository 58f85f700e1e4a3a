"""The one way in which a booking moves: the table decides, the audit row is written beside it."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from core.booking.lifecycle import LIFECYCLE, Actor, Event, State
from core.booking.model import Booking, BookingEvent
from core.db.base import Base
from core.db.tx import Tx
from core.errors import NotFound

# A plain insert: nobody needs the row back.
_WRITTEN = insert(Base.metadata.tables[BookingEvent.__tablename__])

# Built once: nearly everything begins with it.
_LOCKED = (
    select(Booking)
    .where(Booking.id == bindparam("booking_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_CAME_FROM = (
    select(BookingEvent.state_before)
    .where(BookingEvent.booking_id == bindparam("booking_id"))
    .order_by(BookingEvent.id.desc())
    .limit(1)
)


def lock_booking(tx: Tx, booking_id: UUID) -> Booking:
    """Return a booking, locked until the transaction ends; raises NotFound."""
    booking = tx.db.scalar(_LOCKED, {"booking_id": booking_id})
    if booking is None:
        raise NotFound("no_booking")
    return booking


def find_by_code(tx: Tx, code: str) -> Booking:
    """Return a booking by its short code, in any case; raises NotFound."""
    booking = tx.db.scalar(select(Booking).where(Booking.code == code.strip().upper()))
    if booking is None:
        raise NotFound("no_booking", typed=code.strip().upper())
    return booking


def came_from(tx: Tx, booking: Booking) -> State | None:
    """Return in which state a booking was before its last move; None at its beginning."""
    return tx.db.scalar(_CAME_FROM, {"booking_id": booking.id})


def move(
    tx: Tx,
    booking: Booking,
    event: Event,
    actor: Actor,
    actor_id: UUID | None = None,
    note: str | None = None,
) -> State:
    """Move a locked booking and write who did it; raises IllegalMove."""
    before = booking.state
    after = booking.move(event)
    write_event(tx, booking, event.value, before, actor=actor, actor_id=actor_id, note=note)
    return after


def move_all(
    tx: Tx,
    booking_ids: Collection[UUID],
    event: Event,
    actor: Actor,
    actor_id: UUID | None = None,
) -> None:
    """Move bookings together, in as many statements for a thousand as for one.

    They are locked in the order of their ids.

    Raises:
        IllegalMove: one of them cannot; none has moved.
    """
    rows = tx.db.execute(
        select(Booking.id, Booking.state)
        .where(Booking.id.in_(booking_ids))
        .order_by(Booking.id)
        .with_for_update()
    ).all()
    moves = [(row.id, row.state, LIFECYCLE.target(row.state, event)) for row in rows]
    for target in {after for _, before, after in moves if after is not before}:
        going = [id_ for id_, before, after in moves if after is target and after is not before]
        tx.db.execute(update(Booking).where(Booking.id.in_(going)).values(state=target))
    if moves:
        tx.db.execute(
            insert(BookingEvent),
            [
                {
                    "booking_id": id_,
                    "event": event.value,
                    "state_before": before,
                    "state_after": after,
                    "actor": actor,
                    "actor_id": actor_id,
                    "at": tx.now,
                }
                for id_, before, after in moves
            ],
        )


def write_event(
    tx: Tx,
    booking: Booking,
    event: str,
    before: State | None,
    *,
    actor: Actor,
    actor_id: UUID | None,
    note: str | None = None,
) -> None:
    """Write the audit row of a move that led to the booking's present state."""
    tx.db.execute(
        _WRITTEN,
        {
            "booking_id": booking.id,
            "event": event,
            "state_before": before,
            "state_after": booking.state,
            "actor": actor,
            "actor_id": actor_id,
            "note": note,
            "at": tx.now,
        },
    )
