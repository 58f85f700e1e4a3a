"""M-Pesa Express: push a prompt to a phone, ask how it stands, and what people make of it.

`POST /mpesa/stkpush/v1/processrequest` and `POST /mpesa/stkpushquery/v1/query` (Daraja portal,
M-Pesa Express). The same-amount rule (code 17) counts from the last *completed* payment: a person
who cancelled may try again at once. The query never tells a receipt.
"""

import asyncio
import base64
import re
from datetime import datetime

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
from channels.simulator.daraja_c2b import confirm_stk
from channels.simulator.faults import Fault, FaultKind, Service, is_fault
from channels.simulator.journal import Callback
from channels.simulator.references import daraja_stamp
from channels.simulator.results import code_value, result_text
from channels.simulator.state import (
    PROMPTS_MAX,
    Outcome,
    Prompt,
    PromptState,
    Transaction,
    World,
    remember,
)
from channels.simulator.ussd import NotNow, session_is_open

REFERENCE_CHARS_MAX = 12
DESCRIPTION_CHARS_MAX = 13
LAST_PAID_MAX = 20_000

PAYBILL, TILL = "CustomerPayBillOnline", "CustomerBuyGoodsOnline"

_PLAIN_TEXT = re.compile(r"[A-Za-z0-9 -]+")
_FAILED_CODES = {
    Outcome.CANCELLED: "1032",
    Outcome.WRONG_PIN: "2001",
    Outcome.INSUFFICIENT: "1",
    Outcome.TIMEOUT: "1037",
}


def routes(world: World) -> list[Route]:
    """The push and the query."""
    return [
        endpoint(world, "/mpesa/stkpush/v1/processrequest", Service.STK, push),
        endpoint(world, "/mpesa/stkpushquery/v1/query", Service.QUERY, query),
    ]


async def push(world: World, fields: Fields, fault: Fault | None) -> dict[str, object]:
    """Take a push and start to bring the prompt to the phone."""
    prompt = _read_push(world, fields)
    prompt.fault = fault
    if _locked(world, prompt.phone):
        raise Refusal(
            500,
            "500.001.1001",
            "Unable to lock subscriber, a transaction is already in process for the current "
            "subscriber",
        )
    _refuse_at_arrival(world, prompt)
    remember(world.books.prompts, prompt.id, prompt, PROMPTS_MAX)
    remember(world.books.last_prompt, prompt.phone, prompt, PROMPTS_MAX)
    if is_fault(fault, FaultKind.CALLBACK_BEFORE_ANSWER):
        _end(prompt, prompt.refused_code or _pay(world, prompt))
        await _call_back(world, prompt, None)
    else:
        world.tasks.start(_bring(world, prompt))
    return {
        "MerchantRequestID": prompt.merchant_request_id,
        "CheckoutRequestID": prompt.id,
        "ResponseCode": "0",
        "ResponseDescription": "Success. Request accepted for processing",
        "CustomerMessage": "Success. Request accepted for processing",
    }


async def query(world: World, fields: Fields, fault: Fault | None) -> dict[str, object]:
    """Tell the result of a push, without receipt, amount or phone."""
    check_password(world, fields)
    prompt = world.books.prompts.get(text(fields, "CheckoutRequestID"))
    if prompt is None:
        raise invalid("CheckoutRequestID")
    code = prompt.result_code
    if fault is not None and fault.kind is FaultKind.INSIDER_CODE:
        code = fault.code
    if code is None:
        raise Refusal(500, "500.001.1001", "The transaction is being processed")
    return {
        "ResponseCode": "0",
        "ResponseDescription": "The service request has been accepted successfully",
        "MerchantRequestID": prompt.merchant_request_id,
        "CheckoutRequestID": prompt.id,
        "ResultCode": code,
        "ResultDesc": result_text(code),
    }


def answer_prompt(world: World, prompt_id: str, outcome: Outcome) -> Prompt:
    """Do what the person (or the network) did; the callback follows in the background.

    Raises KeyError for an unknown prompt, NotNow when the prompt is not in a state for it.
    """
    prompt = world.books.prompts[prompt_id]
    if outcome is Outcome.LATE_PAID:
        if prompt.state is not PromptState.FAILED:
            raise NotNow("only a prompt that failed can be paid late")
    elif prompt.state is not PromptState.OPEN:
        raise NotNow(f"the prompt is {prompt.state}")
    _settle(world, prompt, outcome)
    return prompt


