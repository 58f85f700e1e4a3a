"""Sending callbacks: in the background, bounded, and as badly as ordered.

Africa's Talking repeats an SMS callback until it is answered with 200; Safaricom never repeats one
(its answers to the question are in the account balance FAQ). `Callback.tries` carries that.

Work is called off through anyio's scopes and not by asyncio's own means, of which httpcore's pool
knows nothing: whoever comes next closes connections that have rested too long, and broken off by
`asyncio.timeout` or `Task.cancel` at the first, it loses the others, open.
"""

import asyncio
from collections.abc import Callable, Coroutine

import anyio
import httpx

from channels.simulator.config import Waits
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import Callback, Entry, Journal

TASKS_MAX = 20_000
CONNECTIONS_MAX = 100
CONNECT_SECONDS = 10.0
ANSWER_CHARS_MAX = 8_000


class Overloaded(Exception):
    """Too many things are under way."""


class Tasks:
    """Background work on the simulator's event loop, with a limit and an end."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[None], anyio.CancelScope] = {}

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Run the coroutine in the background; Overloaded when there is too much of it."""
        if len(self._running) >= TASKS_MAX:
            work.close()
            raise Overloaded
        scope = anyio.CancelScope()

        async def until_called_off() -> None:
            with scope:
                await work

        task = asyncio.ensure_future(until_called_off())
        self._running[task] = scope
        task.add_done_callback(self._running.pop)

    async def stop(self) -> None:
        """Call everything off and wait until it is gone."""
        running = dict(self._running)
        for scope in running.values():
            scope.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Callbacks:
    """One HTTP client for everything that the providers tell us."""

    def __init__(self, journal: Journal, tasks: Tasks, waits: Callable[[], Waits]) -> None:
        self._journal = journal
        self._tasks = tasks
        self._waits = waits
        self._client: httpx.AsyncClient | None = None
        self._overtaken: dict[str, asyncio.Event] = {}

    async def open(self) -> None:
        """Make the client; call on the event loop that will use it."""
        # The pool has no timeout: a burst of callbacks queues here instead of being lost.
        self._client = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            timeout=httpx.Timeout(CONNECT_SECONDS, pool=None),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def post(self, callback: Callback, answer_seconds: float) -> Entry:
        """Send once and return the journal entry: status 0 and a note when nobody answered."""
        entry = self._journal.callback(callback)
        if self._client is None:
            raise RuntimeError("the simulator is not running")
        try:
            with anyio.fail_after(answer_seconds):
                answer = await self._client.request(
                    callback.method,
                    callback.address,
                    content=callback.content,
                    headers=callback.headers,
                    timeout=httpx.Timeout(answer_seconds, pool=None),
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            entry.status, entry.note = 0, type(error).__name__
        else:
            entry.status, entry.answer = answer.status_code, answer.text[:ANSWER_CHARS_MAX]
            entry.answer_headers = {name.lower(): value for name, value in answer.headers.items()}
        return entry

    async def deliver(self, callback: Callback) -> bool:
        """Send until answered with 200, `tries` times at most; say whether it was."""
        for left in range(callback.tries - 1, -1, -1):
            entry = await self.post(callback, self._waits().callback_answer_seconds)
            if entry.status == httpx.codes.OK:
                return True
            if left:
                await asyncio.sleep(self._waits().retry_seconds)
        return False

    async def send(self, callback: Callback, fault: Fault | None = None) -> bool:
        """Deliver as the fault orders: never, late, twice, after the next one, or well."""
        kind = fault.kind if fault else None
        seconds = fault.seconds if fault else 0.0
        if kind is FaultKind.CALLBACK_NEVER:
            self._journal.callback(callback, note="withheld")
            return False
        if kind is FaultKind.CALLBACK_LATE:
            await asyncio.sleep(seconds)
        if kind is FaultKind.CALLBACK_REORDERED:
            await self._let_next_overtake(callback.service, seconds)
        delivered = await self.deliver(callback)
        if kind is FaultKind.CALLBACK_TWICE:
            await asyncio.sleep(seconds)
            await self.deliver(callback)
        if overtaken := self._overtaken.pop(callback.service, None):
            overtaken.set()
        return delivered

    def send_later(
        self, callback: Callback, fault: Fault | None = None, wait_seconds: float = 0.0
    ) -> None:
        """Send in the background after a wait."""

        async def work() -> None:
            await asyncio.sleep(wait_seconds)
            await self.send(callback, fault)

        self._tasks.start(work())

    async def _let_next_overtake(self, service: str, seconds: float) -> None:
        """Wait until another callback of the service was delivered, or the time is over."""
        overtaken = self._overtaken.setdefault(service, asyncio.Event())
        try:
            with anyio.fail_after(seconds):
                await overtaken.wait()
        except TimeoutError:
            self._overtaken.pop(service, None)
