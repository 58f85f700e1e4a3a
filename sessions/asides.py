"""What a message means because of what happened to its sender: looked at before the commands.

Stars are a review for whoever has something to review, a yes takes what was offered to whoever
waits for it, words are an answer to whoever was asked. To everybody else the same words are what
the desk makes of them.
"""

from dataclasses import dataclass

from core import questions
from core.booking.queries import changes_asked, requests_of_vendor
from core.db.tx import Tx
from core.people.usecases import Person
from sessions.relays import answer_relay
from sessions.reviews import answer_review
from sessions.texts import T
from sessions.waiting import answer_offer


@dataclass(frozen=True, slots=True)
class Aside:
    """That a message was understood here.

    Attributes:
        answer: what the sender is told; None when messages of their own tell it.
    """

    answer: T | None


def answer_aside(tx: Tx, person: Person, text: str, *, conversing: bool = False) -> Aside | None:
    """Do what a message means to its sender alone; None when it means nothing here.

    Args:
        tx: the caller's transaction.
        person: the sender.
        text: the message.
        conversing: a screen was sent to them last, which a number or bare words answer.

    Raises:
        Refused: what the use cases say.
    """
    awaited = conversing or _is_awaited(tx, person)
    for answer_of in (answer_review, answer_offer):
        answer = answer_of(tx, person, text, awaited=awaited)
        if answer is not None:
            return Aside(answer)
    passed = answer_relay(tx, person, text, awaited=awaited)
    return None if passed is None else Aside(passed.answer)


def _is_awaited(tx: Tx, person: Person) -> bool:
    """Tell whether a bare yes, no or number of this sender answers something else."""
    if questions.open_question(tx, person.msisdn) is not None:
        return True
    vendor_id = person.vendor_id
    return vendor_id is not None and bool(
        requests_of_vendor(tx, vendor_id, 1) or changes_asked(tx, vendor_id, 1)
    )
