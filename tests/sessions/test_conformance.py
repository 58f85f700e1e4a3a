"""The behaviour battery: what a network may do to a conversation, and what must come of it."""

import asyncio

import pytest

from sessions.conductor import HopKind
from tests.sessions.conftest import Run
from tests.sessions.sample import TO_CONFIRM, Desk


def test_a_dialogue_from_dial_to_booked(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        assert await phone.dial() == (
            "CON Welcome Amina\n1. Find a hall\n2. Leave a message\n3. Stock\n4. Kiswahili"
        )
        assert await phone.type("1") == (
            "CON Where?\n1. Nairobi\n2. Mombasa\n3. Kisumu\n4. Nakuru\n5. Eldoret\n"
            "98. More\n0. Back\n00. Home"
        )
        assert "6. Thika" in await phone.type("98")
        assert "Which day in Thika?" in await phone.type("6")
        assert "How many people?" in await phone.type("25/12")
        assert "50 people\nPay KES 66,700 in all\n1. Confirm" in await phone.type("50")
        assert await phone.type("1") == "END Booked for 50."
        assert desk.rows("sample_bookings") == [("+254700000001", 50)]

    tell(story)


def test_the_same_callback_again_gets_the_same_bytes_and_nothing_happens_twice(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        for entry in (None, *TO_CONFIRM, "1"):
            first = await (phone.dial() if entry is None else phone.type(entry))
            assert await phone.again() == first
            assert await phone.again() == first
        assert first == "END Booked for 50."
        assert len(desk.rows("sample_bookings")) == 1
        assert desk.kinds.count(HopKind.REPEATED) == 12

    tell(story)


def test_two_at_once_wait_for_each_other_and_say_the_same(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        desk.set_hall(slow_seconds=0.3)
        phone = desk.phone()
        await phone.play(*TO_CONFIRM)
        phone.transcript += "*1"
        replies = await asyncio.gather(*(phone.again() for _ in range(8)))
        assert set(replies) == {"END Booked for 50."}
        assert len(desk.rows("sample_bookings")) == 1

    tell(story)


def test_an_end_repeated_and_anything_after_it_is_the_same_end(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        end = await phone.play(*TO_CONFIRM, "1")
        assert await phone.again() == end
        assert await phone.type("1") == end
        assert len(desk.rows("sample_bookings")) == 1

    tell(story)


def test_an_older_transcript_that_comes_late_changes_nothing(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        shown = {"": await phone.dial()}
        for entry in TO_CONFIRM:
            shown[phone.transcript] = await phone.type(entry)
        now = phone.transcript
        phone.transcript = "1*1"
        late = await phone.again()
        assert "Which day" in late
        phone.transcript = now
        assert await phone.type("1") == "END Booked for 50."

    tell(story)


def test_a_transcript_that_is_behind_or_contradicts_gets_the_present_screen(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("1")
        at_day = await phone.type("3*2512")
        assert "How many people?" in at_day
        phone.transcript = "1*3"  # Played on the way, but never answered by itself: behind.
        assert await phone.again() == at_day
        phone.transcript = "2*2"
        assert await phone.again() == at_day
        assert desk.kinds[-2:] == [HopKind.BEHIND, HopKind.BEHIND]
        phone.transcript = "1*3*2512"
        assert "Pay KES 66,700" in await phone.type("20")

    tell(story)


def test_a_call_that_was_cut_off_goes_on_where_it_was(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play(*TO_CONFIRM)
        desk.set_hall(price=70000)
        assert await phone.dial() == (
            "CON Your last call was cut off. Go on from where you were?\n"
            "1. Continue\n2. Start over\n0. Back\n00. Home"
        )
        again = await phone.type("1")
        assert "50 people\nPay KES 70,000 in all" in again, "the price is looked up anew"
        assert await phone.type("1") == "END Booked for 50."
        assert "Welcome Amina" in await phone.dial(), "what is done is not continued"

    tell(story)


def test_continuing_can_be_cut_off_too_and_starting_over_forgets(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play(*TO_CONFIRM)
        await phone.dial()
        assert "Your last call" in await phone.dial()
        assert "Welcome Amina" in await phone.type("2")
        assert "Welcome Amina" in await phone.dial()

    tell(story)


def test_a_first_hop_with_input_means_named_things_and_never_positions(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        assert "Welcome Amina" in await phone.dial("1*2")
        assert "Where?" in await phone.type("1")
        assert await phone.dial("4507") == "CON Hall 4507\n1. Book\n0. Back\n00. Home"
        assert "Welcome Amina" in await phone.type("0")
        assert "We could not find that.\nWelcome Amina" in await phone.dial("4508")

    tell(story)


def test_a_star_in_a_free_text_is_part_of_it(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("2")
        assert "Messages: 1" in await phone.type("2*1 kg rice # please*#")
        assert desk.rows("sample_notices") == [("message", "2*1 kg rice # please*")]
        assert "Type your message." in await phone.type("1")

    tell(story)


def test_what_no_keypad_can_type_becomes_blanks(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("2")
        assert "Messages: 1" in await phone.type("a\x00b\ud800c\nd")
        assert desk.rows("sample_notices") == [("message", "a b c d")]

    tell(story)


@pytest.mark.parametrize("entry", ["9", "abc", "😀", "0000", "x" * 500, "#", "-1", "99"])
def test_an_entry_that_is_no_option_shows_the_same_screen_and_why(tell: Run, entry: str) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.dial()
        where = await phone.type("1")
        refused = await phone.type(entry)
        why, _, screen = refused.removeprefix("CON ").partition("\n")
        assert why in {"Choose one of the numbers shown.", "Please type an answer."}
        assert screen.splitlines()[:6] == where.removeprefix("CON ").splitlines()[:6]
        assert "Which day in Kisumu?" in await phone.type(" 3# ")

    tell(story)


def test_the_third_mistake_in_a_row_ends_with_help_and_nothing_is_lost(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play("1", "1", "25/12")
        assert "Type a number" in await phone.type("lots")
        assert "Type at most 500." in await phone.type("501")
        end = await phone.type("0.5")
        assert end.startswith("END Let us help: an SMS")
        assert await phone.again() == end
        assert desk.rows("sample_notices") == [("help", "+254700000001")]
        await phone.dial()
        assert "How many people?" in await phone.type("1")
        assert "50 people" in await phone.type("50")

    tell(story)


def test_mistakes_that_are_not_in_a_row_are_forgiven(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        shown = await phone.play("9", "9", "1", "99", "99", "1", "31/02", "31/02", "25/12")
        assert "How many people?" in shown
        assert desk.rows("sample_notices") == []

    tell(story)


def test_forty_callers_at_once_each_get_their_own(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        async def one(number: int) -> str:
            phone = desk.phone(f"+2547000000{number:02}")
            return await phone.play("1", str(number % 5 + 1), "25/12", str(number + 1), "1")

        replies = await asyncio.gather(*(one(number) for number in range(40)))
        assert replies == [f"END Booked for {number + 1}." for number in range(40)]
        assert sorted(desk.rows("sample_bookings")) == [
            (f"+2547000000{number:02}", number + 1) for number in range(40)
        ]

    tell(story)


def test_several_parts_at_once_are_played_but_nothing_unseen_is_confirmed(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.dial()
        shown = await phone.type("1*1*25/12*50*1")
        assert shown.startswith("CON Please choose once more.\n")
        assert "Pay KES 66,700 in all" in shown
        assert desk.rows("sample_bookings") == []
        assert await phone.type("1") == "END Booked for 50."

    tell(story)


def test_units_taken_meanwhile_lead_to_others_and_leave_nothing_behind(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        await phone.play(*TO_CONFIRM)
        desk.set_hall(sold_out=True)
        assert await phone.type("1") == (
            "CON Sorry, it has just been taken.\nOther halls:\n1. Look again\n0. Back\n00. Home"
        )
        assert desk.rows("sample_bookings") == []
        desk.set_hall(sold_out=False)
        assert "Pay KES 66,700" in await phone.type("0")
        assert await phone.type("1") == "END Booked for 50."

    tell(story)


def test_the_same_transcript_of_another_caller_is_another_session(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        await desk.hop("one", "")
        mine = await desk.hop("one", "1")
        theirs = await desk.hop("one", "1", "+254700000002")
        assert "Where?" in mine.text
        assert "Welcome" in theirs.text

    tell(story)


def test_back_undoes_answers_and_home_forgets_them(tell: Run) -> None:
    async def story(desk: Desk) -> None:
        phone = desk.phone()
        trail = [await phone.dial()]
        trail += [await phone.type(entry) for entry in ("1", "98", "7", "25/12", "50")]
        assert "Naivasha" in trail[3]
        for before in reversed(trail[1:-1]):
            assert await phone.type("0") == before
        assert await phone.type("0") == trail[0]
        await phone.type("1")
        assert await phone.type("00") == trail[0]
        assert "Where?" not in await phone.dial()

    tell(story)
