"""The simulator's own JSON: phones to dial with, prompts to answer, faults to order, the journal.

Everything lives under `/simulator/api`. Phones are accepted as people type them. An error is
`{"error": {"code", "message"}}` with status 400 (senseless), 404 (not there) or 409 (not now).
"""

from collections.abc import Awaitable, Callable, Collection

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.simulator import (
    daraja_b2c,
    daraja_c2b,
    daraja_stk,
    flutterwave_charges,
    flutterwave_exports,
    flutterwave_transfers,
    kannel,
    sms,
    sms_in,
    statement,
    ussd,
)
from channels.simulator.callbacks import Overloaded
from channels.simulator.control_call import LIST_MAX, BadInput, Call, json_object
from channels.simulator.faults import (
    FAULT_SECONDS_DEFAULT,
    FAULT_TIMES_MAX,
    Service,
    parse_fault,
)
from channels.simulator.operators import OPERATORS
from channels.simulator.phones import NETWORKS, TRANSACTION_CENTS_MAX, WALLET_CENTS_MAX
from channels.simulator.state import Outcome, World
from channels.simulator.wire import TooLarge, read_body

ORGANISATION_CENTS_MAX = 10**13
LOG_ID_MAX = 10**12
# Parts of one message that are handed over, those that come again among them.
PARTS_MAX = 40

Action = Callable[[Call], Awaitable[dict[str, object]]]


def routes(world: World) -> list[Route]:
    """All control calls, relative to `/simulator/api`."""
    table: list[tuple[str, str, Action]] = [
        ("GET", "/phones", list_phones),
        ("POST", "/phones", change_phone),
        ("POST", "/dial", dial),
        ("POST", "/answer", answer),
        ("POST", "/hangup", hang_up),
        ("GET", "/sms", list_sms),
        ("POST", "/sms", send_sms),
        ("GET", "/stk", list_prompts),
        ("POST", "/stk/{id}", answer_prompt),
        ("POST", "/paybill", pay_paybill),
        ("GET", "/wallets", list_wallets),
        ("POST", "/organisations", change_organisation),
        ("POST", "/payouts/{id}/return", return_payout),
        ("GET", "/faults", list_faults),
        ("POST", "/faults", add_fault),
        ("DELETE", "/faults", clear_faults),
        ("GET", "/log", list_log),
        ("POST", "/replay", replay),
        ("GET", "/settings", show_settings),
        ("POST", "/settings", change_settings),
        ("POST", "/reset", reset),
    ]
    calls = [Route(path, _handle(world, action), methods=[verb]) for verb, path, action in table]
    return [*calls, statement.route(world), *flutterwave_exports.routes(world)]


def _handle(world: World, action: Action) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            body = json_object(await read_body(request)) if request.method == "POST" else {}
            call = Call(world, request.path_params, request.query_params, body)
            return JSONResponse(await action(call))
        except TooLarge:
            return _error(413, "too_large", "the body is too large")
        except (BadInput, ValueError) as error:
            return _error(400, "invalid", str(error))
        except KeyError as missing:
            return _error(404, "not_found", f"nothing known as {missing.args[0]}")
        except ussd.NotNow as error:
            return _error(409, "not_now", str(error))
        except Overloaded:
            return _error(503, "overloaded", "too much is under way")

    return handle


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


async def list_phones(call: Call) -> dict[str, object]:
    """Every phone, with its open session if any, and the numbers to dial and pay."""
    config = call.world.config
    phones = call.world.books.phones.all()[-LIST_MAX:]
    return {
        "ussd_code": config.ussd_code,
        "sms_shortcode": config.sms_shortcode,
        "paybill": config.shortcode,
        "networks": NETWORKS,
        "operators": list(OPERATORS),
        "phones": [phone.as_json() for phone in phones],
    }


