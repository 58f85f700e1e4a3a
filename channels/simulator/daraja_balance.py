"""AccountBalance: what the accounts behind a shortcode hold, told by a callback.

`POST /mpesa/accountbalance/v1/query` (Daraja portal, Account Balance). The result names all
accounts in one text, parted by `&`: name, currency, current, available, reserved, uncleared.
"""

from starlette.routing import Route

from channels.simulator.daraja import Fields, endpoint
from channels.simulator.daraja_operator import now_or_later, take_order
from channels.simulator.faults import Fault, FaultKind, Service
from channels.simulator.phones import Organisation
from channels.simulator.references import daraja_stamp
from channels.simulator.results import result_body, send_result
from channels.simulator.state import World


def routes(world: World) -> list[Route]:
    """The question."""
    return [endpoint(world, "/mpesa/accountbalance/v1/query", Service.BALANCE, ask)]


async def ask(world: World, fields: Fields, fault: Fault | None) -> dict[str, object]:
    """Take the question; the answer comes later."""
    order = take_order(world, fields, "AccountBalance")
    organisation = world.books.organisations[order.shortcode]

    async def process() -> None:
        code = order.operator_code(world)
        if fault is not None and fault.kind is FaultKind.INSIDER_CODE:
            code = fault.code or ""
        body = result_body(
            world,
            code=code,
            originator_conversation_id=order.originator,
            conversation_id=order.conversation,
            transaction_id=world.references.receipt(world.now()),
            parameters=_parameters(world, organisation) if code == "0" else [],
        )
        await send_result(world, Service.BALANCE, fields, body, fault)

    await now_or_later(world, process, fault)
    return order.answer()


def _parameters(world: World, organisation: Organisation) -> list[dict[str, object]]:
    accounts = {
        "Working Account": organisation.working_cents,
        "Float Account": 0,
        "Utility Account": organisation.utility_cents,
        "Charges Paid Account": organisation.charges_cents,
        "Organization Settlement Account": 0,
    }
    told = "&".join(
        f"{name}|KES|{_shillings(cents)}|{_shillings(cents)}|0.00|0.00"
        for name, cents in accounts.items()
    )
    return [
        {"Key": "AccountBalance", "Value": told},
        {"Key": "BOCompletedTime", "Value": int(daraja_stamp(world.now()))},
    ]


def _shillings(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"
