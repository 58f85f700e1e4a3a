"""Changing by SMS on a real database: shown first, confirmed in words, answered by the vendor."""

from datetime import date

import pytest

from core.booking.model import Booking
from core.catalog.model import Listing
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import BadInput
from core.money import kes
from core.people.model import Language
from core.people.usecases import set_language
from sessions.changing import Wanted, understand_wish
from sessions.gsm7 import SMS_PART_SEPTETS, septets
from tests.sessions.test_sms import SEGMENTS_MAX, Office, hall
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    STRANGER,
    VENDOR,
    make_booking,
    make_paid,
)

MEALS = {
    "category": Category.CATERING,
    "price_unit": PriceUnit.PERSON,
    "price_cents": kes(500).cents,
    "units": 300,
    "capacity": 300,
}


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def meals(database: Database, mode: BookingMode) -> Booking:
    """100 meals, 66,700 paid, on the 30th of November."""
    with database.transaction() as tx:
        return make_paid(tx, hall(tx, booking_mode=mode, **MEALS), people=100)


@pytest.fixture
def paid(database: Database) -> Booking:
    return meals(database, BookingMode.INSTANT)


@pytest.fixture
def asked(database: Database) -> Booking:
    return meals(database, BookingMode.REQUEST)


def now(office: Office, booking: Booking) -> tuple[str, int]:
    with office.database.transaction() as tx:
        fresh = tx.db.get_one(Booking, booking.id)
        return f"{fresh.starts_on:%d/%m}", fresh.people


TODAY = date(2026, 11, 20)
WISHES = [
    ("25/12 80", date(2026, 12, 25), 80),
    ("25/12/2026 80", date(2026, 12, 25), 80),
    ("25 Dec 80", date(2026, 12, 25), 80),
    ("2512 1200", date(2026, 12, 25), 1_200),
    ("kesho 5", date(2026, 11, 21), 5),
    ("25 Dec", date(2026, 12, 25), None),
    ("25/12", date(2026, 12, 25), None),
    ("2512", date(2026, 12, 25), None),
    ("80", None, 80),
]


@pytest.mark.parametrize(("typed", "day", "people"), WISHES)
def test_a_day_people_or_both(typed: str, day: date | None, people: int | None) -> None:
    assert understand_wish(typed, TODAY) == Wanted(day, people)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("soon", "bad_date"), ("31/2 80", "bad_date"), ("0", "too_small"), ("25/12 9999", "too_big")],
)
def test_what_is_no_day_and_no_number_is_said(typed: str, code: str) -> None:
    with pytest.raises(BadInput, match=code):
        understand_wish(typed, TODAY)


def test_the_first_message_shows_and_the_second_does(office: Office, paid: Booking) -> None:
    shown = office.say(CUSTOMER, f"change {paid.code} 5/12 60")

    assert "Sat 5 Dec, 60 people (now Mon 30 Nov, 100 people)?" in shown
    assert "You get back KES 21,344 of KES 26,680." in shown
    assert shown.endswith(f"To change reply CHANGE {paid.code} 5/12 60 YES")
    assert now(office, paid) == ("30/11", 100)

    office.say(CUSTOMER, f"change {paid.code} 5/12 60 yes")

    assert now(office, paid) == ("05/12", 60)
    assert len(office.answers(CUSTOMER)) == 1, "what happened is told by its own message"


def test_a_yes_to_another_wish_shows_that_one(office: Office, paid: Booking) -> None:
    office.say(CUSTOMER, f"change {paid.code} 60")

    for text in (f"change {paid.code} 50 yes", "yes", "1", f"cancel {paid.code} yes"):
        assert office.say(CUSTOMER, text)

    assert now(office, paid) == ("30/11", 100)


def test_a_yes_to_a_price_that_is_another_by_now_shows_it_anew(
    office: Office, paid: Booking
) -> None:
    assert "You pay KES 13,340 more." in office.say(CUSTOMER, f"change {paid.code} 120")
    with office.database.transaction() as tx:
        tx.db.get_one(Listing, paid.listing_id).price_cents = kes(600).cents

    again = office.say(CUSTOMER, f"change {paid.code} 120 yes")

    assert "You pay KES 29,348 more." in again
    assert office.prompts() == 1, "only the first payment was ever asked for"


