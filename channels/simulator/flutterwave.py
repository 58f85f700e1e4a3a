"""Flutterwave, the common part: key, envelope, reading of fields, and the webhook.

Every answer is `{"status", "message", "data"}`. Nothing but a fixed word in the header
`verif-hash` tells that a webhook is the provider's (developer.flutterwave.com, Webhooks).
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.simulator.faults import Dialect, Fault, Service, answer_after, answer_before
from channels.simulator.journal import Callback
from channels.simulator.state import World
from channels.simulator.wire import read_body

TEXT_CHARS_MAX = 200
HASH_HEADER = "verif-hash"

Fields = dict[str, Any]
Handler = Callable[[World, Request, Fields, Fault | None], Awaitable[Response]]

_MSISDN = re.compile(r"254[17]\d{8}")


class Refusal(Exception):
    """A synchronous error: status and sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def success(message: str, data: object) -> Response:
    """An answer that is no refusal. That is no outcome."""
    return JSONResponse({"status": "success", "message": message, "data": data})


def refuse(refusal: Refusal) -> Response:
    """The refusal in its envelope."""
    body = {"status": "error", "message": refusal.message, "data": None}
    return JSONResponse(body, status_code=refusal.status)


def _lost() -> Response:
    """What comes after some 28 seconds: it says nothing about what was done."""
    return refuse(Refusal(503, "An error occurred. Please contact support"))


DIALECT = Dialect(
    failed=lambda: refuse(Refusal(500, "Internal server error")),
    unauthorised=lambda: refuse(Refusal(401, "Invalid authorization key")),
    busy=lambda: refuse(Refusal(429, "Too many requests")),
    timed_out=_lost,
)


def endpoint(world: World, verb: str, path: str, service: Service, handler: Handler) -> Route:
    """A call: fault, key, fields, handler, fault."""

    async def answer(request: Request) -> Response:
        body = await read_body(request)
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        entry = world.journal.request(service, verb, address, body)
        fault = world.faults.take(service, _phones(body))
        response = await answer_before(fault, DIALECT)
        if response is None:
            try:
                _check_key(world, request)
                fields = _read_fields(body) if verb == "POST" else {}
                response = await handler(world, request, fields, fault)
            except Refusal as refusal:
                response = refuse(refusal)
            response = await answer_after(fault, response, DIALECT)
        entry.status, entry.answer = response.status_code, bytes(response.body).decode()
        return response

    return Route(path, answer, methods=[verb])


def text(fields: Fields, name: str, *, optional: bool = False) -> str:
    """A text or whole number as text; the refusal names a field that is missing."""
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if optional and value is None:
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARS_MAX:
        raise Refusal(400, f"{name} is required")
    return value


def cents(fields: Fields, name: str = "amount") -> int:
    """An amount in shillings, whole ones; returned in cents."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Refusal(400, f"{name} is invalid")
    return value * 100


def shillings(cents_: int) -> int | float:
    """Cents as they stand in the answers: a whole number, or a decimal one."""
    return cents_ // 100 if cents_ % 100 == 0 else float(f"{cents_ // 100}.{cents_ % 100:02d}")


def kenyan(fields: Fields) -> None:
    """Refuse another currency than the shilling."""
    if text(fields, "currency") != "KES":
        raise Refusal(400, "currency is not supported for this payment type")


def wallet(number: str) -> str:
    """A wallet in E.164; the refusal names the field."""
    if not _MSISDN.fullmatch(number):
        raise Refusal(400, "phone_number is invalid")
    return f"+{number}"


def next_id(world: World) -> int:
    """The next number of a charge, a transfer or a refund."""
    world.books.flutterwave_last_id += 1
    return world.books.flutterwave_last_id


def webhook(world: World, service: Service, body: dict[str, object], url: str = "") -> Callback:
    """The webhook with its hash; it goes to our dashboard's address unless a request named one."""
    return Callback(
        service,
        url or world.config.flutterwave_url(),
        body,
        "json",
        more_headers={HASH_HEADER: world.config.flutterwave_hash},
    )


def _check_key(world: World, request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {world.config.flutterwave_key}":
        raise Refusal(401, "Invalid authorization key")


def _read_fields(body: bytes) -> Fields:
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Refusal(400, "Invalid JSON")
    return fields


def _phones(body: bytes) -> set[str]:
    """Subscribers named in a body, in E.164, so that a fault can be limited to one."""
    return {f"+{number}" for number in re.findall(r"254[17]\d{8}", body.decode(errors="replace"))}