async def change_phone(call: Call) -> dict[str, object]:
    """Change one phone.

    `network`, `operator` and `sms_route` (over whom its calls and messages come to us),
    `reachable`, `on_mpesa`, `opted_out`, `balance_cents`.
    """
    phone = call.world.books.phones.get(call.phone("phone"))
    if call.has("network"):
        phone.network = _one_of("network", call.text("network"), NETWORKS)
    if call.has("operator"):
        phone.operator = _one_of("operator", call.text("operator"), OPERATORS)
    if call.has("sms_route"):
        phone.sms_route = _one_of("sms_route", call.text("sms_route"), sms_in.ROUTES)
    if call.has("reachable"):
        phone.reachable = call.flag("reachable")
    if call.has("on_mpesa"):
        phone.on_mpesa = call.flag("on_mpesa")
    if call.has("balance_cents"):
        phone.balance_cents = call.whole("balance_cents", 0, WALLET_CENTS_MAX)
    if call.has("opted_out"):
        if call.flag("opted_out") and not phone.opted_out:
            sms.opt_out(call.world, phone.number)
        phone.opted_out = call.flag("opted_out")
    return phone.as_json() | phone.wallet_json()


def _one_of(field: str, given: str, known: Collection[str]) -> str:
    if given not in known:
        raise BadInput(f"{field} must be one of {', '.join(known)}")
    return given


async def dial(call: Call) -> dict[str, object]:
    """`{"phone", "code", "network"?}`: the first screen. `reply` is raw, `text` is what shows."""
    network = call.text("network") if call.has("network") else None
    return await ussd.dial(call.world, call.phone("phone"), call.text("code"), network)


async def answer(call: Call) -> dict[str, object]:
    """`{"phone", "input"}`: the next screen."""
    return await ussd.answer(call.world, call.phone("phone"), call.text("input"))


async def hang_up(call: Call) -> dict[str, object]:
    """`{"phone"}`: end the session as the red button does."""
    return {"ended": ussd.hang_up(call.world, call.phone("phone"))}


async def list_sms(call: Call) -> dict[str, object]:
    """Messages of `?phone=`, newest last."""
    return {"sms": sms.thread(call.world, call.phone_wanted(), call.limit())}


async def send_sms(call: Call) -> dict[str, object]:
    """`{"from", "text", "to"?, "parts"?, "reference"?}`: a person writes to our short code.

    `parts` has Kannel hand over a long message in parts, `[3, 1, 2, 2]`: in this order, one of
    them twice; what is not named is lost. `reference` is what the phone calls the message.
    """
    to = call.text("to") if call.has("to") else None
    parts = None
    if call.has("parts"):
        reference = None
        if call.has("reference"):
            reference = call.whole("reference", 0, kannel.REFERENCE_MAX)
        parts = sms_in.InParts(call.numbers("parts", PARTS_MAX), reference)
    number, text = call.phone("from"), call.text("text")
    return sms_in.send_from_phone(call.world, number, text, to, parts).as_json()


async def list_prompts(call: Call) -> dict[str, object]:
    """Open prompts of `?phone=`; with `?status=all` those that ended too. Newest last.

    Those of Flutterwave carry `provider`.
    """
    ended, number = call.query.get("status") == "all", call.phone_wanted()
    found = daraja_stk.prompts(call.world, number, ended=ended)
    found += flutterwave_charges.prompts(call.world, number, ended=ended)
    found.sort(key=lambda prompt: str(prompt["at"]))
    return {"stk": found[-call.limit() :]}


async def answer_prompt(call: Call) -> dict[str, object]:
    """`{"outcome"}`: what the person did with the prompt."""
    outcome, prompt_id = Outcome(call.text("outcome")), call.path["id"]
    if prompt_id.isdecimal():
        return flutterwave_charges.answer_prompt(call.world, prompt_id, outcome)
    return daraja_stk.answer_prompt(call.world, call.path["id"], outcome).as_json()


