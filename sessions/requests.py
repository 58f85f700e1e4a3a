"""A vendor's answers by SMS: yes or no to a request or a change, and which one when several wait.

Late, double and contrary answers get the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from core import questions
from core.booking.lifecycle import State
from core.booking.queries import (
    BookingView,
    booking_by_code,
    changes_asked,
    codes_of_vendor,
    requests_of_vendor,
)
from core.booking.usecases import accept, decline
from core.db.tx import Tx
from core.errors import BadInput, IllegalMove
from core.people.deeds import Deed, note
from core.people.usecases import Person
from sessions.changing import asked_change, settle_change
from sessions.commands import Command, Verb
from sessions.flows import words
from sessions.texts import T, joined, t

LISTED_MAX = 5
NUMBERED = (Verb.ACCEPT, Verb.DECLINE)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request, or a change, that a vendor can say yes or no to; since when it waits."""

    code: str
    day: date
    people: int
    since: datetime


def answer_number(tx: Tx, person: Person, command: Command) -> T | None:
    """Answer which request was meant; None when that was not asked, or has no such number."""
    question = asked(tx, person)
    number = command.number or 0
    if question is None or not 1 <= number <= len(question.offered):
        return None
    return _settle(tx, person, Verb(question.about), question.offered[number - 1])


def answer_request(tx: Tx, person: Person, command: Command) -> T | None:
    """Take a vendor's yes or no: to the named request, the asked one, or the only one.

    Returns:
        the answer; None for a number that was not offered.

    Raises:
        BadInput: ``not_vendor``, ``no_booking``.
        Refused: what accepting says.
    """
    if command.code is not None:
        return _settle(tx, person, command.verb, command.code)
    if asked(tx, person) is not None and command.number is not None:
        return answer_number(tx, person, command)
    found = waiting(tx, person)
    if not found:
        return _nothing_waits(tx, person)
    if len(found) == 1:
        return _settle(tx, person, command.verb, found[0].code)
    return _which(tx, person, command.verb, found)


def asked(tx: Tx, person: Person) -> questions.Question | None:
    """Return the open question that a number can answer."""
    found = questions.open_question(tx, person.msisdn)
    return found if found is not None and found.about in NUMBERED else None


def waiting(tx: Tx, person: Person) -> list[Waiting]:
    """Return what waits for a vendor's yes or no: requests, then changes of what is booked.

    Raises:
        BadInput: ``not_vendor``.
    """
    vendor_id = vendor_of(person)
    requests = [view.booking for view in requests_of_vendor(tx, vendor_id, LISTED_MAX)]
    changes = changes_asked(tx, vendor_id, LISTED_MAX)
    return [
        *(Waiting(each.code, each.starts_on, each.people, each.created_at) for each in requests),
        *(
            Waiting(
                each.view.booking.code,
                each.change.starts_on,
                each.change.people,
                each.change.created_at,
            )
            for each in changes
        ),
    ][:LISTED_MAX]


def may_answer(tx: Tx, person: Person, code: str) -> bool:
    """Tell whether a booking waits for a vendor's yes or no; raises BadInput (``no_booking``)."""
    booking = booking_by_code(tx, code).booking
    if booking.vendor_id != person.vendor_id:
        return False
    return booking.state is State.REQUESTED or asked_change(tx, booking) is not None


def vendor_of(person: Person) -> UUID:
    """Return whose vendor somebody is; raises BadInput (``not_vendor``)."""
    if person.vendor_id is None:
        raise BadInput("not_vendor")
    return person.vendor_id


def _which(tx: Tx, person: Person, verb: Verb, found: Sequence[Waiting]) -> T:
    questions.ask(tx, person.msisdn, verb.value, [each.code for each in found])
    listed = [
        t(
            "{number}: {code} {day} {people}",
            number=number,
            code=each.code,
            day=each.day,
            people=words.people(each.people),
        )
        for number, each in enumerate(found, 1)
    ]
    if verb is Verb.ACCEPT:
        return t("Which one do you ACCEPT? Reply {list}", list=joined(listed))
    return t("Which one do you DECLINE? Reply {list}", list=joined(listed))


def _nothing_waits(tx: Tx, person: Person) -> T:
    latest = codes_of_vendor(tx, vendor_of(person), 1)
    if not latest:
        return t("No request waits for your answer.")
    view = booking_by_code(tx, latest[0])
    return t(
        "No request waits for your answer. {code}: {state}.",
        code=view.booking.code,
        state=words.STATES[view.booking.state],
    )


def _settle(tx: Tx, person: Person, verb: Verb, code: str) -> T:
    """Say yes or no to one request; late, double and contrary answers get the truth."""
    vendor_id = vendor_of(person)
    view = booking_by_code(tx, code)
    if view.booking.vendor_id != vendor_id:
        raise BadInput("no_booking")
    questions.settled(tx, person.msisdn)
    deed = Deed.ACCEPTED if verb is Verb.ACCEPT else Deed.DECLINED
    if view.booking.state is not State.REQUESTED:
        if asked_change(tx, view.booking) is not None:
            note(tx, vendor_id, person.id, deed, code)
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
    note(tx, vendor_id, person.id, deed, code)
    if verb is Verb.ACCEPT:
        return t(
            "You accepted {code}, {day}. We asked the customer to pay. You get an SMS when "
            "it is paid.",
            code=code,
            day=view.booking.starts_on,
        )
    return t("You declined {code}, {day}.", code=code, day=view.booking.starts_on)


def _too_late(view: BookingView) -> T:
    told = {
        State.AWAITING_PAYMENT: t("You have accepted {code}. It waits for payment."),
        State.DECLINED: t("{code} was declined. It cannot be changed any more."),
        State.EXPIRED: t("{code}: the time to answer has run out."),
        State.CANCELLED: t("{code}: the customer cancelled."),
    }
    sentence = told.get(view.booking.state, t("{code} is accepted and paid."))
    return T(sentence.msgid, {"code": view.booking.code})
