"""C2B: a person pays the paybill by hand, with an account number that they typed.

`POST /mpesa/c2b/v2/registerurl` and `/simulate` (Daraja portal, C2B). Validation may refuse
before the money moves; confirmation only tells. Neither is repeated.
"""

import json

import httpx
from starlette.routing import Route

from channels.simulator.daraja import (
    Fields,
    Refusal,
    address,
    endpoint,
    invalid,
    shillings,
    subscriber,
    text,
)
from channels.simulator.faults import Fault, Service
from channels.simulator.journal import Callback, Entry
from channels.simulator.references import daraja_stamp
from channels.simulator.state import C2bUrls, Transaction, World

ACCOUNT_CHARS_MAX = 20
RESPONSE_TYPES = ("Completed", "Cancelled")
COMMANDS = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")


def routes(world: World) -> list[Route]:
    """Registering addresses, and the official sandbox call that pays by hand."""
    return [
        endpoint(world, "/mpesa/c2b/v1/registerurl", Service.C2B, register),
        endpoint(world, "/mpesa/c2b/v2/registerurl", Service.C2B, register),
        endpoint(world, "/mpesa/c2b/v2/simulate", Service.C2B, simulate),
    ]


async def register(world: World, fields: Fields, _fault: Fault | None) -> dict[str, object]:
    """Take the addresses for validation and confirmation."""
    _check_shortcode(world, fields)
    response_type = text(fields, "ResponseType")
    if response_type not in RESPONSE_TYPES:
        raise invalid("ResponseType")
    if world.config.register_urls_once and world.books.c2b.registered:
        raise Refusal(500, "500.003.1001", "Urls are already registered")
    world.books.c2b = C2bUrls(
        validation=address(fields, "ValidationURL"),
        confirmation=address(fields, "ConfirmationURL"),
        response_type=response_type,
        registered=True,
    )
    # The missing letter is Daraja's.
    return {
        "OriginatorCoversationID": f"{world.references.hex(4)}-{world.references.hex(8)}-1",
        "ResponseCode": "0",
        "ResponseDescription": "Success",
    }


async def simulate(world: World, fields: Fields, fault: Fault | None) -> dict[str, object]:
    """Pay by hand through the API, in the background."""
    _check_shortcode(world, fields)
    if text(fields, "CommandID") not in COMMANDS:
        raise invalid("CommandID")
    number, amount = subscriber(fields, "Msisdn"), shillings(fields)
    account = text(fields, "BillRefNumber", optional=True)

    async def work() -> None:
        await pay(world, number, account, amount * 100, fault)

    world.tasks.start(work())
    return {
        "OriginatorCoversationID": f"{world.references.hex(4)}-{world.references.hex(8)}-1",
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }


async def pay(
    world: World, number: str, account: str, amount_cents: int, fault: Fault | None
) -> dict[str, object]:
    """A person pays the paybill by hand. `amount_cents` is whole shillings.

    Returns `{"status": "completed", "receipt"}`, `{"status": "refused", "code"}` when the wallet
    says no, or `{"status": "rejected", "code"}` when validation does. Raises ValueError for an
    account number that M-Pesa would not let the person type.
    """
    if len(account) > ACCOUNT_CHARS_MAX:
        raise ValueError(f"an account number has at most {ACCOUNT_CHARS_MAX} characters")
    phone = world.books.phones.get(number)
    if amount_cents > phone.balance_cents:
        return {"status": "refused", "code": "1"}
    at = world.now()
    payment = Transaction(
        world.new_receipt(),
        "c2b",
        number,
        world.config.shortcode,
        amount_cents,
        at,
        reference=account,
    )
    if world.config.c2b_validation:
        code = await _validate(world, payment, account)
        if code != "0":
            return {"status": "rejected", "code": code}
    code = phone.pay(amount_cents, at)
    if code != "0":
        return {"status": "refused", "code": code}
    organisation = world.books.organisations[payment.shortcode]
    organisation.utility_cents += amount_cents
    world.record(payment)
    world.callbacks.send_later(
        _confirmation(world, payment, account), fault, world.waits.callback_seconds
    )
    return {"status": "completed", "receipt": payment.receipt}


async def confirm_stk(world: World, payment: Transaction, account: str) -> None:
    """The confirmation that a registered paybill may raise for an STK payment too."""
    await world.callbacks.send(_confirmation(world, payment, account))


def _check_shortcode(world: World, fields: Fields) -> None:
    if text(fields, "ShortCode") != world.config.shortcode:
        raise invalid("ShortCode")


def _confirmation(world: World, payment: Transaction, account: str) -> Callback:
    cents = world.books.organisations[payment.shortcode].utility_cents
    body = payload(payment, account, balance=f"{cents // 100}.{cents % 100:02d}")
    return Callback("c2b", world.books.c2b.confirmation, body, "json")


async def _validate(world: World, payment: Transaction, account: str) -> str:
    """Ask the application; without a readable answer in time the registered default applies."""
    body = payload(payment, account, balance="")
    entry = await world.callbacks.post(
        Callback("c2b", world.books.c2b.validation, body, "json"), world.waits.validation_seconds
    )
    said = _validation_code(entry)
    if said is None:
        return "0" if world.books.c2b.response_type == "Completed" else "C2B00016"
    return said


def _validation_code(entry: Entry) -> str | None:
    if entry.status != httpx.codes.OK:
        return None
    try:
        answer = json.loads(entry.answer)
    except ValueError:
        return None
    if not isinstance(answer, dict) or "ResultCode" not in answer:
        return None
    return str(answer["ResultCode"])


def payload(payment: Transaction, account: str, balance: str) -> dict[str, object]:
    """The body of validation and confirmation. The subscriber is masked, with spaces."""
    digits = payment.phone.removeprefix("+")
    return {
        "TransactionType": "Pay Bill",
        "TransID": payment.receipt,
        "TransTime": daraja_stamp(payment.at),
        "TransAmount": f"{payment.amount_cents // 100}.00",
        "BusinessShortCode": payment.shortcode,
        "BillRefNumber": account,
        "InvoiceNumber": "",
        "OrgAccountBalance": balance,
        "ThirdPartyTransID": "",
        "MSISDN": f"{digits[:4]} ***** {digits[-3:]}",
        "FirstName": "AMINA",
        "MiddleName": "",
        "LastName": "",
    }
