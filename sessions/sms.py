"""The SMS desk: does what a message asks for and owes the answer, in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core import outbox, questions
from core.booking.changes import payable_now
from core.booking.lifecycle import State
from core.booking.queries import (
    BookingView,
    booking_by_code,
    bookings_of_customer,
    changes_asked,
    codes_of_vendor,
    requests_of_vendor,
)
from core.booking.usecases import accept, decline
from core.db.tx import Tx
from core.errors import BadInput, IllegalMove, Refused
from core.msisdn import parse_msisdn
from core.payments.attempts import start_collection
from core.people.model import Language, Purpose
from core.people.usecases import Person, find_person, opt_in, opt_out, set_language
from core.ports import SmsIn
from core.waitlist.usecases import leave_all_lines
from sessions.asides import answer_aside
from sessions.cancelling import answer_cancel
from sessions.changing import answer_change, asked_change, settle_change
from sessions.commands import Command, Verb, understand
from sessions.flows import words
from sessions.notices.render import ANSWER_TOPIC, HELP_TOPIC
from sessions.papers import answer_receipt, owe_statement
from sessions.problems import answer_problem
from sessions.texts import T, cut, n, plain, t, why

LISTED_MAX = 5
MESSAGES_MAX = 20
NUMBERED = (Verb.ACCEPT, Verb.DECLINE)


@dataclass(frozen=True, slots=True)
class _Letter:
    """One message with its sender."""

    tx: Tx
    person: Person
    command: Command

    @property
    def msisdn(self) -> str:
        return self.person.msisdn


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request, or a change, that a vendor can say yes or no to."""

    code: str
    day: date
    people: int


