"""The SMS desk: does what a message asks for and owes the answer, in one transaction.

A bare number answers what was asked last: the question which request is meant, else a request
that came after the last screen of a conversation, else that screen. Words that are commands are
commands whatever is open, but for an answer in free words (decision 0025).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from core import outbox, questions, talks
from core.booking.queries import (
    BookingView,
    booking_by_code,
    bookings_of_customer,
    codes_of_vendor,
)
from core.db.tx import Tx
from core.errors import BadInput, Refused
from core.msisdn import parse_msisdn
from core.payouts.freeze import freeze_by_phone
from core.people.model import Language, Purpose, Role
from core.people.usecases import Person, Said, find_person, opt_in, opt_out, set_language
from core.ports.messages import SmsIn
from core.talks import Channel, OpenTalk
from core.waitlist.usecases import leave_all_lines
from sessions.asides import answer_aside
from sessions.cancelling import answer_cancel
from sessions.changing import answer_change
from sessions.commands import ALONG, ALWAYS, HIDDEN, Command, Verb, understand
from sessions.flows import words
from sessions.flows.everything import build_flow
from sessions.hooks import CoreHooks
from sessions.notices.render import ANSWER_TOPIC, HELP_TOPIC
from sessions.papers import answer_receipt, owe_statement
from sessions.paying import answer_card, answer_pay
from sessions.problems import answer_problem
from sessions.requests import (
    answer_number,
    answer_request,
    asked,
    may_answer,
    vendor_of,
    waiting,
)
from sessions.restraint import Heard, Restraint, Unrestrained, Verdict
from sessions.searching import Searching, question_of
from sessions.support import answer_ticket
from sessions.talking import Talking, Turn
from sessions.texts import T, Text, cut, joined, plain, t, why

LISTED_MAX = 5
MESSAGES_MAX = 20
SILENT = (Verdict.FLOOD, Verdict.LOOP)
TOO_MANY = t(
    "You wrote very often. We read on in an hour. What was done stays done. STOP always works."
)

PIN_SENT = t(
    "Never send a PIN by SMS, to us or anybody. We have not kept it. M-Pesa asks for it on your "
    "phone only. For a listing reply BOOK and its number."
)

UNFINISHED = t(
    "Only a part of your long SMS came to us, so we did nothing with it. Please send it again, "
    "shorter."
)


@dataclass(frozen=True, slots=True)
class _Letter:
    """One message with its sender, and the conversation that they have open."""

    tx: Tx
    person: Person
    command: Command
    talk: OpenTalk
    turn: Turn
    sms: SmsIn

    @property
    def msisdn(self) -> str:
        return self.person.msisdn


class SmsDesk:
    """Answers messages.

    Args:
        ussd_code: what our answers say to dial.
        forget: called with a number whose language has changed, so that its next call is asked
            about anew.
        restraint: decides who is answered how often.
        ours: our own numbers: what comes from one of them is our own message.
        count: told what became of each message, for metrics.
    """

    def __init__(
        self,
        ussd_code: str,
        forget: Callable[[str], None] = lambda _msisdn: None,
        restraint: Restraint | None = None,
        ours: Collection[str] = (),
        count: Callable[[str], None] = lambda _verdict: None,
    ) -> None:
        self._ussd_code = ussd_code
        self._forget = forget
        self._restraint = restraint or Unrestrained()
        self._ours = frozenset(ours)
        self._count = count
        talking = Talking(build_flow(), CoreHooks(), ussd_code)
        self._searching = Searching(talking, ussd_code)
        self._handlers: Mapping[Verb, Callable[[_Letter], Text | None]] = {
            Verb.STOP: self._stop,
            Verb.START: self._start,
            Verb.FREEZE: self._freeze,
            Verb.HELP: self._help,
            Verb.ENGLISH: self._english,
            Verb.SWAHILI: self._swahili,
            Verb.ACCEPT: self._answer_request,
            Verb.DECLINE: self._answer_request,
            Verb.NUMBER: self._answer_number,
            Verb.STATUS: self._status,
            Verb.PAY: lambda letter: answer_pay(letter.tx, letter.person, letter.command),
            Verb.CARD: lambda letter: answer_card(letter.tx, letter.person, letter.command),
            Verb.CHANGE: lambda letter: answer_change(letter.tx, letter.person, letter.command),
            Verb.CANCEL: lambda letter: answer_cancel(letter.tx, letter.person, letter.command),
            Verb.RECEIPT: lambda letter: answer_receipt(letter.tx, letter.person, letter.command),
            Verb.STATEMENT: self._statement,
            Verb.PROBLEM: lambda letter: answer_problem(letter.tx, letter.person, letter.command),
            Verb.TICKET: lambda letter: answer_ticket(letter.tx, letter.msisdn, letter.command),
            Verb.FIND: self._in_conversation,
            Verb.BOOK: self._in_conversation,
            Verb.WAIT: self._in_conversation,
            Verb.MENU: self._in_conversation,
            Verb.MORE: self._in_conversation,
            Verb.BACK: self._in_conversation,
            Verb.GO: self._in_conversation,
            Verb.PIN: lambda _letter: PIN_SENT,
            Verb.UNKNOWN: self._unknown,
        }

    def handle(self, tx: Tx, sms: SmsIn) -> None:
        """Do what a message asks for and owe the sender an answer.

        A message whose sender is no phone (a short code, a name), or is ourselves, gets none: two
        machines must not answer each other.
        """
        msisdn = self._to_answer(sms)
        if msisdn is None:
            return
        person = find_person(tx, msisdn)
        open_codes = _open_codes(tx, person)
        command = understand(sms.text, vendor=person.vendor_id is not None, open_codes=open_codes)
        name = f"{sms.provider}:{sms.id}"
        turn = Turn(tx, name, Channel.SMS)
        talk = talks.claim(tx, msisdn, Channel.SMS)
        talk.channel = Channel.SMS
        letter = _Letter(tx, person, command, talk, turn, sms)
        answers = _is_answer(letter)
        understood = answers or command.verb is not Verb.UNKNOWN
        verdict = self._judge(Heard(msisdn, name, sms.text, understood, tx.now))
        answer: Text | None = None
        if verdict is Verdict.ANSWER or command.verb is Verb.STOP:
            handler = self._answered if answers else self._handlers[command.verb]
            answer = self._done(lambda each: _aside_or(handler, each), letter)
        if verdict is Verdict.TELL:
            answer = TOO_MANY
        if verdict in SILENT or answer is None:
            return
        said = [answer]
        if HIDDEN in sms.text and command.verb is not Verb.PIN:
            said.append(PIN_SENT)
        _owe(tx, msisdn, name, said)

    def handle_unfinished(self, tx: Tx, sms: SmsIn) -> None:
        """Owe the sender of a long message a word that only a part of it came, and do nothing.

        Args:
            tx: the caller's transaction.
            sms: with what came of its text.
        """
        msisdn = self._to_answer(sms)
        if msisdn is None:
            return
        name = f"{sms.provider}:{sms.id}"
        verdict = self._judge(Heard(msisdn, name, sms.text, understood=False, now=tx.now))
        if verdict in SILENT:
            return
        said = [TOO_MANY if verdict is Verdict.TELL else UNFINISHED]
        if HIDDEN in sms.text:
            said.append(PIN_SENT)
        _owe(tx, msisdn, name, said)

    def _to_answer(self, sms: SmsIn) -> str | None:
        """Return whom a message is from; None when it is nobody who is answered."""
        try:
            msisdn = parse_msisdn(sms.sender)
        except BadInput:
            return None
        if msisdn in self._ours or sms.sender == sms.to:
            self._count("own")
            return None
        return msisdn

    def _judge(self, heard: Heard) -> Verdict:
        verdict = self._restraint.judge(heard)
        self._count(verdict.value)
        return verdict

    def _done(self, handler: Callable[[_Letter], Text | None], letter: _Letter) -> Text | None:
        """Do what is asked for, or nothing of it and say why."""
        try:
            with letter.tx.db.begin_nested():
                return handler(letter)
        except Refused as error:
            return why(error)

    def _answered(self, letter: _Letter) -> Text | None:
        """The screen that was sent last is answered."""
        answer = self._searching.answer(letter.turn, letter.talk, letter.sms.text)
        return self._asked(letter, answer)

    def _in_conversation(self, letter: _Letter) -> Text | None:
        """A word that begins a conversation, or leads through one."""
        answer = self._searching.lead(letter.turn, letter.talk, letter.command)
        return self._unknown(letter) if answer is None else self._asked(letter, answer)

    def _asked(self, letter: _Letter, answer: Text | None) -> Text | None:
        """A screen takes the place of whatever else a number would have answered."""
        if asked(letter.tx, letter.person) is not None:
            questions.settled(letter.tx, letter.msisdn)
        return answer

    def _stop(self, letter: _Letter) -> T:
        opt_out(letter.tx, letter.msisdn, Purpose.OFFERS, _said(letter))
        leave_all_lines(letter.tx, letter.msisdn)
        return t(
            "You will get no offers from us. SMS about your own bookings still come. "
            "START brings offers back."
        )

    def _start(self, letter: _Letter) -> T:
        opt_in(letter.tx, letter.msisdn, _said(letter), [Purpose.OFFERS])
        return t("Welcome back. You get our SMS again. STOP ends offers.")

    def _freeze(self, letter: _Letter) -> T:
        freeze_by_phone(letter.tx, letter.msisdn)
        return t(
            "Stopped: nothing is paid out until we have spoken to you. We will call you, or call "
            "us."
        )

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
        code = letter.command.code
        if code is not None and letter.person.vendor_id is not None:
            if may_answer(letter.tx, letter.person, code):
                return t("Reply {code} 1 to accept or {code} 2 to decline.", code=code)
            if code in _own_codes(letter):
                return self._status(letter)  # It says what to dial, for a guest's PIN or more.
        return t(
            "We did not understand. Reply HELP, FIND hall Nakuru 25/12 80, STATUS code, PAY code "
            "or CANCEL code, or dial {dial}.",
            dial=self._ussd_code,
        )

    def _statement(self, letter: _Letter) -> None:
        """Owe a vendor the link to a month's statement: ``STATEMENT``, ``STATEMENT 10``."""
        if letter.person.role is Role.STAFF:
            raise BadInput("owner_only")
        owe_statement(letter.tx, letter.msisdn, vendor_of(letter.person), letter.command.number)

    def _answer_request(self, letter: _Letter) -> T:
        told = answer_request(letter.tx, letter.person, letter.command)
        return self._unknown(letter) if told is None else told

    def _answer_number(self, letter: _Letter) -> T:
        told = answer_number(letter.tx, letter.person, letter.command)
        return self._unknown(letter) if told is None else told

    def _status(self, letter: _Letter) -> T:
        if letter.command.code is None:
            found = bookings_of_customer(letter.tx, letter.msisdn, LISTED_MAX)
            if not found:
                return t(
                    "You have no bookings yet. Reply FIND or dial {dial}", dial=self._ussd_code
                )
            return joined([_state_line(view) for view in found])
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