def prompts(world: World, number: str | None, *, ended: bool) -> list[dict[str, object]]:
    """Prompts of one phone, or of all, newest last; those that ended only if asked for."""
    return [
        prompt.as_json()
        for prompt in world.books.prompts.values()
        if number in (None, prompt.phone) and (ended or prompt.state is PromptState.OPEN)
    ]


def check_password(world: World, fields: Fields) -> str:
    """Refuse a wrong shortcode or password; return the shortcode.

    Password = base64(BusinessShortCode + passkey + Timestamp), Timestamp `YYYYMMDDHHmmss`.
    """
    shortcode, stamp = text(fields, "BusinessShortCode"), text(fields, "Timestamp")
    try:
        datetime.strptime(stamp, "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise invalid("Timestamp") from None
    if len(stamp) != len("YYYYMMDDHHmmss"):
        raise invalid("Timestamp")
    password = text(fields, "Password")
    if shortcode != world.config.shortcode:
        raise Refusal(500, "500.001.1001", "Merchant does not exist")
    expected = base64.b64encode(f"{shortcode}{world.config.passkey}{stamp}".encode()).decode()
    if password != expected:
        raise Refusal(500, "500.001.1001", "Wrong credentials")
    return shortcode


def _read_push(world: World, fields: Fields) -> Prompt:
    shortcode = check_password(world, fields)
    kind = text(fields, "TransactionType")
    if kind not in (PAYBILL, TILL):
        raise invalid("TransactionType")
    receiver = text(fields, "PartyB")
    subscriber(fields, "PartyA")
    at = world.now()
    prompt = Prompt(
        id=world.references.checkout_request(at),
        merchant_request_id=world.references.merchant_request(),
        phone=subscriber(fields, "PhoneNumber"),
        amount_cents=shillings(fields) * 100,
        shortcode=receiver,
        business_name=world.config.business_name,
        account_reference=text(fields, "AccountReference"),
        description=text(fields, "TransactionDesc"),
        callback_url=address(fields, "CallBackURL"),
        at=at,
    )
    if receiver != (shortcode if kind == PAYBILL else world.config.till_number):
        prompt.refused_code = "2028"
    elif not _fits_on_prompt(prompt):
        prompt.refused_code = "1025"
    return prompt


def _fits_on_prompt(prompt: Prompt) -> bool:
    """Long or unusual texts are accepted and then never shown (integrators' reports)."""
    pairs = (
        (prompt.account_reference, REFERENCE_CHARS_MAX),
        (prompt.description, DESCRIPTION_CHARS_MAX),
    )
    return all(len(said) <= limit and _PLAIN_TEXT.fullmatch(said) for said, limit in pairs)


def _locked(world: World, number: str) -> bool:
    """Whether a transaction of this subscriber is open, and not older than the lock."""
    last = world.books.last_prompt.get(number)
    if last is None or last.result_code is not None:
        return False
    return (world.now() - last.at).total_seconds() < world.waits.lock_seconds


def _refuse_at_arrival(world: World, prompt: Prompt) -> None:
    """Decide what fails however the person would answer."""
    phone = world.books.phones.get(prompt.phone)
    fault = prompt.fault
    if fault is not None and fault.kind is FaultKind.INSIDER_CODE and fault.code != "0":
        prompt.refused_code = fault.code
    elif prompt.refused_code is None:
        if not (phone.reachable and phone.on_mpesa) or session_is_open(world, phone):
            prompt.refused_code = "1037"
        elif _paid_the_same_lately(world, prompt):
            prompt.refused_code = "17"


def _paid_the_same_lately(world: World, prompt: Prompt) -> bool:
    last = world.books.last_paid_at.get((prompt.phone, prompt.amount_cents))
    if last is None:
        return False
    return (world.now() - last).total_seconds() < world.waits.same_amount_seconds


async def _bring(world: World, prompt: Prompt) -> None:
    """Bring the prompt to the phone, and give it up when nobody answers."""
    await asyncio.sleep(world.waits.prompt_delivery_seconds)
    phone = world.books.phones.get(prompt.phone)
    if prompt.refused_code is None and session_is_open(world, phone):
        prompt.refused_code = "1037"
    if prompt.refused_code is not None:
        _end(prompt, prompt.refused_code)
        await asyncio.sleep(world.waits.callback_seconds)
        await _call_back(world, prompt, prompt.fault)
        return
    prompt.state = PromptState.OPEN
    if world.books.stk == "ask":
        await asyncio.sleep(world.waits.prompt_seconds)
        by_itself = Outcome.TIMEOUT
    else:
        await asyncio.sleep(world.waits.auto_approve_seconds)
        by_itself = Outcome(world.books.stk)
    if prompt.state is PromptState.OPEN:
        _settle(world, prompt, by_itself)


def _settle(world: World, prompt: Prompt, outcome: Outcome) -> None:
    """Book the outcome and send its callback."""
    fault = prompt.fault
    if outcome is Outcome.LATE_PAID:
        fault = None
    elif outcome is Outcome.NO_CALLBACK:
        fault = Fault(Service.STK, FaultKind.CALLBACK_NEVER)
    elif outcome is Outcome.DUPLICATE:
        fault = Fault(Service.STK, FaultKind.CALLBACK_TWICE, seconds=world.waits.callback_seconds)
    _end(prompt, _FAILED_CODES.get(outcome) or _pay(world, prompt))

    async def work() -> None:
        await asyncio.sleep(world.waits.callback_seconds)
        await _call_back(world, prompt, fault)

    world.tasks.start(work())


def _pay(world: World, prompt: Prompt) -> str:
    """Move the money; the result code."""
    at = world.now()
    code = world.books.phones.get(prompt.phone).pay(prompt.amount_cents, at)
    if code != "0":
        return code
    world.books.organisations[prompt.shortcode].utility_cents += prompt.amount_cents
    prompt.receipt = world.new_receipt()
    world.record(
        Transaction(
            prompt.receipt,
            "stk",
            prompt.phone,
            prompt.shortcode,
            prompt.amount_cents,
            at,
            reference=prompt.account_reference,
        )
    )
    paid = (prompt.phone, prompt.amount_cents)
    world.books.last_paid_at.pop(paid, None)
    remember(world.books.last_paid_at, paid, at, LAST_PAID_MAX)
    return code


def _end(prompt: Prompt, code: str) -> None:
    prompt.result_code, prompt.result_text = code, result_text(code)
    prompt.state = PromptState.PAID if prompt.receipt else PromptState.FAILED


async def _call_back(world: World, prompt: Prompt, fault: Fault | None) -> None:
    callback = Callback("stk", prompt.callback_url, _callback_body(world, prompt), "json")
    await world.callbacks.send(callback, fault)
    if prompt.receipt and world.config.stk_raises_c2b:
        await confirm_stk(
            world, world.books.transactions[prompt.receipt], prompt.account_reference
        )


def _callback_body(world: World, prompt: Prompt) -> dict[str, object]:
    result: dict[str, object] = {
        "MerchantRequestID": prompt.merchant_request_id,
        "CheckoutRequestID": prompt.id,
        "ResultCode": code_value(world, prompt.result_code or "", "stk code"),
        "ResultDesc": prompt.result_text,
    }
    if prompt.receipt:
        items: list[dict[str, object]] = [
            {"Name": "Amount", "Value": float(prompt.amount_cents // 100)},
            {"Name": "MpesaReceiptNumber", "Value": prompt.receipt},
            *_balance_item(world, prompt),
            {"Name": "TransactionDate", "Value": int(daraja_stamp(world.now()))},
            {"Name": "PhoneNumber", "Value": int(prompt.phone.removeprefix("+"))},
        ]
        result["CallbackMetadata"] = {"Item": items}
    return {"Body": {"stkCallback": result}}


def _balance_item(world: World, prompt: Prompt) -> list[dict[str, object]]:
    """The item that has no value, is not there, or holds a whole structure as text."""
    turn = world.jitter("balance", 3)
    if turn == 1:
        return []
    if turn == 0:
        return [{"Name": "Balance"}]
    cents = world.books.organisations[prompt.shortcode].utility_cents
    basic = f"{cents // 100}.{cents % 100:02d}"
    said = f"{{Amount={{CurrencyCode=KES, MinimumAmount={cents}, BasicAmount={basic}}}}}"
    return [{"Name": "Balance", "Value": said}]
