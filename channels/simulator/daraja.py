"""Daraja, the common part: tokens, envelopes of errors and reading of fields.

`GET /oauth/v1/generate` takes Basic credentials and gives a token; a new token makes the one
before it worthless. Every other call is JSON with a Bearer token. A refusal is
`{"requestId", "errorCode", "errorMessage"}` (Daraja portal, Authorization).
"""

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.simulator.credentials import credential_holds
from channels.simulator.faults import Dialect, Fault, Service, answer_after, answer_before
from channels.simulator.state import Token, World
from channels.simulator.wire import read_body

INITIATOR_FAILURES_MAX = 3
"""So many wrong credentials lock the initiator (code 8006)."""
TEXT_CHARS_MAX = 100

Fields = dict[str, Any]
"""A JSON object as it came; its values are checked by the readers below."""
Handler = Callable[[World, Fields, Fault | None], Awaitable[dict[str, object]]]

# Words for which Daraja refuses an address (Daraja portal, C2B).
_BANNED_IN_URL = re.compile("mpesa|m-pesa|safaricom|exe|cmd|sql|query", re.IGNORECASE)
_MSISDN = re.compile(r"254[17]\d{8}")


class Refusal(Exception):
    """A synchronous error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def invalid(name: str) -> Refusal:
    """The refusal that names a field."""
    return Refusal(400, "400.002.02", f"Bad Request - Invalid {name}")


def refuse(world: World, refusal: Refusal) -> Response:
    """The refusal in its envelope."""
    body = {
        "requestId": f"{world.references.hex(4)}-{world.references.hex(8)}-1",
        "errorCode": refusal.code,
        "errorMessage": refusal.message,
    }
    return JSONResponse(body, status_code=refusal.status)


def dialect(world: World) -> Dialect:
    """Daraja's words for failures that every call can have."""

    def says(status: int, code: str, message: str) -> Callable[[], Response]:
        return lambda: refuse(world, Refusal(status, code, message))

    return Dialect(
        failed=says(500, "500.003.1001", "Internal Server Error"),
        unauthorised=says(404, "404.001.03", "Invalid Access Token"),
        busy=says(500, "500.003.02", "System is busy. Please try again in few minutes."),
    )


def endpoint(world: World, path: str, service: Service, handler: Handler) -> Route:
    """A JSON call: fault, token, body, handler, fault."""

    async def answer(request: Request) -> Response:
        body = await read_body(request)
        entry = world.journal.request(service, request.method, request.url.path, body)
        fault = world.faults.take(service, _phones(body))
        response = await answer_before(fault, dialect(world))
        if response is None:
            try:
                check_request(world, request)
                fields = read_fields(request, body)
                response = JSONResponse(await handler(world, fields, fault))
            except Refusal as refusal:
                response = refuse(world, refusal)
            response = await answer_after(fault, response)
        entry.status, entry.answer = response.status_code, bytes(response.body).decode()
        return response

    return Route(path, answer, methods=["GET", "POST", "PUT", "DELETE"])


def oauth_route(world: World) -> Route:
    """The token endpoint."""

    async def generate(request: Request) -> Response:
        entry = world.journal.request(Service.OAUTH, "GET", str(request.url.path), b"")
        fault = world.faults.take(Service.OAUTH)
        response = await answer_before(fault, dialect(world))
        if response is None:
            response = await answer_after(fault, _issue(world, request))
        entry.status, entry.answer = response.status_code, bytes(response.body).decode()
        return response

    return Route("/oauth/v1/generate", generate, methods=["GET"])


def _issue(world: World, request: Request) -> Response:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return refuse(world, Refusal(400, "400.008.01", "Invalid Authentication passed"))
    if request.query_params.get("grant_type") != "client_credentials":
        return refuse(world, Refusal(400, "400.008.02", "Invalid grant type passed"))
    expected = f"{world.config.consumer_key}:{world.config.consumer_secret}".encode()
    try:
        given = base64.b64decode(credentials, validate=True)
    except binascii.Error:
        given = b""
    if given != expected:
        # A wrong consumer key is seen to be refused without any body.
        return Response(status_code=400)
    world.books.token = Token(world.references.hex(28), world.now())
    seconds = int(world.waits.token_seconds)
    return JSONResponse(
        {
            "access_token": world.books.token.value,
            "expires_in": (str(seconds), seconds)[world.jitter("expires_in")],
        }
    )


def check_request(world: World, request: Request) -> None:
    """Refuse any verb but POST, and a call whose token is not the newest one or has grown old."""
    if request.method != "POST":
        raise Refusal(405, "405.001", "Method Not Allowed")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(404, "404.001.04", "Invalid Authentication Header")
    token = world.books.token
    if token is None or token.value != value:
        raise Refusal(404, "404.001.03", "Invalid Access Token")
    if (world.now() - token.issued_at).total_seconds() >= world.waits.token_seconds:
        raise Refusal(404, "404.001.03", "Invalid Access Token")


def read_fields(request: Request, body: bytes) -> Fields:
    """The JSON object of the request."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise invalid("Content-Type")
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Refusal(400, "400.002.05", "Invalid Request Payload")
    return fields


def text(fields: Fields, name: str, *, optional: bool = False) -> str:
    """A text or number as text; the refusal names a field that is missing or empty."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        if optional and value is None:
            return ""
        raise invalid(name)
    value = str(value)
    if not value and not optional:
        raise invalid(name)
    return value


def shillings(fields: Fields, name: str = "Amount") -> int:
    """A whole number of shillings, at least one."""
    value = text(fields, name)
    if not re.fullmatch(r"\d{1,9}", value) or int(value) < 1:
        raise invalid(name)
    return int(value)


def subscriber(fields: Fields, name: str) -> str:
    """A subscriber as `2547…` or `2541…`; returned in E.164."""
    value = text(fields, name)
    if not _MSISDN.fullmatch(value):
        raise invalid(name)
    return f"+{value}"


def address(fields: Fields, name: str) -> str:
    """A callback address that Daraja would take. Plain HTTP is fine here, on one machine."""
    value = text(fields, name)
    try:
        parts = urlsplit(value)
    except ValueError:
        raise invalid(name) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(name)
    if _BANNED_IN_URL.search(value):
        raise invalid(name)
    return value


def remarks(fields: Fields, name: str) -> str:
    """A remark of 2 to 100 characters."""
    value = text(fields, name)
    if not 2 <= len(value) <= TEXT_CHARS_MAX:
        raise invalid(name)
    return value


def initiator_code(world: World, name: str, credential: str) -> str:
    """`0`, `2001` for a wrong initiator, `8006` when too many wrong ones locked it."""
    if world.books.initiator_failures >= INITIATOR_FAILURES_MAX:
        return "8006"
    config = world.config
    good = name == config.initiator_name and credential_holds(
        world.private_key, credential, config.initiator_password
    )
    if good:
        world.books.initiator_failures = 0
        return "0"
    world.books.initiator_failures += 1
    return "2001"


def _phones(body: bytes) -> set[str]:
    """Subscribers named in a body, in E.164, so that a fault can be limited to one."""
    return {f"+{number}" for number in re.findall(r"254[17]\d{8}", body.decode(errors="replace"))}
