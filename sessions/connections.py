"""The shortest way to Redis for a hop: a few connections, one command at a time on each.

redis-py's own client takes several locks, retries and counters around each command, which cost
more than the command. Its connections do all that is hard (sign-in, TLS, parsing); here they are
only lent out.
"""

import asyncio
import math
from typing import Any

from hiredis import pack_command
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

Command = tuple[str | int, ...]


class Connections:
    """Lends connections out, newest first.

    Args:
        pool: says where to connect and how; its own connections are not used.
        most: how many commands may be under way at once; more wait their turn.
        timeout_seconds: for a command with all that it takes, connecting included.
    """

    def __init__(self, pool: ConnectionPool, most: int, timeout_seconds: float) -> None:
        self._make = pool.connection_class
        # One timeout stands around the whole command instead of one around each of its steps.
        self._settings = {**pool.connection_kwargs, "socket_timeout": None}
        self._idle: list[AbstractConnection] = []
        self._free = asyncio.Semaphore(most)
        self._timeout_seconds = timeout_seconds

    async def ask(self, *command: str | int) -> Any:
        """Send a command and return the answer.

        Raises:
            ResponseError: the server says no; the connection is fine.
            RedisError, OSError, TimeoutError: there is no answer; the connection is given up.
        """
        async with asyncio.timeout(self._timeout_seconds), self._free:
            connection = self._idle.pop() if self._idle else self._make(**self._settings)
            try:
                # The stub says a tuple of one.
                await connection.send_packed_command(pack_command(command))  # type: ignore[arg-type]
                answer = await connection.read_response(
                    timeout=math.inf, disconnect_on_error=False
                )
            except ResponseError:
                self._idle.append(connection)
                raise
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
            self._idle.append(connection)
            return answer

    async def aclose(self) -> None:
        """Close the connections that nobody uses now."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect()
