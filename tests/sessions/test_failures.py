"""What breaks around a conversation, and what the person and the books see of it."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from core.clock import ManualClock
from core.db.tx import Database
from core.ports.calls import Reply, UssdTurn
from sessions import store as stores
from sessions import texts
from sessions.conductor import HopKind
from sessions.handover import Handover
from sessions.store import Closing, Opened, RedisStore, Session, StoreDown, connect
from sessions.turns import digest_of
from tests.sessions.conftest import Run
from tests.sessions.sample import CALLER, CODE, TO_CONFIRM, Desk, desk


async def lose_redis(url: str) -> None:
    client = connect(url)
    await client.flushdb()
    await client.aclose()


def test_a_lost_session_is_rebuilt_and_never_confirms_by_itself(tell: Run, redis_url: str) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        confirm = await phone.play(*TO_CONFIRM)
        await lose_redis(redis_url)
        asked = await phone.type("1")
        assert asked.startswith("CON Please choose once more.\nThe Right")
        assert asked.endswith(confirm.partition(", 50 people")[2])
        assert desk.kinds[-1] is HopKind.RECOVERED
        assert desk.rows("sample_bookings") == []
        assert await phone.type("1") == "END Booked for 50."
        assert len(desk.rows("sample_bookings")) == 1

    tell(story)


def test_a_lost_end_is_found_again_by_its_receipt(tell: Run, redis_url: str) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        end = await phone.play(*TO_CONFIRM, "1")
        await lose_redis(redis_url)
        desk.set_hall(sold_out=True)
        assert await phone.again() == end
        assert await phone.again() == end
        assert len(desk.rows("sample_bookings")) == 1

    tell(story)


def test_a_lost_session_goes_on_from_its_newest_receipt(tell: Run, redis_url: str) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("2", "first", "1", "second")
        await lose_redis(redis_url)
        assert "Type your message." in await phone.type("1")
        assert "Messages: 3" in await phone.type("third")
        bodies = [body for _, body in desk.rows("sample_notices")]
        assert bodies == ["first", "second", "third"]

    tell(story)


def test_an_effect_chosen_from_a_known_screen_is_not_performed_by_a_replay_either(
    tell: Run, redis_url: str
) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.dial()
        await lose_redis(redis_url)
        assert (await phone.type("4")).startswith("CON Please choose once more.\nWelcome")
        await phone.type("4")
        assert "0. Rudi" in await phone.type("1")

    tell(story)


def test_a_choice_from_a_list_that_cannot_be_known_again_is_asked_anew(
    tell: Run, redis_url: str
) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("3")
        await lose_redis(redis_url)
        assert (await phone.type("1")).startswith("CON Please choose once more.\nMessages: 0")

    tell(story)


def test_an_old_redis_has_lost_nothing_so_an_unknown_session_begins(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        assert "Welcome" in (await desk.hop("never-seen", "1*1")).text
        assert desk.kinds == [HopKind.BEGUN]

    tell(story)


def test_a_session_lost_with_mistakes_in_it_is_rebuilt_past_them(
    tell: Run, redis_url: str
) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("9", "1", "8", "8", "2", "31/02")
        await lose_redis(redis_url)
        assert "How many people?" in await phone.type("25/12")

    tell(story)


def test_the_answer_of_an_effect_survives_a_process_that_died_before_closing(
    hall_database: Database, redis_url: str, clock: ManualClock
) -> None:
    """The effect committed, Redis never heard of it: the provider's retry gets the answer."""

    class DiesOnce(RedisStore):
        dead = False

        async def close(self, session: Session, token: str, closing: Closing) -> bool:
            if "Booked" in closing.reply.text and not self.dead:
                self.dead = True
                raise StoreDown
            return await super().close(session, token, closing)

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

    class DiesOnce(RedisStore):
        dead = False

        async def close(self, session: Session, token: str, closing: Closing) -> bool:
            if "Booked" in closing.reply.text and not self.dead:
                self.dead = True
                raise StoreDown
            return await super().close(session, token, closing)

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


