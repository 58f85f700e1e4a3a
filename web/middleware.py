"""What surrounds every request but the USSD hop: a request id, and headers that browsers obey."""

import re

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.ids import Ids

# Nothing from elsewhere, no script or style inside a page, nobody may frame us.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HSTS_SECONDS = 365 * 24 * 3600
REQUEST_ID = "X-Request-ID"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Surroundings:
    """Names each request in all its log lines and in its answer, and adds the headers.

    Args:
        app: what is surrounded.
        ids: makes names for requests that bring none.
        secure: whether we are reached by https only.
    """

    def __init__(self, app: ASGIApp, ids: Ids, *, secure: bool) -> None:
        self._app = app
        self._ids = ids
        self._headers = dict(HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((v for k, v in scope["headers"] if k == REQUEST_ID.lower().encode()), b"")
        written = given.decode("latin-1")
        request_id = written if _SANE_ID.fullmatch(written) else str(self._ids.uuid())

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_headers)