def _owe(tx: Tx, msisdn: str, name: str, said: Sequence[Text]) -> None:
    """Owe the sender of the message of this name our answers."""
    language = find_person(tx, msisdn).language
    for number, each in enumerate(said):
        key = f"sms:{name}:{number}" if number else f"sms:{name}"
        outbox.add(tx, ANSWER_TOPIC, msisdn, {"text": plain(each, language)}, key=key)


def _is_answer(letter: _Letter) -> bool:
    """Tell whether a message answers the screen that was sent last, rather than being a command.

    An answer in free words may hold any word; otherwise only what is no command is one.
    """
    command, talk = letter.command, letter.talk
    if not talks.is_open(talk, letter.tx.now):
        return False
    if command.verb in {*ALWAYS, *ALONG, Verb.TICKET, Verb.PIN}:
        return False
    question = question_of(talk)
    if question is not None and question.free_text:
        return True
    match command.verb:
        case Verb.UNKNOWN:
            answers = command.code not in _own_codes(letter)
        case Verb.NUMBER:
            answers = asked(letter.tx, letter.person) is None
        case Verb.ACCEPT | Verb.DECLINE:
            bare = command.number is not None and command.code is None
            answers = bare and _is_older(letter)
        case Verb.FIND | Verb.BOOK | Verb.WAIT:
            answers = command.guessed and question is not None
        case Verb.STATUS:
            # A day such as 25DEC has the form of a code.
            alone = command.code is not None and len(letter.sms.text.split()) == 1
            known = letter.sms.text.strip().upper() in _own_codes(letter)
            answers = question is not None and alone and not known
        case _:
            answers = False
    return answers


def _aside_or(handler: Callable[[_Letter], Text | None], letter: _Letter) -> Text | None:
    """Do what a message means to its sender alone, else what it means to everybody.

    A word that always counts and an answer in free words are what they are.
    """
    question = question_of(letter.talk) if talks.is_open(letter.talk, letter.tx.now) else None
    free = question is not None and question.free_text
    if free or letter.command.verb in {*ALWAYS, Verb.TICKET, Verb.PIN}:
        return handler(letter)
    conversing = talks.is_open(letter.talk, letter.tx.now)
    aside = answer_aside(letter.tx, letter.person, letter.sms.text, conversing=conversing)
    return handler(letter) if aside is None else aside.answer


def _is_older(letter: _Letter) -> bool:
    """Tell whether all that waits for a vendor's answer was asked before the last screen."""
    if asked(letter.tx, letter.person) is not None:
        return False
    return all(each.since < letter.talk.asked_at for each in waiting(letter.tx, letter.person))


def _said(letter: _Letter) -> Said:
    """The proof of a wish: which message, and its words."""
    sms = letter.sms
    return Said("sms", f"{sms.provider} {sms.id}", sms.text)


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
