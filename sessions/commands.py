"""What an SMS asks for: words to a command. Pure; thick fingers are expected.

Order: words that always count (stop, start, help, language), then problems, tickets and searches,
whose words are free, then what leads through a conversation, then a vendor's answers, then a
customer's commands. A booking code may stand before or after, in
any case, glued to the answer, or with one wrong letter when it is about one of the codes that are
open for this person.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.ids import is_code

WORDS_MAX = 20
# What stands where a PIN was.
HIDDEN = "****"
_LISTING = re.compile(r"\b\d{4,5}\b")
_FIRST_WORD = re.compile(r"\W*(\w+)\W*(.*)", re.DOTALL)


class Verb(StrEnum):
    """What is asked for."""

    STOP = "stop"
    START = "start"
    FREEZE = "freeze"
    """Pay this vendor nothing more: somebody else may have their phone."""
    HELP = "help"
    ENGLISH = "english"
    SWAHILI = "swahili"
    ACCEPT = "accept"
    DECLINE = "decline"
    STATUS = "status"
    PAY = "pay"
    CARD = "card"
    CANCEL = "cancel"
    RECEIPT = "receipt"
    STATEMENT = "statement"
    PROBLEM = "problem"
    CHANGE = "change"
    PIN = "pin"
    """A PIN was in it; it was hidden before anybody saw it."""
    TICKET = "ticket"
    """Help, with what it is about."""
    FIND = "find"
    BOOK = "book"
    WAIT = "wait"
    """Get in line for a day that is full."""
    MORE = "more"
    BACK = "back"
    MENU = "menu"
    GO = "go"
    NUMBER = "number"
    """A bare number that can only be an answer to a question."""
    UNKNOWN = "unknown"


ALWAYS = {
    Verb.STOP: {"STOP", "ACHA", "SITISHA", "UNSUBSCRIBE", "ONDOA"},
    Verb.START: {"START", "ANZA", "RUDISHA"},
    Verb.FREEZE: {"FREEZE", "ZUIA"},
    Verb.HELP: {"HELP", "MSAADA", "USAIDIZI", "INFO"},
    Verb.ENGLISH: {"ENGLISH", "KIINGEREZA"},
    Verb.SWAHILI: {"SWAHILI", "KISWAHILI"},
}
# Only offers can be stopped: news of one's own bookings is what they are made by.
OFFERS = {"OFFERS", "OFFER", "OFA", "MATANGAZO"}
# These stand first, and what follows is what is wanted.
FREE = {
    Verb.FIND: {"FIND", "SEARCH", "TAFUTA", "NATAFUTA"},
    Verb.BOOK: {"BOOK", "AGIZA", "WEKA", "HIFADHI"},
    Verb.WAIT: {"WAIT", "NGOJA", "SUBIRI"},
    Verb.TICKET: ALWAYS[Verb.HELP],
}
# These stand alone, and lead through a conversation.
ALONG = {
    Verb.MORE: {"MORE", "ZAIDI"},
    Verb.BACK: {"BACK", "RUDI", "NYUMA"},
    Verb.MENU: {"MENU", "HOME", "MWANZO"},
    Verb.GO: {"GO", "ENDELEA", "CONTINUE"},
}
YES = {"1", "YES", "Y", "NDIYO", "NDIO", "ACCEPT", "KUBALI", "NAKUBALI", "OK", "OKAY", "SAWA"}
NO = {"2", "NO", "N", "HAPANA", "LA", "DECLINE", "KATAA", "NAKATAA", "REJECT"}
STATUS = {"STATUS", "HALI", "STATUSI"}
PAY = {"PAY", "LIPA", "LIPIA"}
CARD = {"CARD", "KADI"}
CANCEL = {"CANCEL", "GHAIRI", "KUGHAIRI", "BATILISHA", "FUTA"}
RECEIPT = {"RECEIPT", "RECEIPTS", "RISITI", "STAKABADHI"}
STATEMENT = {"STATEMENT", "TAARIFA"}
# What somebody tells us is kept although a PIN was in it; nothing else is done then.
TOLD_US = (Verb.PROBLEM, Verb.TICKET)
# What only a vendor says; somebody else is told so.
VENDORS = {
    Verb.ACCEPT: {"ACCEPT", "KUBALI", "NAKUBALI"},
    Verb.DECLINE: {"DECLINE", "KATAA", "NAKATAA", "REJECT"},
    Verb.STATEMENT: STATEMENT,
}
# Neither money nor a paper is guessed at: a code with a wrong letter is asked back.
NEVER_GUESSED = {Verb.CARD: CARD, Verb.PAY: PAY, Verb.RECEIPT: RECEIPT}
PROBLEM = {"PROBLEM", "SHIDA", "TATIZO", "COMPLAINT", "MALALAMIKO", "LALAMIKO"}
SOLVED = {"SOLVED", "SETTLED", "IMETATULIWA", "IMEISHA"}
CHANGE = {"CHANGE", "BADILI", "BADILISHA", "KUBADILI"}
# A cancellation or change is confirmed in a word, not in a figure that may answer another thing.
SURE = {"YES", "NDIYO", "NDIO"}


@dataclass(frozen=True, slots=True)
class Command:
    """What was understood.

    Attributes:
        verb: what is asked for.
        code: the booking it is about, when one was named.
        number: a bare number, for an open question.
        guessed: the code was not typed exactly so.
        sure: a cancellation or a change was confirmed in the same message.
        wish: of a change: the day and people as they were typed.
        words: what is told about a problem, asked of us or wanted, as it was written.
    """

    verb: Verb
    code: str | None = None
    number: int | None = None
    guessed: bool = False
    sure: bool = False
    words: str = ""
    wish: str = ""


def understand(text: str, *, vendor: bool, open_codes: Sequence[str] = ()) -> Command:
    """Return what a message asks for.

    Args:
        text: the message as it came.
        vendor: whether the sender may answer requests.
        open_codes: codes that a near miss may mean.
    """
    typed = _words(text)
    for verb, words in ALWAYS.items():
        if len(typed) == 1 and typed[0] in words:
            return Command(verb)
    if len(typed) == 2 and typed[1] in OFFERS:
        for verb in (Verb.STOP, Verb.START):
            if typed[0] in ALWAYS[verb]:
                return Command(verb)
    told = _problem(text, open_codes) or _free(text) or _along(typed)
    if HIDDEN in text and (told is None or told.verb not in TOLD_US):
        return Command(Verb.PIN)
    if told is not None:
        return told
    code, rest, guessed = _take_code(typed, open_codes)
    if set(rest) & CHANGE:
        return _change(text, None if guessed else code, rest, guessed=guessed)
    understood = _about_booking(code, rest, vendor=vendor, guessed=guessed)
    return _slipped(text) or understood if understood.verb is Verb.UNKNOWN else understood


def _free(text: str) -> Command | None:
    """A message whose first word says what the others are for."""
    first, rest = _first_word(text)
    for verb, words in FREE.items():
        if first in words:
            return Command(verb, words=rest)
    return None


def _slipped(text: str) -> Command | None:
    """A search, a booking or a wait whose first word was mistyped; all only lead to a question.

    ``WHAT`` is a letter off ``WAIT``: without a listing's number it is left alone.
    """
    first, rest = _first_word(text)
    for verb in (Verb.FIND, Verb.BOOK, Verb.WAIT):
        if rest and any(one_slip(first, word) for word in FREE[verb]):
            if verb is Verb.WAIT and not _LISTING.search(rest):
                continue
            return Command(verb, guessed=True, words=rest)
    return None


def _along(typed: list[str]) -> Command | None:
    for verb, words in ALONG.items():
        if len(typed) == 1 and typed[0] in words:
            return Command(verb)
    return None


def _change(text: str, code: str | None, rest: list[str], *, guessed: bool) -> Command:
    """A change, with what is left of the message: dates keep their strokes and dots."""
    wish = set(rest) - CHANGE - SURE
    left = [piece for piece in text.split() if set(_words(piece)) & wish]
    sure = bool(set(rest) & SURE)
    return Command(Verb.CHANGE, code, guessed=guessed, sure=sure, wish=" ".join(left[:WORDS_MAX]))


def _about_booking(code: str | None, rest: list[str], *, vendor: bool, guessed: bool) -> Command:
    said = set(rest)
    for verb, words in NEVER_GUESSED.items():
        if said & words:
            return Command(verb, None if guessed else code, guessed=guessed)
    if said & CANCEL:
        sure = bool(said & SURE) and not said & NO
        return Command(Verb.CANCEL, None if guessed else code, guessed=guessed, sure=sure)
    if said & STATUS or (code is not None and not rest):
        return Command(Verb.STATUS, code, guessed=guessed)
    if vendor:
        return _as_vendor(code, rest, guessed=guessed)
    for verb, words in VENDORS.items():
        if len(rest) == 1 and said & words:
            return Command(verb, code)
    return _as_number(code, rest)


def _as_vendor(code: str | None, rest: list[str], *, guessed: bool) -> Command:
    said = set(rest)
    if said & YES or said & NO:
        verb = Verb.ACCEPT if said & YES else Verb.DECLINE
        contrary = bool(said & YES and said & NO)
        return Command(Verb.UNKNOWN if contrary else verb, code, _number(rest), guessed)
    if said & STATEMENT:
        return Command(
            Verb.STATEMENT, number=_number([word for word in rest if word not in STATEMENT])
        )
    return _as_number(code, rest)


def _as_number(code: str | None, rest: list[str]) -> Command:
    number = _number(rest)
    return Command(Verb.NUMBER, code, number) if number else Command(Verb.UNKNOWN, code)


def _problem(text: str, open_codes: Sequence[str]) -> Command | None:
    """A message that begins with the word and a code, in either order; the rest is told freely.

    Therefore it comes first: what is told may hold a yes, a no or the name of another command.
    """
    first, rest = _first_word(text)
    if first not in PROBLEM:
        code = first
        first, rest = _first_word(rest)
        if first not in PROBLEM or not is_code(code):
            return None
    else:
        code, after = _first_word(rest)
        if not (is_code(code) or _nearest(code, open_codes)):
            return Command(Verb.PROBLEM, words=rest)
        rest = after
    if code not in open_codes and _nearest(code, open_codes):
        return Command(Verb.PROBLEM, guessed=True, words=rest)
    return Command(Verb.PROBLEM, code, words=rest)


def _first_word(text: str) -> tuple[str, str]:
    found = _FIRST_WORD.match(text)
    return (found[1].upper(), found[2].strip()) if found else ("", "")


def _words(text: str) -> list[str]:
    kept = "".join(ch if ch.isalnum() else " " for ch in text.upper())
    return kept.split()[:WORDS_MAX]


def _take_code(typed: list[str], open_codes: Sequence[str]) -> tuple[str | None, list[str], bool]:
    """Find the code among the words: exact, glued to its answer, or one letter off."""
    # A date such as 25DEC has the form of a code; a code that is open is one for certain.
    for i, word in sorted(enumerate(typed), key=lambda item: item[1] not in open_codes):
        rest = typed[:i] + typed[i + 1 :]
        if is_code(word):
            near = word if word in open_codes else _nearest(word, open_codes)
            return (near or word), rest, near is not None and near != word
        for piece, answer in ((word[:-1], word[-1:]), (word[1:], word[:1])):
            if is_code(piece) and answer in {"1", "2"} and piece in open_codes:
                return piece, [*rest, answer], False
    for i, word in enumerate(typed):
        near = _nearest(word, open_codes)
        if near is not None:
            return near, typed[:i] + typed[i + 1 :], True
    return None, typed, False


def _nearest(word: str, codes: Sequence[str]) -> str | None:
    """The one open code that differs from a word by one letter, a swap or a slip; else None."""
    known = YES | NO | STATUS | PAY | CARD | CANCEL | CHANGE | RECEIPT | STATEMENT
    if len(word) < 4 or word in known:
        return None
    close = [code for code in codes if one_slip(word, code)]
    return close[0] if len(close) == 1 else None


def one_slip(typed: str, code: str) -> bool:
    """Tell whether two words differ by one letter, too many or too few, or by a swap."""
    if abs(len(typed) - len(code)) > 1:
        return False
    if len(typed) == len(code):
        wrong = [i for i, (a, b) in enumerate(zip(typed, code, strict=True)) if a != b]
        swapped = (
            len(wrong) == 2
            and wrong[1] == wrong[0] + 1
            and typed[wrong[0]] == code[wrong[1]]
            and typed[wrong[1]] == code[wrong[0]]
        )
        return len(wrong) == 1 or swapped
    short, long = sorted((typed, code), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def _number(words: list[str]) -> int | None:
    if len(words) == 1 and words[0].isascii() and words[0].isdigit() and len(words[0]) <= 2:
        return int(words[0])
    return None
