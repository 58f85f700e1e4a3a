"""``nafasi tickets``: what people ask us in their own words, and answering them."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, put_json, say

if TYPE_CHECKING:
    from datetime import datetime

    from core.db.tx import Tx
    from core.support.model import Ticket

app = typer.Typer(help="What people ask us: list, show, answer, close.")

Number = Annotated[int, typer.Argument(help="The ticket's number, as the list shows it.")]

# What each refusal means to whoever typed the command.
SENTENCES = {
    "no_ticket": "There is no such ticket.",
    "illegal_move": "That ticket is closed.",
    "empty": "An answer has words.",
    "note_too_long": "An answer has at most {most} letters: it goes out as one message.",
}
_run = partial(decided, sentences=SENTENCES)


@app.callback(invoke_without_command=True)
def tickets(context: typer.Context, *, as_json: Json = False) -> None:
    """List what is not closed: what waits for us first, the longest wait before all."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@app.command("list")
def list_live(*, as_json: Json = False) -> None:
    """List what is not closed: what waits for us first, the longest wait before all."""
    _list(as_json=as_json)


@app.command()
def show(number: Number, *, as_json: Json = False) -> None:
    """Show a ticket with what both sides said."""
    from core.msisdn import local_form
    from core.support.queries import ticket_by_number

    def read(tx: "Tx") -> dict[str, Any]:
        view = ticket_by_number(tx, number)
        notes = [
            {"author": note.author.value, "at": note.at.isoformat(), "words": note.words}
            for note in view.notes
        ]
        # Whoever answers may have to call: here the number is not masked.
        phone = local_form(view.ticket.msisdn)
        return {**_told(view.ticket, tx.now), "phone": phone, "notes": notes}

    found = _run(read)
    if as_json:
        put_json(found)
        return
    sys.stdout.write(f"Ticket {number} of {found['phone']}: {found['state']}\n")
    for note in found["notes"]:
        sys.stdout.write(f"{note['at'][:16]} {note['author']}: {note['words']}\n")


@app.command()
def answer(number: Number, words: Annotated[str, typer.Argument(help="Your answer.")]) -> None:
    """Answer; the person gets the words as an SMS."""
    from core.support.usecases import answer as send

    _run(lambda tx: send(tx, number, words))
    say.print(f"Ticket {number} is answered.")


@app.command()
def close(number: Number) -> None:
    """End a ticket; nobody is told."""
    from core.support.usecases import close as end

    _run(lambda tx: end(tx, number))
    say.print(f"Ticket {number} is closed.")


def _list(*, as_json: bool) -> None:
    from core.support.queries import live_tickets

    shown = _run(lambda tx: [_told(ticket, tx.now) for ticket in live_tickets(tx)])
    if as_json:
        put_json({"tickets": shown})
    elif not shown:
        sys.stdout.write("Nobody waits for an answer.\n")
    for one in [] if as_json else shown:
        waits = f"waits {one['waits_hours']} h" if one["state"] == "open" else one["state"]
        sys.stdout.write(f"{one['number']:>6}  {one['phone']}  {waits}\n")


def _told(ticket: "Ticket", now: "datetime") -> dict[str, Any]:
    from core.msisdn import mask

    return {
        "number": ticket.number,
        "phone": mask(ticket.msisdn),
        "state": ticket.state.value,
        "opened_at": ticket.opened_at.isoformat(),
        "waits_hours": int((now - ticket.waiting_since).total_seconds()) // 3600
        if ticket.state == "open"
        else None,
    }
