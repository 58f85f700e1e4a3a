"""Reviews by SMS: stars are a review for whoever has something to review, and for nobody else."""

import pytest

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.timers import fire
from core.clock import ManualClock
from core.db.tx import Database
from core.people.model import Language
from core.people.usecases import ensure_user, set_language
from core.reviews.model import Review
from sessions.gsm7 import SMS_PART_SEPTETS, septets
from sessions.reviews import Told, understand_review
from tests.sessions.test_sms import SEGMENTS_MAX, Office, hall, office
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    VENDOR,
    make_booking,
    make_listing,
    make_paid,
    make_vendor,
)

__all__ = ["office"]  # A fixture.


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("5 great food", Told(None, 5, "great food")),
        ("5", Told(None, 5, None)),
        ("4/5, good.", Told(None, 4, "good.")),
        ("5* Asante sana", Told(None, 5, "Asante sana")),
        ("3 stars", Told(None, 3, None)),
        ("k7p4q 2 no water", Told("K7P4Q", 2, "no water")),
        ("K7P4Q: 1", Told("K7P4Q", 1, None)),
        ("5 k7p4q great", Told("K7P4Q", 5, "great")),
        ("5\nline one\nline two", Told(None, 5, "line one\nline two")),
    ],
)
def test_stars_are_read_with_and_without_a_code(text: str, told: Told) -> None:
    assert understand_review(text) == told


@pytest.mark.parametrize(
    "text",
    ["", "6 great", "0", "55", "50 people", "1234", "5th", "hello 5 great", "25/12 80", "good"],
)
def test_other_words_are_no_review(text: str) -> None:
    assert understand_review(text) is None


@pytest.fixture
def done(database: Database, clock: ManualClock) -> Booking:
    """A customer's booking whose service was given."""
    with database.transaction() as tx:
        booking = make_paid(tx, hall(tx))
    assert booking.due_at is not None
    clock.set(booking.due_at)
    with database.transaction() as tx:
        assert fire(tx, booking.id) is State.COMPLETED
    return booking


def kept(office: Office) -> list[tuple[int, str]]:
    with office.database.transaction() as tx:
        return [(each.stars, each.words) for each in tx.db.query(Review)]


def test_stars_and_words_are_kept_and_can_be_corrected(office: Office, done: Booking) -> None:
    answer = office.say(CUSTOMER, "5 great food")
    assert answer == (
        f"Thank you: 5 of 5 for Baraka Garden Hall, {done.code}. "
        "To change it, send it again within 2 days."
    )
    assert kept(office) == [(5, "great food")]

    office.say(CUSTOMER, f"{done.code} 4 but it was late")
    assert kept(office) == [(4, "but it was late")]


def test_who_has_nothing_to_review_says_something_else(office: Office, done: Booking) -> None:
    assert "did not understand" in office.say(OTHER_CUSTOMER, "5 great food")
    assert "did not understand" in office.say(OTHER_CUSTOMER, f"{done.code} 5 great food")
    assert "did not understand" in office.say(VENDOR, "5 great food")
    assert kept(office) == []


def test_what_has_not_happened_yet_is_not_reviewed(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        booking = make_paid(tx, hall(tx))

    assert office.say(CUSTOMER, f"{booking.code} 5 great") == "It is too early for that."
    assert kept(office) == []


def test_a_vendor_with_a_request_answers_it_and_reviews_with_a_code(
    office: Office, done: Booking, database: Database
) -> None:
    """The customer is a vendor too: a bare 1 is for the request that waits."""
    with database.transaction() as tx:
        ensure_user(tx, CUSTOMER)
        theirs = make_listing(tx, make_vendor(tx, CUSTOMER))
        asked = make_booking(tx, theirs, OTHER_CUSTOMER, in_days=20)

    assert office.say(CUSTOMER, f"{done.code} 2 so so").startswith("Thank you: 2 of 5")
    assert office.say(CUSTOMER, f"{asked.code} 1").startswith(f"You accepted {asked.code}")
    with database.transaction() as tx:
        again = make_booking(tx, theirs, OTHER_CUSTOMER, in_days=30)
    assert office.say(CUSTOMER, "1").startswith(f"You accepted {again.code}")
    assert kept(office) == [(2, "so so")]

    assert office.say(CUSTOMER, "3").startswith("Thank you: 3 of 5"), "nothing else waits now"


@pytest.mark.parametrize("language", list(Language))
def test_the_answer_stays_within_its_segments(
    office: Office, done: Booking, database: Database, language: Language
) -> None:
    with database.transaction() as tx:
        set_language(tx, CUSTOMER, language)

    assert septets(office.say(CUSTOMER, "5")) <= SEGMENTS_MAX * SMS_PART_SEPTETS
