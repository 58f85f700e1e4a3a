"""Asking us, answering, and ending it."""

from datetime import timedelta

from sqlalchemy import func, select

from core import outbox
from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.limits import (
    TICKET_ANSWER_MAX,
    TICKET_NOTES_A_DAY_MAX,
    TICKET_QUIET_SECONDS,
    TICKET_WORDS_MAX,
)
from core.people.usecases import ensure_user
from core.support.lifecycle import LIVE, TicketEvent, TicketState
from core.support.model import Author, Ticket, TicketNote

ANSWERED_TOPIC = "ticket_answered"


def write(tx: Tx, msisdn: str, words: str) -> Ticket:
    """Open a ticket, or go on with the one that this number has open.

    One that was answered long ago is closed and a new one opened: it is about something else.

    Raises:
        BadInput: ``empty``, or ``note_too_long`` (data: most).
        Refused: ``too_many_tickets`` (data: limit): enough for one day.
    """
    said = _words(words, TICKET_WORDS_MAX)
    ensure_user(tx, msisdn)  # Locked, so that two messages at once open one ticket.
    if _written_today(tx, msisdn) >= TICKET_NOTES_A_DAY_MAX:
        raise Refused("too_many_tickets", limit=TICKET_NOTES_A_DAY_MAX)
    ticket = tx.db.scalar(select(Ticket).where(Ticket.msisdn == msisdn, Ticket.state.in_(LIVE)))
    if ticket is not None and ticket.state is TicketState.ANSWERED:
        if ticket.said_at < tx.now - timedelta(seconds=TICKET_QUIET_SECONDS):
            _end(tx, ticket)
            ticket = None
        else:
            ticket.waiting_since = tx.now
    if ticket is None:
        ticket = Ticket(
            id=tx.ids.uuid(),
            msisdn=msisdn,
            state=TicketState.OPEN,
            opened_at=tx.now,
            waiting_since=tx.now,
            said_at=tx.now,
        )
        tx.db.add(ticket)
    else:
        ticket.move(TicketEvent.WRITE)
    _note(tx, ticket, Author.PERSON, said)
    return ticket


def answer(tx: Tx, number: int, words: str, by: str | None = None) -> Ticket:
    """Answer a ticket; the person gets the words as a message, and no name.

    Args:
        tx: the caller's transaction.
        number: the ticket's.
        words: what the person gets.
        by: the e-mail address of whoever answers; kept with the words.

    Raises:
        NotFound: ``no_ticket``.
        IllegalMove: it is closed.
        BadInput: ``empty``, or ``note_too_long`` (data: most).
    """
    said = _words(words, TICKET_ANSWER_MAX)
    ticket = _locked(tx, number)
    ticket.move(TicketEvent.ANSWER)
    _note(tx, ticket, Author.STAFF, said, by)
    outbox.add(tx, ANSWERED_TOPIC, ticket.msisdn, {"number": ticket.number, "words": said})
    return ticket


def close(tx: Tx, number: int, by: str | None = None) -> Ticket:
    """End a ticket; nobody is told.

    Args:
        tx: the caller's transaction.
        number: the ticket's.
        by: the e-mail address of whoever ends it; kept with the ticket.

    Raises:
        NotFound: ``no_ticket``.
        IllegalMove: it is closed.
    """
    ticket = _locked(tx, number)
    _end(tx, ticket, by)
    return ticket


def _end(tx: Tx, ticket: Ticket, by: str | None = None) -> None:
    ticket.move(TicketEvent.CLOSE)
    ticket.closed_at, ticket.closed_by = tx.now, by
    tx.db.flush()


def _words(words: str, most: int) -> str:
    said = " ".join(words.split())
    if not said:
        raise BadInput("empty")
    if len(said) > most:
        raise BadInput("note_too_long", most=most)
    return said


def _note(tx: Tx, ticket: Ticket, author: Author, words: str, by: str | None = None) -> None:
    ticket.said_at = tx.now
    tx.db.flush()
    note = TicketNote(ticket_id=ticket.id, author=author, words=words, at=tx.now, written_by=by)
    tx.db.add(note)
    tx.db.flush()


def _written_today(tx: Tx, msisdn: str) -> int:
    written = (
        select(func.count())
        .select_from(TicketNote)
        .join(Ticket, Ticket.id == TicketNote.ticket_id)
        .where(
            Ticket.msisdn == msisdn,
            TicketNote.author == Author.PERSON,
            TicketNote.at > tx.now - timedelta(days=1),
        )
    )
    return int(tx.db.scalar(written) or 0)


def _locked(tx: Tx, number: int) -> Ticket:
    ticket = tx.db.scalar(select(Ticket).where(Ticket.number == number).with_for_update())
    if ticket is None:
        raise NotFound("no_ticket")
    return ticket
