"""``nafasi cases``: what a person must decide, and deciding it."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, load_settings, open_database, put_json, say

if TYPE_CHECKING:
    from datetime import datetime

    from core.cases.model import Case
    from core.db.tx import Tx

app = typer.Typer(help="What a person must decide: list, assign, close, match, send back.")

Number = Annotated[int, typer.Argument(help="The case's number, as the list shows it.")]

# What each refusal means to whoever typed the command.
SENTENCES = {
    "not_found": "There is no such case, receipt or booking.",
    "case_closed": "That case is closed.",
    "bad_input": "That {field} cannot be used.",
    "bad_phone": "That is no phone number.",
    "not_suspense": "That case is not about money in suspense.",
    "not_in_suspense": "That money is no longer in suspense.",
    "return_open": "That money is already on its way back.",
    "wrong_amount": "The booking lacks {due} cents, and {came} came.",
    "already_used": "A booking has used that money, or gave it back: it can only be sent back.",
    "not_payable": "That booking cannot be paid any more ({state}).",
    "no_payer": "The provider did not say who paid: give --to NUMBER.",
    "other_payer": "The provider says that somebody else paid.",
    "not_sendable": "M-Pesa does not send {came} cents.",
}
_run = partial(decided, sentences=SENTENCES)


@app.callback(invoke_without_command=True)
def cases(context: typer.Context, *, as_json: Json = False) -> None:
    """List open cases, the oldest first."""
    if context.invoked_subcommand is not None:
        return
    from core.cases.queries import open_cases

    with open_database(load_settings()) as database, database.transaction() as tx:
        shown = [_told(case, tx.now) for case in open_cases(tx)]
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
    """Give the money of a case to a booking that it pays exactly."""
    from core.cases import usecases
    from core.payments import suspense

    def decide(tx: "Tx") -> str:
        booking = suspense.match(tx, usecases.receipt_of(tx, number), code)
        usecases.close(tx, number, f"Matched to booking {booking.code}.")
        return booking.code

    say.print(f"Booking {_run(decide)} is paid; case {number} is closed.")


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


def _told(case: "Case", now: "datetime") -> dict[str, Any]:
    return {
        "number": case.number,
        "kind": case.kind.value,
        "subject": case.subject,
        "opened_at": case.opened_at.isoformat(),
        "age_hours": int((now - case.opened_at).total_seconds()) // 3600,
        "owner": case.owner,
        "amount_cents": case.amount_cents,
        "facts": case.facts,
    }


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
    return not name.endswith("_id") and name not in {"at", "file", "line", "provider"}


def _fact(name: str, value: Any) -> str:
    if name.endswith("_cents"):
        return f"{name.removesuffix('_cents')} {_shillings(value)}"
    return f"{value}" if name in {"fault", "number", "rule"} else f"{name} {value}"


def _shillings(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02d}"
