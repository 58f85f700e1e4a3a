"""The trail of real conversations: what is in it, that none of it is lost or doubled, and who."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis

from core.clock import ManualClock
from core.db.tx import Database
from core.insight.rules import Ending, HopSeen, Stage
from core.ports.calls import Reply, UssdTurn
from sessions.connections import Connections
from sessions.flow import Person
from sessions.state import State, View
from sessions.store import REDIS_TIMEOUT_SECONDS, connect
from sessions.trail import KEY, Trail, TrailReader
from sessions.turns import Played
from tests.sessions.sample import CALLER, Desk

Batches = list[tuple[str, int, list[HopSeen]]]


@pytest.fixture
def read(redis_url: str) -> Callable[[], Batches]:
    """Take everything off the trail."""

    def take() -> Batches:
        found: Batches = []
        with redis.Redis.from_url(redis_url) as store:
            TrailReader(store).take(lambda *batch: found.append(batch), 100)
        return found

    return take


@pytest.fixture
def play(tell: Any, redis_url: str, read: Callable[[], Batches]) -> Callable[..., list[HopSeen]]:
    """Play a story on a desk that leaves a trail; the hops that it left."""

    def run(story: Any, **more: Any) -> list[HopSeen]:
        trail = Connections(connect(redis_url).connection_pool, 1, REDIS_TIMEOUT_SECONDS)
        tell(story, trail=trail, **more)
        return [hop for _source, _number, hops in read() for hop in hops]

    return run


def test_a_call_leaves_its_way_and_its_end_but_no_number_and_no_words(
    play: Callable[..., list[HopSeen]],
) -> None:
    async def call(at: Desk) -> None:
        phone = at.phone()
        await phone.play("1", "1", "secret", "25/12", "50")
        await phone.again()
        await phone.type("1")

    hops = play(call)

    assert [hop.screen for hop in hops] == [
        *("home", "town", "day", "day", "people", "confirm", "", "confirm")
    ]
    assert [hop.turn for hop in hops] == [True] * 6 + [False, True]
    assert [hop.mistaken for hop in hops] == [False] * 3 + [True] + [False] * 4
    assert hops[-1].ended is Ending.FINISHED
    assert hops[-1].stage is Stage.BOOKED
    assert {hop.ended for hop in hops[:-1]} == {None}
    assert (hops[0].version, hops[0].language, hops[0].role) == ("1", "en", "customer")
    assert CALLER not in repr(hops)
    assert "secret" not in repr(hops)


def test_three_mistakes_are_an_end_of_their_own(play: Callable[..., list[HopSeen]]) -> None:
    async def call(at: Desk) -> None:
        await at.phone().play("9", "9", "9")

    assert [hop.ended for hop in play(call)] == [None, None, None, Ending.STUCK]


def test_a_hop_that_cannot_be_answered_is_a_fault(
    play: Callable[..., list[HopSeen]], hall_database: Database
) -> None:
    async def call(at: Desk) -> None:
        at.set_hall(slow_seconds=0.4)
        await at.phone().play("1", "1", "25/12", "50", "1")

    hops = play(call, soft_deadline_seconds=0.15)

    assert (hops[-1].fault, hops[-1].turn, hops[-1].ended) == (True, False, Ending.ERROR)


class Flaky(Connections):
    """Redis takes nothing, or takes it and does not say so, as often as it is told."""

    def __init__(self, pool: Any) -> None:
        super().__init__(pool, 1, REDIS_TIMEOUT_SECONDS)
        self.away = 0
        self.silent = 0

    async def ask(self, *command: str | int) -> Any:
        if self.away:
            self.away -= 1
            raise redis.exceptions.ConnectionError
        answer = await super().ask(*command)
        if self.silent:
            self.silent -= 1
            raise redis.exceptions.TimeoutError
        return answer


def test_what_redis_does_not_take_is_sent_again_under_its_number(
    redis_url: str, clock: ManualClock, read: Callable[[], Batches]
) -> None:
    async def main() -> None:
        connections = Flaky(connect(redis_url).connection_pool)
        trail = Trail(connections, clock, "web-1")
        noted(trail, "first")
        connections.away = 1
        await trail.flush()
        noted(trail, "second")
        connections.silent = 1
        await trail.flush()
        await trail.aclose()

    asyncio.run(main())

    batches = [(number, [hop.session for hop in hops]) for _, number, hops in read()]
    assert batches == [(1, ["first"]), (1, ["first"]), (2, ["second"])]
    assert read() == [], "what was taken is gone"


class Counted(Connections):
    """Knows how often it was asked."""

    asked = 0

    async def ask(self, *command: str | int) -> Any:
        self.asked += 1
        return await super().ask(*command)


def test_who_closes_sends_the_last_batch_once_although_its_time_comes_just_then(
    redis_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessions.trail.FLUSH_SECONDS", 0)

    async def main() -> int:
        connections = Counted(connect(redis_url).connection_pool, 1, REDIS_TIMEOUT_SECONDS)
        trail = Trail(connections, clock, "web-1")
        noted(trail, "first")
        await trail.aclose()
        noted(trail, "after the end")
        await asyncio.sleep(0.01)
        return connections.asked

    assert asyncio.run(main()) == 1


def noted(trail: Trail, session: str) -> None:
    turn = UssdTurn("hubtel", session, CALLER, "*384*7781#", "", "63902")
    trail.note(turn, Reply("Hello", final=False), 0.0123, None, turn=True, fault=False)


def test_a_batch_that_could_not_be_applied_stays(redis_url: str, clock: ManualClock) -> None:
    async def main() -> None:
        connections = Connections(connect(redis_url).connection_pool, 1, REDIS_TIMEOUT_SECONDS)
        trail = Trail(connections, clock, "web-1")
        noted(trail, "first")
        await trail.aclose()

    def refuse(*_batch: object) -> None:
        raise OSError

    asyncio.run(main())
    with redis.Redis.from_url(redis_url) as store:
        with pytest.raises(OSError):  # noqa: PT011 -- ours, from three lines above.
            TrailReader(store).take(refuse, 100)
        assert store.xlen(KEY) == 1


def test_a_batch_of_another_version_keeps_nobody_waiting(
    redis_url: str, clock: ManualClock, read: Callable[[], Batches]
) -> None:
    async def main() -> None:
        connections = Connections(connect(redis_url).connection_pool, 1, REDIS_TIMEOUT_SECONDS)
        await connections.ask("XADD", KEY, "*", "source", "web-0", "number", 1, "hops", "[[1]]")
        trail = Trail(connections, clock, "web-1")
        noted(trail, "first")
        await trail.aclose()

    asyncio.run(main())

    assert [source for source, _, _ in read()] == ["web-1"]
    assert read() == []


def test_a_hop_is_read_as_it_was_written(
    redis_url: str, clock: ManualClock, read: Callable[[], Batches]
) -> None:
    async def main() -> None:
        connections = Connections(connect(redis_url).connection_pool, 1, REDIS_TIMEOUT_SECONDS)
        trail = Trail(connections, clock, "web-1")
        vendor = Person(CALLER, "sw", vendor_id="v")
        state = State("3", vendor, "summary", View([], []), draft={"code": "K7P4Q"})
        turn, end = UssdTurn("airtel", "s", CALLER, "*384#", "", "63903"), Reply("", final=True)
        played = Played(state, end, acted=True, did="book")
        trail.note(turn, end, 1.5, played, turn=True, fault=False)
        await trail.aclose()

    asyncio.run(main())

    ((_, _, [hop]),) = read()
    assert (hop.took_ms, hop.network, hop.role, hop.stage, hop.code, hop.ended, hop.at) == (
        *(1_500, "63903", "vendor", Stage.BOOKED, "K7P4Q", Ending.FINISHED),
        clock.now(),
    )
