"""A prepared database, a real Redis, and the desk that answers over both."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from sessions.store import RedisStore, connect
from tests.sessions.sample import Desk, desk, prepare

Story = Callable[[Desk], Awaitable[Any]]
Run = Callable[..., Any]


@pytest.fixture
def hall_database(database: Database) -> Database:
    prepare(database)
    return database


@pytest.fixture
def tell(hall_database: Database, redis_url: str, clock: ManualClock) -> Run:
    """Play a story on a desk over real servers; further arguments go to the desk.

    The store has remembered for a day, so that nothing looks lost unless the story loses it.
    """

    def run(story: Story, **more: Any) -> Any:
        async def main() -> Any:
            client = connect(redis_url)
            await client.set("ussd:epoch", 0)
            at = desk(RedisStore(client), hall_database, clock, **more)
            try:
                return await story(at)
            finally:
                at.conductor.close()
                await client.aclose()

        return asyncio.run(main())

    return run
