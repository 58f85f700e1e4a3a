"""The M-PESA organisation statement, as the business portal exports it (CSV).

Columns, in the portal's words: Receipt No., Completion Time, Initiation Time, Details, Transaction
Status, Paid In, Withdrawn, Balance, Balance Confirmed, Reason Type, Other Party Info, Linked
Transaction ID, A/C No., and on newer exports Currency. Seen in imports that integrators publish
(2017 to 2026): rows with labels stand above the table; either end of time comes first; times are
``DD-MM-YYYY HH:MM:SS`` or ``YYYY-MM-DD HH:MM:SS`` in Nairobi; amounts have thousands separators;
Withdrawn stands with or without a minus sign; attempts that failed are listed too. Nothing but the
column names is relied on; what is printed above the table is used where it can be understood.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from channels.daraja.wire import PROVIDER
from channels.reading import (
    Claims,
    Progress,
    at_of,
    cents_of,
    read_through,
    same_account,
    silent,
)
from channels.table import Row, Span, Table, cents, moment, span
from core.money import KES
from core.reconcile.statement import Line, LineKind, Reading

COLUMNS = (
    "receipt no.", "completion time", "details", "transaction status", "paid in", "withdrawn",
)  # fmt: skip
COMPLETED = "completed"
ACCOUNT_LABELS = frozenset({
    "short code", "shortcode", "organization short code", "organisation short code",
    "business short code", "paybill", "paybill number", "till number",
})  # fmt: skip
PERIOD_LABELS = frozenset({"time period", "statement period", "period"})
_SHORTCODE = re.compile(r"\b\d{5,7}\b")
_RECEIPT = re.compile(r"[A-Z0-9]{8,16}")

# By words of the portal's reason types, the first that fits; anything else is a payment.
KINDS = (
    (re.compile(r"revers", re.IGNORECASE), LineKind.REVERSAL),
    (re.compile(r"charge|\bfee\b", re.IGNORECASE), LineKind.CHARGE),
    (
        re.compile(
            r"settle|to bank|account to account|working to utility|mmf|top ?up", re.IGNORECASE
        ),
        LineKind.OWN_FUNDS,
    ),
)


def read_statement(
    path: Path,
    *,
    account: str | None = None,
    wanted: Span | None = None,
    progress: Progress = silent,
) -> Reading:
    """Read a file through; its lines can then be had as often as wanted.

    Args:
        path: the file.
        account: the shortcode it should be about; needed when the file does not say.
        wanted: the month it should be about.
        progress: told how many lines were read.

    Raises:
        BadStatement: it is no such file, not whole, or about something else.
        OSError: it cannot be opened.
    """
    table = Table(path, COLUMNS)
    claims = _claims(table.head())
    return read_through(
        PROVIDER, table, lines_of, claims,
        account=same_account(claims.account, account), wanted=wanted, progress=progress,
    )  # fmt: skip


def lines_of(row: Row) -> list[Line]:
    """Return the movement of a row; none when the attempt did not complete.

    Raises:
        BadStatement: a cell cannot be meant.
    """
    if row["transaction status"].lower() != COMPLETED:
        return []
    number = row["receipt no."].upper()
    if not _RECEIPT.fullmatch(number):
        raise row.refuse("receipt no.")
    return [
        Line(
            place=row.place,
            number=number,
            at=at_of(row, "completion time", moment),
            amount_cents=_amount_cents(row),
            kind=_kind(row),
            currency=row["currency"] or KES,
            reference=row["a/c no."],
            linked=row["linked transaction id"].upper(),
            balance_cents=cents_of(row, "balance", cents),
        )
    ]


def _amount_cents(row: Row) -> int:
    """One of the two columns holds what moved; the sign that it has there says nothing."""
    paid_in = abs(cents_of(row, "paid in", cents) or 0)
    withdrawn = abs(cents_of(row, "withdrawn", cents) or 0)
    if bool(paid_in) is bool(withdrawn):
        raise row.refuse("paid in")
    return paid_in or -withdrawn


def _kind(row: Row) -> LineKind:
    said = row["reason type"] or row["details"]
    return next((kind for words, kind in KINDS if words.search(said)), LineKind.PAYMENT)


def _claims(head: Sequence[Sequence[str]]) -> Claims:
    """Read what stands above the table: a label, a colon or a comma, a value."""
    account: str | None = None
    period: Span | None = None
    balances: dict[str, int | None] = {}
    for cells in head:
        label, _, rest = ",".join(cell.strip() for cell in cells if cell.strip()).partition(",")
        label, value = label.rstrip(": ").lower(), rest
        if not rest:
            label, _, value = (part.strip() for part in label.partition(":"))
        if label in ACCOUNT_LABELS and (found := _SHORTCODE.search(value)):
            account = found[0]
        elif label in PERIOD_LABELS:
            period = span(value)
        elif label in {"opening balance", "closing balance"}:
            balances[label] = _understood(value)
    return Claims(
        account, period, balances.get("opening balance"), balances.get("closing balance")
    )


def _understood(value: str) -> int | None:
    try:
        return cents(value.upper().removeprefix("KES").removeprefix("KSH").strip())
    except ValueError:
        return None
