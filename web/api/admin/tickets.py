"""The queue of questions: read, answered and ended."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from core.admins.queries import Caller
from core.db.tx import Tx
from core.limits import LIST_MAX
from core.support import usecases
from core.support.lifecycle import TicketState
from core.support.queries import ticket_by_number, tickets_in
from web.api.admin.desk import After, Desk, Limit, Number, Words, behind, place
from web.api.envelope import Success
from web.desk.sentences import TICKETS
from web.desk.tickets import ListedTicket, ReadTicket


class Queue(BaseModel):
    """A page of tickets."""

    tickets: list[ListedTicket]
    next: str | None = Field(description="`after` of the next page, none on the last.")


class Answer(BaseModel):
    """What the person gets as an SMS."""

    text: Words


def ticket_routes(desk: Desk) -> APIRouter:
    """Return the addresses of tickets."""
    router = desk.router("/tickets", TICKETS)
    Admin = Annotated[Caller, Depends(desk.access)]  # noqa: N806 -- a type.

    @router.get("")
    def queue(
        state: TicketState = TicketState.OPEN, limit: Limit = LIST_MAX, after: After = None
    ) -> Success[Queue]:
        """List tickets of a state, the longest wait first; phone numbers are masked."""

        def page(tx: Tx) -> Queue:
            found = tickets_in(tx, state, limit, behind(after))
            last = found[-1] if len(found) == limit else None
            return Queue(
                tickets=[ListedTicket.of(ticket, tx.now) for ticket in found],
                next=place(last.waiting_since, last.number) if last else None,
            )

        return desk.tell(page)

    @router.get("/{number}")
    def read(number: Number) -> Success[ReadTicket]:
        """Read what both sides said.

        Here the phone number is not masked: whoever answers may have to call.
        """
        return desk.tell(lambda tx: ReadTicket.of_view(ticket_by_number(tx, number), tx.now))

    @router.post("/{number}/answer")
    def answer(number: Number, said: Answer, admin: Admin) -> Success[ListedTicket]:
        """Answer; the person gets the words as an SMS, and your name stays with us."""

        def send(tx: Tx) -> ListedTicket:
            ticket = usecases.answer(tx, number, said.text, admin.email)
            return ListedTicket.of(ticket, tx.now)

        return desk.do(admin, "ticket.answered", number, send)

    @router.post("/{number}/close")
    def close(number: Number, admin: Admin) -> Success[ListedTicket]:
        """End a ticket; nobody is told."""

        def end(tx: Tx) -> ListedTicket:
            return ListedTicket.of(usecases.close(tx, number, admin.email), tx.now)

        return desk.do(admin, "ticket.closed", number, end)

    return router