def test_an_effect_that_is_too_slow_finishes_once_and_tells_by_sms(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play(*TO_CONFIRM)
        desk.set_hall(slow_seconds=0.8)
        end = await phone.type("1")
        assert end.startswith("END This is taking long.")
        assert await phone.again() == end
        assert desk.rows("sample_bookings") == []
        await asyncio.sleep(1.2)
        assert len(desk.rows("sample_bookings")) == 1
        assert desk.rows("sample_notices") == [("late", "en: Booked for 50.")]
        assert await phone.again() == end
        assert desk.kinds[-3:] == [HopKind.LATE, HopKind.REPEATED, HopKind.REPEATED]

    tell(story, soft_deadline_seconds=0.3)


def test_a_late_effect_that_is_refused_tells_by_sms_and_stays_refused(
    tell: Run, redis_url: str
) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play(*TO_CONFIRM)
        late = asyncio.create_task(phone.type("1"))
        desk.set_hall(sold_out=True)
        with desk.database.transaction() as tx:  # type: ignore[union-attr]
            tx.db.execute(text("LOCK TABLE sample_bookings"))
            end = await late
        assert end.startswith("END This is taking long.")
        await asyncio.sleep(0.5)
        assert desk.rows("sample_bookings") == []
        assert desk.rows("sample_notices") == [("late", "en: Sorry, it has just been taken.")]
        await lose_redis(redis_url)
        assert await phone.again() == end, "the receipt holds the same words"

    tell(story, soft_deadline_seconds=0.3)


def test_an_effect_that_commits_in_time_is_told_on_the_screen_only(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play(*TO_CONFIRM)
        desk.set_hall(slow_seconds=0.2)
        assert await phone.type("1") == "END Booked for 50."
        assert desk.rows("sample_notices") == []

    tell(story, soft_deadline_seconds=1.5)


@pytest.mark.parametrize("first", ["effect", "hop"])
def test_exactly_one_of_hop_and_effect_has_the_word(first: str) -> None:
    handover = Handover()
    if first == "effect":
        assert handover.claim()
        assert not handover.give_up()
        assert handover.claim(), "a transaction tried again keeps the word"
    else:
        assert handover.give_up()
        assert not handover.claim()
        assert not handover.claim()


def test_a_call_that_ended_because_we_were_slow_can_be_continued(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("3", "1")
        desk.set_hall(slow_screen_seconds=0.8)
        assert (await phone.type("0")).startswith("END The service is slow")
        assert "Your last call" in await phone.dial()
        assert "Type your message." in await phone.type("1")

    tell(story, soft_deadline_seconds=0.3)


def test_a_slow_list_says_so_by_the_deadline(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        desk.set_hall(slow_screen_seconds=0.8)
        phone = desk.phone()
        end = await phone.play("3")
        assert end == "END The service is slow just now. Please dial again."
        assert await phone.again() == end
        assert desk.kinds[-2:] == [HopKind.SLOW, HopKind.REPEATED]

    tell(story, soft_deadline_seconds=0.3)


def test_without_redis_everybody_gets_a_clean_end_and_nothing_happens(
    hall_database: Database, clock: ManualClock
) -> None:
    async def main() -> None:
        client = connect("redis://127.0.0.1:1/0")
        store = RedisStore(client)
        at = desk(store, hall_database, clock)
        await at.conductor.start()
        assert await at.hop("any", "") == Reply(texts.OUTAGE, final=True)
        assert at.kinds == [HopKind.OUTAGE]
        await at.conductor.aclose()
        await client.aclose()

    asyncio.run(main())


def test_a_redis_that_comes_back_serves_the_next_hop(tell: Run, redis_url: str) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.dial()
        client = connect(redis_url)
        # Other tests use other databases of the same server, and keep their connections.
        ours = str(client.connection_pool.connection_kwargs["db"])
        own = str(await client.client_id())
        for other in await client.client_list():
            if other["db"] == ours and other["id"] != own:
                await client.client_kill_filter(_id=other["id"])
        await client.execute_command("SCRIPT", "FLUSH")
        assert "Where?" in await phone.type("1")
        await client.aclose()

    tell(story)


def test_a_database_without_free_connections_ends_politely_and_loses_nothing(
    tell: Run, hall_database: Database
) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("1", "1", "25/12")
        pool: Any = hall_database.engine.pool
        pool._timeout = 0.1
        taken = [hall_database.engine.connect() for _ in range(pool.size())]
        assert await phone.type("50") == f"END {texts.plain(texts.BUSY, 'en')}"
        for connection in taken:
            connection.close()
        assert "Pay KES 66,700" in await phone.again()

    tell(story)


def test_without_a_database_people_are_told_in_their_own_language_as_far_as_it_is_known(
    tell: Run, hall_database: Database
) -> None:
    """Somebody in a call speaks Swahili by now; a stranger hears both languages."""

    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("4", "1", "1", "25/12")
        pool: Any = hall_database.engine.pool
        pool._timeout = 0.1
        taken = [hall_database.engine.connect() for _ in range(pool.size())]
        assert await phone.type("50") == f"END {texts.plain(texts.BUSY, 'sw')}"
        stranger = await desk.phone("+254700000077").dial()
        for connection in taken:
            connection.close()
        assert stranger == f"END {texts.OUTAGE}"
        assert "66,700" in await phone.again()

    tell(story)


def test_what_is_said_in_both_languages_is_what_is_said_in_each() -> None:
    each = [texts.plain(texts.BUSY, language) for language in ("en", "sw")]
    assert "\n".join(each) == texts.OUTAGE


def test_a_bug_in_a_screen_costs_one_call_and_not_the_session(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("1", "1", "25/12")
        with desk.database.transaction() as tx:  # type: ignore[union-attr]
            tx.db.execute(text("ALTER TABLE sample_halls RENAME COLUMN price TO cost"))
        with capture_logs() as logged:
            assert (await phone.type("50")).startswith("END ")
        assert desk.kinds[-1] is HopKind.ERROR
        (failure,) = [entry for entry in logged if entry["event"] == "sessions.hop_failed"]
        assert any("sample.py" in place for place in failure["where"])
        assert CALLER not in str(logged)
        with desk.database.transaction() as tx:  # type: ignore[union-attr]
            tx.db.execute(text("ALTER TABLE sample_halls RENAME COLUMN cost TO price"))
        assert "Pay KES 66,700" in await phone.again()

    tell(story)
