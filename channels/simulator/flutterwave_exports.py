"""The exports of the simulated Flutterwave, as its dashboard would give them; oldest row first.

``GET /simulator/api/transfers.csv?month=2026-11``: what was sent.
``GET /simulator/api/settlements.csv?month=2026-11``: what customers paid, and what it kept of it.
Charges are settled at once here; days are Kenya's.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.simulator.flutterwave_charges import fee_cents
from channels.simulator.state import PromptState, World
from core.clock import nairobi_date

TRANSFERS = (
    "id", "reference", "account_number", "bank_code", "full_name", "amount", "fee", "currency",
    "status", "created_at",
)  # fmt: skip
SETTLEMENTS = (
    "flw_ref", "tx_ref", "id", "charged_amount", "app_fee", "merchant_fee", "settlement_amount",
    "status", "payment_entity", "transaction_date", "currency",
)  # fmt: skip


def routes(world: World) -> list[Route]:
    """Both exports, relative to `/simulator/api`."""
    return [
        _route("/transfers.csv", transfers, world),
        _route("/settlements.csv", settlements, world),
    ]


def transfers(world: World, month: str) -> str:
    """Return the transfers of a month (``2026-11``, UTC), all of them for an empty one."""
    return _table(
        TRANSFERS,
        (
            (
                made.id, made.reference, made.account, made.bank, made.name,
                _money(made.amount_cents), _money(made.fee_cents), "KES", made.status,
                made.at.isoformat(),
            )
            for made in world.books.transfers.values()
            if made.at.isoformat().startswith(month)
        ),
    )  # fmt: skip


def settlements(world: World, month: str) -> str:
    """Return the paid charges of a month (``2026-11``), all of them for an empty one."""
    return _table(
        SETTLEMENTS,
        (
            (
                made.flw_ref, made.tx_ref, made.id, _money(made.amount_cents),
                _money(fee_cents(made)), "0", _money(made.amount_cents - fee_cents(made)),
                made.status, "card" if made.card else "mpesa", nairobi_date(made.at).isoformat(),
                "KES",
            )
            for made in world.books.charges.values()
            if made.state is PromptState.PAID
            and nairobi_date(made.at).isoformat().startswith(month)
        ),
    )  # fmt: skip


def _route(path: str, export: Callable[[World, str], str], world: World) -> Route:
    async def answer(request: Request) -> Response:
        month = request.query_params.get("month", "")
        return Response(export(world, month), media_type="text/csv")

    return Route(path, answer)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
