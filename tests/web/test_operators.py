"""The behaviour battery over every gateway's own wire: the sample desk behind the real hop."""

import asyncio
import random

import pytest

from sessions.store import REPEATED_WITHIN_MS
from tests.sessions.sample import CALLER, TO_CONFIRM
from tests.web.operators import CONFIG, SECRET, Network, On

BOOKED = "END Booked for 50."


def test_from_dial_to_booked(on: On) -> None:
    async def story(network: Network) -> None:
        phone = network.phone()
        assert (await phone.dial()).startswith("CON Welcome Amina\n1. Find a hall\n")
        assert "Where?" in await phone.type("1")
        assert "Pay KES 66,700 in all" in await phone.type("1", "25/12", "50")
        assert await phone.type("1") == BOOKED
        assert network.desk.rows("sample_bookings") == [(CALLER, 50)]

    on(story)


def test_every_hop_twice_shows_the_same_and_moves_nothing(on: On) -> None:
    async def story(network: Network) -> None:
        phone = network.phone()
        shown = await phone.dial()
        assert await phone.again() == shown
        for key in (*TO_CONFIRM, "1"):
            shown = await phone.type(key)
            assert await phone.again() == shown
            assert await phone.again() == shown
        assert shown == BOOKED
        assert len(network.desk.rows("sample_bookings")) == 1

    on(story)


def test_the_same_yes_eight_times_at_once_books_once(on: On) -> None:
    async def story(network: Network) -> None:
        network.desk.set_hall(slow_seconds=0.2)
        phone = network.phone()
        await phone.dial()
        await phone.type(*TO_CONFIRM)
        await network.a_moment_passes(phone.session, phone.msisdn)
        phone.keys.append("1")
        shown = await asyncio.gather(*(phone.again() for _ in range(8)))
        assert set(shown) == {BOOKED}
        assert len(network.desk.rows("sample_bookings")) == 1

    on(story)


def test_after_the_end_there_is_only_the_end(on: On) -> None:
    async def story(network: Network) -> None:
        phone = network.phone()
        await phone.dial()
        assert await phone.type(*TO_CONFIRM, "1") == BOOKED
        assert await phone.type("1") == BOOKED
        assert await phone.again() == BOOKED
        assert len(network.desk.rows("sample_bookings")) == 1

    on(story)


def test_an_older_hop_that_comes_late_changes_nothing(on: On) -> None:
    async def story(network: Network) -> None:
        phone = network.phone()
        shown = [await phone.dial(), *[await phone.type(key) for key in TO_CONFIRM]]
        if network.operator.tells_hops_apart:
            assert [await phone.again(hop) for hop in range(4)] == shown[:4]
        else:
            # Only the first one can be known again: it is what was dialled.
            assert await phone.again(0) == shown[0]
        assert await phone.type("1") == BOOKED

    on(story)


def test_a_redial_after_a_drop_goes_on_where_it_was(on: On) -> None:
    async def story(network: Network) -> None:
        phone = network.phone()
        await phone.dial()
        await phone.type(*TO_CONFIRM)
        await phone.hang_up()
        assert "1. Continue\n2. Start over" in await phone.dial()
        assert "Pay KES 66,700 in all" in await phone.type("1")
        assert await phone.type("1") == BOOKED
        told = [end.session_id for end in network.ended]
        assert told == (["s1"] if network.operator.name in {"airtel", "hubtel"} else [])

    on(story)


def test_what_is_dialled_after_the_code_is_a_shortcut_and_never_a_place_in_a_menu(on: On) -> None:
    async def story(network: Network) -> None:
        assert "Hall 4507" in await network.phone().dial("4507")
        assert "Welcome Amina" in await network.phone("+254700000002").dial("1")
        assert network.desk.rows("sample_bookings") == []

    on(story)


def test_a_wrong_key_says_so_above_the_same_screen(on: On) -> None:
    async def story(network: Network) -> None:
        phone = network.phone()
        menu = (await phone.dial()).removeprefix("CON ")
        for key in ("9", "77"):
            shown = await phone.type(key)
            assert shown.startswith("CON Choose one of the numbers shown.\n")
            assert shown.endswith(menu)
        assert "Where?" in await phone.type("1")

    on(story)


def test_the_same_key_on_two_screens_is_two_keys(on: On) -> None:
    """Find a hall, Nairobi: both are 1, and only time tells them from a repetition."""

    async def story(network: Network) -> None:
        phone = network.phone()
        await phone.dial()
        assert "Where?" in await phone.type("1")
        assert "Which day in Nairobi?" in await phone.type("1")

    on(story)
    assert REPEATED_WITHIN_MS >= 1_000


def test_a_session_that_redis_has_lost_goes_on_from_somewhere_sensible(on: On) -> None:
    async def story(network: Network) -> None:
        phone = network.phone()
        await phone.dial()
        await phone.type(*TO_CONFIRM)
        await network.redis.flushdb()
        shown = await phone.type("1")
        assert shown.startswith("CON "), "nothing is booked that is not on the screen"
        assert network.desk.rows("sample_bookings") == []
        if "Pay KES" not in shown:
            assert "Welcome Amina" in shown
            assert "Pay KES" in await phone.type(*TO_CONFIRM)
        assert await phone.type("1") == BOOKED
        assert len(network.desk.rows("sample_bookings")) == 1

    on(story)


def test_wrong_secret_method_and_rubbish_leave_nothing(on: On) -> None:
    async def story(network: Network) -> None:
        phone = network.phone()
        await phone.dial()
        await network.redis.flushdb()
        call = network.operator.hop(CONFIG, phone.told())
        wrong = call.address.replace(SECRET, "wrong")
        assert (await network.send(call, url=wrong)).status_code == 404
        other = "GET" if call.method == "POST" else "POST"
        answer = await network.send(call, method=other)
        assert (answer.status_code, answer.headers["allow"]) == (405, call.method)
        assert network.refused[0] == (network.operator.name, "secret")
        assert [key for key in await network.redis.keys("ussd:*") if key != "ussd:epoch"] == []

    on(story)


async def interleaved(network: Network, chance: random.Random, number: int) -> None:
    """One call on a bad line: hops repeated, side by side, late, cut off and dialled again."""
    phone = network.phone(f"+2547{number:08d}")
    keys, played = (*TO_CONFIRM, "1"), 0
    shown = await phone.dial()
    while played < len(keys):
        if chance.random() < 0.15:
            await phone.hang_up()
            shown = await phone.dial()
            await asyncio.gather(*(phone.again() for _ in range(chance.randrange(3))))
            if "1. Continue" in shown:
                shown = await phone.type("1")
            elif "Welcome" in shown:
                played = 0
            continue
        shown = await phone.type(keys[played])
        played += 1
        for _ in range(chance.randrange(3)):
            assert await phone.again() == shown
        if chance.random() < 0.3:
            assert set(await asyncio.gather(*(phone.again() for _ in range(3)))) == {shown}
        if network.operator.tells_hops_apart and chance.random() < 0.3:
            await phone.again(chance.randrange(len(phone.keys) + 1))
    assert shown == BOOKED


def play_interleavings(on: On, many: int) -> None:
    async def story(network: Network) -> None:
        chance = random.Random(many)
        for number in range(many):
            await interleaved(network, chance, number)
            booked = network.desk.rows("sample_bookings")
            assert len(booked) == number + 1, f"call {number} of seed {many}"

    on(story)


def test_interleavings_book_once_each(on: On) -> None:
    play_interleavings(on, 15)


@pytest.mark.slow
def test_a_thousand_interleavings_book_once_each(on: On) -> None:
    play_interleavings(on, 1_000)
