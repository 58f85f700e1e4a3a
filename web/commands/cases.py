"""``nafasi cases``: what a person must decide, and deciding it."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, lists, load_settings, open_database, put_json, say
from web.desk.sentences import CASES

if TYPE_CHECKING:
    from core.db.tx import Tx

app = typer.Typer(help="What a person must decide: list it, own it, end it.")

Number = Annotated[int, typer.Argument(help="The case's number, as the list shows it.")]

_run = partial(decided, sentences=CASES)


@lists(app)
def list_open(*, as_json: Json = False) -> None:
    """List open cases, the oldest first."""
    from core.cases.queries import open_cases
    from web.desk.cases import ToldCase

    with open_database(load_settings()) as database, database.transaction() as tx:
        told = [ToldCase.of(case, tx.now) for case in open_cases(tx)]
    shown = [case.model_dump(mode="json") for case in told]
    if as_json:
        put_json({"cases": shown})
    elif not shown:
        sys.stdout.write("Nothing waits for a person.\n")
    else:
        _print(shown)


@app.command()
def assign(
    number: Number,
    owner: Annotated[str, typer.Option("--to", help="E-mail address; empty takes it back.")],
) -> None:
    """Say who looks into a case."""
    from core.cases import usecases

    _run(lambda tx: usecases.assign(tx, number, owner or None))
    say.print(f"Case {number} is with {owner or 'nobody'}.")


@app.command()
def close(
    number: Number, note: Annotated[str, typer.Option("--note", help="How it ended.")]
) -> None:
    """End a case."""
    from core.cases import usecases

    _run(lambda tx: usecases.close(tx, number, note))
    say.print(f"Case {number} is closed.")


@app.command()
def match(
    number: Number, code: Annotated[str, typer.Option("--booking", help="The booking's code.")]
) -> None:
    """Give the money of a case to a booking that lacks at least as much."""
    from core.booking.dues import left_cents
    from core.cases import usecases
    from core.payments import suspense

    def decide(tx: "Tx") -> tuple[str, int]:
        booking = suspense.match(tx, usecases.receipt_of(tx, number), code)
        usecases.close(tx, number, f"Matched to booking {booking.code}.")
        return booking.code, left_cents(booking)

    found, left = _run(decide)
    missing = f"has the money, but KES {_shillings(left)} of its price is still missing"
    say.print(f"Booking {found} {missing if left else 'is paid'}; case {number} is closed.")


@app.command("send-back")
def send_back(
    number: Number,
    to: Annotated[
        str | None, typer.Option("--to", help="Who paid, when the provider does not say.")
    ] = None,
) -> None:
    """Send the money of a case back to whoever paid it; the case closes when it has arrived."""
    from core.cases import usecases
    from core.msisdn import mask
    from core.payments import suspense

    sent = _run(lambda tx: suspense.send_back(tx, usecases.receipt_of(tx, number), to))
    say.print(f"The money of case {number} is on its way to {mask(sent)}.")


@app.command()
def arrived(
    number: Number,
    receipt: Annotated[
        str, typer.Option("--receipt", help="Its receipt, as the provider shows it.")
    ],
) -> None:
    """Book that the money of a case has arrived, of which nothing was heard; the case closes."""
    from core.cases import usecases
    from core.payments.looked_up import book_arrival

    def book(tx: "Tx") -> int:
        attempt = book_arrival(tx, usecases.attempt_of(tx, number), receipt)
        usecases.close(tx, number, f"Arrived, by the provider's word: {receipt.strip()}.")
        return attempt.amount_cents

    cents = _run(book)
    say.print(f"KES {_shillings(cents)} has arrived; case {number} is closed.")


@app.command("not-arrived")
def not_arrived(
    number: Number,
    why: Annotated[str, typer.Option("--why", help="Who says so; it is kept with the case.")],
) -> None:
    """Book that the money of a case never left; it is tried again, and the case closes.

    Only by the provider's word: what it does not show yet may still arrive.
    """
    from core.cases import usecases
    from core.payments.looked_up import book_failure

    def book(tx: "Tx") -> int:
        attempt = book_failure(tx, usecases.attempt_of(tx, number))
        usecases.close(tx, number, why)
        return attempt.amount_cents

    cents = _run(book)
    said = f"KES {_shillings(cents)} never left and goes on as after any failure"
    say.print(f"{said}; case {number} is closed.")


def _print(shown: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Case", "Kind", "What is known", "KES", "Age", "Owner")
    for case in shown:
        known = case["facts"].items()
        facts = ", ".join(_fact(name, value) for name, value in known if value and _shown(name))
        cents = case["amount_cents"]
        amount = "" if cents is None else _shillings(cents)
        days, hours = divmod(case["age_hours"], 24)
        table.add_row(
            str(case["number"]), case["kind"], facts or case["subject"], amount,
            f"{days} d {hours} h", case["owner"] or "",
        )  # fmt: skip
    Console().print(table)


def _shown(name: str) -> bool:
    """Ids and where exactly something stood are for machines: they are in the JSON."""
    return not name.endswith("_id") and name not in {"at", "file", "line"}


def _fact(name: str, value: Any) -> str:
    if name.endswith("_cents"):
        return f"{name.removesuffix('_cents')} {_shillings(value)}"
    return f"{value}" if name in {"fault", "number", "rule"} else f"{name} {value}"


def _shillings(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02d}"
