"""``nafasi tickets``: what people ask us in their own words, and answering them."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, lists, put_json, say
from web.desk.sentences import TICKETS

if TYPE_CHECKING:
    from core.db.tx import Tx

app = typer.Typer(help="What people ask us: list, show, answer, close.")

Number = Annotated[int, typer.Argument(help="The ticket's number, as the list shows it.")]

_run = partial(decided, sentences=TICKETS)


@lists(app)
def list_live(*, as_json: Json = False) -> None:
    """List what is not closed: what waits for us first, the longest wait before all."""
    from core.support.queries import live_tickets
    from web.desk.tickets import ListedTicket

    def read(tx: "Tx") -> list[dict[str, Any]]:
        listed = [ListedTicket.of(ticket, tx.now) for ticket in live_tickets(tx)]
        return [ticket.model_dump(mode="json") for ticket in listed]

    shown = _run(read)
    if as_json:
        put_json({"tickets": shown})
    elif not shown:
        sys.stdout.write("Nobody waits for an answer.\n")
    for one in [] if as_json else shown:
        waits = f"waits {one['waits_hours']} h" if one["state"] == "open" else one["state"]
        sys.stdout.write(f"{one['number']:>6}  {one['phone']}  {waits}\n")


@app.command()
def show(number: Number, *, as_json: Json = False) -> None:
    """Show a ticket with what both sides said."""
    from core.support.queries import ticket_by_number
    from web.desk.tickets import ReadTicket

    def read(tx: "Tx") -> dict[str, Any]:
        return ReadTicket.of_view(ticket_by_number(tx, number), tx.now).model_dump(mode="json")

    found = _run(read)
    if as_json:
        put_json(found)
        return
    sys.stdout.write(f"Ticket {number} of {found['phone']}: {found['state']}\n")
    for note in found["notes"]:
        sys.stdout.write(f"{note['at'][:16]} {_author(note)}: {note['words']}\n")
    if found["closed_at"]:
        by = f" by {found['closed_by']}" if found["closed_by"] else ""
        sys.stdout.write(f"{found['closed_at'][:16]} closed{by}\n")


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


def _author(note: dict[str, Any]) -> str:
    return f"{note['author']} ({note['by']})" if note["by"] else str(note["author"])
