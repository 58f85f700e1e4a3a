"""Flutterwave's refunds: money goes back to the wallet or the card that it came from.

`POST /transactions/{id}/refund`, `GET /refunds`, `GET /refunds/{id}` (developer.flutterwave.com,
Refunds). A refund is done when it is taken; one that a fault breaks is given up a little later.
"""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.simulator.faults import Fault, FaultKind, Service, is_fault
from channels.simulator.flutterwave import (
    Fields,
    Refusal,
    cents,
    endpoint,
    next_id,
    shillings,
    success,
    text,
)
from channels.simulator.flutterwave_charges import by_id
from channels.simulator.state import PROMPTS_MAX, ChargeRefund, PromptState, World, remember

SHOWN_MAX = 20


def routes(world: World) -> list[Route]:
    """The refund, the list, one of them."""
    refund_service, status_service = Service.FLUTTERWAVE_REFUND, Service.FLUTTERWAVE_STATUS
    path = "/transactions/{id:int}/refund"
    return [
        endpoint(world, "POST", path, refund_service, refund),
        endpoint(world, "GET", "/refunds", status_service, newest),
        endpoint(world, "GET", "/refunds/{id:int}", status_service, show),
    ]


async def refund(world: World, request: Request, fields: Fields, fault: Fault | None) -> Response:
    """Take a refund of a part or all of a charge that was paid."""
    found = by_id(world, request.path_params["id"])
    if found is None or found.state is not PromptState.PAID:
        raise Refusal(400, "No transaction was found for this id")
    left_cents = found.amount_cents - found.refunded_cents
    amount_cents = cents(fields) if "amount" in fields else left_cents
    if not 0 < amount_cents <= left_cents:
        raise Refusal(400, "Refund amount is greater than the amount that is left")
    if amount_cents > world.books.flutterwave_cents:
        raise Refusal(400, "Insufficient balance to refund this transaction")
    if not found.card:
        code = world.books.phones.get(found.phone).receive(amount_cents, world.now())
        if code != "0":
            raise Refusal(400, "The receiver cannot take the refund")
    made = ChargeRefund(
        id=next_id(world),
        tx_id=found.id,
        flw_ref=f"URF_{world.references.hex(16).upper()}",
        amount_cents=amount_cents,
        comments=text(fields, "comments", optional=True),
        at=world.now(),
    )
    remember(world.books.refunds, made.id, made, PROMPTS_MAX)
    found.refunded_cents += amount_cents
    world.books.flutterwave_cents -= amount_cents
    if is_fault(fault, FaultKind.INSIDER_CODE):
        made.status = "new"

        async def give_up() -> None:
            await asyncio.sleep(world.waits.result_seconds)
            made.status = "failed"
            found.refunded_cents -= amount_cents
            world.books.flutterwave_cents += amount_cents

        world.tasks.start(give_up())
    return success("Transaction refund initiated", _data(made))


async def show(world: World, request: Request, _fields: Fields, _fault: Fault | None) -> Response:
    """Tell how one refund stands."""
    found = world.books.refunds.get(request.path_params["id"])
    if found is None:
        raise Refusal(404, "Refund not found")
    return success("Transaction refund fetched", _data(found))


async def newest(
    world: World, _request: Request, _fields: Fields, _fault: Fault | None
) -> Response:
    """Tell of the newest refunds."""
    rows = [_data(found) for found in reversed(world.books.refunds.values())]
    return success("Refunds fetched", rows[:SHOWN_MAX])


def _data(made: ChargeRefund) -> dict[str, object]:
    return {
        "id": made.id,
        "tx_id": made.tx_id,
        "flw_ref": made.flw_ref,
        "amount_refunded": shillings(made.amount_cents),
        "status": made.status,
        "destination": "payment_source",
        "comments": made.comments,
        "created_at": made.at.isoformat(),
    }