class SmsDesk:
    """Answers messages.

    Args:
        ussd_code: what our answers say to dial.
        forget: called with a number whose language has changed, so that its next call is asked
            about anew.
    """

    def __init__(
        self, ussd_code: str, forget: Callable[[str], None] = lambda _msisdn: None
    ) -> None:
        self._ussd_code = ussd_code
        self._forget = forget
        self._handlers: Mapping[Verb, Callable[[_Letter], T | None]] = {
            Verb.STOP: self._stop,
            Verb.START: self._start,
            Verb.HELP: self._help,
            Verb.ENGLISH: self._english,
            Verb.SWAHILI: self._swahili,
            Verb.ACCEPT: self._answer_request,
            Verb.DECLINE: self._answer_request,
            Verb.NUMBER: self._answer_question,
            Verb.STATUS: self._status,
            Verb.PAY: self._pay,
            Verb.CHANGE: lambda letter: answer_change(letter.tx, letter.person, letter.command),
            Verb.CANCEL: lambda letter: answer_cancel(letter.tx, letter.person, letter.command),
            Verb.RECEIPT: lambda letter: answer_receipt(letter.tx, letter.person, letter.command),
            Verb.STATEMENT: self._statement,
            Verb.PROBLEM: lambda letter: answer_problem(letter.tx, letter.person, letter.command),
            Verb.UNKNOWN: self._unknown,
        }

    def handle(self, tx: Tx, sms: SmsIn) -> None:
        """Do what a message asks for and owe the sender an answer.

        A message whose sender is no phone (a short code, a name) gets none: two machines must not
        answer each other.
        """
        try:
            msisdn = parse_msisdn(sms.sender)
        except BadInput:
            return
        person = find_person(tx, msisdn)
        open_codes = _open_codes(tx, person)
        command = understand(sms.text, vendor=person.vendor_id is not None, open_codes=open_codes)
        letter = _Letter(tx, person, command)
        try:
            with tx.db.begin_nested():
                aside = answer_aside(tx, person, sms.text)
                answer = aside.answer if aside else self._handlers[command.verb](letter)
        except Refused as error:
            answer = why(error)
        if answer is None:
            return
        language = find_person(tx, msisdn).language
        text = plain(answer, language)
        key = f"sms:{sms.provider}:{sms.id}"
        outbox.add(tx, ANSWER_TOPIC, msisdn, {"text": text}, key=key)

    def _stop(self, letter: _Letter) -> T:
        opt_out(letter.tx, letter.msisdn, Purpose.OFFERS, via="sms")
        leave_all_lines(letter.tx, letter.msisdn)
        return t(
            "You will get no offers from us. SMS about your own bookings still come. "
            "START brings offers back."
        )

    def _start(self, letter: _Letter) -> T:
        opt_in(letter.tx, letter.msisdn)
        return t("Welcome back. You get our SMS again. STOP ends offers.")

    def _help(self, letter: _Letter) -> None:
        outbox.add(letter.tx, HELP_TOPIC, letter.msisdn, {})

    def _english(self, letter: _Letter) -> T:
        return self._speak(letter, Language.EN, t("From now on we write in English."))

    def _swahili(self, letter: _Letter) -> T:
        return self._speak(letter, Language.SW, t("From now on we write in Swahili."))

    def _speak(self, letter: _Letter, language: Language, answer: T) -> T:
        set_language(letter.tx, letter.msisdn, language)
        self._forget(letter.msisdn)
        return answer

    def _unknown(self, letter: _Letter) -> T:
        if letter.person.vendor_id is not None and letter.command.code:
            return t("Reply {code} 1 to accept or {code} 2 to decline.", code=letter.command.code)
        return t(
            "We did not understand. Reply HELP, STATUS code, PAY code or CANCEL code, or dial "
            "{dial}.",
            dial=self._ussd_code,
        )

    def _statement(self, letter: _Letter) -> None:
        """Owe a vendor the link to a month's statement: ``STATEMENT``, ``STATEMENT 10``."""
        owe_statement(letter.tx, letter.msisdn, _vendor_id(letter), letter.command.number)

    def _answer_question(self, letter: _Letter) -> T:
        question = _question(letter)
        number = letter.command.number or 0
        if question is None or not 1 <= number <= len(question.offered):
            return self._unknown(letter)
        verb = Verb(question.about)
        return self._settle(letter, verb, question.offered[number - 1])

    def _answer_request(self, letter: _Letter) -> T:
        """A vendor's yes or no: to the named request, the asked one, or the only one."""
        if letter.command.code is not None:
            return self._settle(letter, letter.command.verb, letter.command.code)
        if _question(letter) is not None and letter.command.number is not None:
            return self._answer_question(letter)
        waiting = _waiting(letter)
        if not waiting:
            return self._nothing_waits(letter)
        if len(waiting) == 1:
            return self._settle(letter, letter.command.verb, waiting[0].code)
        return self._which(letter, waiting)

    def _which(self, letter: _Letter, waiting: Sequence[_Waiting]) -> T:
        verb = letter.command.verb
        questions.ask(letter.tx, letter.msisdn, verb.value, [each.code for each in waiting])
        listed = [
            t(
                "{number}: {code} {day} {people}",
                number=number,
                code=each.code,
                day=each.day,
                people=words.people(each.people),
            )
            for number, each in enumerate(waiting, 1)
        ]
        if verb is Verb.ACCEPT:
            return t("Which one do you ACCEPT? Reply {list}", list=_joined(listed))
        return t("Which one do you DECLINE? Reply {list}", list=_joined(listed))

    def _nothing_waits(self, letter: _Letter) -> T:
        latest = codes_of_vendor(letter.tx, _vendor_id(letter), 1)
        if not latest:
            return t("No request waits for your answer.")
        view = booking_by_code(letter.tx, latest[0])
        return t(
            "No request waits for your answer. {code}: {state}.",
            code=view.booking.code,
            state=words.STATES[view.booking.state],
        )

    def _settle(self, letter: _Letter, verb: Verb, code: str) -> T:
        """Say yes or no to one request; late, double and contrary answers get the truth."""
        tx, vendor_id = letter.tx, _vendor_id(letter)
        view = booking_by_code(tx, code)
        if view.booking.vendor_id != vendor_id:
            raise BadInput("no_booking")
        questions.settled(tx, letter.msisdn)
        if view.booking.state is not State.REQUESTED:
            if asked_change(tx, view.booking) is not None:
                return settle_change(tx, view, vendor_id, yes=verb is Verb.ACCEPT)
            return _too_late(view)
        use_case = accept if verb is Verb.ACCEPT else decline
        try:
            with tx.db.begin_nested():
                use_case(tx, view.booking.id, vendor_id)
        except IllegalMove:
            # It was answered at this very moment, on the phone perhaps: say what is so now.
            tx.db.refresh(view.booking)
            return _too_late(view)
        if verb is Verb.ACCEPT:
            return t(
                "You accepted {code}, {day}. We asked the customer to pay. You get an SMS when "
                "it is paid.",
                code=code,
                day=view.booking.starts_on,
            )
        return t("You declined {code}, {day}.", code=code, day=view.booking.starts_on)

    def _status(self, letter: _Letter) -> T:
        if letter.command.code is None:
            found = bookings_of_customer(letter.tx, letter.msisdn, LISTED_MAX)
            if not found:
                return t("You have no bookings yet. Dial {dial}", dial=self._ussd_code)
            return _joined([_state_line(view) for view in found])
        view = booking_by_code(letter.tx, letter.command.code)
        if letter.command.code not in _own_codes(letter):
            raise BadInput("no_booking")
        return t(
            "{line}. {name}, {total}. Dial {dial}",
            line=_state_line(view),
            name=cut(view.listing.title),
            total=words.money_told(view.booking),
            dial=f"{self._ussd_code.rstrip('#')}*{view.booking.code}#",
        )

    def _pay(self, letter: _Letter) -> T:
        """Ask the sender's phone for the money; which booking is never guessed."""
        code = letter.command.code
        if code is None:
            mine = bookings_of_customer(letter.tx, letter.msisdn, MESSAGES_MAX)
            open_now = [v for v in mine if payable_now(letter.tx, v.booking) is not None]
            if len(open_now) != 1 or letter.command.guessed:
                return _which_to_pay(open_now)
            code = open_now[0].booking.code
        view = booking_by_code(letter.tx, code)
        payable = payable_now(letter.tx, view.booking)
        if payable is None:
            if code not in _own_codes(letter):
                raise BadInput("not_payable")  # A stranger learns nothing of a booking's state.
            return t(
                "{code}: {state}. There is nothing to pay now.",
                code=code,
                state=words.STATES[view.booking.state],
            )
        start_collection(letter.tx, view.booking.id, letter.msisdn)
        return t(
            "M-Pesa will ask you for {total} for {code}. Enter your PIN.",
            total=words.part_of(payable),
            code=code,
        )


