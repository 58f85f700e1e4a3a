"""The transfer export of the simulated Flutterwave, as its dashboard would give it.

``GET /simulator/api/transfers.csv?month=2026-11``: the fields of each transfer, oldest first.
"""

import csv
import io

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.simulator.state import World

COLUMNS = (
    "id", "reference", "account_number", "bank_code", "full_name", "amount", "fee", "currency",
    "status", "created_at",
)  # fmt: skip


def route(world: World) -> Route:
    """The export, relative to `/simulator/api`."""

    async def export(request: Request) -> Response:
        month = request.query_params.get("month", "")
        return Response(transfers(world, month), media_type="text/csv")

    return Route("/transfers.csv", export)


def transfers(world: World, month: str) -> str:
    """Return the export of a month (``2026-11``, UTC), of everything for an empty one."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for made in world.books.transfers.values():
        at = made.at.isoformat()
        if at.startswith(month):
            writer.writerow([
                made.id, made.reference, made.account, made.bank, made.name,
                money(made.amount_cents), money(made.fee_cents), "KES", made.status, at,
            ])  # fmt: skip
    return out.getvalue()


def money(cents: int) -> str:
    """Return cents as shillings with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"
