"""What a hop costs, who is remembered, and which flow a session stays with."""

import asyncio

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from sessions.flow import Flow, Menu, Option, Part, Talk
from sessions.state import REPLIES_KEPT_MAX
from sessions.store import RedisStore, connect, person_key
from tests.sessions.conftest import Run
from tests.sessions.memory import MemoryStore
from tests.sessions.sample import CALLER, CountingStore, Desk, desk, flow, sample


def test_an_ordinary_hop_makes_two_round_trips_and_asks_nobody(
    hall_database: Database, redis_url: str, clock: ManualClock
) -> None:
    async def main() -> None:
        client = connect(redis_url)
        real = RedisStore(client)
        store = CountingStore(real)
        at = desk(store, hall_database, clock)  # type: ignore[arg-type]
        await at.conductor.start()
        phone = at.phone()
        await phone.dial()
        assert at.hooks.asked == 1
        for entry in ("1", "98", "6", "25/12", "0", "0"):
            store.trips = 0
            await phone.type(entry)
            assert store.trips == 2
        await phone.type("00")
        store.trips = 0
        await phone.dial()
        assert store.trips == 2, "a known caller's new call is an ordinary hop"
        assert at.hooks.asked == 1
        await at.conductor.aclose()
        await client.aclose()

    asyncio.run(main())


def test_the_language_chosen_is_spoken_at_once_and_on_the_next_call(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.dial()
        assert "Karibu" not in await phone.type("1")
        await phone.type("00")
        await phone.type("4")
        assert "98. Zaidi\n0. Rudi\n00. Mwanzo" in await phone.type("1")
        await phone.dial()
        assert "1. Endelea\n2. Anza upya" in await phone.again()
        await phone.type("2")
        assert "0. Rudi" in await phone.type("1")
        assert desk.hooks.asked == 1

    tell(story)


def test_only_the_last_replies_are_kept_and_everything_runs_out(tell: Run, redis_url: str) -> None:
    async def story(desk: Desk) -> None:
        client = connect(redis_url)
        phone = desk.phone()
        await phone.play("1", *("98", "0") * 10)
        now = await phone.type("98")
        phone.transcript = "1"
        assert await phone.again() == now, "an answer of long ago: the present screen"
        keys = [key async for key in client.scan_iter() if key != "ussd:epoch"]
        kept = f"ussd:{{{CALLER}}}:africastalking:{phone.session}"
        assert sorted(keys) == sorted([kept, person_key(CALLER), f"ussd:{{{CALLER}}}:unfinished"])
        assert await client.hlen(kept) == REPLIES_KEPT_MAX + 1
        assert all([0 < await client.ttl(key) <= 60 * 60 for key in keys])
        await client.aclose()

    tell(story)


def test_a_person_forgotten_is_asked_for_again(tell: Run, redis_url: str) -> None:
    async def story(desk: Desk) -> None:
        client = connect(redis_url)
        await desk.phone().dial()
        store = RedisStore(client)
        await store.forget_person(CALLER)
        await store.aclose()
        assert not await client.exists(person_key(CALLER))
        await desk.phone().dial()
        assert desk.hooks.asked == 2
        await client.aclose()

    tell(story)


def test_a_session_stays_with_the_flow_it_began_with(
    hall_database: Database, clock: ManualClock
) -> None:
    other = Part()

    @other.screen("home")
    def home(_talk: Talk) -> Menu:
        return Menu("New house", [Option("Towns", to="places")])

    @other.screen("places")
    def places(_talk: Talk) -> Menu:
        return Menu("New places", [Option("Home", to="home")])

    new = Flow("2", "home", [other], moved={"town": "places"})

    async def main() -> None:
        store = MemoryStore(clock)
        old_desk = desk(store, hall_database, clock)
        await old_desk.conductor.start()
        phone = old_desk.phone()
        await phone.play("1")
        both = desk(store, hall_database, clock, flows={"1": flow(), "2": new}, current="2")
        both_phone = both.phone()
        both_phone.session, both_phone.transcript = phone.session, phone.transcript
        assert "Which day in Nairobi?" in await both_phone.type("1")
        assert "Where?" in await both_phone.type("0")
        assert "Your last call" in await both_phone.dial()
        assert "New places" in await both_phone.type("1"), "continued in today's flow"

        only = desk(store, hall_database, clock, flows={"2": new}, current="2")
        late = only.phone()
        late.session, late.transcript = phone.session, "1*1*0"
        shown = await late.type("1")
        assert shown.startswith("CON Please choose once more.\nNew places\n1. Home")
        assert "New house" in await late.type("1")
        for each in (old_desk, both, only):
            await each.conductor.aclose()

    asyncio.run(main())
    assert new.vanished(sample.screens) == set(sample.screens) - {"home", "town"}
    assert flow("3").vanished(sample.screens) == set()


def test_a_screen_that_is_gone_without_a_stand_in_leads_home() -> None:
    assert flow().find("no such screen").name == "home"


def test_a_pure_screen_may_not_read(hall_database: Database, clock: ManualClock) -> None:
    part = Part()

    @part.screen("home")
    def home(talk: Talk) -> Menu:
        with talk.reading():
            return Menu("never", [])

    async def main() -> str:
        at = desk(MemoryStore(clock), hall_database, clock, flows={"1": Flow("1", "home", [part])})
        shown = await at.phone().dial()
        await at.conductor.aclose()
        return shown

    assert asyncio.run(main()).startswith("END ")
    with pytest.raises(RuntimeError, match="core=True"), Talk(None, {}, clock.now()).reading():  # type: ignore[arg-type]
        pass


def test_the_memory_store_plays_the_same_dialogue(
    hall_database: Database, clock: ManualClock
) -> None:
    async def main() -> None:
        store = MemoryStore(clock)
        at = desk(store, hall_database, clock)
        await at.conductor.start()
        phone = at.phone()
        confirm = await phone.play("1", "1", "25/12", "50")
        assert await phone.again() == confirm
        store.lose_everything()
        assert "Please choose once more." in await phone.type("1")
        assert "Your last call" in await phone.dial()
        clock.advance(hours=1)
        assert "Welcome" in await phone.dial()
        await at.conductor.aclose()

    asyncio.run(main())
