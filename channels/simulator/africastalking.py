"""Africa's Talking, the server side: bulk SMS and the account's balance.

`POST /version1/messaging` takes a form (`username`, `to` comma separated, `message`, `from`,
`enqueue`) and answers 201 with the bare content type `application/json`: the official client
parses nothing else. A wrong key is 401 in plain text; an unapproved sender is 201 with no
recipients; every recipient has a status of its own (recorded answers). What the service says to
a form without `to` or `message` is not documented; here it is a 400 in plain text.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.simulator.faults import (
    Dialect,
    Fault,
    FaultKind,
    Service,
    answer_after,
    answer_before,
    is_fault,
)
from channels.simulator.phones import is_e164
from channels.simulator.sms import keep, report
from channels.simulator.state import Sms, SmsDirection, World
from channels.simulator.wire import read_body, read_form

RECIPIENTS_MAX = 1_000
SEGMENT_COST_CENTS = 80
SHILLINGS_PER_DOLLAR = 129

STATUS_NAMES = {
    100: "Processed",
    101: "Success",
    102: "Success",
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}
SENT, QUEUED = 101, 102


def plain(status: int, text: str) -> Response:
    """Text without a character set, as the service sends it."""
    return Response(text, status_code=status, headers={"content-type": "text/plain"})


def unauthorised() -> Response:
    """The answer to a wrong user name or key."""
    answer = plain(401, "The supplied authentication is invalid")
    answer.headers["www-authenticate"] = "Basic"
    return answer


DIALECT = Dialect(
    failed=lambda: plain(500, "Internal Server Error"),
    unauthorised=unauthorised,
    busy=lambda: plain(503, "Service Unavailable"),
)


def routes(world: World) -> list[Route]:
    """The two endpoints."""

    async def messaging(request: Request) -> Response:
        body = await read_body(request)
        entry = world.journal.request("sms", "POST", request.url.path, body)
        form = read_form(body)
        fault = world.faults.take(Service.SMS, form.get("to", "").split(","))
        answer = await answer_before(fault, DIALECT)
        if answer is None:
            if not _known(world, request, form.get("username")):
                answer = unauthorised()
            else:
                answer = await answer_after(fault, await _send(world, form, fault))
        entry.status, entry.answer = answer.status_code, bytes(answer.body).decode()
        return answer

    async def user(request: Request) -> Response:
        if not _known(world, request, request.query_params.get("username")):
            return unauthorised()
        balance = _shillings(world.books.africastalking_cents, places=2)
        return JSONResponse({"UserData": {"balance": balance}})

    return [
        Route("/version1/messaging", messaging, methods=["POST"]),
        Route("/version1/user", user, methods=["GET"]),
    ]


def _known(world: World, request: Request, username: str | None) -> bool:
    config = world.config
    return request.headers.get("apikey") == config.api_key and username == config.username


async def _send(world: World, form: dict[str, str], fault: Fault | None) -> Response:
    """Book the message for each recipient and answer as the service does."""
    numbers = [number.strip() for number in form.get("to", "").split(",") if number.strip()]
    text = form.get("message", "")
    if not numbers or not text:
        return plain(400, "Must have required fields: to and message")
    if len(numbers) > RECIPIENTS_MAX:
        return plain(400, "Too many recipients")
    sender = form.get("from")
    if sender not in (None, "", world.config.sender_id, world.config.sms_shortcode):
        return _answer("InvalidSenderId", [])
    counts = world.measure(text)
    cost_cents = counts["segments"] * SEGMENT_COST_CENTS
    accepted = QUEUED if form.get("enqueue") == "1" else SENT
    recipients: list[dict[str, object]] = []
    sent: list[Sms] = []
    for number in numbers:
        code = _status_code(world, number, cost_cents, accepted, fault)
        recipients.append(_failed(code, number))
        if code > QUEUED:
            continue
        world.books.africastalking_cents -= cost_cents
        sms = Sms(
            id=world.references.message(),
            direction=SmsDirection.TO_PHONE,
            phone=number,
            party=sender or world.config.sender_id,
            text=text,
            at=world.now(),
            status="Queued" if code == QUEUED else "Sent",
            counts=counts,
        )
        keep(world, sms)
        sent.append(sms)
        recipients[-1] |= {"cost": _shillings(cost_cents), "messageId": sms.id}
    await _report_all(world, sent, fault)
    total = _total(world, cost_cents * len(sent))
    return _answer(
        f"Sent to {len(sent)}/{len(numbers)} Total Cost: {total} "
        f"Message parts: {counts['segments']}",
        recipients,
    )


async def _report_all(world: World, sent: list[Sms], fault: Fault | None) -> None:
    for sms in sent:
        if is_fault(fault, FaultKind.CALLBACK_BEFORE_ANSWER):
            await report(world, sms, None)
        else:
            world.tasks.start(report(world, sms, fault))


def _status_code(
    world: World, number: str, cost_cents: int, accepted: int, fault: Fault | None
) -> int:
    if not is_e164(number):
        return 403
    if (
        fault is not None
        and fault.kind is FaultKind.INSIDER_CODE
        and fault.code
        and fault.phone in (None, number)
    ):
        return int(fault.code)
    if world.books.phones.get(number).opted_out:
        return 406
    if world.books.africastalking_cents < cost_cents:
        return 405
    return accepted


def _failed(code: int, number: str) -> dict[str, object]:
    return {
        "statusCode": code,
        "number": number,
        "status": STATUS_NAMES.get(code, "Failed"),
        "cost": "0",
        "messageId": "None",
    }


def _answer(message: str, recipients: list[dict[str, object]]) -> Response:
    body = {"SMSMessageData": {"Message": message, "Recipients": recipients}}
    return JSONResponse(body, status_code=201)


def _shillings(cents: int, places: int = 4) -> str:
    return f"KES {cents // 100}.{cents % 100:02d}{'0' * (places - 2)}"


def _total(world: World, cents: int) -> str:
    """The total comes in shillings or in dollars; a total of nothing is a bare zero."""
    if cents == 0:
        return "0"
    if world.jitter("sms total"):
        return _shillings(cents)
    ten_thousandths = cents * 100 // SHILLINGS_PER_DOLLAR
    return f"USD {ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d}"
