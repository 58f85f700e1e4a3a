"""Answers by SMS to what became free: ``YES 4507`` books it, ``NO 4507`` gives the place up.

The number is the listing's. Without it a yes counts when one offer alone can be meant.
"""

import re

from core.booking.changes import payable_now
from core.catalog.queries import details
from core.db.tx import Tx
from core.money import Money
from core.payments.collections import first_collection
from core.people.usecases import Person
from core.waitlist.lifecycle import OPEN, WaitState
from core.waitlist.queries import WaitView, offers_lately
from core.waitlist.usecases import Answer, Taken, leave_line, take_offer
from sessions.commands import NO, SURE
from sessions.flows import words
from sessions.texts import T, cut, t

OFFERS_MAX = 20
# No figure: it could answer another question.
REFUSED = {word for word in NO if not word.isdigit()}
_WORDS = re.compile(r"\w+")


def answer_offer(tx: Tx, person: Person, text: str, *, awaited: bool) -> T | None:
    """Return the answer to a yes or no to an offer, and do what it says; None when it is none.

    Args:
        tx: the caller's transaction.
        person: the sender.
        text: the message.
        awaited: a bare yes or no of this sender answers something else.

    Raises:
        Refused: what ``take_offer`` says.
    """
    said = [word.upper() for word in _WORDS.findall(text)]
    numbers = [word for word in said if word.isdigit()]
    yes, no = bool({*said} & SURE), bool({*said} & REFUSED)
    if yes == no or len(said) != 1 + len(numbers) or len(numbers) > 1:
        return None
    if awaited and not numbers:
        return None
    lately = offers_lately(tx, person.msisdn, OFFERS_MAX)
    meant = [view for view in lately if [str(view.listing.number)] == numbers or not numbers]
    if not meant:
        return None
    still = [view for view in meant if view.wait.state is WaitState.OFFERED]
    if len(still) > 1:
        return _which(still, yes=yes)
    view = (still or meant)[0]
    return _yes(tx, person, view) if yes else _no(tx, person, view)


def _which(found: list[WaitView], *, yes: bool) -> T:
    numbers = ", ".join(dict.fromkeys(str(view.listing.number) for view in found))
    if yes:
        return t("Which one? Reply YES and one of the numbers: {numbers}", numbers=numbers)
    return t("Which one? Reply NO and one of the numbers: {numbers}", numbers=numbers)


def _no(tx: Tx, person: Person, view: WaitView) -> T:
    if view.wait.state in OPEN:
        leave_line(tx, view.wait.id, person.msisdn)
    return t("You no longer wait for {name}.", name=cut(view.listing.title))


def _yes(tx: Tx, person: Person, view: WaitView) -> T:
    name = cut(view.listing.title)
    if view.wait.state is WaitState.TAKEN:
        return t("{name} is booked already. Reply STATUS to see it.", name=name)
    taken = take_offer(tx, view.wait.id, person.msisdn)
    match taken.answer:
        case Answer.MISSED:
            return t("Sorry, {name} has just been taken. You stay first in line.", name=name)
        case Answer.DEARER:
            assert taken.wait.total_cents is not None, "an offer has a price"
            return t(
                "{name} now costs {total}. To book it reply YES {number}",
                name=name,
                total=Money(taken.wait.total_cents),
                number=str(view.listing.number),
            )
        case Answer.BOOKED:
            return _booked(tx, person, taken)


def _booked(tx: Tx, person: Person, taken: Taken) -> T:
    made = taken.booking
    assert made is not None, "what is booked has a booking"
    payable = payable_now(tx, made)
    if payable is None:
        return t(
            "Sent to {business}. They answer by SMS by {by}. You pay nothing before that. Your "
            "code: {code}",
            business=cut(details(tx, made.listing_id).business),
            by=made.due_at,
            code=made.code,
        )
    first_collection(tx, made, person.msisdn)
    return t(
        "M-Pesa will ask you for {total} for {code}, by {by}. Enter your PIN.",
        total=words.part_of(payable),
        code=made.code,
        by=payable.by,
    )