def _waiting(letter: _Letter) -> list[_Waiting]:
    """What waits for a vendor's yes or no: requests, then changes of what is booked."""
    vendor_id = _vendor_id(letter)
    requests = [view.booking for view in requests_of_vendor(letter.tx, vendor_id, LISTED_MAX)]
    changes = changes_asked(letter.tx, vendor_id, LISTED_MAX)
    return [
        *(_Waiting(asked.code, asked.starts_on, asked.people) for asked in requests),
        *(
            _Waiting(each.view.booking.code, each.change.starts_on, each.change.people)
            for each in changes
        ),
    ][:LISTED_MAX]


def _vendor_id(letter: _Letter) -> UUID:
    if letter.person.vendor_id is None:
        raise BadInput("not_vendor")
    return letter.person.vendor_id


def _question(letter: _Letter) -> questions.Question | None:
    """The open question that a number can answer."""
    found = questions.open_question(letter.tx, letter.msisdn)
    return found if found is not None and found.about in NUMBERED else None


def _open_codes(tx: Tx, person: Person) -> list[str]:
    """The codes that a near miss may mean: what this person can answer, or has open."""
    codes = [view.booking.code for view in bookings_of_customer(tx, person.msisdn, MESSAGES_MAX)]
    if person.vendor_id is not None:
        codes += codes_of_vendor(tx, person.vendor_id, MESSAGES_MAX)
    return list(dict.fromkeys(codes))


def _own_codes(letter: _Letter) -> set[str]:
    return set(_open_codes(letter.tx, letter.person))


def _state_line(view: BookingView) -> T:
    return t(
        "{code} {day}: {state}",
        code=view.booking.code,
        day=view.booking.starts_on,
        state=words.state_of(view.booking),
    )


def _too_late(view: BookingView) -> T:
    told = {
        State.AWAITING_PAYMENT: t("You have accepted {code}. It waits for payment."),
        State.DECLINED: t("{code} was declined. It cannot be changed any more."),
        State.EXPIRED: t("{code}: the time to answer has run out."),
        State.CANCELLED: t("{code}: the customer cancelled."),
    }
    sentence = told.get(view.booking.state, t("{code} is accepted and paid."))
    return T(sentence.msgid, {"code": view.booking.code})


def _which_to_pay(open_now: list[BookingView]) -> T:
    if not open_now:
        return t("There is nothing to pay now.")
    codes = ", ".join(view.booking.code for view in open_now[:LISTED_MAX])
    return n(
        "Which one? Reply PAY and the code: {codes}",
        "Which one? Reply PAY and one of the codes: {codes}",
        len(open_now),
        codes=codes,
    )


def _joined(parts: list[T]) -> T:
    text = parts[0]
    for part in parts[1:]:
        text = t("{first}, {next}", first=text, next=part)
    return text
