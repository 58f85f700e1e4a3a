"""What somebody wants, in one message: ``hall Nakuru 25/12 80``, in any order. Pure.

The words become answers typed ahead: each is kept under the screen that asks for it, and that
screen understands or refuses it as if it had been typed there. Nothing is validated here.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from core.catalog.rules import Category
from core.limits import PEOPLE_MAX
from sessions.commands import one_slip
from sessions.dates import DAY_WORDS, MONTH_WORDS
from sessions.flow import TYPED_MAX

CATEGORY_WORDS: Mapping[Category, Collection[str]] = {
    Category.VENUE: {
        *("hall", "halls", "venue", "venues", "grounds", "ukumbi", "kumbi", "uwanja"),
    },
    Category.CATERING: {
        *("catering", "caterer", "caterers", "food", "chakula", "upishi", "mapishi", "wapishi"),
    },
    Category.STAY: {
        *("room", "rooms", "stay", "stays", "hotel", "hotels", "lodge", "lodging"),
        *("chumba", "vyumba", "malazi", "hoteli", "nyumba"),
    },
}
FILLERS = frozenset(
    {"a", "an", "the", "in", "at", "on", "for", "of", "and", "near", "to", "from", "date"}
    | {"katika", "huko", "kwa", "ya", "wa", "la", "na", "mjini", "karibu", "tarehe"}
)
LISTING_DIGITS = range(4, 6)
SLIP_LETTERS_MIN = 3

_MONTHS = "|".join(sorted(MONTH_WORDS, key=len, reverse=True))
_DAYS = "|".join(sorted(DAY_WORDS, key=len, reverse=True))
_NIGHTS = re.compile(r"\b(\d{1,2}) ?(?:nights?|usiku|siku)\b|\b(?:usiku|siku) (\d{1,2})\b")
_PEOPLE = re.compile(
    r"\b(\d{1,5}) ?(?:people|persons?|guests?|pax|watu|wageni)\b"
    r"|\b(?:people|guests?|pax|watu|wageni) (\d{1,5})\b"
)
_BUDGET = re.compile(
    r"\b(?:under|below|max|budget|up to|chini ya|bajeti|hadi) ?(?:kes|ksh)?[ .]?([\d,]+k?)\b"
    r"|\b(?:kes|ksh)[ .]?([\d,]+k?)\b|\b(\d+k)\b|\b(\d{1,3}(?:,\d{3})+)\b"
)
_DAY = re.compile(
    r"\b(\d{1,2}[/\-.]\d{1,2}(?:[/\-.]\d{2,4})?)\b"
    rf"|\b(\d{{1,2}} ?(?:{_MONTHS})\b(?: ?\d{{4}}\b)?)"
    rf"|\b({_DAYS})\b"
)
_DAY_DIGITS = re.compile(r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said.

    Attributes:
        category: what kind, when that was said.
        number: of a listing, when a booking was asked for.
        answers: what to type, by the screen that asks for it.
    """

    category: Category | None = None
    number: int | None = None
    answers: Mapping[str, str] = field(default_factory=dict)


def understand_wanted(words: str, *, numbered: bool = False) -> Wanted:
    """Return what a message wants.

    Args:
        words: what stands behind ``FIND`` or ``BOOK``, as it was written.
        numbered: a listing's number is among them; the first number that looks like one is it.
    """
    text = " ".join(words[:TYPED_MAX].lower().split())
    answers: dict[str, str] = {}
    for screen, pattern in (
        ("date", _DAY), ("nights", _NIGHTS), ("people", _PEOPLE), ("budget", _BUDGET),
    ):  # fmt: skip
        found = pattern.search(text)
        if found is not None:
            answers[screen] = next(group for group in found.groups() if group)
            text = f"{text[: found.start()]} {text[found.end() :]}"
    number, category, place = None, None, []
    for word in text.split():
        bare = word.strip(".,;:!?()'\"#*")
        if bare.isascii() and bare.isdigit():
            if numbered and number is None and len(bare) in LISTING_DIGITS:
                number = int(bare)
            else:
                _put_number(answers, bare)
        elif category is None and (meant := _category(bare)) is not None:
            category = meant
        elif bare and bare not in FILLERS:
            place.append(bare)
    if place and not numbered:
        answers["place"] = " ".join(place)
    return Wanted(category, number, answers)


def _put_number(answers: dict[str, str], digits: str) -> None:
    """A bare number: a day such as 2512, how many people, or the most that may be paid."""
    if "date" not in answers and _DAY_DIGITS.fullmatch(digits):
        answers["date"] = digits
    elif "people" not in answers and int(digits) <= PEOPLE_MAX:
        answers["people"] = digits
    else:
        answers.setdefault("budget", digits)


def _category(word: str) -> Category | None:
    for category, words in CATEGORY_WORDS.items():
        if word in words:
            return category
    for category, words in CATEGORY_WORDS.items():
        if len(word) >= SLIP_LETTERS_MIN and any(one_slip(word, known) for known in words):
            return category
    return None
