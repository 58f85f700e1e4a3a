"""Yes and no by SMS to what became free: they mean the offer, and nothing that waits beside it."""

import pytest
from sqlalchemy import select

from core.booking.lifecycle import State
from core.booking.moves import find_by_code
from core.booking.usecases import withdraw
from core.catalog.model import ListingDay
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import WAIT_OFFER_SECONDS
from core.people.model import Language
from core.people.usecases import set_language
from core.waitlist.lifecycle import WaitState
from core.waitlist.model import Wait
from core.waitlist.usecases import join_line
from sessions.gsm7 import SMS_PART_SEPTETS, septets
from tests.core.waitlist.line import AMINA, BRIAN, CAROL, Line
from tests.sessions.test_sms import SEGMENTS_MAX, Office
from tests.support.factories import make_booking, make_listing, make_vendor, make_wish


@pytest.fixture
def line(database: Database, clock: ManualClock) -> Line:
    return Line.full(database, clock)


@pytest.fixture
def office(line: Line) -> Office:
    return Office(line.database)


def offered(line: Line) -> str:
    """Amina is in line, and offered what became free; the listing's number."""
    wait = line.join(AMINA)
    line.change_listing(units=2)
    line.run(lambda tx: tx.db.query(ListingDay).update({"units": 2}))
    assert line.offer() == [wait]
    return str(line.listing.number)


def states(line: Line) -> list[WaitState]:
    return line.run(lambda tx: list(tx.db.scalars(select(Wait.state))))


@pytest.mark.parametrize("words", ["yes", "Ndiyo.", "YES {number}", "{number} ndio"])
def test_a_yes_books_and_asks_for_the_money(line: Line, office: Office, words: str) -> None:
    number = offered(line)
    answer = office.say(AMINA, words.format(number=number))

    assert answer.startswith("M-Pesa will ask you for KES 66,700 for ")
    assert office.prompts() == 2, "hers and that of the booking before"
    assert office.say(AMINA, f"YES {number}").startswith("Baraka Garden Hall is booked already")
    line.assert_sound()


@pytest.mark.parametrize("words", ["no", "HAPANA {number}"])
def test_a_no_gives_the_place_up(line: Line, office: Office, words: str) -> None:
    number = offered(line)

    assert "no longer wait" in office.say(AMINA, words.format(number=number))
    assert states(line) == [WaitState.LEFT]
    assert "did not understand" in office.say(BRIAN, "yes")


@pytest.mark.parametrize("words", ["1", "OK", "yes please do", "YES NO", "yes 99999", "0", "2"])
def test_other_words_are_no_answer(line: Line, office: Office, words: str) -> None:
    offered(line)

    assert "did not understand" in office.say(AMINA, words)
    assert states(line) == [WaitState.OFFERED]


def test_a_late_yes_is_told_so(line: Line, office: Office) -> None:
    offered(line)
    line.clock.advance(seconds=WAIT_OFFER_SECONDS)
    line.lapse()

    assert office.say(AMINA, "yes") == "Your time to answer is over."


def test_who_was_faster_is_told_and_the_place_kept(line: Line, office: Office) -> None:
    offered(line)
    line.hold(CAROL)

    assert "You stay first in line" in office.say(AMINA, "yes")


def test_a_request_that_waits_comes_before_an_offer(line: Line, office: Office) -> None:
    """Amina rents out rooms herself: her bare yes accepts, with the number it books."""
    number = offered(line)

    with line.database.transaction() as tx:
        theirs = make_listing(tx, make_vendor(tx, AMINA))
        code = make_booking(tx, theirs, CAROL, in_days=20).code
    assert office.say(AMINA, "yes").startswith(f"You accepted {code}")
    assert office.say(AMINA, f"yes {number}").startswith("M-Pesa will ask you")


def test_of_several_offers_none_is_guessed(line: Line, office: Office) -> None:
    number = offered(line)
    other = line.another_listing(title="Other hall", booking_mode=BookingMode.INSTANT)
    held = line.hold(CAROL, other, in_days=12)

    line.run(lambda tx: join_line(tx, AMINA, make_wish(tx, other, in_days=12)))
    line.run(lambda tx: withdraw(tx, held.id, held.customer_id))
    assert len(line.offer()) == 1
    asked = office.say(AMINA, "yes")

    assert asked.startswith("Which one? Reply YES")
    assert number in asked
    assert str(other.number) in asked
    assert office.say(AMINA, f"yes {other.number}").startswith("M-Pesa will ask you")
    assert office.say(AMINA, "yes").startswith("M-Pesa will ask you"), "one is left"


def test_a_vendor_who_is_asked_first_is_asked(database: Database, clock: ManualClock) -> None:
    line = Line.open(database, clock)
    held = line.hold(BRIAN)
    wait = line.join(AMINA)
    line.run(lambda tx: withdraw(tx, held.id, held.customer_id))
    assert line.offer() == [wait]

    answer = Office(database).say(AMINA, "yes")

    assert answer.startswith("Sent to Baraka Gardens. They answer by SMS by ")
    asked = line.run(lambda tx: find_by_code(tx, answer.rpartition(" ")[2]))
    assert (asked.id, asked.state) == (line.wait(wait).booking_id, State.REQUESTED)
    line.assert_sound()


def test_stop_leaves_the_line(line: Line, office: Office) -> None:
    offered(line)

    office.say(AMINA, "STOP")

    assert line.offer() == []
    assert office.say(AMINA, "yes") == "Your time to answer is over."


@pytest.mark.parametrize("language", list(Language))
def test_answers_stay_within_their_segments(
    line: Line, office: Office, language: Language
) -> None:
    number = offered(line)
    line.run(lambda tx: set_language(tx, AMINA, language))
    for words in (f"yes {number}", f"yes {number}", f"no {number}"):
        answer = office.say(AMINA, words)
        assert septets(answer) <= SEGMENTS_MAX * SMS_PART_SEPTETS, answer
