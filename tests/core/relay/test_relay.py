"""Questions to vendors: passed on both ways without a number, within limits, by lasting codes."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import select

from core.catalog.model import Listing
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import NafasiError
from core.limits import (
    RELAY_LINES_A_DAY_MAX,
    RELAY_SECONDS,
    RELAY_WORDS_MAX,
    RELAYS_A_DAY_MAX,
)
from core.outbox import Notice
from core.relay.model import Relay, Speaker
from core.relay.queries import open_relays
from core.relay.usecases import RELAYED_TOPIC, ask_vendor, reply
from tests.core.booking.world import World
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, STRANGER, VENDOR

NUMBER = "call 0700 000 001"


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


def ask(world: World, words: str, msisdn: str = CUSTOMER, listing: Listing | None = None) -> Relay:
    number = (listing or world.listing).number
    return world.run(lambda tx: ask_vendor(tx, msisdn, number, words))


def say(world: World, relay: Relay, words: str, msisdn: str = VENDOR) -> bool:
    return world.run(lambda tx: reply(tx, relay.id, msisdn, words))


def passed_on(world: World) -> list[tuple[str, str]]:
    """Who was sent which words."""
    query = select(Notice).where(Notice.topic == RELAYED_TOPIC).order_by(Notice.id)
    sent = world.run(lambda tx: list(tx.db.scalars(query)))
    return [(each.msisdn, each.params["words"]) for each in sent]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NafasiError) as error:
        act()
    return error.value.code


def test_words_go_both_ways_and_numbers_do_not(world: World) -> None:
    relay = ask(world, f"Is there  parking? {NUMBER}")
    assert relay.code == "Q1"
    assert say(world, relay, "Yes, for 50 cars. Write to me@example.com")
    ask(world, "Thank you!")

    assert passed_on(world) == [
        (VENDOR, "Is there parking? call ***"),
        (CUSTOMER, "Yes, for 50 cars. Write to ***"),
        (VENDOR, "Thank you!"),
    ]


def test_who_has_paid_knows_the_number_anyway(world: World) -> None:
    relay = ask(world, NUMBER)
    world.confirmed()
    say(world, relay, NUMBER)

    assert [words for _, words in passed_on(world)] == ["call ***", NUMBER]


def test_an_unpaid_booking_shows_no_number(world: World) -> None:
    world.hold()
    ask(world, NUMBER)
    assert passed_on(world) == [(VENDOR, "call ***")]


def test_numbers_are_given_out_so_that_neither_side_has_one_twice(world: World) -> None:
    hers, his = ask(world, "one?"), ask(world, "two?", OTHER_CUSTOMER)
    other = ask(world, "three?", CUSTOMER, world.another_listing(title="Other"))
    assert [each.code for each in (hers, his, other)] == ["Q1", "Q2", "Q3"]

    world.clock.advance(seconds=RELAY_SECONDS)

    assert refused(lambda: say(world, hers, "too late")) == "no_relay"
    assert ask(world, "again?", OTHER_CUSTOMER).code == "Q1", "it is free again"
    assert ask(world, "me too?").code == "Q2"


def test_what_waits_for_somebody_stands_first(world: World) -> None:
    hers = ask(world, "one?")
    ask(world, "two?", OTHER_CUSTOMER)
    say(world, hers, "yes")

    views = world.run(lambda tx: open_relays(tx, VENDOR))
    assert [(view.relay.code, view.is_asked, view.words) for view in views] == [
        ("Q2", True, "two?"),
        ("Q1", False, "yes"),
    ]
    (mine,) = world.run(lambda tx: open_relays(tx, CUSTOMER))
    assert (mine.side, mine.is_asked) == (Speaker.CUSTOMER, True)


def test_nobody_else_can_speak_in_it(world: World) -> None:
    relay = ask(world, "one?")
    for stranger in (STRANGER, OTHER_CUSTOMER):
        assert refused(partial(say, world, relay, "hello", stranger)) == "no_relay"
    assert refused(lambda: ask(world, "myself?", VENDOR)) == "own_listing"


def test_two_machines_do_not_answer_each_other_for_ever(world: World) -> None:
    relay = ask(world, "I am away.")
    assert not say(world, relay, "I am away.", CUSTOMER), "the same again goes nowhere"
    assert say(world, relay, "I am busy.")
    assert not say(world, relay, "I am busy.")
    assert len(passed_on(world)) == 2


def test_a_day_has_so_many_lines_and_questions(world: World) -> None:
    relay = ask(world, "line 0")
    for number in range(1, RELAY_LINES_A_DAY_MAX):
        assert say(world, relay, f"line {number}", CUSTOMER)
    assert refused(lambda: say(world, relay, "one more", CUSTOMER)) == "too_many_lines"
    assert say(world, relay, "the other side may"), "each side has its own"

    world.clock.advance(days=1)
    for number in range(RELAYS_A_DAY_MAX):
        ask(world, "free?", CUSTOMER, world.another_listing(title=f"Hall {number}"))
    another = world.another_listing(title="One more")
    assert refused(lambda: ask(world, "free?", CUSTOMER, another)) == "too_many_questions"
    assert ask(world, "still open?").code == "Q1", "what is open goes on"


def test_words_have_a_beginning_and_an_end(world: World) -> None:
    assert refused(lambda: ask(world, " ")) == "empty"
    assert refused(lambda: ask(world, "x" * (RELAY_WORDS_MAX + 1))) == "note_too_long"
    assert passed_on(world) == []
