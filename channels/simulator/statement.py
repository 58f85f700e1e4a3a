"""The organisation statement of the simulated M-Pesa, as the business portal would export it.

``GET /simulator/api/statement.csv?month=2026-11&shortcode=600123``. The newest row comes first, as
in the portal. What the balance shows is the account with the charges taken from it, so that each
row follows from the one before; what other hands did to the account lies in the opening balance.
"""

import csv
import io
import re
from datetime import date, datetime, time, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.simulator.state import Transaction, World
from core.clock import NAIROBI, nairobi_moment

COLUMNS = (
    "Receipt No.", "Completion Time", "Initiation Time", "Details", "Transaction Status",
    "Paid In", "Withdrawn", "Balance", "Balance Confirmed", "Reason Type", "Other Party Info",
    "Linked Transaction ID", "A/C No.", "Currency",
)  # fmt: skip
SECOND = timedelta(seconds=1)
STAMP = "%d-%m-%Y %H:%M:%S"
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")

Movement = tuple[Transaction, int, str]
"""What moved, how many cents (in is positive), and the reason type."""


def route(world: World) -> Route:
    """The export, relative to `/simulator/api`."""

    async def export(request: Request) -> Response:
        shortcode = request.query_params.get("shortcode", world.config.shortcode)
        found = _MONTH.fullmatch(request.query_params.get("month", ""))
        if shortcode not in world.books.organisations:
            return _error(404, "not_found", f"nothing known as {shortcode}")
        if found is None:
            return _error(400, "invalid", "month must be written as 2026-11")
        first = date(int(found[1]), int(found[2]), 1)
        return Response(
            statement(world, shortcode, first),
            media_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{shortcode}.csv"'},
        )

    return Route("/statement.csv", export)


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def statement(world: World, shortcode: str, first: date) -> str:
    """Return the statement of the month that begins on a day."""
    after = (first + timedelta(days=31)).replace(day=1)
    begins, ends = nairobi_moment(first, time()), nairobi_moment(after, time())
    movements = _movements(world, shortcode)
    organisation = world.books.organisations[shortcode]
    balance = organisation.utility_cents + organisation.charges_cents
    balance -= sum(cents for paid, cents, _ in movements if paid.at >= begins)
    opening = balance
    rows: list[list[str]] = []
    for paid, cents, reason in movements:
        if begins <= paid.at < ends:
            balance += cents
            rows.append(_row(paid, cents, reason, balance))
    out = io.StringIO()
    writer = csv.writer(out)
    # Nothing is known of what was before the simulator began, nor of what is to come.
    since, until = max(begins, world.books.since), min(ends, world.now() + SECOND) - SECOND
    writer.writerows([
        ["Organization Name:", world.config.business_name],
        ["Short Code:", shortcode],
        ["Time Period:", f"From {_stamp(since)} To {_stamp(until)}"],
        ["Opening Balance:", _money(opening)],
        ["Closing Balance:", _money(balance)],
        [],
        COLUMNS,
        *reversed(rows),
    ])  # fmt: skip
    return out.getvalue()


def _movements(world: World, shortcode: str) -> list[Movement]:
    """Return what moved on an account, oldest first; a payout is followed by its charge."""
    found: list[Movement] = []
    for paid in world.books.transactions.values():
        if paid.shortcode != shortcode:
            continue
        if paid.kind == "b2c":
            found.append((paid, -paid.amount_cents, "Business Payment to Customer via API"))
            if paid.charge_cents:
                found.append((paid, -paid.charge_cents, "Business Payment Charge"))
        elif paid.kind == "taken_back":
            found.append((paid, -paid.amount_cents, "Pay Bill Reversal"))
        elif paid.kind == "reversal":
            found.append((paid, paid.amount_cents, "Business Payment Reversal"))
        else:
            found.append((paid, paid.amount_cents, "Pay Bill Online"))
    return found


def _row(paid: Transaction, cents: int, reason: str, balance: int) -> list[str]:
    at = _stamp(paid.at)
    digits = paid.phone.removeprefix("+")
    masked = f"{digits[:4]}****{digits[-3:]} - JANE WANJIKU"
    moved = ("", _money(cents)) if cents < 0 else (_money(cents), "")
    linked, account = ("", paid.reference)
    if paid.kind in {"reversal", "taken_back"}:
        linked, account = account, linked
    return [
        paid.receipt, at, at, reason, "Completed", *moved, _money(balance), "true", reason,
        masked, linked, account, "KES",
    ]  # fmt: skip


def _stamp(at: datetime) -> str:
    return at.astimezone(NAIROBI).strftime(STAMP)


def _money(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02d}"
