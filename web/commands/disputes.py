"""``nafasi disputes``: what customers and vendors disagree about, and deciding it."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, lists, put_json, say
from web.desk.sentences import DISPUTES

if TYPE_CHECKING:
    from core.db.tx import Tx
    from core.disputes.queries import DisputeView

app = typer.Typer(help="What customers report about bookings: list, show, note, resolve.")

Code = Annotated[str, typer.Argument(help="The booking's code, such as K7P4Q.")]

_run = partial(decided, sentences=DISPUTES)


@lists(app)
def list_open(*, as_json: Json = False) -> None:
    """List open disputes, by when they are to be decided."""
    from core.disputes.queries import open_disputes

    shown = _run(lambda tx: [_told(view) for view in open_disputes(tx)])
    if as_json:
        put_json({"disputes": shown})
    elif not shown:
        sys.stdout.write("Nobody disagrees.\n")
    else:
        _print_all(shown)


@app.command()
def show(code: Code, *, as_json: Json = False) -> None:
    """Show a booking's disputes with what each side says, the newest first."""
    from core.booking.moves import find_by_code
    from core.disputes.queries import disputes_of

    found = _run(lambda tx: [_told(view) for view in disputes_of(tx, find_by_code(tx, code))])
    if as_json:
        put_json({"booking": code.upper(), "disputes": found})
    elif not found:
        sys.stdout.write("No problem was ever reported.\n")
    for one in [] if as_json else found:
        _print_one(one)


@app.command()
def note(code: Code, words: Annotated[str, typer.Argument(help="What you found out.")]) -> None:
    """Keep what you found out; only admins see it."""
    from core.booking.moves import find_by_code
    from core.disputes.usecases import note_by_admin

    _run(lambda tx: note_by_admin(tx, find_by_code(tx, code).id, words))
    say.print("Noted.")


@app.command()
def resolve(
    code: Code,
    customer: Annotated[
        int,
        typer.Option(
            "--customer", help="Percent that goes back: 100 all, 0 nothing, or a split between."
        ),
    ],
    why: Annotated[str, typer.Option("--why", help="Your grounds; kept with the dispute.")],
    *,
    as_json: Json = False,
) -> None:
    """Decide: a part goes back to the customer, the rest is released; both sides are told."""
    from core.booking.moves import find_by_code
    from core.disputes.queries import disputes_of
    from core.disputes.usecases import resolve as decide

    def settle(tx: "Tx") -> "DisputeView":
        booking = find_by_code(tx, code)
        decide(tx, booking.id, customer, None, why)
        return disputes_of(tx, booking)[0]

    told = _told(_run(settle))
    if as_json:
        put_json(told)
    else:
        sys.stdout.write(
            f"{told['booking']} is decided: {_shillings(told['refund_cents'])} goes back,"
            f" {_shillings(told['kept_cents'])} is kept.\n"
        )


def _told(view: "DisputeView") -> dict[str, Any]:
    from web.desk.disputes import ToldDispute

    return ToldDispute.of(view).model_dump(mode="json")


def _print_all(shown: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Booking", "Problem", "State", "Held", "Decide by", "Notes")
    for one in shown:
        table.add_row(
            one["booking"],
            one["problem"],
            one["state"],
            _shillings(one["held_cents"]),
            _local(one["decide_by"]),
            str(len(one["notes"])),
        )
    Console().print(table)


def _print_one(one: dict[str, Any]) -> None:
    until = f"vendor until {_local(one['answer_by'])}, decision until {_local(one['decide_by'])}"
    lines = [
        f"{one['booking']} {one['problem']}: {one['state']}",
        f"  reported {_local(one['opened_at'])}, {until}",
    ]
    if one["why"]:
        lines.append(
            f"  decided: {one['customer_percent']} % to the customer"
            f" ({_shillings(one['refund_cents'])}); {one['why']}"
        )
    lines += [f"  {_local(each['at'])} {each['side']}: {each['words']}" for each in one["notes"]]
    sys.stdout.write("\n".join(lines) + "\n")


def _local(moment: str) -> str:
    from datetime import datetime

    from core.clock import NAIROBI

    return f"{datetime.fromisoformat(moment).astimezone(NAIROBI):%a %d %b %H:%M}"


def _shillings(cents: int) -> str:
    from core.money import Money
    from sessions.texts import money

    return money(Money(cents))
