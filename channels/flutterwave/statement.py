"""Flutterwave's settlement export (CSV): the transactions of settlements, a row each.

Columns are the fields of a settlement's transactions (Flutterwave v3, ``GET /settlements/:id``):
flw_ref, tx_ref, id, charged_amount, app_fee, merchant_fee, stampduty_fee, settlement_amount,
status, payment_entity, transaction_date, currency. Amounts are in major units; the fees are kept
back from each payment; the date has no time of day. There is no balance and no account.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

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

PROVIDER = "flutterwave"
ACCOUNT = "settlement"
"""Flutterwave has one wallet a currency; its export names none."""
COLUMNS = (
    "flw_ref", "tx_ref", "charged_amount", "app_fee", "status", "transaction_date", "currency",
)  # fmt: skip
FEES = ("app_fee", "merchant_fee", "stampduty_fee")
SUCCESSFUL = "successful"
DAY_LENGTH = len("2026-11-20")


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
    reading = read_through(
        PROVIDER, table, lines_of, Claims(),
        account=same_account(ACCOUNT, account), wanted=wanted, progress=progress,
    )  # fmt: skip
    if wanted is not None:
        return reading
    # Days stand for all that happened in them.
    whole_days = replace(
        reading.statement, ends=reading.statement.ends + timedelta(days=1) - timedelta(seconds=1)
    )
    return replace(reading, statement=whole_days)


def lines_of(row: Row) -> list[Line]:
    """Return a row's payment and what was kept back from it; none unless it succeeded.

    Raises:
        BadStatement: a cell cannot be meant.
    """
    if row["status"].lower() != SUCCESSFUL:
        return []
    if not row["flw_ref"]:
        raise row.refuse("flw_ref")
    charged = cents_of(row, "charged_amount", cents)
    if charged is None or charged <= 0:
        raise row.refuse("charged_amount")
    paid = Line(
        place=row.place,
        number=row["flw_ref"],
        at=at_of(row, "transaction_date", lambda text: moment(text[:DAY_LENGTH])),
        amount_cents=charged,
        currency=row["currency"].upper(),
        reference=row["tx_ref"],
        day_only=True,
        names=tuple(name for name in (row["id"], row["tx_ref"]) if name),
    )
    fee_cents = sum(cents_of(row, column, cents) or 0 for column in FEES)
    if fee_cents == 0:
        return [paid]
    return [paid, replace(paid, amount_cents=-fee_cents, kind=LineKind.CHARGE)]
