"""A prepared database, a real Redis, and the desk that answers over both."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from sessions.store import RedisStore, connect
from tests.sessions.sample import Desk, desk

Story = Callable[[Desk], Awaitable[Any]]
Run = Callable[..., Any]


@pytest.fixture
def tell(hall_database: Database, redis_url: str, clock: ManualClock) -> Run:
    """Play a story on a desk over real servers; further arguments go to the desk."""

    def run(story: Story, **more: Any) -> Any:
        async def main() -> Any:
            client = connect(redis_url)
            store = RedisStore(client)
            at = desk(store, hall_database, clock, **more)
            await at.conductor.start()
            try:
                return await story(at)
            finally:
                await at.conductor.aclose()
                await client.aclose()

        return asyncio.run(main())

    return run
