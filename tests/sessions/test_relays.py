"""Questions to vendors by SMS: with a code always, without one when nothing else can be meant."""

import pytest
from sqlalchemy import select

from core.catalog.model import Listing
from core.db.tx import Database
from core.outbox import Notice
from core.people.model import Language
from core.people.usecases import set_language
from core.relay.usecases import RELAYED_TOPIC
from sessions.gsm7 import SMS_PART_SEPTETS, septets
from tests.sessions.test_sms import SEGMENTS_MAX, Office, hall, office
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    STRANGER,
    VENDOR,
    make_booking,
)

__all__ = ["office"]  # A fixture.


@pytest.fixture
def listing(database: Database) -> Listing:
    with database.transaction() as tx:
        made = hall(tx)
        tx.db.refresh(made, ["number"])
    return made


def relayed(office: Office, msisdn: str) -> list[str]:
    query = select(Notice).where(Notice.topic == RELAYED_TOPIC, Notice.msisdn == msisdn)
    with office.database.transaction() as tx:
        found = tx.db.scalars(query.order_by(Notice.id)).all()
        return [f"{each.params['relay']} {each.params['words']}" for each in found]


def test_a_question_and_its_answer(office: Office, listing: Listing) -> None:
    sent = office.say(CUSTOMER, f"ask {listing.number}: is there parking?")
    assert sent == "Sent. The answer comes by SMS. The vendor does not see your number."
    assert office.say(VENDOR, "q1 yes, 50 cars") == "Q1: sent to the customer."
    assert office.say(CUSTOMER, "Q 1 thanks") == "Q1: sent to Baraka Gardens."

    assert relayed(office, VENDOR) == ["Q1 is there parking?", "Q1 thanks"]
    assert relayed(office, CUSTOMER) == ["Q1 yes, 50 cars"]


def test_without_a_code_when_nothing_else_can_be_meant(office: Office, listing: Listing) -> None:
    office.say(CUSTOMER, f"ULIZA {listing.number} kuna maegesho?")
    assert office.say(CUSTOMER, "na bei ya viti?").startswith("We did not understand")
    assert office.say(VENDOR, "hapana").startswith("No request waits"), "one word is no answer"

    assert office.say(VENDOR, "yes there is, for 50") == "Q1: sent to the customer."
    assert office.say(VENDOR, "or was it 60 cars").startswith("We did not understand")
    assert relayed(office, CUSTOMER) == ["Q1 yes there is, for 50"]


def test_with_two_open_the_code_is_needed(office: Office, listing: Listing) -> None:
    for customer in (CUSTOMER, OTHER_CUSTOMER):
        office.say(customer, f"ask {listing.number} is there parking?")

    office.say(VENDOR, "there is parking for 50")
    assert relayed(office, CUSTOMER) == relayed(office, OTHER_CUSTOMER) == []
    office.say(VENDOR, "Q2 there is")
    assert relayed(office, OTHER_CUSTOMER) == ["Q2 there is"]


def test_commands_and_requests_come_first(
    office: Office, listing: Listing, database: Database
) -> None:
    office.say(CUSTOMER, f"ask {listing.number} is there parking?")
    with database.transaction() as tx:
        booking = make_booking(tx, tx.db.get_one(Listing, listing.id), OTHER_CUSTOMER)

    assert "Reply" in office.say(VENDOR, "there is parking for 50")
    assert office.say(VENDOR, f"yes {booking.code} of course").startswith("You accepted")
    assert relayed(office, CUSTOMER) == []


def test_what_is_not_there_is_told(office: Office, listing: Listing) -> None:
    assert office.say(STRANGER, "Q1 hello") == "That question is closed."
    assert office.say(STRANGER, "ask 9999 is it free?") == "It is not on offer now."
    assert office.say(STRANGER, f"ask {listing.number}") == "Please type an answer."


def test_the_same_words_twice_get_no_answer(office: Office, listing: Listing) -> None:
    office.say(CUSTOMER, f"ask {listing.number} I am away")
    answers = len(office.answers(CUSTOMER))
    office.say(CUSTOMER, "q1 I am away")

    assert len(office.answers(CUSTOMER)) == answers
    assert len(relayed(office, VENDOR)) == 1


@pytest.mark.parametrize("language", list(Language))
def test_answers_stay_within_their_segments(
    office: Office, listing: Listing, database: Database, language: Language
) -> None:
    with database.transaction() as tx:
        set_language(tx, CUSTOMER, language)
    for words in (f"ask {listing.number} is it free?", "q1 and the price?", "q2 hello"):
        answer = office.say(CUSTOMER, words)
        assert septets(answer) <= SEGMENTS_MAX * SMS_PART_SEPTETS, answer
