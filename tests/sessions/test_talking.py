"""Conversations by SMS: the screens of the calls, with what a message can do that a key cannot."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from sqlalchemy import func, select

from core import talks
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Database
from core.payments.model import Attempt
from core.ports.messages import SmsIn
from core.receipts import TurnReceipt
from core.talks import TALK_SECONDS, Channel, OpenTalk
from sessions.gsm7 import septets
from sessions.sms import SmsDesk
from sessions.talking import SEEN_AFTER
from tests.sessions.test_sms import Office
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, VENDOR, make_listing, make_vendor
from tests.support.races import cut, meet

SEGMENT = 160
INSTANT = {"booking_mode": "instant"}


@pytest.fixture
def hall(database: Database) -> Listing:
    with database.transaction() as tx:
        return make_listing(tx, make_vendor(tx), **INSTANT)


@pytest.fixture
def office(database: Database, hall: Listing) -> Iterator[Office]:
    return Office(database)


def bookings(database: Database) -> int:
    with database.transaction() as tx:
        return int(tx.db.scalar(select(func.count()).select_from(Booking)) or 0)


def pause(clock: ManualClock) -> None:
    """As long as a message needs to be read and answered."""
    clock.advance(seconds=SEEN_AFTER.total_seconds())


def to_price(office: Office, hall: Listing, sender: str = CUSTOMER) -> str:
    return office.say(sender, f"BOOK {hall.number} 5/12 80")


def test_a_yes_books_once_and_leaves_a_receipt(
    office: Office, hall: Listing, database: Database, clock: ManualClock
) -> None:
    shown = to_price(office, hall)
    assert "Pay KES 66,700" in shown
    assert septets(shown) <= SEGMENT
    pause(clock)

    told = office.say(CUSTOMER, "1")

    assert told.startswith("Pay KES 66,700 by")
    with database.transaction() as tx:
        booking = tx.db.scalars(select(Booking)).one()
        assert booking.state is State.AWAITING_PAYMENT
        assert len(tx.db.scalars(select(Attempt)).all()) == 1
        receipt = tx.db.scalars(select(TurnReceipt)).one()
        assert (receipt.reply, receipt.final) == (told, True)


def test_a_second_one_that_came_too_soon_is_no_yes_to_the_price(
    office: Office, hall: Listing, database: Database, clock: ManualClock
) -> None:
    """Two impatient answers to the same screen: the second was not meant for the price."""
    to_price(office, hall)

    shown = office.say(CUSTOMER, "1")

    assert shown.startswith("Please choose once more.")
    assert "Pay KES 66,700" in shown
    assert bookings(database) == 0
    pause(clock)
    office.say(CUSTOMER, "1")
    assert bookings(database) == 1


def test_a_message_that_comes_twice_is_one_turn(
    office: Office, hall: Listing, database: Database, clock: ManualClock
) -> None:
    to_price(office, hall)
    pause(clock)
    yes = SmsIn("africastalking", "the-same", CUSTOMER, "20384", "1")

    first = office.deliver(yes)
    again = office.deliver(yes)

    assert again == first
    assert bookings(database) == 1


def two_at_once(office: Office, database: Database) -> None:
    """Two messages of one person, in the hands of two workers."""
    desk = SmsDesk("*384*7781#")

    def say(name: str) -> None:
        sms = SmsIn("africastalking", name, CUSTOMER, "20384", "1")
        database.run(lambda tx: desk.handle(tx, sms))

    meet(database, lambda: say("one"), "FROM talks", lambda: say("two"))


def test_two_messages_at_once_are_answered_one_after_the_other(
    office: Office, database: Database, clock: ManualClock
) -> None:
    roomy = {**INSTANT, "units": 5}
    for guarded in (True, False):
        with database.transaction() as tx:
            hall = make_listing(tx, make_vendor(tx, f"+25470000002{guarded:d}"), **roomy)
        before = bookings(database)
        to_price(office, hall)
        pause(clock)
        with nullcontext() if guarded else cut(database, " FOR UPDATE", where="FROM talks"):
            two_at_once(office, database)

        # Without the lock both say yes to the same price.
        assert bookings(database) - before == (1 if guarded else 2)


def test_a_price_that_has_changed_is_asked_about_again(
    office: Office, hall: Listing, database: Database, clock: ManualClock
) -> None:
    to_price(office, hall)
    with database.transaction() as tx:
        tx.db.get_one(Listing, hall.id).price_cents += 100_000
    pause(clock)

    shown = office.say(CUSTOMER, "1")

    assert shown.startswith("The price has changed. Look again.")
    assert bookings(database) == 0


def test_a_conversation_is_over_after_some_hours(
    office: Office, hall: Listing, database: Database, clock: ManualClock
) -> None:
    to_price(office, hall)
    clock.advance(seconds=TALK_SECONDS)

    assert office.say(CUSTOMER, "1").startswith("We did not understand.")
    assert office.say(CUSTOMER, "more").startswith("That was too long ago.")
    assert bookings(database) == 0


def test_what_was_typed_ahead_does_not_bar_the_way_back(office: Office, hall: Listing) -> None:
    with_bad_day = office.say(CUSTOMER, "FIND hall nairobi 31/02 80")
    assert with_bad_day.startswith("There is no such date.")

    assert office.say(CUSTOMER, "BACK").startswith("Where?")
    assert "Which day?" in office.say(CUSTOMER, "nakuru")
    # What came after is still known.
    assert office.say(CUSTOMER, "5/12").startswith("Sorry, nothing is free")


def test_a_new_search_forgets_the_old_one(office: Office, hall: Listing) -> None:
    to_price(office, hall)

    shown = office.say(CUSTOMER, "find")

    assert shown.startswith("Find and book:")
    assert "Where?" in office.say(CUSTOMER, "1")


def test_a_language_word_is_obeyed_and_the_next_screen_speaks_it(
    office: Office, hall: Listing
) -> None:
    to_price(office, hall)
    office.say(CUSTOMER, "kiswahili")

    assert office.say(CUSTOMER, "rudi").startswith("Watu wangapi?")


def test_words_told_freely_are_no_commands(
    office: Office, database: Database, clock: ManualClock
) -> None:
    """What went wrong may be told in any words; STOP is STOP all the same."""
    with database.transaction() as tx:
        talk = talks.claim(tx, CUSTOMER, Channel.SMS)
        state = _asked_freely()
        talks.keep(tx, talk, state, Channel.SMS)

    assert office.say(CUSTOMER, "STOP").startswith("You will get no offers")
    assert office.say(CUSTOMER, "HELP with this").startswith("We have your question")
    assert not office.say(CUSTOMER, "they said pay more or cancel").startswith("Which one?")


def test_each_person_has_a_conversation_of_their_own(
    office: Office, hall: Listing, database: Database, clock: ManualClock
) -> None:
    to_price(office, hall)
    to_price(office, hall, OTHER_CUSTOMER)
    pause(clock)
    office.say(OTHER_CUSTOMER, "1")

    told = office.say(CUSTOMER, "1")

    assert told.startswith("Sorry, it has just been taken.")
    assert bookings(database) == 1


def test_a_vendor_finds_and_books_like_anybody(
    office: Office, hall: Listing, clock: ManualClock
) -> None:
    to_price(office, hall, VENDOR)
    pause(clock)

    assert office.say(VENDOR, "1").startswith("Pay KES 66,700")


def test_who_books_by_message_is_written_to_with_words(
    office: Office, hall: Listing, database: Database, clock: ManualClock
) -> None:
    to_price(office, hall)
    pause(clock)

    assert "Nothing came? Reply PAY " in office.say(CUSTOMER, "1")
    with database.transaction() as tx:
        assert talks.channel_of(tx, CUSTOMER) is Channel.SMS
        assert talks.channel_of(tx, OTHER_CUSTOMER) is Channel.USSD
        assert tx.db.get_one(OpenTalk, CUSTOMER).state is None
        talks.called(tx, CUSTOMER)
        assert talks.channel_of(tx, CUSTOMER) is Channel.USSD


def _asked_freely() -> dict[str, object]:
    from sessions.fit import view_of
    from sessions.flow import Ask, Person
    from sessions.flows.everything import VERSION
    from sessions.state import State as Conversation

    asked = Ask("What was wrong?", key="words", to="home", free_text=True)
    view = view_of(asked, "en")
    return Conversation(VERSION, Person(CUSTOMER), "problem_words", view, session="s").to_json()


def test_the_desk_needs_nothing_but_a_code(database: Database) -> None:
    with database.transaction() as tx:
        SmsDesk("*384*7781#").handle(tx, SmsIn("africastalking", "1", CUSTOMER, "20384", "menu"))
    assert Office(database).answers(CUSTOMER)[0].startswith("Karibu Nafasi!")


def test_a_secret_is_asked_for_on_a_call_only(office: Office) -> None:
    """A message lies in two phones and with everybody on its way."""
    office.say(VENDOR, "MENU")
    office.say(VENDOR, "MORE")
    assert "Choose a PIN" in office.say(VENDOR, "7")

    told = office.say(VENDOR, "3")

    assert told == "For your safety PINs are typed on a call only: dial *384*7781#."
