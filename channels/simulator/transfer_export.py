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
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for made in world.books.transfers.values():
            at = made.at.isoformat()
            if at.startswith(request.query_params.get("month", "")):
                writer.writerow([
                    made.id, made.reference, made.account, made.bank, made.name,
                    _money(made.amount_cents), _money(made.fee_cents), "KES", made.status, at,
                ])  # fmt: skip
        return Response(out.getvalue(), media_type="text/csv")

    return Route("/transfers.csv", export)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
