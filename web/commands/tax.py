"""``nafasi tax``: what is owed to the tax authority for a month, and what was paid over."""

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import fail, load_settings, open_database, say

if TYPE_CHECKING:
    from core.documents.month import Month
    from core.documents.taxes import Tax, TaxReport
    from core.money import Money
    from web.tables import Column

app = typer.Typer(
    no_args_is_help=True, help="Tax of a month: reports from the ledger, and paying it over."
)


_SHILLINGS = re.compile(r"(\d{1,12})(?:\.(\d{1,2}))?", re.ASCII)


class Format(StrEnum):
    """How a report is written."""

    CSV = "csv"
    XLSX = "xlsx"


MonthOption = Annotated[str, typer.Option("--month", help="Month in Kenya: 2026-11.")]
FormatOption = Annotated[Format, typer.Option("--format", help="csv or xlsx.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="File to write; CSV goes to stdout without one.")
]


@app.command()
def vat(month: MonthOption, form: FormatOption = Format.CSV, out: OutOption = None) -> None:
    """VAT that bookings of a month brought, and what was taken back of it."""
    from core.documents.taxes import Tax

    report(Tax.VAT, month, form, out)


@app.command()
def withholding(
    month: MonthOption, form: FormatOption = Format.CSV, out: OutOption = None
) -> None:
    """Tax withheld from vendors in a month, by vendor and booking."""
    from core.documents.taxes import Tax

    report(Tax.WITHHOLDING, month, form, out)


@app.command()
def paid(
    tax: Annotated[str, typer.Argument(help="vat or withholding.")],
    month: Annotated[str, typer.Argument(help="Whose tax: 2026-11.")],
    *,
    amount: Annotated[str, typer.Option(help="Shillings, such as 9200 or 9200.50.")],
    reference: Annotated[str, typer.Option(help="The payment's number at the bank or M-Pesa.")],
    provider: Annotated[
        str, typer.Option("--from", help="Whose money went: bank, daraja, flutterwave.")
    ] = "bank",
) -> None:
    """Book that tax of a month was paid over to KRA; the same number again books nothing."""
    from core.documents.remittances import owed, pay_over
    from core.errors import Refused

    which, wanted = _tax(tax), parse_month(month)
    try:
        with open_database(load_settings()) as database, database.transaction() as tx:
            _, new = pay_over(tx, which, wanted, _money(amount), reference, provider)
            left = owed(tx, which, wanted)
    except Refused as refused:
        if refused.code == "over_owed":
            fail(f"Only {_shown(refused.data['owed_cents'])} of {tax} {month} is owed.")
        fail(f"Nothing is booked: {refused}.")
    say.print(
        f"{'Booked' if new else 'It was booked before'}. Of {tax} {month}"
        f" {_shown(left.cents)} is owed.",
        markup=False,
    )


@app.command()
def unpaid() -> None:
    """List the months for which tax is owed, and until when it is due."""
    from core.documents import remittances
    from core.documents.month import Month
    from core.documents.taxes import Tax

    with open_database(load_settings()) as database, database.transaction() as tx:
        rows = [
            (tax, month, cents)
            for tax in Tax
            for month, cents in remittances.unpaid(tx, tax).items()
        ]
    for tax, month, cents in rows:
        due = remittances.due_on(tax, Month.parse(month))
        typer.echo(f"{tax.value} {month}  {_shown(cents)}  due {due:%d %b %Y}")
    if not rows:
        typer.echo("Nothing is owed.")


def report(tax: "Tax", month: str, form: Format, out: Path | None) -> None:
    """Write a report. Exit code 1, and no file, when the ledger says otherwise than its rows."""
    from core.documents.taxes import Untied, tax_report
    from core.errors import Refused

    wanted = parse_month(month)
    if form is Format.XLSX and out is None:
        fail("A workbook needs --out FILE.")
    try:
        with open_database(load_settings()) as database, database.transaction() as tx:
            # What is posted between two of its questions must not make it differ from itself.
            tx.db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            made, made_at = tax_report(tx, tax, wanted), tx.now
    except Untied as untied:
        say.print(untied_sentence(untied.data), style="red", markup=False)
        raise typer.Exit(1) from None
    except Refused as refused:
        fail(f"There is no report: {refused}.")
    if form is Format.XLSX and out is not None:
        from web.tables import write_xlsx

        write_xlsx(out, f"{tax.value} {month}", columns(), made.rows, made_at)
    else:
        put(_csv(made), out)
    say.print(
        f"{tax.value} {month}: {len(made.rows)} rows, tax {_shown(made.tax_cents)}; owed before"
        f" {_shown(made.opening_cents)}, paid over meanwhile {_shown(made.remitted_cents)}, owed"
        f" after {_shown(made.closing_cents)}.",
        markup=False,
    )


def columns() -> "tuple[Column, ...]":
    """Return the columns of both reports (docs/tax.md)."""
    from web.tables import Cell, Column

    return (
        Column("day", Cell.DATE),
        Column("booking"),
        Column("receipt"),
        Column("vendor", Cell.NUMBER),
        Column("business"),
        Column("vendor_pin"),
        Column("event"),
        Column("base_cents", Cell.CENTS, summed=True),
        Column("basis_points", Cell.PERCENT, title="rate_percent"),
        Column("tax_cents", Cell.CENTS, summed=True),
    )


def parse_month(text: str) -> "Month":
    """Return a month as it was typed; ends the command when it is none."""
    from core.documents.month import Month

    try:
        return Month.parse(text)
    except ValueError:
        fail(f"{text} is no month. Write it as 2026-11.")


def _tax(text: str) -> "Tax":
    from core.documents.taxes import Tax

    try:
        return Tax(text)
    except ValueError:
        fail(f"{text} is no tax. Write vat or withholding.")


def _money(text: str) -> "Money":
    from core.money import Money

    found = _SHILLINGS.fullmatch(text.replace(",", ""))
    if found is None:
        fail(f"{text} is no amount. Write shillings, such as 9200 or 9200.50.")
    return Money(int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")))


def put(text: str, out: Path | None) -> None:
    """Write text to a file, or to stdout."""
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text)


def untied_sentence(data: dict[str, Any]) -> str:
    """Say by how much the ledger moved otherwise than its bookings explain."""
    return (
        f"No report: the ledger moved {_shown(data['moved_cents'])}, its bookings explain"
        f" {_shown(data['explained_cents'])}; the difference is"
        f" {_shown(data['difference_cents'])}. See `nafasi check` and the account's postings."
    )


def _csv(made: "TaxReport") -> str:
    from web.tables import csv_text

    return csv_text(columns(), made.rows)


def _shown(cents: int) -> str:
    from core.money import Money
    from sessions.texts import money

    return money(Money(cents))
