"""Questions to vendors by SMS, both ways: ``ASK 4507 is there parking?``, then ``Q2 and words``.

Words without a code are passed on only when nothing else can be meant: the other side of one open
relay has just spoken, and they do not begin like a command.
"""

import re
from dataclasses import dataclass

from core.db.tx import Tx
from core.errors import BadInput
from core.ids import is_code
from core.people.usecases import Person
from core.relay.model import Speaker
from core.relay.queries import RelayView, open_relays
from core.relay.usecases import ask_vendor, reply
from sessions import commands
from sessions.texts import T, cut, t

RELAYS_MAX = 50
# Fewer words are more likely a slip than an answer.
WORDS_MIN = 3
ASK = {"ASK", "QUESTION", "ULIZA", "SWALI"}
COMMAND_WORDS = set().union(
    ASK,
    *commands.ALWAYS.values(),
    *commands.FREE.values(),
    *commands.ALONG.values(),
    {word for word in commands.YES | commands.NO if word.isdigit()},
    commands.STATUS,
    commands.PAY,
    commands.CARD,
    commands.CANCEL,
    commands.RECEIPT,
    commands.STATEMENT,
    commands.PROBLEM,
    commands.CHANGE,
)
_ASKED = re.compile(r"\W*(\w+)\W+(\d{4,5})\b\W*(.*)", re.DOTALL)
_NAMED = re.compile(r"\W*Q\s?(\d{1,3})\b\W*(.*)", re.DOTALL | re.IGNORECASE)
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Passed:
    """That a message was for the other side of a relay.

    Attributes:
        answer: what the sender is told; None for words that were said before, so that a machine
            is not answered for ever.
    """

    answer: T | None


def answer_relay(tx: Tx, person: Person, text: str, *, awaited: bool) -> Passed | None:
    """Pass on what a message says to the other side; None when it is for us.

    Args:
        tx: the caller's transaction.
        person: the sender.
        text: the message.
        awaited: something else waits for an answer of this sender: then only a code names a relay.

    Raises:
        Refused: what ``ask_vendor`` and ``reply`` say.
    """
    asked = _ASKED.fullmatch(text)
    if asked is not None and asked[1].upper() in ASK:
        ask_vendor(tx, person.msisdn, int(asked[2]), asked[3])
        return Passed(t("Sent. The answer comes by SMS. The vendor does not see your number."))
    named = _NAMED.fullmatch(text)
    if named is not None:
        return _reply(tx, person, _by_number(tx, person, int(named[1])), named[2])
    if awaited or not _is_talk(text):
        return None
    waiting = [view for view in open_relays(tx, person.msisdn, RELAYS_MAX) if view.is_asked]
    return _reply(tx, person, waiting[0], text) if len(waiting) == 1 else None


def _by_number(tx: Tx, person: Person, number: int) -> RelayView:
    for view in open_relays(tx, person.msisdn, RELAYS_MAX):
        if view.relay.number == number:
            return view
    raise BadInput("no_relay")


def _reply(tx: Tx, person: Person, view: RelayView, words: str) -> Passed:
    if not reply(tx, view.relay.id, person.msisdn, words):
        return Passed(None)
    if view.side is Speaker.VENDOR:
        return Passed(t("{relay}: sent to the customer.", relay=view.relay.code))
    business = cut(view.business)
    return Passed(t("{relay}: sent to {business}.", relay=view.relay.code, business=business))


def _is_talk(text: str) -> bool:
    words = [word.upper() for word in _WORDS.findall(text)]
    return (
        len(words) >= WORDS_MIN
        and words[0] not in COMMAND_WORDS
        and not any(is_code(word) for word in words)
    )
