"""``nafasi deadletters``: messages and callbacks that nothing moves any more."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from web.commands.setup import (
    Json,
    decided,
    fail,
    lists,
    load_settings,
    open_database,
    put_json,
    refusals,
    say,
)

if TYPE_CHECKING:
    from datetime import datetime

    from core.db.tx import Tx
    from core.deadletters import DeadLetter

app = typer.Typer(help="Messages and callbacks that failed for good: list, show, retry, drop.")

Letter = Annotated[UUID, typer.Argument(help="Its id, as the list shows it.")]

SENTENCES = {
    "not_found": "There is no such dead letter.",
    "may_have_gone": "That message may have gone out. To send it all the same: --maybe-twice",
    "empty": "Say why.",
    "too_long": "Say why in fewer words.",
}
_run = partial(decided, sentences=SENTENCES)


@lists(app)
def list_open(
    why: Annotated[str | None, typer.Option("--why", help="Only those with this error.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """List dead letters, the oldest first."""
    from core.deadletters import dead_letters

    with open_database(load_settings()) as database, database.transaction() as tx:
        shown = [_told(letter, tx.now) for letter in dead_letters(tx, why)]
    if as_json:
        put_json({"dead_letters": shown})
    elif not shown:
        sys.stdout.write("There are none.\n")
    else:
        _print(shown)


@app.command()
def show(letter: Letter) -> None:
    """Show one as JSON, without words and with its number masked."""
    from core.deadletters import dead_letter

    with refusals(SENTENCES), open_database(load_settings()) as database:
        put_json(database.run(lambda tx: _told(dead_letter(tx, letter), tx.now)))


@app.command()
def retry(
    letters: Annotated[list[UUID] | None, typer.Argument(help="Their ids.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="All with this error.")] = None,
    *,
    maybe_twice: Annotated[
        bool, typer.Option("--maybe-twice", help="Also messages that may have gone out.")
    ] = False,
) -> None:
    """Take dead letters up again, with all their tries."""
    from core import deadletters as core

    def again(tx: "Tx") -> int:
        ids = list(letters or [])
        if why is not None:
            ids += [letter.id for letter in core.dead_letters(tx, why)]
        for each in ids:
            core.retry(tx, each, maybe_twice=maybe_twice)
        return len(ids)

    if not letters and why is None:
        fail("Name ids, or an error with --why.")
    say.print(f"{_run(again)} taken up again.")


@app.command()
def drop(
    letter: Letter, reason: Annotated[str, typer.Option("--reason", help="Why it is given up.")]
) -> None:
    """Give one up for good."""
    from core.deadletters import drop as give_up

    _run(lambda tx: give_up(tx, letter, reason))
    say.print("Dropped.")


def _told(letter: "DeadLetter", now: "datetime") -> dict[str, Any]:
    from core.msisdn import mask

    return {
        "id": str(letter.id),
        "box": letter.box.value,
        "what": letter.what,
        "state": letter.state,
        "why": letter.why,
        "person": mask(letter.person) if letter.person else None,
        "tries": letter.tries,
        "since": letter.since.isoformat(),
        "age_hours": int((now - letter.since).total_seconds()) // 3600,
    }


def _print(shown: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Id", "Box", "What", "State", "Why", "Person", "Tries", "Age")
    for each in shown:
        table.add_row(
            each["id"], each["box"], each["what"], each["state"], each["why"],
            each["person"] or "", str(each["tries"]), f"{each['age_hours']} h",
        )  # fmt: skip
    Console().print(table)
