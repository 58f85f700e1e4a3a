"""Reversal: a payment to a paybill is taken back, whole, to whoever made it.

`POST /mpesa/reversal/v1/request` (Daraja portal, Reversal): C2B and STK receipts only, whole, and
only from the shortcode that was paid. `RecieverIdentifierType` is the portal's own spelling; with
the right one the field is missing. A payment is reversed once: the second time is told R000001.
"""

from dataclasses import replace

from starlette.routing import Route

from channels.simulator.daraja import Fields, endpoint, shillings, text
from channels.simulator.daraja_operator import Order, now_or_later, take_order
from channels.simulator.faults import Fault, FaultKind, Service, is_fault
from channels.simulator.references import daraja_stamp
from channels.simulator.results import result_body, send_result
from channels.simulator.state import Transaction, World

PAYMENTS = frozenset({"stk", "c2b"})
ALREADY_REVERSED = "R000001"
UNKNOWN_PAYMENT = "R000002"


def routes(world: World) -> list[Route]:
    """The request."""
    return [endpoint(world, "/mpesa/reversal/v1/request", Service.REVERSAL, reverse)]


async def reverse(world: World, fields: Fields, fault: Fault | None) -> dict[str, object]:
    """Take the request, and process it in the background."""
    order = take_order(
        world,
        fields,
        "TransactionReversal",
        party="ReceiverParty",
        identifier=("RecieverIdentifierType", "11"),
    )
    receipt, amount_cents = text(fields, "TransactionID"), shillings(fields) * 100

    async def process() -> None:
        code = _refusal(world, order, fault)
        made: Transaction | None = None
        if code == "0":
            code, made = _move(world, receipt, (order.shortcode, amount_cents))
        body = result_body(
            world,
            code=code,
            originator_conversation_id=order.originator,
            conversation_id=order.conversation,
            transaction_id=made.receipt if made else world.references.receipt(world.now()),
            parameters=_parameters(world, made) if made else [],
        )
        await send_result(world, Service.REVERSAL, fields, body, fault)

    await now_or_later(world, process, fault)
    return order.answer()


def _refusal(world: World, order: Order, fault: Fault | None) -> str:
    """The result code of what nothing is looked up for; `0` when there is nothing against it."""
    if is_fault(fault, FaultKind.QUEUE_TIMEOUT):
        return "1019"
    if fault is not None and fault.kind is FaultKind.INSIDER_CODE and fault.code != "0":
        return fault.code or ""
    return order.operator_code(world)


def _move(world: World, receipt: str, asked: tuple[str, int]) -> tuple[str, Transaction | None]:
    """The result code, and the movement when the money has moved."""
    paid = world.books.transactions.get(receipt)
    if paid is None or paid.kind not in PAYMENTS or (paid.shortcode, paid.amount_cents) != asked:
        return UNKNOWN_PAYMENT, None
    if paid.taken_back:
        return ALREADY_REVERSED, None
    organisation = world.books.organisations[paid.shortcode]
    if organisation.utility_cents < paid.amount_cents:
        return "1", None
    code = world.books.phones.get(paid.phone).receive(paid.amount_cents, world.now())
    if code != "0":
        return code, None
    world.books.transactions[receipt] = replace(paid, taken_back=True)
    organisation.utility_cents -= paid.amount_cents
    made = Transaction(
        world.new_receipt(),
        "taken_back",
        paid.phone,
        paid.shortcode,
        paid.amount_cents,
        world.now(),
        reference=paid.receipt,
    )
    world.record(made)
    return "0", made


def _parameters(world: World, made: Transaction) -> list[dict[str, object]]:
    held = world.books.organisations[made.shortcode].utility_cents // 100
    values: dict[str, object] = {
        "DebitAccountBalance": f"Utility Account|KES|{held}.00|{held}.00|0.00|0.00",
        "Amount": made.amount_cents // 100,
        "TransCompletedTime": int(daraja_stamp(made.at)),
        "OriginalTransactionID": made.reference,
        "Charge": 0,
        "CreditPartyPublicName": f"{made.phone.removeprefix('+')} - JANE WANJIKU",
        "DebitPartyPublicName": f"{made.shortcode} - {world.config.business_name}",
    }
    return [{"Key": key, "Value": value} for key, value in values.items()]
