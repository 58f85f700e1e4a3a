"""``nafasi refunds``: money on its way back that waits for a person, and sending it again."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, put_json, say
from web.desk.sentences import REFUNDS

if TYPE_CHECKING:
    from core.db.tx import Tx
    from core.payments.model import Refund

app = typer.Typer(help="Refunds that failed or came back, and sending one again.")

_run = partial(decided, sentences=REFUNDS)


@app.callback(invoke_without_command=True)
def refunds(
    context: typer.Context,
    *,
    again: Annotated[
        bool,
        typer.Option(
            "--retry", help="Send again, as before, what nobody has to look into; leave the rest."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """List refunds that failed or came back, and send them again when asked to."""
    if context.invoked_subcommand is None:
        _list(again=again, as_json=as_json)


@app.command("list")
def list_waiting(*, as_json: Json = False) -> None:
    """List refunds that failed or came back."""
    _list(again=False, as_json=as_json)


def _list(*, again: bool, as_json: bool) -> None:
    from core.payments.refunds import failed_refunds, may_go_unseen, retry_refund

    def work(tx: "Tx") -> tuple[list[dict[str, Any]], int]:
        waiting = failed_refunds(tx)
        rows = [_told(tx, each) for each in waiting]
        sent = [retry_refund(tx, each.id) for each in waiting if again and may_go_unseen(each)]
        return rows, len(sent)

    rows, sent = _run(work)
    left = len(rows) - sent
    if as_json:
        put_json({"failed": rows, "sent_again": sent, "left": left})
        return
    for row in rows:
        sys.stdout.write(_line(row))
    if not rows:
        sys.stdout.write("No refund waits for a person.\n")
    if again:
        sys.stdout.write(f"{sent} sent again, {left} left.\n")


@app.command()
def retry(
    number: Annotated[int, typer.Argument(help="The refund's number, as the list shows it.")],
    to: Annotated[
        str | None,
        typer.Option("--to", help="Another phone that the customer named; by M-Pesa."),
    ] = None,
) -> None:
    """Send one refund once more; what may have arrived, only after a look at the provider's."""
    from core.msisdn import mask
    from core.payments.refunds import goes_to_a_card, refund_by_number, retry_refund

    def send(tx: "Tx") -> tuple["Refund", bool]:
        refund = retry_refund(tx, refund_by_number(tx, number).id, to)
        return refund, to is None and goes_to_a_card(tx, refund)

    refund, card = _run(send)
    where = "the card that paid" if card else mask(refund.msisdn)
    say.print(f"{_shillings(refund.amount_cents)} is on its way to {where} again.")


def _told(tx: "Tx", refund: "Refund") -> dict[str, Any]:
    from core.booking.model import Booking
    from core.msisdn import mask
    from core.payments.refunds import goes_to_a_card

    return {
        "number": refund.number,
        "refund": str(refund.id),
        "booking": tx.db.get_one(Booking, refund.booking_id).code,
        "phone": mask(refund.msisdn),
        "card": goes_to_a_card(tx, refund),
        "amount_cents": refund.amount_cents,
        "state": refund.state.value,
        "reason": refund.reason.value if refund.reason else None,
        "since": refund.finished_at.isoformat() if refund.finished_at else None,
    }


def _line(row: dict[str, Any]) -> str:
    place = "card" if row["card"] else row["phone"]
    return (
        f"{row['number']}  {row['booking']}  {_shillings(row['amount_cents'])}  {place}"
        f"  {_why(row)}  since {row['since']}\n"
    )


def _why(row: dict[str, Any]) -> str:
    if row["state"] == "reversed":
        return "came back"
    if row["reason"] == "silent":
        return "silent: it may have arrived"
    return row["reason"] or "too small to send"


def _shillings(cents: int) -> str:
    from core.money import Money
    from sessions.texts import money

    return money(Money(cents))
