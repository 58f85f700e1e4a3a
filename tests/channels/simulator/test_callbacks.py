"""How callbacks are called off: in the middle of anything, and with every connection closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from channels.simulator.callbacks import Callbacks, Tasks
from channels.simulator.journal import Callback, Journal
from core.clock import ManualClock
from tests.channels.simulator.rig import QUICK
from tests.support.serving import PATIENCE_SECONDS

CONNECTIONS = 3
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

CallOff = Callable[[Callbacks, Tasks, Callback], Awaitable[None]]


@dataclass
class Receiver:
    """Answers when so many connections have a request, and ends them when the story says so."""

    asked: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(CONNECTIONS))
    over: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(CONNECTIONS + 1))
    ended: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(CONNECTIONS + 1))
    closed: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(CONNECTIONS + 1))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await self.asked.wait()
        writer.write(ANSWER)
        await self.over.wait()
        writer.write_eof()
        await self.ended.wait()
        await reader.read()
        writer.close()
        await self.closed.wait()


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    async with server:
        yield receiver, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def by_its_time(callbacks: Callbacks, _tasks: Tasks, callback: Callback) -> None:
    entry = await callbacks.post(callback, 0)
    assert (entry.status, entry.note) == (0, "TimeoutError")


async def by_a_reset(callbacks: Callbacks, tasks: Tasks, callback: Callback) -> None:
    callbacks.send_later(callback)
    # The second step is the one in which a request begins.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await tasks.stop()


@pytest.mark.parametrize("call_off", [by_its_time, by_a_reset])
def test_a_callback_called_off_leaves_no_connection_open(
    call_off: CallOff, clock: ManualClock
) -> None:
    async def story() -> None:
        tasks = Tasks()
        callbacks = Callbacks(Journal(clock.now, "s3cret"), tasks, lambda: QUICK)
        await callbacks.open()
        async with receiving() as (receiver, url):
            callback = Callback("sms", url, {}, "form")
            posts = (callbacks.post(callback, 5) for _ in range(CONNECTIONS))
            assert {entry.status for entry in await asyncio.gather(*posts)} == {200}
            # The next request finds several connections that have to be closed.
            await receiver.over.wait()
            await receiver.ended.wait()

            await call_off(callbacks, tasks, callback)

            async with asyncio.timeout(PATIENCE_SECONDS):
                await receiver.closed.wait()
            await callbacks.close()

    asyncio.run(story())
