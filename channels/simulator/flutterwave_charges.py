"""M-Pesa charges: a prompt on a phone, its verification and its webhook.

`POST /charges?type=mpesa`, `GET /transactions/{id}/verify`, `GET
/transactions/verify_by_reference?tx_ref=`
(developer.flutterwave.com, M-Pesa). `charge.completed` is sent for failures too.
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
from channels.simulator.state import (
    PROMPTS_MAX,
    Charge,
    Outcome,
    PromptState,
    World,
    remember,
)
from channels.simulator.ussd import NotNow, session_is_open

FEE_BASIS_POINTS = 290
"""The local fee, 2.9 % (Flutterwave's price list for Kenya); taken from what we get."""
PAID = "Successful"

_FAILED = {
    Outcome.CANCELLED: "Request cancelled by user",
    Outcome.WRONG_PIN: "The initiator entered a wrong PIN",
    Outcome.INSUFFICIENT: "The balance is insufficient for the transaction",
    Outcome.TIMEOUT: "Activity timed out",
}
_NO_PAYMENT = {
    "1": _FAILED[Outcome.INSUFFICIENT],
    "3": "The amount is above the limit of a transaction",
    "4": "The daily limit would be passed",
}
UNREACHABLE = "DS timeout user cannot be reached"


def routes(world: World) -> list[Route]:
    """The charge and both verifications."""
    verify, ours = "/transactions/{id:int}/verify", "/transactions/verify_by_reference"
    return [
        endpoint(world, "POST", "/charges", Service.FLUTTERWAVE_CHARGE, charge),
        endpoint(world, "GET", ours, Service.FLUTTERWAVE_VERIFY, verify_ours),
        endpoint(world, "GET", verify, Service.FLUTTERWAVE_VERIFY, verify_theirs),
    ]


async def charge(world: World, request: Request, fields: Fields, fault: Fault | None) -> Response:
    """Take a charge and start to bring its prompt to the phone."""
    if request.query_params.get("type") != "mpesa":
        raise Refusal(400, "type is required")
    made = _read_charge(world, fields)
    made.fault = fault
    if made.tx_ref in world.books.charges:
        raise Refusal(
            400, "Transaction Reference already exist. Try again in 2 minutes time to use it."
        )
    remember(world.books.charges, made.tx_ref, made, PROMPTS_MAX)
    data = _data(world, made)
    if is_fault(fault, FaultKind.CALLBACK_BEFORE_ANSWER):
        end(made, _refusal_of(world, made) or _pay(world, made))
        await call_back(world, made, None)
    else:
        world.tasks.start(_bring(world, made))
    return success("Charge initiated", data)


async def verify_theirs(
    world: World, request: Request, _fields: Fields, _fault: Fault | None
) -> Response:
    """Tell how a charge stands, by the provider's number."""
    return _verified(world, by_id(world, request.path_params["id"]))


async def verify_ours(
    world: World, request: Request, _fields: Fields, _fault: Fault | None
) -> Response:
    """Tell how a charge stands, by the merchant's reference."""
    return _verified(world, world.books.charges.get(request.query_params.get("tx_ref", "")))


def answer_prompt(world: World, charge_id: str, outcome: Outcome) -> dict[str, object]:
    """Do what the person (or the network) did; the webhook follows in the background.

    Raises KeyError for an unknown charge, NotNow when it is not in a state for it.
    """
    found = by_id(world, int(charge_id)) if charge_id.isdecimal() else None
    if found is None:
        raise KeyError(charge_id)
    if outcome is Outcome.LATE_PAID:
        if found.state is not PromptState.FAILED:
            raise NotNow("only a prompt that failed can be paid late")
    elif found.state is not PromptState.OPEN:
        raise NotNow(f"the prompt is {found.state}")
    _settle(world, found, outcome)
    return found.as_json(world.config.business_name)


def prompts(world: World, number: str | None, *, ended: bool) -> list[dict[str, object]]:
    """Prompts of one phone, or of all, newest last; those that ended only if asked for."""
    return [
        found.as_json(world.config.business_name)
        for found in world.books.charges.values()
        if not found.card
        and number in (None, found.phone)
        and (ended or found.state is PromptState.OPEN)
    ]


def _read_charge(world: World, fields: Fields) -> Charge:
    kenyan(fields)
    email = text(fields, "email")
    if "@" not in email:
        raise Refusal(400, "email is invalid")
    meta = fields.get("meta")
    booking = meta.get("booking") if isinstance(meta, dict) else None
    return Charge(
        id=next_id(world),
        tx_ref=text(fields, "tx_ref"),
        flw_ref=world.references.flutterwave(),
        phone=wallet(text(fields, "phone_number")),
        email=email,
        amount_cents=cents(fields),
        booking=booking if isinstance(booking, str) else "",
        at=world.now(),
    )


def by_id(world: World, charge_id: int) -> Charge | None:
    """A charge by the provider's number."""
    return next((found for found in world.books.charges.values() if found.id == charge_id), None)


def _verified(world: World, found: Charge | None) -> Response:
    if found is None:
        raise Refusal(400, "No transaction was found for this id")
    return success("Transaction fetched successfully", _data(world, found))


def _refusal_of(world: World, made: Charge) -> str | None:
    """What fails however the person would answer."""
    if made.fault is not None and made.fault.kind is FaultKind.INSIDER_CODE:
        return made.fault.code
    phone = world.books.phones.get(made.phone)
    if not (phone.reachable and phone.on_mpesa) or session_is_open(world, phone):
        return UNREACHABLE
    return None


async def _bring(world: World, made: Charge) -> None:
    """Bring the prompt to the phone, and give it up when nobody answers."""
    await asyncio.sleep(world.waits.prompt_delivery_seconds)
    refused = _refusal_of(world, made)
    if refused is not None:
        end(made, refused)
        await asyncio.sleep(world.waits.callback_seconds)
        await call_back(world, made, made.fault)
        return
    made.state = PromptState.OPEN
    if world.books.stk == "ask":
        await asyncio.sleep(world.waits.prompt_seconds)
        by_itself = Outcome.TIMEOUT
    else:
        await asyncio.sleep(world.waits.auto_approve_seconds)
        by_itself = Outcome(world.books.stk)
    if made.state is PromptState.OPEN:
        _settle(world, made, by_itself)


def _settle(world: World, made: Charge, outcome: Outcome) -> None:
    """Book the outcome and send its webhook."""
    fault = made.fault
    if outcome is Outcome.LATE_PAID:
        fault = None
    elif outcome is Outcome.NO_CALLBACK:
        fault = Fault(Service.FLUTTERWAVE_CHARGE, FaultKind.CALLBACK_NEVER)
    elif outcome is Outcome.DUPLICATE:
        fault = Fault(
            Service.FLUTTERWAVE_CHARGE,
            FaultKind.CALLBACK_TWICE,
            seconds=world.waits.callback_seconds,
        )
    end(made, _FAILED.get(outcome) or _pay(world, made))

    async def work() -> None:
        await asyncio.sleep(world.waits.callback_seconds)
        await call_back(world, made, fault)

    world.tasks.start(work())


def _pay(world: World, made: Charge) -> str:
    """Move the money; M-Pesa's sentence."""
    code = world.books.phones.get(made.phone).pay(made.amount_cents, world.now())
    if code != "0":
        return _NO_PAYMENT.get(code, "The request failed")
    world.books.flutterwave_cents += made.amount_cents - fee_cents(made)
    return PAID


def end(made: Charge, response: str) -> None:
    """Write down how a charge ended: with the provider's sentence."""
    paid = response == PAID
    made.response = response
    made.status = "successful" if paid else "failed"
    made.state = PromptState.PAID if paid else PromptState.FAILED


def fee_cents(made: Charge) -> int:
    """What the provider keeps of a charge."""
    return made.amount_cents * FEE_BASIS_POINTS // 10_000


async def call_back(world: World, made: Charge, fault: Fault | None) -> None:
    """Send the webhook of a charge that ended."""
    body: dict[str, object] = {
        "event": "charge.completed",
        "data": _data(world, made),
        "event.type": "CARD_TRANSACTION" if made.card else "MPESA_TRANSACTION",
    }
    await world.callbacks.send(webhook(world, Service.FLUTTERWAVE_CHARGE, body), fault)


def _data(world: World, made: Charge) -> dict[str, object]:
    """A charge as the provider shows it; the amount is a whole number or a decimal, in turns."""
    amount = made.amount_cents // 100
    return {
        "id": made.id,
        "tx_ref": made.tx_ref,
        "flw_ref": made.flw_ref,
        "amount": float(amount) if world.jitter("flutterwave amount") else amount,
        "charged_amount": amount,
        "app_fee": shillings(fee_cents(made)),
        "merchant_fee": 0,
        "processor_response": made.response,
        "auth_model": "VBVSECURECODE" if made.card else "LIPA_MPESA",
        "currency": "KES",
        "status": made.status,
        "auth_url": "N/A",
        "payment_type": "card" if made.card else "mpesa",
        "fraud_status": "ok",
        "charge_type": "normal",
        "account_id": 1,
        "created_at": made.at.isoformat(),
        "customer": {
            "id": 9,
            "name": "Anonymous Customer",
            "phone_number": made.phone.removeprefix("+"),
            "email": made.email,
        },
    }
