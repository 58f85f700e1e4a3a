"""Cancelling by SMS on a real database: shown first, confirmed in words, never guessed."""

from datetime import timedelta

import pytest

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Database
from core.people.model import Language
from core.people.usecases import set_language
from core.questions import QUESTION_SECONDS
from sessions.gsm7 import SMS_PART_SEPTETS, septets
from tests.sessions.test_sms import SEGMENTS_MAX, Office, hall
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    STRANGER,
    VENDOR,
    make_booking,
    make_held,
    make_paid,
)

CONFIRM = "To cancel reply CANCEL {code} YES"


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


@pytest.fixture
def paid(database: Database) -> Booking:
    """66,700 paid for a hall in ten days."""
    with database.transaction() as tx:
        return make_paid(tx, hall(tx))


def test_the_first_message_shows_and_the_second_does(office: Office, paid: Booking) -> None:
    shown = office.say(CUSTOMER, f"cancel {paid.code}")

    assert "KES 53,360 of KES 66,700" in shown
    assert "then KES 33,350" in shown
    assert shown.endswith(CONFIRM.format(code=paid.code))
    assert office.state(paid) is State.CONFIRMED

    office.say(CUSTOMER, f"cancel {paid.code} yes")

    assert office.state(paid) is State.CANCELLED
    assert len(office.answers(CUSTOMER)) == 1, "what happened is told by its own message"
    assert "It cannot be cancelled" in office.say(CUSTOMER, f"cancel {paid.code}")


def test_a_yes_to_nothing_that_was_shown_shows_it(office: Office, paid: Booking) -> None:
    assert office.say(CUSTOMER, f"CANCEL {paid.code} YES").endswith(CONFIRM.format(code=paid.code))
    assert office.state(paid) is State.CONFIRMED


def test_a_yes_to_what_has_dropped_since_shows_it_anew(
    office: Office, paid: Booking, clock: ManualClock
) -> None:
    clock.set(paid.starts_at - timedelta(hours=48))
    assert "KES 53,360 of" in office.say(CUSTOMER, f"cancel {paid.code}")
    clock.advance(seconds=1)

    again = office.say(CUSTOMER, f"cancel {paid.code} yes")

    assert "KES 33,350 of" in again
    assert office.state(paid) is State.CONFIRMED
    office.say(CUSTOMER, f"cancel {paid.code} yes")
    assert office.state(paid) is State.CANCELLED


def test_a_yes_hours_later_is_asked_again(
    office: Office, paid: Booking, clock: ManualClock
) -> None:
    office.say(CUSTOMER, f"cancel {paid.code}")
    clock.advance(seconds=QUESTION_SECONDS)

    office.say(CUSTOMER, f"cancel {paid.code} yes")

    assert office.state(paid) is State.CONFIRMED


@pytest.mark.parametrize("said", ["1", "yes", "ndiyo", "cancel", "cancel yes"])
def test_nothing_short_of_code_and_yes_cancels(office: Office, paid: Booking, said: str) -> None:
    office.say(CUSTOMER, f"cancel {paid.code}")

    assert office.say(CUSTOMER, said)

    assert office.state(paid) is State.CONFIRMED


def test_a_yes_to_one_booking_does_not_cancel_another(
    office: Office, paid: Booking, database: Database
) -> None:
    with database.transaction() as tx:
        listing = tx.db.get_one(Booking, paid.id).listing_id
        other = make_paid(tx, tx.db.get_one(Listing, listing), receipt="SFF6XYQ2CD", in_days=12)
    office.say(CUSTOMER, f"cancel {paid.code}")

    office.say(CUSTOMER, f"cancel {other.code} yes")

    assert (office.state(paid), office.state(other)) == (State.CONFIRMED, State.CONFIRMED)
    listed = office.say(CUSTOMER, "cancel")
    assert paid.code in listed
    assert other.code in listed


@pytest.mark.parametrize("sender", [OTHER_CUSTOMER, STRANGER])
def test_somebody_elses_booking_is_not_known(office: Office, paid: Booking, sender: str) -> None:
    for text in (f"cancel {paid.code}", f"cancel {paid.code} yes"):
        assert office.say(sender, text) == "We know no such booking."
    assert office.state(paid) is State.CONFIRMED


def test_a_vendor_is_told_what_follows_and_then_it_does(office: Office, paid: Booking) -> None:
    shown = office.say(VENDOR, f"cancel {paid.code}")

    assert "All KES 66,700 goes back" in shown
    assert "last for 90 days" in shown
    # A bare 1 is an answer to a request, and none waits.
    assert office.say(VENDOR, "1").startswith("No request waits")
    assert office.state(paid) is State.CONFIRMED
    office.say(VENDOR, f"yes cancel {paid.code}")
    assert office.state(paid) is State.CANCELLED


def test_what_is_not_paid_for_is_taken_back(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        listing = hall(tx)
        asked = make_booking(tx, listing, in_days=10)
        held = make_held(tx, listing, in_days=11)

    for booking in (asked, held):
        assert "You owe nothing" in office.say(CUSTOMER, f"cancel {booking.code}")
        assert office.state(booking) is not State.CANCELLED
        assert "is cancelled" in office.say(CUSTOMER, f"cancel {booking.code} yes")
        assert office.state(booking) is State.CANCELLED


def test_what_has_begun_is_not_cancelled_by_sms(
    office: Office, paid: Booking, clock: ManualClock
) -> None:
    clock.set(paid.starts_at)

    assert office.say(CUSTOMER, f"cancel {paid.code}") == "It has begun. Call us instead."


def test_nothing_to_cancel_is_said(office: Office) -> None:
    assert office.say(STRANGER, "cancel") == "You have no booking that can be cancelled."


@pytest.mark.parametrize("language", list(Language))
def test_answers_stay_within_their_segments(
    office: Office, paid: Booking, database: Database, language: Language
) -> None:
    for sender in (CUSTOMER, VENDOR):
        with database.transaction() as tx:
            set_language(tx, sender, language)
        answer = office.say(sender, f"cancel {paid.code}")
        assert septets(answer) <= SEGMENTS_MAX * SMS_PART_SEPTETS, answer
