"""The USSD hop: raw ASGI, in front of the framework and all its middleware.

The one address that is called for every key a person presses, and while they wait. It reads what
the gateway says, lets the conductor answer and writes the screen: nothing else happens here.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable

import anyio.to_thread
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from channels.ussd import UssdAnswer, UssdGateway, UssdRequest
from core.limits import CALLBACK_BODY_MAX_BYTES
from core.ports.calls import Reply, SessionEnd, UssdPart, UssdTurn
from core.ports.providers import BadCallback
from sessions.texts import NOT_SERVED

log = structlog.get_logger()

PREFIX = "/hooks/"
SUFFIX = "/ussd"


class TooLong(Exception):
    """A body is longer than any callback's."""


class Gone(Exception):
    """The caller hung up before its body was whole."""


class UssdHop:
    """Answers ``/hooks/{gateway}/{secret}/ussd``; all else goes on to the application.

    Wrong secret 404, other method 405, endless body 413, malformed fields 400, a number that
    cannot be one a last screen: nothing of these reaches the conductor, so nothing is stored.

    Args:
        advance: answers a hop and never raises (``Conductor.advance``).
        ended: keeps the news that a conversation is over; runs in a thread and never raises.
        gateways: who may call.
        secret: the unguessable part of the address.
        app: whatever else is served.
        refused: told the gateway's name and the name of the field that made a hop unreadable,
            ``secret`` for a wrong one.
    """

    def __init__(
        self,
        advance: Callable[[UssdTurn | UssdPart], Awaitable[Reply]],
        ended: Callable[[SessionEnd], None],
        gateways: Iterable[UssdGateway],
        secret: str,
        app: ASGIApp,
        refused: Callable[[str, str], None],
    ) -> None:
        self._advance = advance
        self._ended = ended
        self._gateways = {f"{PREFIX}{each.name}/": each for each in gateways}
        self._secret = secret.encode()
        self._app = app
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.endswith(SUFFIX) and path.startswith(PREFIX):
                start = path.find("/", len(PREFIX)) + 1
                gateway = self._gateways.get(path[:start])
                if gateway is not None:
                    given = path[start : -len(SUFFIX)].encode()
                    await self._answer(gateway, given, scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _answer(
        self, gateway: UssdGateway, given: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not hmac.compare_digest(given, self._secret):
            self._refuse(gateway, "secret")
            await _send(send, 404, UssdAnswer(b"Not Found"))
        elif scope["method"] != gateway.method:
            allow = ((b"allow", gateway.method.encode()),)
            await _send(send, 405, UssdAnswer(b"Method Not Allowed", headers=allow))
        else:
            try:
                body = await read_body(receive)
                heard = gateway.read(UssdRequest(scope["query_string"], body))
            except BadCallback as error:
                self._refuse(gateway, str(error.data.get("field", "")))
                if error.data.get("impossible"):
                    await _send(send, 200, gateway.show(Reply(NOT_SERVED, final=True)))
                else:
                    await _send(send, 400, UssdAnswer(b"Bad Request"))
            except TooLong:
                await _send(send, 413, UssdAnswer(b"Content Too Large"))
            except Gone:
                return
            else:
                if isinstance(heard, SessionEnd):
                    await anyio.to_thread.run_sync(self._ended, heard)
                    await _send(send, 200, gateway.noted)
                else:
                    await _send(send, 200, gateway.show(await self._advance(heard)))

    def _refuse(self, gateway: UssdGateway, field: str) -> None:
        self._refused(gateway.name, field)
        log.info("hop.refused", provider=gateway.name, field=field)


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


async def _send(send: Send, status: int, answer: UssdAnswer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
