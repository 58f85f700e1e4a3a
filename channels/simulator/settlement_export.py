"""The settlement export of the simulated Flutterwave: what customers paid, and what it kept.

``GET /simulator/api/settlements.csv?month=2026-11``: the fields of a settlement's transactions,
oldest first. Charges are settled at once here; days are Kenya's.
"""

import csv
import io

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.simulator.flutterwave_charges import fee_cents
from channels.simulator.state import PromptState, World
from channels.simulator.transfer_export import money
from core.clock import nairobi_date

COLUMNS = (
    "flw_ref", "tx_ref", "id", "charged_amount", "app_fee", "merchant_fee", "settlement_amount",
    "status", "payment_entity", "transaction_date", "currency",
)  # fmt: skip


def route(world: World) -> Route:
    """The export, relative to `/simulator/api`."""

    async def export(request: Request) -> Response:
        month = request.query_params.get("month", "")
        return Response(settlements(world, month), media_type="text/csv")

    return Route("/settlements.csv", export)


def settlements(world: World, month: str) -> str:
    """Return the export of a month (``2026-11``), of everything for an empty one."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for made in world.books.charges.values():
        day = nairobi_date(made.at).isoformat()
        if made.state is not PromptState.PAID or not day.startswith(month):
            continue
        kept_cents = fee_cents(made)
        writer.writerow([
            made.flw_ref, made.tx_ref, made.id, money(made.amount_cents), money(kept_cents),
            "0", money(made.amount_cents - kept_cents), made.status,
            "card" if made.card else "mpesa", day, "KES",
        ])  # fmt: skip
    return out.getvalue()
