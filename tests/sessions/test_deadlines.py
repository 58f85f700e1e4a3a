"""What takes too long ends the call in time, happens once, and is told by SMS."""

import asyncio

import pytest
from sqlalchemy import text

from sessions.conductor import HopKind
from sessions.handover import Handover
from tests.sessions.conftest import Run
from tests.sessions.sample import TO_CONFIRM, Desk, lose_redis


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
