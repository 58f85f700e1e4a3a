"""From hops to a funnel: what web processes noted is counted once, whoever dies on the way."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import redis

from core.clock import ManualClock
from core.insight.model import UssdSession
from core.insight.queries import Funnel, funnels
from core.insight.rules import Ending
from core.networks import SESSION_SECONDS_MAX
from core.ports.calls import Reply, UssdTurn
from sessions.connections import Connections
from sessions.store import REDIS_TIMEOUT_SECONDS, connect
from sessions.trail import KEY, Trail, TrailReader
from tests.support.factories import CUSTOMER
from tests.workers import callbacks
from tests.workers.callbacks import arrive
from tests.workers.conftest import Crew
from workers.housekeeping import SESSION_DAYS, run_housekeeping
from workers.inbox import run_inbox
from workers.trail import run_trail


@pytest.fixture
def counted(crew: Crew, store: redis.Redis) -> Crew:
    return replace(crew, parts=replace(crew.parts, trail=TrailReader(store)))


def call(redis_url: str, clock: ManualClock, session: str, source: str = "web-1") -> None:
    """Two hops of a call are noted by a web process."""

    async def main() -> None:
        connections = Connections(connect(redis_url).connection_pool, 1, REDIS_TIMEOUT_SECONDS)
        trail = Trail(connections, clock, source)
        turn = UssdTurn("africastalking", session, CUSTOMER, "*384*7781#", "", "63902")
        for _ in range(2):
            trail.note(turn, Reply("Hello", final=False), 0.004, None, turn=True, fault=False)
        await trail.aclose()

    asyncio.run(main())


def today(crew: Crew) -> Funnel:
    return crew.database.run(lambda tx: funnels(tx, 1)[0])


def test_what_was_noted_is_counted_and_gone(
    counted: Crew, redis_url: str, clock: ManualClock, store: redis.Redis
) -> None:
    call(redis_url, clock, "ATUid_1", "web-1")
    call(redis_url, clock, "ATUid_2", "web-2")

    assert run_trail(counted.parts) == 2
    assert run_trail(counted.parts) == 0

    assert (today(counted).counts["sessions"], today(counted).counts["turns"]) == (2, 4)
    assert store.xlen(KEY) == 0


def test_a_worker_that_dies_after_its_commit_leaves_nothing_counted_twice(
    counted: Crew, redis_url: str, clock: ManualClock, store: redis.Redis
) -> None:
    call(redis_url, clock, "ATUid_1")
    before: Any = store.xrange(KEY)

    run_trail(counted.parts)
    for _name, fields in before:
        store.xadd(KEY, fields)
    run_trail(counted.parts)

    assert today(counted).counts["hops"] == 2


def test_the_gateways_word_and_its_cost_meet_the_hops(
    counted: Crew, redis_url: str, clock: ManualClock
) -> None:
    call(redis_url, clock, "ATUid_1")
    clock.advance(seconds=10)
    arrive(counted.database, callbacks.session_end())
    run_inbox(counted.parts)
    clock.advance(seconds=SESSION_SECONDS_MAX + 1)
    run_trail(counted.parts)

    with counted.database.transaction() as tx:
        (row,) = tx.db.query(UssdSession)
    assert row.ended is Ending.FINISHED
    assert today(counted).counts["sessions_costed"] == 1
    assert today(counted).counts["open"] == 0


def test_rows_of_calls_go_after_a_month_and_days_stay(
    counted: Crew, redis_url: str, clock: ManualClock
) -> None:
    call(redis_url, clock, "ATUid_1")
    run_trail(counted.parts)
    clock.advance(days=SESSION_DAYS + 1)

    assert run_housekeeping(counted.parts) == 1

    with counted.database.transaction() as tx:
        assert tx.db.query(UssdSession).count() == 0
        assert funnels(tx, SESSION_DAYS + 2)[0].counts["sessions"] == 1
