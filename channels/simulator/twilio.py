"""Twilio, the server side: messages out, their status callbacks, and messages of people.

`POST /2010-04-01/Accounts/{sid}/Messages.json` takes a form of `To From Body StatusCallback` under
basic authentication; 201 names the message. Every callback is signed over the address that it
goes to and its fields, in the header `X-Twilio-Signature` (twilio.com/docs/messaging,
twilio.com/docs/usage/security).
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping

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
from channels.simulator.journal import Callback
from channels.simulator.phones import is_e164
from channels.simulator.sms import keep
from channels.simulator.state import Sms, SmsDirection, World
from channels.simulator.wire import read_body, read_form

BODY_CHARS_MAX = 1_600
SIGNATURE = "X-Twilio-Signature"
FAILURE = "30003"
"""Unreachable destination handset."""


def refuse(status: int, code: int, message: str) -> Response:
    """A refusal: why, as a number that their page of errors explains."""
    body = {"code": code, "message": message, "more_info": "", "status": status}
    return JSONResponse(body, status_code=status)


DIALECT = Dialect(
    failed=lambda: refuse(500, 20500, "Internal Server Error"),
    unauthorised=lambda: refuse(401, 20003, "Authenticate"),
    busy=lambda: refuse(429, 20429, "Too Many Requests"),
)


def routes(world: World) -> list[Route]:
    """The one endpoint."""

    async def messages(request: Request) -> Response:
        body = await read_body(request)
        entry = world.journal.request(Service.TWILIO, "POST", request.url.path, body)
        form = read_form(body)
        fault = world.faults.take(Service.TWILIO, {form.get("To", "")})
        answer = await answer_before(fault, DIALECT)
        if answer is None:
            if not _known(world, request):
                answer = DIALECT.unauthorised()
            else:
                answer = await answer_after(fault, _send(world, form, fault))
        entry.status, entry.answer = answer.status_code, bytes(answer.body).decode()
        return answer

    path = "/2010-04-01/Accounts/{sid}/Messages.json"
    return [Route(path, messages, methods=["POST"])]


def signed(world: World, service: str, url: str, form: Mapping[str, object]) -> Callback:
    """A callback as the account signs it."""
    said = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(world.config.twilio_token.encode(), said.encode(), hashlib.sha1).digest()
    headers = {SIGNATURE: base64.b64encode(digest).decode()}
    return Callback(service, url, form, "form", more_headers=headers)


def message_of(world: World, sms: Sms) -> Callback:
    """The callback that brings a person's message to us."""
    form: dict[str, object] = {
        "MessageSid": sms.id,
        "AccountSid": world.config.twilio_sid,
        "From": sms.phone,
        "To": sms.party,
        "Body": sms.text,
        "NumSegments": sms.counts["segments"],
        "NumMedia": 0,
    }
    return signed(world, "inbound", world.config.sms_url("twilio", "sms"), form)


def _known(world: World, request: Request) -> bool:
    config = world.config
    word = base64.b64encode(f"{config.twilio_sid}:{config.twilio_token}".encode()).decode()
    given = request.headers.get("authorization", "")
    return given == f"Basic {word}" and request.path_params["sid"] == config.twilio_sid


def _send(world: World, form: dict[str, str], fault: Fault | None) -> Response:
    number, text = form.get("To", ""), form.get("Body", "")
    if is_fault(fault, FaultKind.INSIDER_CODE) and fault is not None and fault.code:
        return refuse(400, int(fault.code), "As ordered")
    if not is_e164(number):
        return refuse(400, 21211, "Invalid 'To' Phone Number")
    if not text or len(text) > BODY_CHARS_MAX:
        return refuse(400, 21602, "Message body is required")
    if form.get("From") != world.config.sender_id:
        return refuse(400, 21606, "The From phone number is not valid")
    if world.books.phones.get(number).opted_out:
        return refuse(400, 21610, "Attempt to send to unsubscribed recipient")
    sms = Sms(
        id=f"SM{world.references.hex(32)}",
        direction=SmsDirection.TO_PHONE,
        phone=number,
        party=form["From"],
        text=text,
        at=world.now(),
        status="queued",
        counts=world.measure(text),
    )
    keep(world, sms)
    if form.get("StatusCallback"):
        world.tasks.start(_report(world, sms, form["StatusCallback"], fault))
    said = {"sid": sms.id, "status": "queued", "to": number, "num_segments": "1", "price": None}
    return JSONResponse(said, status_code=201)


async def _report(world: World, sms: Sms, url: str, fault: Fault | None) -> None:
    reached = world.books.phones.get(sms.phone).reachable
    final = "delivered" if reached else "undelivered"
    if fault is not None and fault.kind is FaultKind.REPORT and fault.code:
        final = fault.code
    for status in ("sent", final):
        await asyncio.sleep(world.waits.report_seconds)
        sms.status = status
        form: dict[str, object] = {
            "MessageSid": sms.id,
            "MessageStatus": status,
            "To": sms.phone,
            "From": sms.party,
        }
        if status == "undelivered":
            form["ErrorCode"] = FAILURE
        await world.callbacks.send(signed(world, "sms", url, form), fault)
