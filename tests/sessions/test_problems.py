"""Problems by SMS on a real database: both sides write the same word, and nothing is guessed."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Database
from core.disputes.model import DisputeNote, Problem
from core.disputes.queries import disputes_of
from core.limits import DISPUTE_NOTE_MAX
from core.outbox import Notice
from core.people.model import Language
from core.people.usecases import set_language
from sessions.gsm7 import SMS_PART_SEPTETS, septets
from sessions.texts import plain, t
from tests.sessions.test_sms import SEGMENTS_MAX, Office, hall
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    STRANGER,
    VENDOR,
    make_paid,
)


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


@pytest.fixture
def begun(database: Database, clock: ManualClock) -> Booking:
    """66,700 paid for a hall, and its day has come."""
    with database.transaction() as tx:
        booking = make_paid(tx, hall(tx))
    clock.set(booking.starts_at + timedelta(hours=1))
    return booking


def said(office: Office) -> list[tuple[str, str]]:
    with office.database.transaction() as tx:
        notes = tx.db.scalars(select(DisputeNote).order_by(DisputeNote.id)).all()
    return [(note.side.value, note.words) for note in notes]


def told(office: Office, msisdn: str) -> list[str]:
    query = select(Notice.topic).where(Notice.msisdn == msisdn, Notice.topic.like("dispute_%"))
    with office.database.transaction() as tx:
        return list(tx.db.scalars(query.order_by(Notice.id)))


def test_one_message_reports_and_both_sides_go_on_in_words(office: Office, begun: Booking) -> None:
    office.say(CUSTOMER, f"problem {begun.code} No power, yes or no? Cancel!")

    assert office.state(begun) is State.DISPUTED
    assert office.answers(CUSTOMER) == [], "what was done is told by its own message"
    assert told(office, CUSTOMER) == ["dispute_opened_customer"]
    assert told(office, VENDOR) == ["dispute_opened_vendor", "dispute_note"]

    answer = office.say(VENDOR, f"PROBLEM {begun.code} yes we had a generator")
    assert answer.startswith(f"{begun.code}: thank you")
    assert "We decide by" in answer
    assert told(office, CUSTOMER)[-1] == "dispute_note"
    assert "noted" in office.say(CUSTOMER, f"{begun.code} problem it had no fuel")
    assert said(office) == [
        ("customer", "No power, yes or no? Cancel!"),
        ("vendor", "yes we had a generator"),
        ("customer", "it had no fuel"),
    ]
    with office.database.transaction() as tx:
        (view,) = disputes_of(tx, begun)
    assert view.dispute.problem is Problem.OTHER


def test_the_word_alone_tells_how_it_stands(office: Office, begun: Booking) -> None:
    assert office.say(CUSTOMER, "problem") == (
        f"What is wrong? Reply PROBLEM {begun.code} and your words."
    )
    assert "reported no problem" in office.say(VENDOR, f"problem {begun.code}")
    office.say(CUSTOMER, "shida hakuna maji")
    assert said(office) == [("customer", "hakuna maji")]

    state = office.say(CUSTOMER, f"problem {begun.code}")
    assert "The vendor can answer until" in state
    assert state.endswith(f"Reply PROBLEM {begun.code} SOLVED.")
    assert "Answer by" in office.say(VENDOR, "problem")
    assert len(said(office)) == 1


def test_solved_takes_it_back_for_its_customer_alone(office: Office, begun: Booking) -> None:
    assert "What is wrong" in office.say(CUSTOMER, f"problem {begun.code} solved")
    office.say(CUSTOMER, f"problem {begun.code} dirty")
    office.say(VENDOR, f"problem {begun.code} solved")
    assert office.state(begun) is State.DISPUTED

    assert "is settled" in office.say(CUSTOMER, f"problem {begun.code} Solved!")

    assert office.state(begun) is State.COMPLETED
    assert told(office, VENDOR)[-1] == "dispute_withdrawn"


@pytest.mark.parametrize("language", [Language.EN, Language.SW])
def test_of_a_booking_whose_rest_is_owed_it_is_said_what_can_be_done(
    office: Office, database: Database, clock: ManualClock, language: Language
) -> None:
    with database.transaction() as tx:
        set_language(tx, CUSTOMER, language)
        owing = make_paid(tx, hall(tx, deposit_basis_points=3_000, rest_days=1), in_days=3)
    clock.set(owing.starts_at - timedelta(hours=1))

    answer = office.say(CUSTOMER, f"problem {owing.code} dirty")

    code = owing.code
    assert (
        answer
        == {
            Language.EN: f"{code}: the rest is not paid yet. To pay reply PAY {code},"
            f" to cancel reply CANCEL {code}.",
            Language.SW: f"{code}: salio bado halijalipwa. Kulipa jibu LIPA {code},"
            f" kughairi jibu GHAIRI {code}.",
        }[language]
    )
    assert septets(answer) <= SMS_PART_SEPTETS
    assert office.state(owing) is State.CONFIRMED


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        (
            Language.EN,
            (
                "{code}: a problem can be reported from {day}. To cancel reply CANCEL {code},"
                " to ask us HELP and your words."
            ),
        ),
        (
            Language.SW,
            (
                "{code}: unaweza kuripoti shida kuanzia {day}. Kughairi jibu GHAIRI {code},"
                " kutuuliza MSAADA na maneno yako."
            ),
        ),
    ],
)
def test_before_the_day_it_is_said_from_when_on_and_what_can_be_done(
    office: Office, database: Database, language: Language, answer: str
) -> None:
    with database.transaction() as tx:
        set_language(tx, CUSTOMER, language)
        coming = make_paid(tx, hall(tx), in_days=14)

    day = plain(t("{day}", day=coming.starts_on), language)
    assert office.say(CUSTOMER, f"problem {coming.code} is it so") == answer.format(
        code=coming.code, day=day
    )
    assert office.state(coming) is State.CONFIRMED


def test_which_booking_is_not_guessed(
    office: Office, begun: Booking, database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        listing = tx.db.get_one(Listing, begun.listing_id)
        other = make_paid(tx, listing, receipt="SFF6XYQ2CD", in_days=2)
    near = begun.code[:-1] + ("2" if begun.code[-1] != "2" else "3")
    assert "Which one?" in office.say(CUSTOMER, f"problem {near} dirty")
    assert "can be reported from" in office.say(CUSTOMER, f"problem {other.code} dirty")
    clock.set(other.starts_at)

    asked = office.say(CUSTOMER, "problem dirty")

    assert begun.code in asked
    assert other.code in asked
    assert (office.state(begun), office.state(other)) == (State.CONFIRMED, State.CONFIRMED)


@pytest.mark.parametrize("sender", [OTHER_CUSTOMER, STRANGER])
def test_somebody_elses_booking_is_not_known(office: Office, begun: Booking, sender: str) -> None:
    assert office.say(sender, f"problem {begun.code} dirty") == "We know no such booking."
    office.say(CUSTOMER, f"problem {begun.code} dirty")
    for text in (f"problem {begun.code}", f"problem {begun.code} solved"):
        assert office.say(sender, text) == "We know no such booking."
    assert office.say(sender, "problem").startswith("You have no booking")
    assert office.state(begun) is State.DISPUTED


def test_what_is_too_long_is_said_and_nothing_is_kept(office: Office, begun: Booking) -> None:
    answer = office.say(CUSTOMER, f"problem {begun.code} " + "x" * (DISPUTE_NOTE_MAX + 1))

    assert answer == "Type at most 200 letters at a time."
    assert office.state(begun) is State.CONFIRMED


@pytest.mark.parametrize("language", list(Language))
def test_answers_stay_within_their_segments(
    office: Office, begun: Booking, database: Database, language: Language
) -> None:
    for sender in (CUSTOMER, VENDOR):
        with database.transaction() as tx:
            set_language(tx, sender, language)
    office.say(CUSTOMER, f"problem {begun.code} dirty")
    for sender in (CUSTOMER, VENDOR):
        for text in (f"problem {begun.code}", f"problem {begun.code} more", "problem a b c"):
            answer = office.say(sender, text)
            assert septets(answer) <= SEGMENTS_MAX * SMS_PART_SEPTETS, answer
