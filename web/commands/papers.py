"""``nafasi receipt`` and ``nafasi statement``: documents as files."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.setup import fail, load_settings, open_database, say
from web.commands.tax import MonthOption, parse_month, put, untied_sentence

if TYPE_CHECKING:
    from web.tables import Column


class Format(StrEnum):
    """How a statement is written."""

    PDF = "pdf"
    CSV = "csv"


def receipt(
    code: Annotated[str, typer.Argument(help="The booking's code, such as K7P4Q.")],
    out: Annotated[Path, typer.Option("--out", help="File to write; further ones get a number.")],
) -> None:
    """Write a booking's receipts and credit notes as PDF."""
    from core.documents.queries import paper_of, receipts_of
    from web.pages.papers.receipt import receipt_pdf
    from web.pages.papers.routes import verify_url

    settings = load_settings()
    with open_database(settings) as database, database.transaction() as tx:
        papers = [paper_of(tx, document) for document in receipts_of(tx, code)]
    if not papers:
        fail(f"{code.upper()} has no receipt (yet): is it paid for?")
    for i, paper in enumerate(papers):
        path = out if i == 0 else out.with_stem(f"{out.stem}-{i + 1}")
        path.write_bytes(receipt_pdf(paper, verify_url(settings, paper)))
        say.print(f"{paper.document.label}: {path}", markup=False)


def statement(
    vendor: Annotated[str, typer.Argument(help="The vendor's number or phone.")],
    month: MonthOption,
    form: Annotated[Format, typer.Option("--format", help="pdf or csv.")] = Format.PDF,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; CSV goes to stdout without one.")
    ] = None,
) -> None:
    """Write a vendor's month: what was earned, kept back, paid out and is still owed."""
    from core.documents.statements import statement_of, vendor_named
    from core.documents.taxes import Untied
    from core.errors import Refused
    from core.msisdn import parse_msisdn
    from web.pages.papers.statement import statement_pdf
    from web.tables import csv_text

    wanted = parse_month(month)
    if form is Format.PDF and out is None:
        fail("A PDF needs --out FILE.")
    try:
        named = vendor if vendor.isdigit() and len(vendor) < 7 else parse_msisdn(vendor)
        with open_database(load_settings()) as database, database.transaction() as tx:
            made = statement_of(tx, vendor_named(tx, named), wanted)
    except Untied as untied:
        say.print(untied_sentence(untied.data), style="red", markup=False)
        raise typer.Exit(1) from None
    except Refused as refused:
        fail(f"There is no statement: {refused}.")
    if form is Format.PDF and out is not None:
        out.write_bytes(statement_pdf(made))
    else:
        put(csv_text(statement_columns(), made.lines), out)


def statement_columns() -> "tuple[Column, ...]":
    """Return the columns of a statement as CSV (docs/tax.md)."""
    from web.tables import Cell, Column

    return (
        Column("day", Cell.DATE),
        Column("event"),
        Column("booking"),
        Column("listing"),
        Column("base_cents", Cell.CENTS, summed=True),
        Column("fee_cents", Cell.CENTS, summed=True),
        Column("commission_cents", Cell.CENTS, summed=True),
        Column("withholding_cents", Cell.CENTS, summed=True),
        Column("net_cents", Cell.CENTS, summed=True),
        Column("balance_cents", Cell.CENTS),
    )
