"""A process dies, or two play one conversation: an effect happens once, and its answer is kept."""

import asyncio
import time

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from core.ports.calls import Reply, UssdTurn
from sessions import store as stores
from sessions import texts
from sessions.store import Closing, Opened, RedisStore, Session, StoreDown, connect
from sessions.turns import digest_of
from tests.sessions.conftest import Run
from tests.sessions.sample import CALLER, CODE, TO_CONFIRM, Desk, desk


class DiesOnce(RedisStore):
    """The effect is committed; then the process is gone before Redis hears of it."""

    dead = False

    async def close(self, session: Session, token: str, closing: Closing) -> bool:
        if "Booked" in closing.reply.text and not self.dead:
            self.dead = True
            raise StoreDown
        return await super().close(session, token, closing)


def test_the_answer_of_an_effect_survives_a_process_that_died_before_closing(
    hall_database: Database, redis_url: str, clock: ManualClock
) -> None:
    """The effect committed, Redis never heard of it: the provider's retry gets the answer."""

    async def main() -> None:
        client = connect(redis_url)
        store = DiesOnce(client)
        at = desk(store, hall_database, clock)
        await at.conductor.start()
        phone = at.phone()
        end = await phone.play(*TO_CONFIRM, "1")
        assert end == "END Booked for 50."
        assert store.dead
        await client.delete(f"{Session.of(turn(phone.session)).name}:lease")
        assert await phone.again() == end
        assert await phone.type("1") == end
        assert len(at.rows("sample_bookings")) == 1
        await at.conductor.aclose()
        await client.aclose()

    asyncio.run(main())


def test_whoever_continues_a_call_whose_effect_was_done_hears_its_answer(
    hall_database: Database, redis_url: str, clock: ManualClock
) -> None:
    """The process died after its commit and before its answer: a second yes is not asked for."""

    async def main() -> None:
        client = connect(redis_url)
        store = DiesOnce(client)
        at = desk(store, hall_database, clock)
        await at.conductor.start()
        phone = at.phone()
        await phone.play(*TO_CONFIRM, "1")
        assert store.dead
        assert "Your last call was cut off" in await phone.dial()
        assert await phone.type("1") == "END Booked for 50."
        assert len(at.rows("sample_bookings")) == 1
        assert "Welcome Amina" in await phone.dial(), "what is done is not continued"
        await at.conductor.aclose()
        await client.aclose()

    asyncio.run(main())


def turn(session: str, transcript: str = "") -> UssdTurn:
    return UssdTurn("africastalking", session, CALLER, CODE, transcript)


def test_two_processes_that_both_believe_the_lease_theirs_book_once(
    hall_database: Database, redis_url: str, clock: ManualClock
) -> None:
    """Leases run out; the receipt is what keeps an effect single. Without it there are two."""

    class NoLease(RedisStore):
        async def open(self, session: Session, digest: str, token: str) -> Opened:
            opened = await super().open(session, digest, token)
            await self.release(session, token)
            return opened

        async def close(self, session: Session, token: str, closing: Closing) -> bool:
            await super().open(session, "none", token)
            return await super().close(session, token, closing)

    async def main() -> list[str]:
        client = connect(redis_url)
        store = NoLease(client)
        at = desk(store, hall_database, clock)
        await at.conductor.start()
        phone = at.phone()
        await phone.play(*TO_CONFIRM)
        at.set_hall(slow_seconds=0.2)
        phone.transcript += "*1"
        replies = await asyncio.gather(*(phone.again() for _ in range(6)))
        await at.conductor.aclose()
        await client.aclose()
        assert len(at.rows("sample_bookings")) == 1
        return replies

    assert set(asyncio.run(main())) == {"END Booked for 50."}


def test_without_receipts_the_same_turn_would_book_twice(
    hall_database: Database, redis_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard of the story above, taken away, shows what it is for."""
    from core import receipts

    monkeypatch.setattr(receipts, "begin", lambda *_: None)

    async def main() -> None:
        client = connect(redis_url)
        store = RedisStore(client)
        at = desk(store, hall_database, clock)
        await at.conductor.start()
        phone = at.phone()
        await phone.play(*TO_CONFIRM)
        name = Session.of(turn(phone.session)).name
        before = await client.hgetall(name)
        await phone.type("1")
        await client.delete(name)
        await client.hset(name, mapping=before)
        await phone.again()
        assert len(at.rows("sample_bookings")) == 2
        await at.conductor.aclose()
        await client.aclose()

    asyncio.run(main())


def test_a_state_that_lost_its_last_second_finds_the_effect_it_forgot(
    tell: Run, redis_url: str
) -> None:
    async def story(desk: Desk) -> None:
        client = connect(redis_url)
        phone = desk.phone()
        await phone.play("2")
        name = Session.of(turn(phone.session)).name
        before = await client.hgetall(name)
        await phone.type("hello")
        await client.delete(name)
        await client.hset(name, mapping=before)
        await phone.again()
        assert [body for _, body in desk.rows("sample_notices")] == ["hello"]
        await client.aclose()

    tell(story)


def test_a_lease_left_by_a_killed_process_runs_out_and_the_hop_is_played(
    tell: Run, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "LEASE_MS", 1_000)

    async def story(desk: Desk) -> None:
        client = connect(redis_url)
        left = RedisStore(client)
        await desk.hop("held", "")
        opened = await left.open(Session.of(turn("held")), digest_of("1"), "somebody else")
        assert opened.state
        assert "Where?" in (await desk.hop("held", "1")).text
        closing = Closing(opened.state, digest_of("1"), Reply("too late", final=False))
        assert not await left.close(Session.of(turn("held")), "somebody else", closing)
        assert "Where?" in (await desk.hop("held", "1")).text
        await left.aclose()
        await client.aclose()

    tell(story)


def test_a_hop_slower_than_its_lease_is_remembered_all_the_same(
    tell: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "LEASE_MS", 100)

    async def story(desk: Desk) -> None:
        desk.set_hall(slow_screen_seconds=0.4)
        phone = desk.phone()
        await phone.play("3")
        assert "Type your message." in await phone.type("1")

    tell(story)


def test_a_lease_that_never_ends_gets_an_end_by_the_soft_deadline(
    tell: Run, redis_url: str
) -> None:
    async def story(desk: Desk) -> None:
        client = connect(redis_url)
        await desk.hop("held", "")
        await client.set(f"{Session.of(turn('held')).name}:lease", "somebody")
        began = time.monotonic()
        assert await desk.hop("held", "1") == Reply(texts.OUTAGE, final=True)
        assert time.monotonic() - began < 1.0
        await client.delete(f"{Session.of(turn('held')).name}:lease")
        assert "Where?" in (await desk.hop("held", "1")).text
        await client.aclose()

    tell(story, soft_deadline_seconds=0.3)
