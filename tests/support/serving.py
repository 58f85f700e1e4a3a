"""Applications under a real server, for as long as a test needs them."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.005
GRACE_SECONDS = 0.5
END_SECONDS = 30.0

T = TypeVar("T")


def eventually(look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """What ``look`` finds, as soon as it finds something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(LOOK_SECONDS)
    return found


class Server(uvicorn.Server):
    """Says when it is up, and ends when it is told: uvicorn's own looks ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._over = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._over.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """As uvicorn does it: whoever has asked is answered, for a while, and then cut off."""
        for listener in self.servers:
            listener.close()
        end = time.monotonic() + GRACE_SECONDS
        while self.server_state.connections or self.server_state.tasks:
            for connection in list(self.server_state.connections):
                connection.shutdown()
            if time.monotonic() > end:
                self._cut_off()
                break
            await asyncio.sleep(LOOK_SECONDS)
        await self.lifespan.shutdown()

    def _cut_off(self) -> None:
        for task in self.server_state.tasks:
            task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.close()

    def end(self) -> None:
        """Ask it to stop; from another thread."""
        self._loop.call_soon_threadsafe(self._over.set)


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve an application with what serves it in production; gives its address."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
    )
    server = Server(config)
    bound = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        assert server.up.wait(PATIENCE_SECONDS), "the server does not start"
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.end()
        thread.join(END_SECONDS)
        bound.close()
        # The loop waits for whatever is open, such as a connection to Redis that nobody closed.
        assert not thread.is_alive(), "the server does not end"
