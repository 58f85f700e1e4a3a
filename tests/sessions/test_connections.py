"""One connection for all hops: answers find their askers, whatever happens to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError

from sessions.connections import Connections
from sessions.store import connect

TIMEOUT_SECONDS = 0.2


@asynccontextmanager
async def connected(url: str, most: int = 64) -> AsyncIterator[Connections]:
    connections = Connections(connect(url).connection_pool, most, TIMEOUT_SECONDS)
    try:
        yield connections
    finally:
        await connections.aclose()


def test_everybody_gets_the_answer_to_their_own_question(redis_url: str) -> None:
    async def main() -> None:
        async with connected(redis_url, most=7) as connections:
            said = await asyncio.gather(*(connections.ask("ECHO", n) for n in range(100)))
            assert said == [str(n) for n in range(100)]

    asyncio.run(main())


def test_a_no_is_for_whoever_asked(redis_url: str) -> None:
    async def main() -> None:
        async with connected(redis_url) as connections:
            said: Any = await asyncio.gather(
                connections.ask("ECHO", "before"),
                connections.ask("NOT-A-COMMAND"),
                connections.ask("ECHO", "after"),
                return_exceptions=True,
            )
            assert (said[0], said[2]) == ("before", "after")
            assert isinstance(said[1], ResponseError)

    asyncio.run(main())


def test_whoever_goes_away_leaves_the_others_their_answers(redis_url: str) -> None:
    async def main() -> None:
        async with connected(redis_url) as connections:
            gone = asyncio.create_task(connections.ask("ECHO", "gone"))
            stays = asyncio.create_task(connections.ask("ECHO", "stays"))
            await asyncio.sleep(0)
            gone.cancel()
            assert await stays == "stays"
            assert await connections.ask("ECHO", "later") == "later"

    asyncio.run(main())


def test_a_connection_that_dies_idle_is_replaced_before_anybody_notices(redis_url: str) -> None:
    async def main() -> None:
        async with connected(redis_url) as connections, connected(redis_url) as killer:
            own = await connections.ask("CLIENT", "ID")
            await killer.ask("CLIENT", "KILL", "ID", own)
            await asyncio.sleep(0.05)
            assert await connections.ask("CLIENT", "ID") != own

    asyncio.run(main())


Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def against(server: Server, story: Callable[[Connections], Awaitable[Any]]) -> None:
    """Tell a story against something that is no Redis."""
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, connected(f"redis://127.0.0.1:{port}/0") as connections:
        await story(connections)


def test_a_server_that_is_silent_is_given_up_by_all_at_once() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def story(connections: Connections) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        answers = await asyncio.gather(
            *(connections.ask("PING") for _ in range(3)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [TimeoutError] * 3
        assert loop.time() - began < 3 * TIMEOUT_SECONDS

    asyncio.run(against(silent, story))


def test_a_server_that_hangs_up_is_told_to_all_who_wait_and_asked_anew() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def story(connections: Connections) -> None:
        for _ in range(2):
            with pytest.raises((Disconnected, OSError)):
                await connections.ask("PING")

    asyncio.run(against(rude, story))
