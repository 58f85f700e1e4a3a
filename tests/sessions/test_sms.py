"""The SMS desk on a real database: it does what is asked for, once, and answers plainly."""

from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.outbox import Notice
from core.payments.model import Attempt
from core.people.model import Language, OptOut
from core.people.usecases import language_of, opt_out_words, set_language
from core.ports.messages import SmsIn
from sessions.gsm7 import SMS_PART_SEPTETS, septets
from sessions.notices.render import ANSWER_TOPIC, HELP_TOPIC
from sessions.restraint import Heard, Verdict
from sessions.sms import LISTED_MAX, SmsDesk
from sessions.texts import LANGUAGES
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    OTHER_VENDOR,
    STRANGER,
    VENDOR,
    make_booking,
    make_held,
    make_listing,
    make_paid,
    make_vendor,
)

SEGMENTS_MAX = 2


@dataclass
class Office:
    """The desk with phones around it."""

    database: Database
    forgotten: list[str] = field(default_factory=list)
    sent: int = 0

    def say(self, sender: str, text: str) -> str:
        """Send a message; the answer, or the topic of what else came back."""
        self.sent += 1
        return self.deliver(SmsIn("africastalking", f"m{self.sent}", sender, "20384", text))

    def deliver(self, sms: SmsIn) -> str:
        desk = SmsDesk("*384*7781#", self.forgotten.append)
        with self.database.transaction() as tx:
            desk.handle(tx, sms)
        answers = self.answers(sms.sender)
        return answers[-1] if answers else ""

    def answers(self, msisdn: str) -> list[str]:
        """Every answer that a number was sent, oldest first."""
        topics = (ANSWER_TOPIC, HELP_TOPIC)
        with self.database.transaction() as tx:
            chosen = select(Notice).where(Notice.msisdn == msisdn, Notice.topic.in_(topics))
            found = tx.db.scalars(chosen.order_by(Notice.id)).all()
        return [str(notice.params.get("text", notice.topic)) for notice in found]

    def state(self, booking: Booking) -> State:
        with self.database.transaction() as tx:
            return tx.db.get_one(Booking, booking.id).state

    def prompts(self) -> int:
        with self.database.transaction() as tx:
            return len(tx.db.scalars(select(Attempt)).all())


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def hall(tx: Tx, **over: object) -> Listing:
    return make_listing(tx, make_vendor(tx), **over)


def requests(tx: Tx, count: int) -> list[Booking]:
    """Open requests on different days, the first due first."""
    listing = hall(tx)
    return [make_booking(tx, listing, in_days=10 + i, people=100 + i) for i in range(count)]


