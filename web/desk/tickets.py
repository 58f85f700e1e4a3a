"""Tickets as the people who answer them see them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from core.msisdn import local_form, mask
from core.support.lifecycle import TicketState
from core.support.model import Author, Ticket
from core.support.queries import TicketView


class ListedTicket(BaseModel):
    """A ticket in the queue. Nobody needs the whole number to choose what to answer next."""

    number: int
    phone: str = Field(description="Masked in the queue; whole where one ticket is read.")
    state: TicketState
    opened_at: datetime
    waits_hours: int | None = Field(description="Since the first words not answered yet.")
    closed_at: datetime | None
    closed_by: str | None = Field(description="The e-mail address of whoever ended it.")

    @classmethod
    def of(cls, ticket: Ticket, now: datetime) -> Self:
        """Return a ticket as it is at a moment."""
        waited = int((now - ticket.waiting_since).total_seconds()) // 3600
        return cls(
            number=ticket.number,
            phone=mask(ticket.msisdn),
            state=ticket.state,
            opened_at=ticket.opened_at,
            waits_hours=waited if ticket.state is TicketState.OPEN else None,
            closed_at=ticket.closed_at,
            closed_by=ticket.closed_by,
        )


class Note(BaseModel):
    """What one side said."""

    author: Author
    at: datetime
    words: str
    by: str | None = Field(description="The e-mail address of whoever of ours wrote it.")


class ReadTicket(ListedTicket):
    """A ticket with what both sides said, the oldest first.

    Whoever answers may have to call: here the number is not masked.
    """

    notes: list[Note]

    @classmethod
    def of_view(cls, view: TicketView, now: datetime) -> Self:
        """Return a ticket and its notes as they are at a moment."""
        listed = ListedTicket.of(view.ticket, now).model_dump()
        notes = [
            Note(author=each.author, at=each.at, words=each.words, by=each.written_by)
            for each in view.notes
        ]
        return cls(**listed | {"phone": local_form(view.ticket.msisdn), "notes": notes})
