"""A conversation whose memory is gone is rebuilt, and nothing in it happens twice or by itself."""

from sessions.conductor import HopKind
from tests.sessions.conftest import Run
from tests.sessions.sample import TO_CONFIRM, Desk, lose_redis


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
