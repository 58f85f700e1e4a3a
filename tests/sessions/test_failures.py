"""Redis, the database or a screen of ours is broken: people are told, and lose nothing."""

import asyncio
from typing import Any

from sqlalchemy import text
from structlog.testing import capture_logs

from core.clock import ManualClock
from core.db.tx import Database
from core.ports.calls import Reply
from sessions import texts
from sessions.conductor import HopKind
from sessions.store import RedisStore, connect
from tests.sessions.conftest import Run
from tests.sessions.sample import CALLER, Desk, desk


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
