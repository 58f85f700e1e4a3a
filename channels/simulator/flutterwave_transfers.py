"""Transfers to wallets and banks, the questions about them, and what the wallet holds.

`POST /transfers`, `GET /transfers/{id}`, `GET /transfers?reference=`, `GET /banks/KE`,
`GET /balances/{currency}` (developer.flutterwave.com, Transfers, Balances). Statuses are upper
case here, and a transfer that failed is told of as `transfer.completed` too. The wording of a
refused reference is not documented.
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
    kenyan,
    next_id,
    shillings,
    success,
    text,
    wallet,
    webhook,
)
from channels.simulator.state import PAYOUTS_MAX, Outgoing, World, remember

WALLETS = "MPS"
BANKS = {"01": "KCB Bank", "03": "Absa Bank", "11": "Co-operative Bank", "68": "Equity Bank"}
"""A few banks by their code in the Kenyan clearing house."""
FEE_WALLET_CENTS = 10_000
FEE_BANK_CENTS = 10_000
NO_FUNDS = "DISBURSE FAILED: Insufficient funds in customer wallet"
BAD_RECEIVER = "DISBURSE FAILED: The recipient account could not be found"
DONE = "Successful"
PAGE_MAX = 10


def routes(world: World) -> list[Route]:
    """The transfer, both questions, the banks."""
    transfer_service, status_service = Service.FLUTTERWAVE_TRANSFER, Service.FLUTTERWAVE_STATUS
    return [
        endpoint(world, "POST", "/transfers", transfer_service, transfer),
        endpoint(world, "GET", "/transfers", status_service, find),
        endpoint(world, "GET", "/transfers/{id:int}", status_service, show),
        endpoint(world, "GET", "/banks/KE", status_service, banks),
        endpoint(world, "GET", "/balances/{currency}", Service.FLUTTERWAVE_BALANCE, balance),
    ]


async def transfer(
    world: World, _request: Request, fields: Fields, fault: Fault | None
) -> Response:
    """Take a transfer, and process it in the background."""
    kenyan(fields)
    bank, account = text(fields, "account_bank"), text(fields, "account_number")
    if bank == WALLETS:
        wallet(account)
    elif bank not in BANKS:
        raise Refusal(400, "account_bank is invalid")
    made = Outgoing(
        id=next_id(world),
        reference=text(fields, "reference"),
        bank=bank,
        account=account,
        name=text(fields, "beneficiary_name"),
        amount_cents=cents(fields),
        narration=text(fields, "narration", optional=True),
        callback_url=text(fields, "callback_url", optional=True),
        at=world.now(),
    )
    if made.reference in world.books.transfers:
        raise Refusal(400, "Transfer with this reference already exists")
    remember(world.books.transfers, made.reference, made, PAYOUTS_MAX)
    data = _data(made)

    async def process() -> None:
        _decide(world, made, fault)
        body: dict[str, object] = {
            "event": "transfer.completed",
            "event.type": "Transfer",
            "data": _data(made),
        }
        callback = webhook(world, Service.FLUTTERWAVE_TRANSFER, body, made.callback_url)
        await world.callbacks.send(callback, fault)

    async def work() -> None:
        await asyncio.sleep(world.waits.result_seconds)
        await process()

    if is_fault(fault, FaultKind.CALLBACK_BEFORE_ANSWER):
        await process()
    else:
        world.tasks.start(work())
    return success("Transfer Queued Successfully", data)


async def show(world: World, request: Request, _fields: Fields, _fault: Fault | None) -> Response:
    """Tell how a transfer stands, by the provider's number."""
    wanted = request.path_params["id"]
    found = next((made for made in world.books.transfers.values() if made.id == wanted), None)
    if found is None:
        raise Refusal(404, "Transfer not found")
    return success("Transfer fetched", _data(found))


async def find(world: World, request: Request, _fields: Fields, _fault: Fault | None) -> Response:
    """List transfers, or those under one reference: at most one."""
    wanted = request.query_params.get("reference")
    found = [
        _data(made) for made in world.books.transfers.values() if wanted in (None, made.reference)
    ]
    return success("Transfers fetched", found[-PAGE_MAX:])


async def banks(
    _world: World, _request: Request, _fields: Fields, _fault: Fault | None
) -> Response:
    """The banks that can be paid."""
    listed = [{"id": int(code), "code": code, "name": name} for code, name in BANKS.items()]
    return success("Banks fetched successfully", listed)


async def balance(
    world: World, request: Request, _fields: Fields, _fault: Fault | None
) -> Response:
    """What our wallet of a currency holds; everything is settled at once here."""
    currency = request.path_params["currency"]
    if currency != "KES":
        raise Refusal(400, "Wallet not found for currency")
    held = shillings(world.books.flutterwave_cents)
    data = {"currency": currency, "available_balance": held, "ledger_balance": held}
    return success("Wallet balance fetched", data)


async def return_transfer(world: World, reference: str) -> Outgoing:
    """The bank sends a transfer back: the money is ours again, its charge is not.

    The word for it and its webhook are not documented.
    """
    made = world.books.transfers[reference]
    if made.status != "SUCCESSFUL":
        raise ValueError("only a transfer that arrived can come back")
    made.status, made.message = "REVERSED", "Transfer returned by the beneficiary bank"
    world.books.flutterwave_cents += made.amount_cents
    body: dict[str, object] = {
        "event": "transfer.completed",
        "event.type": "Transfer",
        "data": _data(made),
    }
    callback = webhook(world, Service.FLUTTERWAVE_TRANSFER, body, made.callback_url)
    await world.callbacks.send(callback)
    return made


def _decide(world: World, made: Outgoing, fault: Fault | None) -> None:
    """Move the money, or say why not."""
    made.message = _refusal_of(world, made, fault) or DONE
    made.status = "SUCCESSFUL" if made.message == DONE else "FAILED"


def _refusal_of(world: World, made: Outgoing, fault: Fault | None) -> str | None:
    if fault is not None and fault.kind is FaultKind.INSIDER_CODE:
        return fault.code
    fee_cents = FEE_WALLET_CENTS if made.bank == WALLETS else FEE_BANK_CENTS
    if made.amount_cents + fee_cents > world.books.flutterwave_cents:
        return NO_FUNDS
    if made.bank == WALLETS:
        phone = world.books.phones.get(f"+{made.account}")
        if phone.receive(made.amount_cents, world.now()) != "0":
            return BAD_RECEIVER
    made.fee_cents = fee_cents
    world.books.flutterwave_cents -= made.amount_cents + fee_cents
    return None


def _data(made: Outgoing) -> dict[str, object]:
    return {
        "id": made.id,
        "account_number": made.account,
        "bank_code": made.bank,
        "bank_name": "M-PESA" if made.bank == WALLETS else BANKS[made.bank],
        "full_name": made.name,
        "created_at": made.at.isoformat(),
        "currency": "KES",
        "debit_currency": "KES",
        "amount": made.amount_cents // 100,
        "fee": shillings(made.fee_cents),
        "status": made.status,
        "reference": made.reference,
        "meta": None,
        "narration": made.narration,
        "complete_message": made.message,
        "requires_approval": 0,
        "is_approved": 1,
    }
