"""What is asked about tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, tuple_

from core.db.tx import Tx
from core.errors import NotFound
from core.limits import LIST_MAX
from core.support.lifecycle import LIVE, TicketState
from core.support.model import Ticket, TicketNote


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket with what was said, the oldest first."""

    ticket: Ticket
    notes: Sequence[TicketNote]


def live_tickets(tx: Tx, limit: int = LIST_MAX) -> list[Ticket]:
    """Return what is not closed: what waits for us first, the longest wait before all."""
    waits = Ticket.state == TicketState.OPEN
    query = (
        select(Ticket)
        .where(Ticket.state.in_(LIVE))
        .order_by(waits.desc(), Ticket.waiting_since, Ticket.number)
    )
    return list(tx.db.scalars(query.limit(min(limit, LIST_MAX))))


def tickets_in(
    tx: Tx, state: TicketState, limit: int = LIST_MAX, after: tuple[datetime, int] | None = None
) -> list[Ticket]:
    """Return tickets of one state, the longest wait first.

    Args:
        tx: to read in.
        state: whose turn it is.
        limit: how many, ``LIST_MAX`` at the most.
        after: ``waiting_since`` and number of the ticket behind which to go on.
    """
    place = (Ticket.waiting_since, Ticket.number)
    query = select(Ticket).where(Ticket.state == state).order_by(*place)
    if after is not None:
        query = query.where(tuple_(*place) > after)
    return list(tx.db.scalars(query.limit(min(limit, LIST_MAX))))


def ticket_by_number(tx: Tx, number: int) -> TicketView:
    """Return a ticket with the newest of its notes; raises NotFound (``no_ticket``)."""
    ticket = tx.db.scalar(select(Ticket).where(Ticket.number == number))
    if ticket is None:
        raise NotFound("no_ticket")
    said = select(TicketNote).where(TicketNote.ticket_id == ticket.id)
    newest = tx.db.scalars(said.order_by(TicketNote.id.desc()).limit(LIST_MAX)).all()
    return TicketView(ticket, list(reversed(newest)))


def waiting_tickets(tx: Tx) -> tuple[int, datetime | None]:
    """Return how many tickets wait for us, and since when the longest does."""
    count, since = tx.db.execute(
        select(func.count(), func.min(Ticket.waiting_since)).where(
            Ticket.state == TicketState.OPEN
        )
    ).one()
    return count, since