def test_one_open_request_needs_no_code(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        (only,) = requests(tx, 1)

    answer = office.say(VENDOR, "1")

    assert answer.startswith(f"You accepted {only.code}")
    assert office.state(only) is State.AWAITING_PAYMENT


def test_with_several_open_a_number_means_what_was_listed(
    office: Office, database: Database
) -> None:
    with database.transaction() as tx:
        first, second, third = requests(tx, 3)

    asked = office.say(VENDOR, "no")
    assert asked.startswith("Which one do you DECLINE? Reply 1: ")
    answer = office.say(VENDOR, "3")

    assert answer.startswith("You declined")
    states = [office.state(booking) for booking in (first, second, third)]
    assert states == [State.REQUESTED, State.REQUESTED, State.DECLINED]
    # The question is settled: 3 means nothing any more.
    assert office.say(VENDOR, "3").startswith("We did not understand.")


def test_an_old_question_is_not_answered_by_a_late_number(
    office: Office, database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        booked = requests(tx, 3)
    office.say(VENDOR, "yes")
    clock.advance(hours=3)

    answer = office.say(VENDOR, "2")

    # A bare 2 is a no once more, and there is more than one to say no to.
    assert answer.startswith("Which one do you DECLINE?")
    assert {office.state(booking) for booking in booked} == {State.REQUESTED}


def test_double_contrary_and_late_answers_get_the_truth(
    office: Office, database: Database
) -> None:
    with database.transaction() as tx:
        yes, no = requests(tx, 2)
    office.say(VENDOR, f"{yes.code} 1")
    office.say(VENDOR, f"{no.code} 2")

    assert office.say(VENDOR, f"{yes.code} 2") == (
        f"You have accepted {yes.code}. It waits for payment."
    )
    assert office.say(VENDOR, f"1 {no.code}").startswith(f"{no.code} was declined.")
    assert office.say(VENDOR, "1").startswith("No request waits for your answer.")
    assert [office.state(b) for b in (yes, no)] == [State.AWAITING_PAYMENT, State.DECLINED]


@pytest.mark.parametrize("words", ["5912", "asante sana", "kwa leo"])
def test_what_waits_for_no_yes_or_no_is_told_how_it_stands_and_what_to_dial(
    office: Office, database: Database, words: str
) -> None:
    with database.transaction() as tx:
        (asked,) = requests(tx, 1)
        paid = make_paid(tx, tx.db.get_one(Listing, asked.listing_id), in_days=20)

    answer = office.say(VENDOR, f"{paid.code} {words}")

    assert "accept" not in answer
    assert answer.startswith(f"{paid.code} ")
    assert answer.endswith(f"Dial *384*7781*{paid.code}#")
    assert office.say(VENDOR, f"{asked.code} {words}") == (
        f"Reply {asked.code} 1 to accept or {asked.code} 2 to decline."
    )


def test_another_vendors_request_is_not_known(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        (only,) = requests(tx, 1)
        make_vendor(tx, OTHER_VENDOR, "Other Halls")

    assert office.say(OTHER_VENDOR, f"{only.code} 1") == "We know no such booking."
    assert office.state(only) is State.REQUESTED


def test_a_code_with_one_wrong_letter_is_understood(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        (only,) = requests(tx, 1)
    slip = only.code[:4] + ("Z" if only.code[4] != "Z" else "Y")

    assert office.say(VENDOR, f"{slip} yes").startswith(f"You accepted {only.code}")


def test_stop_and_start_are_kept(office: Office, database: Database) -> None:
    office.say(CUSTOMER, "STOP")
    with database.transaction() as tx:
        assert [row.via for row in tx.db.scalars(select(OptOut))] == ["sms"]

    office.say(CUSTOMER, "START")
    with database.transaction() as tx:
        assert tx.db.scalars(select(OptOut)).all() == []
        words = opt_out_words(tx, CUSTOMER)
    assert [(word.words, word.wanted) for word in words] == [("START", True), ("STOP", False)]
    assert all(word.reference.startswith("africastalking ") for word in words)


def test_a_language_is_kept_and_the_next_call_knows(office: Office, database: Database) -> None:
    assert office.say(CUSTOMER, "Kiswahili") == "Kuanzia sasa tutaandika kwa Kiswahili."
    with database.transaction() as tx:
        assert language_of(tx, CUSTOMER) is Language.SW
    assert office.forgotten == [CUSTOMER]

    assert office.say(CUSTOMER, "msaada") == HELP_TOPIC


def test_the_state_of_a_booking_is_told_to_its_two_sides_only(
    office: Office, database: Database
) -> None:
    with database.transaction() as tx:
        (only,) = requests(tx, 1)

    told = office.say(CUSTOMER, f"status {only.code}")
    assert told.startswith(f"{only.code} ")
    assert "KES 66,700" in told
    assert office.say(VENDOR, only.code) == told
    assert office.say(STRANGER, f"status {only.code}") == "We know no such booking."
    assert (
        office.say(STRANGER, "status") == "You have no bookings yet. Reply FIND or dial *384*7781#"
    )


def test_pay_asks_the_senders_phone_once(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        held = make_held(tx, hall(tx))

    assert office.say(CUSTOMER, "pay").startswith("M-Pesa will ask you for KES 66,700")
    # One prompt at a time: whoever else wants to pay is not told to wait for one.
    assert office.say(OTHER_CUSTOMER, f"LIPA {held.code}") == "Another phone is paying it now."
    # A prompt whose outcome is open is not joined by a second one.
    assert office.prompts() == 1


def test_pay_never_guesses(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        listing = hall(tx)
        held = [make_held(tx, listing, in_days=10 + i) for i in range(2)]
    slip = held[0].code[:4] + ("Z" if held[0].code[4] != "Z" else "Y")

    for text in ("pay", f"pay {slip}"):
        answer = office.say(CUSTOMER, text)
        assert answer.startswith("Which one? Reply PAY and one of the codes:")
    assert office.prompts() == 0


def test_what_is_paid_for_is_not_paid_again(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        paid = make_paid(tx, hall(tx))

    assert office.say(CUSTOMER, f"pay {paid.code}") == (
        f"{paid.code}: Paid. There is nothing to pay now."
    )
    assert office.say(CUSTOMER, "pay") == "There is nothing to pay now."


def test_a_sender_that_is_no_phone_gets_no_answer(office: Office) -> None:
    assert office.say("SAFARICOM", "HELP") == ""
    assert office.say("22222", "1") == ""


def test_the_same_message_is_answered_once(office: Office) -> None:
    sms = SmsIn("africastalking", "same", CUSTOMER, "20384", "hello")

    office.deliver(sms)
    office.deliver(sms)

    assert len(office.answers(CUSTOMER)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_lists_fit_two_segments(
    office: Office, database: Database, language: str
) -> None:
    with database.transaction() as tx:
        listing = hall(tx, title="Mugumo Gardens and Conference Centre Ltd", capacity=5_000)
        for i in range(LISTED_MAX + 1):
            make_booking(tx, listing, in_days=20 + i, people=5_000)
        for msisdn in (VENDOR, CUSTOMER):
            set_language(tx, msisdn, Language(language))

    which, states = office.say(VENDOR, "1"), office.say(CUSTOMER, "status")

    for told in (which, states):
        assert septets(told) <= SEGMENTS_MAX * SMS_PART_SEPTETS, told
        assert told.count("Des" if language == "sw" else "Dec") == LISTED_MAX


class Wall:
    """Gives every message the same verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def judge(self, _heard: Heard) -> Verdict:
        return self.verdict


@pytest.mark.parametrize(
    ("verdict", "answer"), [(Verdict.TELL, "You wrote very often."), (Verdict.LOOP, "")]
)
def test_who_writes_too_often_gets_nothing_done_but_a_stop(
    database: Database, verdict: Verdict, answer: str
) -> None:
    """STOP is obeyed whoever says it how often; the answer to it may be spared."""
    counted: list[str] = []
    with database.transaction() as tx:
        desk = SmsDesk("*384*7781#", restraint=Wall(verdict), count=counted.append)
        desk.handle(tx, SmsIn("africastalking", "1", CUSTOMER, "20384", "KISWAHILI"))
        desk.handle(tx, SmsIn("africastalking", "2", CUSTOMER, "20384", "STOP"))

    with database.transaction() as tx:
        assert language_of(tx, CUSTOMER) is Language.EN
        assert tx.db.scalars(select(OptOut.msisdn)).all() == [CUSTOMER]
    said = Office(database).answers(CUSTOMER)
    assert [text[: len(answer)] for text in said] == ([answer] * 2 if answer else [])
    assert counted == [verdict.value] * 2


@pytest.mark.parametrize("sender", ["+254700000097", "+254700000096"])
def test_our_own_messages_are_not_answered(database: Database, sender: str) -> None:
    counted: list[str] = []
    with database.transaction() as tx:
        desk = SmsDesk("*384*7781#", ours=["+254700000097"], count=counted.append)
        desk.handle(tx, SmsIn("kannel", "1", sender, "+254700000096", "HELP"))

    assert Office(database).answers(sender) == []
    assert counted == ["own"]


def test_a_pin_is_not_kept_and_its_sender_is_told(office: Office) -> None:
    assert office.say(CUSTOMER, "****").startswith("Never send a PIN by SMS")


def test_what_was_told_with_a_pin_is_kept_without_it(office: Office, database: Database) -> None:
    warning = office.say(CUSTOMER, "HELP they would not take my PIN **** at the gate")

    first, second = office.answers(CUSTOMER)
    assert first.startswith("We have your question 1")
    assert second == warning
    assert warning.startswith("Never send a PIN by SMS")
    # Money is not moved by a message that was not meant so.
    assert office.say(CUSTOMER, "PAY, my PIN is ****").startswith("Never send a PIN")


@pytest.mark.parametrize("words", ["KUBALI", "decline", "STATEMENT"])
def test_what_only_vendors_say_is_told_to_others(office: Office, words: str) -> None:
    assert office.say(STRANGER, words) == "This phone is not a vendor's."


@pytest.mark.parametrize(
    ("language", "begins"),
    [
        (Language.EN, "Only a part of your long SMS"),
        (Language.SW, "Ni sehemu tu ya SMS yako ndefu"),
    ],
)
def test_of_a_message_in_pieces_nothing_is_done_and_its_sender_is_told(
    office: Office, database: Database, language: Language, begins: str
) -> None:
    came = SmsIn("kannel", "1", CUSTOMER, "20384", "STOP ... BOOK 4507 25/12 80")
    with database.transaction() as tx:
        set_language(tx, CUSTOMER, language)
        SmsDesk("*384*7781#").handle_unfinished(tx, came)

    [told] = office.answers(CUSTOMER)
    assert told.startswith(begins)
    assert septets(told) <= 160
    with database.transaction() as tx:
        assert not tx.db.scalars(select(OptOut.msisdn)).all()


def test_who_sent_a_pin_in_pieces_is_warned_too(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        came = SmsIn("kannel", "1", CUSTOMER, "20384", "my PIN is **** ... at the gate")
        SmsDesk("*384*7781#").handle_unfinished(tx, came)

    told, warned = office.answers(CUSTOMER)
    assert told.startswith("Only a part")
    assert warned.startswith("Never send a PIN")


@pytest.mark.parametrize(
    ("verdict", "answers"),
    [
        (Verdict.TELL, ["You wrote very often."]),
        (Verdict.FLOOD, []),
        (Verdict.LOOP, []),
    ],
)
def test_pieces_are_no_way_around_the_restraint(
    office: Office, database: Database, verdict: Verdict, answers: list[str]
) -> None:
    class Decided:
        def judge(self, _heard: Heard) -> Verdict:
            return verdict

    with database.transaction() as tx:
        desk = SmsDesk("*384*7781#", restraint=Decided(), ours=["+254700000097"])
        desk.handle_unfinished(tx, SmsIn("kannel", "1", CUSTOMER, "20384", "half of"))
        desk.handle_unfinished(tx, SmsIn("kannel", "2", "+254700000097", "20384", "half of"))
        desk.handle_unfinished(tx, SmsIn("kannel", "3", "MPESA", "20384", "half of"))

    assert [text[:21] for text in office.answers(CUSTOMER)] == answers
    assert office.answers("+254700000097") == []