async def pay_paybill(call: Call) -> dict[str, object]:
    """`{"phone", "account", "amount"}`: pay by hand; the amount in whole shillings."""
    number, account = call.phone("phone"), call.text("account")
    amount_cents = 100 * call.whole("amount", 1, TRANSACTION_CENTS_MAX // 100)
    fault = call.world.faults.take(Service.C2B, {number})
    return await daraja_c2b.pay(call.world, number, account, amount_cents, fault)


async def list_wallets(call: Call) -> dict[str, object]:
    """Wallets in cents (all, or of `?phone=`), and the accounts of the business."""
    books, wanted = call.world.books, call.phone_wanted()
    phones = [books.phones.get(wanted)] if wanted else books.phones.all()[-LIST_MAX:]
    return {
        "wallets": [phone.wallet_json() for phone in phones],
        "organisations": {code: found.as_json() for code, found in books.organisations.items()},
        "africastalking_balance_cents": books.africastalking_cents,
        "flutterwave_balance_cents": books.flutterwave_cents,
    }


async def change_organisation(call: Call) -> dict[str, object]:
    """`{"shortcode", "utility_cents"}`: set the account that payouts come from."""
    organisation = call.world.books.organisations[call.text("shortcode")]
    organisation.utility_cents = call.whole("utility_cents", 0, ORGANISATION_CENTS_MAX)
    return organisation.as_json()


async def return_payout(call: Call) -> dict[str, object]:
    """A payout that had arrived comes back; it is named by our own id, at either provider."""
    named = call.path["id"]
    if named in call.world.books.transfers:
        made = await flutterwave_transfers.return_transfer(call.world, named)
        return {"id": named, "receipt": f"reversal:{made.reference}"}
    return {"id": named, "receipt": daraja_b2c.take_back(call.world, named)}


async def list_faults(call: Call) -> dict[str, object]:
    """Orders that are not used up."""
    return {"faults": call.world.faults.as_json()}


async def add_fault(call: Call) -> dict[str, object]:
    """`{"service", "fault", "times"?, "seconds"?, "phone"?}`: misbehave next time."""
    fault = parse_fault(
        call.text("service"),
        call.text("fault"),
        times=call.whole("times", 1, FAULT_TIMES_MAX, default=1),
        seconds=call.seconds("seconds", FAULT_SECONDS_DEFAULT),
        phone=call.phone("phone") if call.has("phone") else None,
    )
    call.world.faults.add(fault)
    return fault.as_json()


async def clear_faults(call: Call) -> dict[str, object]:
    """Behave again."""
    call.world.faults.clear()
    return {"faults": []}


async def list_log(call: Call) -> dict[str, object]:
    """The journal, newest last; `?service=` and `?limit=` narrow it."""
    service = call.query.get("service") or None
    return {"log": call.world.journal.newest(call.limit(), service)}


async def replay(call: Call) -> dict[str, object]:
    """`{"log_id"}`: send one recorded callback again, byte for byte, and tell its answer."""
    log_id = call.whole("log_id", 1, LOG_ID_MAX)
    entry = call.world.journal.find(log_id)
    if entry is None:
        raise KeyError(log_id)
    if entry.callback is None:
        raise BadInput("only callbacks can be replayed")
    seconds = call.world.waits.callback_answer_seconds
    again = await call.world.callbacks.post(entry.callback, seconds)
    return {"log_id": again.id, "status": again.status, "answer": again.answer}


async def show_settings(call: Call) -> dict[str, object]:
    """How prompts are answered, and all waits."""
    return {"stk": call.world.books.stk, **call.world.waits_json()}


async def change_settings(call: Call) -> dict[str, object]:
    """`{"stk": "ask" | outcome, "<name>_seconds": …}`: change the way things go from now on."""
    stk = call.text("stk") if call.has("stk") else call.world.books.stk
    if stk != "ask" and Outcome(stk) is Outcome.LATE_PAID:
        raise BadInput("a prompt cannot be paid late by itself")
    call.world.change_waits({name: call.seconds(name) for name in call.body if name != "stk"})
    call.world.books.stk = stk
    return await show_settings(call)


async def reset(call: Call) -> dict[str, object]:
    """Forget everything: wallets, messages, prompts, tokens, faults, the journal."""
    await call.world.reset()
    return {"reset": True}
