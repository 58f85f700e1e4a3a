"""An event loop on the simulated clock, on which the simulated providers live.

It never waits: what is due runs, what is not due runs when the clock has come so far. So the
providers' own waits (a prompt on a phone, a callback after a while) take no time here and always
happen in the same order.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from starlette.types import ASGIApp

from core.clock import ManualClock

T = TypeVar("T")
PASSES_MAX = 10_000
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Heard:
    """An HTTP answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class _NeverWaits(selectors.SelectSelector):
    """Nothing outside this process is waited for."""

    def select(self, timeout: float | None = None) -> list[Any]:  # noqa: ARG002
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs what is due by the simulated clock.

    The lists of ready and of planned callbacks are asyncio's own (``_ready``, ``_scheduled``): it
    offers no other way to see when the next one is.
    """

    _ready: Any
    _scheduled: Any

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(_NeverWaits())
        self._clock = clock
        self._origin = clock.now()

    def time(self) -> float:
        """Seconds since the loop was made, by the simulated clock."""
        return (self._clock.now() - self._origin).total_seconds()

    def next_at(self) -> datetime | None:
        """When the next planned callback is due; None when there is none."""
        if not self._scheduled:
            return None
        seconds: float = self._scheduled[0].when()
        return self._origin + timedelta(seconds=seconds) + INSTANT

    def run_due(self) -> None:
        """Run everything that is due now, and what follows from it."""
        for _ in range(PASSES_MAX):
            at = self.next_at()
            if not self._ready and (at is None or at > self._clock.now()):
                return
            self.call_soon(self.stop)
            self.run_forever()
        raise AssertionError("the providers do not come to rest")

    def do(self, act: Callable[[], T]) -> T:
        """Call a function on the loop, where it may start background work."""

        async def acting() -> T:
            return act()

        return self.run_until_complete(acting())

    def ask(
        self,
        app: ASGIApp,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Heard:
        """Send one request to an application on this loop.

        Args:
            app: the application.
            method: of the request.
            path: with its query, if any.
            headers: in any case.
            body: as it goes over the wire.
        """
        return self.run_until_complete(_ask(app, method, path, headers, body))


def _ask(
    app: ASGIApp, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Coroutine[Any, Any, Heard]:
    where, _, query = path.partition("?")
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    return _exchange(app, scope, body)


async def _exchange(app: ASGIApp, scope: MutableMapping[str, Any], body: bytes) -> Heard:
    pieces: list[bytes] = []
    start: MutableMapping[str, Any] = {"status": 500, "headers": []}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            pieces.append(message.get("body", b""))

    served: Awaitable[None] = app(scope, receive, send)
    await served
    return Heard(start["status"], list(start["headers"]), b"".join(pieces))
