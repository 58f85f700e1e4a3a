"""Flutterwave's transfer export (CSV): what left our wallet, a row each.

Columns are the fields of a transfer (Flutterwave v3, ``GET /transfers``): id, reference, amount,
fee, currency, status, created_at. Amounts are in major units; the fee is taken beside the amount.
A transfer that a bank returned stands there as ``REVERSED``: it went out, and came back.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from channels.flutterwave.statement import PROVIDER
from channels.reading import (
    Claims,
    Progress,
    at_of,
    cents_of,
    read_through,
    same_account,
    silent,
)
from channels.table import Row, Span, Table, cents, moment
from core.reconcile.statement import Line, LineKind, Reading

ACCOUNT = "transfers"
COLUMNS = ("id", "reference", "amount", "fee", "currency", "status", "created_at")
SUCCESSFUL, REVERSED = "successful", "reversed"


def read_statement(
    path: Path,
    *,
    account: str | None = None,
    wanted: Span | None = None,
    progress: Progress = silent,
) -> Reading:
    """Read a file through, as ``channels.daraja.statement.read_statement`` does."""
    table = Table(path, COLUMNS)
    table.head()
    return read_through(
        PROVIDER, table, lines_of, Claims(),
        account=same_account(ACCOUNT, account), wanted=wanted, progress=progress,
    )  # fmt: skip


def lines_of(row: Row) -> list[Line]:
    """Return a row's payment, its charge, and its way back; none unless it succeeded once.

    Raises:
        BadStatement: a cell cannot be meant.
    """
    status = row["status"].lower()
    if status not in {SUCCESSFUL, REVERSED}:
        return []
    if not row["id"] or not row["reference"]:
        raise row.refuse("id")
    sent = cents_of(row, "amount", cents)
    if sent is None or sent <= 0:
        raise row.refuse("amount")
    paid = Line(
        place=row.place,
        number=row["id"],
        at=at_of(row, "created_at", _when),
        amount_cents=-sent,
        currency=row["currency"].upper(),
        names=(row["reference"], f"attempt:{row['reference']}"),
    )
    lines = [paid]
    fee = cents_of(row, "fee", cents) or 0
    if fee:
        charge = replace(paid, amount_cents=-fee, kind=LineKind.CHARGE, linked=row["id"])
        lines.append(charge)
    if status == REVERSED:
        back = replace(
            paid,
            number=f"reversal:{row['reference']}",
            amount_cents=sent,
            kind=LineKind.REVERSAL,
            linked=row["id"],
            names=(),
        )
        lines.append(back)
    return lines


def _when(text: str) -> datetime:
    """Read an ISO moment, in UTC where it says nothing, or Kenyan wall-clock time."""
    if "T" not in text:
        return moment(text)
    read = datetime.fromisoformat(text)
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
