"""The USSD hop: raw ASGI, in front of the framework and all its middleware.

The one address that is called for every key a person presses, and while they wait. It reads the
form, lets the conductor answer and writes the screen: nothing else happens here.
"""

import hmac
from collections.abc import Awaitable, Callable

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from channels.africastalking.ussd import parse_hop, render
from core.limits import CALLBACK_BODY_MAX_BYTES
from core.ports import BadCallback, Reply, UssdTurn
from sessions.texts import NOT_SERVED

log = structlog.get_logger()

PREFIX = "/hooks/africastalking/"
SUFFIX = "/ussd"

_TEXT = (b"content-type", b"text/plain; charset=utf-8")


class TooLong(Exception):
    """A body is longer than any callback's."""


class Gone(Exception):
    """The caller hung up before its body was whole."""


class UssdHop:
    """Answers ``POST /hooks/africastalking/{secret}/ussd``; all else goes on to the application.

    Wrong secret 404, other method 405, endless body 413, malformed fields 400, a number that
    cannot be one END: nothing of these reaches the conductor, so nothing is stored.

    Args:
        advance: answers a hop and never raises (``Conductor.advance``).
        secret: the unguessable part of the address.
        app: whatever else is served.
        refused: told the name of the field that made a hop unreadable, ``secret`` for a wrong one.
    """

    def __init__(
        self,
        advance: Callable[[UssdTurn], Awaitable[Reply]],
        secret: str,
        app: ASGIApp,
        refused: Callable[[str], None],
    ) -> None:
        self._advance = advance
        self._secret = secret.encode()
        self._app = app
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(PREFIX) and path.endswith(SUFFIX):
                await self._answer(path, scope["method"], receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, path: str, method: str, receive: Receive, send: Send) -> None:
        given = path[len(PREFIX) : -len(SUFFIX)].encode()
        if not hmac.compare_digest(given, self._secret):
            self._refuse("secret")
            await _send(send, 404, b"Not Found")
        elif method != "POST":
            await _send(send, 405, b"Method Not Allowed", (b"allow", b"POST"))
        else:
            try:
                turn = parse_hop(await read_body(receive))
            except BadCallback as error:
                self._refuse(str(error.data.get("field", "")))
                if error.data.get("impossible"):
                    await _send(send, 200, render(Reply(NOT_SERVED, final=True)))
                else:
                    await _send(send, 400, b"Bad Request")
            except TooLong:
                await _send(send, 413, b"Content Too Large")
            except Gone:
                return
            else:
                await _send(send, 200, render(await self._advance(turn)))

    def _refuse(self, field: str) -> None:
        self._refused(field)
        log.info("hop.refused", field=field)


async def read_body(receive: Receive, limit_bytes: int = CALLBACK_BODY_MAX_BYTES) -> bytes:
    """Return a request's body.

    Raises:
        TooLong: it is longer than the limit; the rest is not read.
        Gone: the caller hung up.
    """
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        # One piece is the rule; it is taken as it is.
        piece: bytes = message.get("body", b"")
        body = body + piece if body else piece
        if len(body) > limit_bytes:
            raise TooLong
        if not message.get("more_body", False):
            return body


async def _send(send: Send, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {"type": "http.response.start", "status": status, "headers": [_TEXT, length, *more]}
    )
    await send({"type": "http.response.body", "body": body})
