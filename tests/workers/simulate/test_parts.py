"""What stands in for the machine's clock: the store, the event loop, the agenda."""

import asyncio
from datetime import timedelta

import pytest
import redis

from core.clock import ManualClock
from tests.conftest import START
from workers.simulate.agenda import Agenda
from workers.simulate.loop import SimulatedLoop
from workers.simulate.store import SimulatedStore


@pytest.fixture
def store(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


def test_the_store_answers_as_redis_does(clock: ManualClock, store: redis.Redis) -> None:
    """Each call that workers and adapters make, on both."""
    answers = []
    for kept in (SimulatedStore(clock), store):
        said = [
            kept.get("a"),
            kept.set("a", "1", ex=60),
            kept.set("a", "2", ex=60, nx=True),
            kept.get("a"),
            kept.exists("a"),
            kept.mget(["a", "b"]),
            kept.incr("n"),
            kept.incr("n"),
            kept.expire("n", 60),
            kept.expire("b", 60),
            kept.delete("a", "b", "n"),
            kept.get("n"),
        ]
        with kept.pipeline() as pipe:
            pipe.incr("m")
            pipe.expire("m", 60)
            said.append(pipe.execute())
        answers.append([int(each) if isinstance(each, bool) else each for each in said])
    store.close()
    assert answers[0] == answers[1]


def test_the_store_forgets_by_the_simulated_clock_and_when_it_is_flushed(
    clock: ManualClock,
) -> None:
    store = SimulatedStore(clock)
    store.set("short", "1", ex=60)
    store.set("long", "1")
    clock.advance(seconds=60)
    assert [store.get("short"), store.get("long")] == [None, b"1"]
    store.flush()
    assert store.get("long") is None


def test_what_sleeps_wakes_when_the_clock_has_come_so_far(clock: ManualClock) -> None:
    loop, woken = SimulatedLoop(clock), []

    async def sleeper() -> None:
        await asyncio.sleep(72 * 3600)
        woken.append(clock.now())

    loop.do(lambda: asyncio.ensure_future(sleeper()))
    loop.run_due()
    assert woken == []
    due = loop.next_at()
    assert due is not None
    assert due - START == timedelta(hours=72, microseconds=1)
    clock.set(due)
    loop.run_due()
    assert woken == [due]
    loop.close()


def test_the_agenda_keeps_the_order_of_moments_and_of_plans(clock: ManualClock) -> None:
    agenda, done = Agenda(clock), []
    agenda.after(5, lambda: done.append("later"))
    agenda.after(1, lambda: done.append("first"))
    agenda.after(1, lambda: done.append("second"))
    clock.advance(seconds=1)
    while (happening := agenda.take_due()) is not None:
        happening()
    assert done == ["first", "second"]
