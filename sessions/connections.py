"""The shortest way to Redis for a hop: one connection for all hops, and nobody waits to ask.

Commands of hops that are played at the same time leave together and their answers come together,
in order: what costs most of a command, waking the system for it, is paid once for all of them.
redis-py's connections do all that is hard (sign-in, TLS, parsing); its client, which takes several
locks, retries and counters around each command, is not used.
"""

import asyncio
import math
from collections import deque
from typing import Any

from hiredis import pack_command
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError

Command = tuple[str | int, ...]


class Connections:
    """Asks Redis over one connection, and over a new one when that is gone.

    Args:
        pool: says where to connect and how; its own connections are not used.
        most: how many commands may be under way at once; more wait their turn.
        timeout_seconds: for a command with all that it takes, connecting included.
    """

    def __init__(self, pool: ConnectionPool, most: int, timeout_seconds: float) -> None:
        self._make = pool.connection_class
        # One timeout stands around the whole command instead of one around each of its steps.
        self._settings = {**pool.connection_kwargs, "socket_timeout": None}
        self._free = asyncio.Semaphore(most)
        self._timeout_seconds = timeout_seconds
        self._line: _Line | None = None

    async def ask(self, *command: str | int) -> Any:
        """Send a command and return the answer.

        Raises:
            ResponseError: the server says no; the connection is fine.
            RedisError, OSError, TimeoutError: there is no answer; the connection is given up, and
                with it the answers of all who wait for one.
        """
        async with self._free:
            line = self._line
            if line is None or line.dead:
                line = self._line = _Line(self._make(**self._settings), self._timeout_seconds)
            # The stub says a tuple of one.
            return await line.put(pack_command(command))  # type: ignore[arg-type]

    async def aclose(self) -> None:
        """Close the connection; whoever still waits gets no answer."""
        line, self._line = self._line, None
        if line is not None:
            await line.aclose()


class _Line:
    """One connection with its questions under way, oldest first."""

    def __init__(self, connection: AbstractConnection, timeout_seconds: float) -> None:
        self.dead = False
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._unsent: list[bytes] = []
        self._news = asyncio.Event()
        self._watch: asyncio.TimerHandle | None = None
        self._tasks = [self._loop.create_task(self._write())]

    def put(self, packed: bytes) -> "asyncio.Future[Any]":
        """Have a command sent with whatever else is asked in this moment."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((answer, self._loop.time() + self._timeout_seconds))
        self._unsent.append(packed)
        self._news.set()
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout_seconds, self._look)
        return answer

    async def aclose(self) -> None:
        """Let go of the connection."""
        self._give_up(Disconnected("closed"))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.disconnect()

    async def _write(self) -> None:
        try:
            await self._connection.connect()  # type: ignore[no-untyped-call]
            self._tasks.append(self._loop.create_task(self._read()))
            while True:
                await self._news.wait()
                self._news.clear()
                together, self._unsent = b"".join(self._unsent), []
                await self._connection.send_packed_command(together, check_health=False)
        except Exception as error:  # noqa: BLE001 -- it is told to all who wait.
            self._give_up(error)

    async def _read(self) -> None:
        try:
            while True:
                refused: ResponseError | None = None
                answer = None
                try:
                    answer = await self._connection.read_response(
                        timeout=math.inf, disconnect_on_error=False
                    )
                except ResponseError as error:
                    refused = error
                asked, _ = self._waiting.popleft()
                # Whoever asked may have gone away.
                if asked.done():
                    continue
                if refused is None:
                    asked.set_result(answer)
                else:
                    asked.set_exception(refused)
        except Exception as error:  # noqa: BLE001 -- it is told to all who wait.
            self._give_up(error)

    def _look(self) -> None:
        """See whether the oldest question waits too long: one timer for all of them."""
        self._watch = None
        if not self._waiting:
            return
        _, until = self._waiting[0]
        if self._loop.time() >= until:
            self._give_up(TimeoutError("no answer"))
        else:
            self._watch = self._loop.call_at(until, self._look)

    def _give_up(self, error: Exception) -> None:
        if self.dead:
            return
        self.dead = True
        if self._watch is not None:
            self._watch.cancel()
        current = asyncio.current_task(self._loop)
        for task in self._tasks:
            if task is not current:
                task.cancel()
        for asked, _ in self._waiting:
            if not asked.done():
                asked.set_exception(error)
        self._waiting.clear()
        self._loop.create_task(self._connection.disconnect(nowait=True))