def test_a_dearer_one_is_asked_for_on_the_phone(office: Office, paid: Booking) -> None:
    office.say(CUSTOMER, f"change {paid.code} 120")

    answer = office.say(CUSTOMER, f"change {paid.code} 120 yes")

    assert answer == f"M-Pesa will ask you for KES 13,340 for {paid.code}. Enter your PIN."
    assert office.prompts() == 2
    assert now(office, paid) == ("30/11", 100)
    assert office.say(CUSTOMER, f"change {paid.code} 90") == "A change of it waits already."
    # A friend may pay the difference, like anything else, while nobody else does.
    assert office.say(OTHER_CUSTOMER, f"pay {paid.code}") == "Another phone is paying it now."


@pytest.mark.parametrize("said", ["1", "{code} 1", "yes {code}"])
def test_a_vendor_says_yes_to_a_change(office: Office, asked: Booking, said: str) -> None:
    office.say(CUSTOMER, f"change {asked.code} 5/12")
    sent = office.say(CUSTOMER, f"change {asked.code} 5/12 yes")
    assert sent.startswith("Sent to Baraka Gardens. They answer by SMS by")

    answer = office.say(VENDOR, said.format(code=asked.code))

    assert answer == f"You accepted: {asked.code} is now Sat 5 Dec, 100 people."
    assert now(office, asked) == ("05/12", 100)
    assert office.say(VENDOR, f"{asked.code} 2") == f"{asked.code} is accepted and paid."


def test_a_vendor_says_no_or_yes_to_what_is_to_be_paid(office: Office, asked: Booking) -> None:
    for said in ("2", "1"):
        office.say(CUSTOMER, f"badili {asked.code} 120")
        office.say(CUSTOMER, f"badili {asked.code} 120 ndiyo")
        answer = office.say(VENDOR, said)
        if said == "2":
            assert answer == f"{asked.code} stays as it was."

    assert "We asked the customer to pay" in answer
    assert now(office, asked) == ("30/11", 100)
    assert "KES 13,340" in office.say(CUSTOMER, f"pay {asked.code}")


def test_a_request_and_a_change_are_two_things_to_answer(
    office: Office, asked: Booking, database: Database
) -> None:
    with database.transaction() as tx:
        listing = tx.db.get_one(Listing, asked.listing_id)
        request = make_booking(tx, listing, OTHER_CUSTOMER, in_days=12, people=20)
    office.say(CUSTOMER, f"change {asked.code} 5/12")
    office.say(CUSTOMER, f"change {asked.code} 5/12 yes")

    which = office.say(VENDOR, "1")

    assert f"1: {request.code} Wed 2 Dec 20 people, 2: {asked.code} Sat 5 Dec 100" in which
    assert f"{asked.code} is now Sat 5 Dec" in office.say(VENDOR, "2")


def test_nobody_else_and_nothing_unclear(office: Office, paid: Booking) -> None:
    for text in (f"change {paid.code}", f"change {paid.code} 60 yes"):
        assert office.say(STRANGER, text) == "We know no such booking."
    assert office.say(STRANGER, "change") == "You have no booking that can be changed."
    assert f"CHANGE {paid.code} 25/12 80" in office.say(CUSTOMER, "change 60")
    assert "reply CHANGE" in office.say(CUSTOMER, f"change {paid.code}")
    assert office.say(CUSTOMER, f"change {paid.code} soon") == (
        "There is no such date. Try 25/12."
    )
    assert office.say(CUSTOMER, f"change {paid.code} 100") == "It is booked like that already."
    assert now(office, paid) == ("30/11", 100)


def test_what_has_begun_is_not_changed(office: Office, paid: Booking, clock: ManualClock) -> None:
    clock.set(paid.starts_at)

    assert office.say(CUSTOMER, f"change {paid.code} 60") == "It has begun. Call us instead."


@pytest.mark.parametrize("language", list(Language))
def test_answers_stay_within_their_segments(
    office: Office, asked: Booking, database: Database, language: Language
) -> None:
    with database.transaction() as tx:
        for sender in (CUSTOMER, VENDOR):
            set_language(tx, sender, language)
    office.say(CUSTOMER, f"change {asked.code}")
    office.say(CUSTOMER, f"change {asked.code} 30/9/2027 299")
    office.say(CUSTOMER, f"change {asked.code} 30/9/2027 299 yes")
    office.say(VENDOR, f"{asked.code} 1")

    for answer in office.answers(CUSTOMER) + office.answers(VENDOR):
        assert septets(answer) <= SEGMENTS_MAX * SMS_PART_SEPTETS, answer
