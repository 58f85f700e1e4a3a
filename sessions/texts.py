"""Text that waits for its language, the catalogs, and the copy of every refusal.

English sentences are the keys. ``t("Total {price}", price=total)`` says nothing yet; it becomes
words when a screen is shown. Catalogs live in ``sessions/locale/<language>/LC_MESSAGES`` and are
made with Babel::

    pybabel extract -k t -k n:1,2 -o messages.pot sessions
    pybabel update -i messages.pot -d sessions/locale
    pybabel compile -d sessions/locale
"""

import gettext
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from core.errors import Refused
from core.money import CENTS_PER_SHILLING, Money
from sessions import dates
from sessions.gsm7 import to_gsm7

LANGUAGES = ("en", "sw")
# Not all of it is translated, and nobody who grew up with it has read it yet.
DRAFTS = ("ki",)
# What each calls itself; the gate writes it in a phone's letters.
NAMES: Mapping[str, str] = {"en": "English", "sw": "Kiswahili", "ki": "G\u0129k\u0169y\u0169"}
LANGUAGE = "en"
LOCALE = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class T:
    """A sentence and its values, not yet in a language.

    Attributes:
        msgid: the English sentence with ``{named}`` places.
        params: values: text, numbers, Money, dates, ``cut(...)`` or another T.
        plural: the English plural, when the sentence counts something.
        count: what is counted.
    """

    msgid: str
    params: Mapping[str, Any] = field(default_factory=dict)
    plural: str | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """A value that may be shortened with ``..`` when a screen is too small: a name, a title."""

    value: str


@dataclass(frozen=True, slots=True)
class Keep:
    """A line that is never shortened and never left out: a price, what is being confirmed."""

    text: "T | str"


Text = T | str
Lines = Text | Keep | Sequence[Text | Keep]
# A rendered line: fixed text, or a list of one text that may be shortened.
Part = str | list[str]


def t(msgid: str, /, **params: Any) -> T:
    """Return a sentence to be translated when it is shown.

    Whole numbers are grouped (1,200): give listing numbers and codes as text.
    """
    return T(msgid, params)


def n(singular: str, plural: str, count: int, /, **params: Any) -> T:
    """Return a sentence that counts; ``{count}`` is filled in by itself."""
    return T(singular, {"count": count, **params}, plural, count)


def cut(value: str) -> Cut:
    """Mark a value that may be shortened."""
    return Cut(value)


def keep(text: Text) -> Keep:
    """Mark a line that is never shortened."""
    return Keep(text)


def money(amount: Money) -> str:
    """Return an amount as it is written in Kenya: KES 66,700, with cents only when it has any."""
    sign = "-" if amount.cents < 0 else ""
    whole, odd = divmod(abs(amount.cents), CENTS_PER_SHILLING)
    return f"{amount.currency} {sign}{whole:,}" + (f".{odd:02d}" if odd else "")


def render(text: Text, language: str) -> list[Part]:
    """Return a text in a language: GSM-7 parts, those that may be shortened as lists of one."""
    if isinstance(text, str):
        return [to_gsm7(text)]
    template = _template(text, language)
    if len(template) == 1 and template[0][1] is None:
        return [template[0][0]]
    parts: list[Part] = []
    for literal, name in template:
        if literal:
            _append(parts, literal)
        if name is not None:
            _append_value(parts, text.params[name], language)
    return parts


def plain(text: Text, language: str) -> str:
    """Return a text in a language, unshortened: for messages and END sentences."""
    return "".join(part if isinstance(part, str) else part[0] for part in render(text, language))


def joined(parts: Sequence[T]) -> T:
    """Return sentences one behind the other, with commas between."""
    text = parts[0]
    for part in parts[1:]:
        text = t("{first}, {next}", first=text, next=part)
    return text


def on_a_call_only(service_code: str) -> T:
    """Return that something secret is not asked for in a message, and where it is."""
    return t("For your safety PINs are typed on a call only: dial {dial}.", dial=service_code)


def why(error: Refused) -> T:
    """Return the one short line that tells a person why something was refused.

    A code without copy, or an error without the data its copy needs, gets the general line.
    """
    copy = REFUSALS.get(error.code, REFUSALS["refused"])
    if not _fields(copy.msgid) <= error.data.keys():
        copy = REFUSALS["refused"]
    return T(copy.msgid, error.data)


def _append(parts: list[Part], fixed: str) -> None:
    if parts and isinstance(parts[-1], str):
        parts[-1] += fixed
    else:
        parts.append(fixed)


def _append_value(parts: list[Part], value: Any, language: str) -> None:
    """Put a value in: names may be shortened later, all else stays as it is."""
    if isinstance(value, Cut):
        parts.append([" ".join(to_gsm7(value.value).split())])
    elif isinstance(value, T):
        for part in render(value, language):
            if isinstance(part, str):
                _append(parts, part)
            else:
                parts.append(part)
    else:
        _append(parts, to_gsm7(_words(value, language)))


def _words(value: Any, language: str) -> str:
    match value:
        case Money():
            return money(value)
        case datetime():
            return dates.moment_text(value, language)
        case date():
            return dates.day_text(value, language)
        case int():
            return f"{value:,}"
        case _:
            return str(value)


_templates: dict[tuple[str, str], tuple[tuple[str, str | None], ...]] = {}


def _template(text: T, language: str) -> tuple[tuple[str, str | None], ...]:
    """The translated sentence cut at its places. Sentences stand in the code, so few are kept."""
    catalog = _catalog(language)
    if text.plural is None:
        known = _templates.get((language, text.msgid))
        if known is not None:
            return known
        sentence = catalog.gettext(text.msgid)
    else:
        sentence = catalog.ngettext(text.msgid, text.plural, text.count)
        known = _templates.get((language, sentence))
        if known is not None:
            return known
    template = tuple(
        (to_gsm7(literal), name)
        for literal, name, _spec, _conversion in Formatter().parse(sentence)
    )
    _templates[language, text.msgid if text.plural is None else sentence] = template
    return template


@cache
def _fields(msgid: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(msgid) if name)


@cache
def _catalog(language: str) -> gettext.NullTranslations:
    """A language's catalog; compiled in memory when no compiled file is newer than its source."""
    folder = LOCALE / language / "LC_MESSAGES"
    source, compiled = folder / "messages.po", folder / "messages.mo"
    if compiled.exists() and (
        not source.exists() or compiled.stat().st_mtime >= source.stat().st_mtime
    ):
        with compiled.open("rb") as file:
            return gettext.GNUTranslations(file)
    memory = BytesIO()
    with source.open("rb") as file:
        write_mo(memory, read_po(file, language))
    memory.seek(0)
    return gettext.GNUTranslations(memory)


BACK = t("Back")
HOME = t("Home")
MORE = t("More")
CONTINUE = t("Continue")
START_OVER = t("Start over")
WELCOME_BACK = t("Your last call was cut off. Go on from where you were?")
NOTHING_HERE = t("There is nothing here yet.")
HELP_ON_ITS_WAY = t(
    "Let us help: an SMS with the next steps is on its way. Your answers are kept."
)
ONCE_MORE = t("Please choose once more.")
LATE = t("This is taking long. You need not wait: an SMS will tell you how it ended.")
LATE_DONE = t("It is done. Dial again to see it.")
LATE_FAILED = t("Sorry, it could not be done and nothing was changed. Please dial again.")
SLOW = t("The service is slow just now. Please dial again.")
BUSY = t("The service is busy. Please dial again in a minute.")
# The same, said when the language is not known because nothing can be asked: both at once.
OUTAGE = (
    "The service is busy. Please dial again in a minute.\n"
    "Huduma ina shughuli nyingi. Tafadhali piga tena baada ya dakika moja."
)
# Said to whoever calls from what is no phone that could be called or paid from.
NOT_SERVED = (
    "Nafasi does not work from this number. Please dial from a mobile phone.\n"
    "Nafasi haifanyi kazi kwa nambari hii. Tafadhali piga kwa simu ya mkononi."
)

# One short line a code. ``refused`` is said where a code has no line of its own.
REFUSALS: Mapping[str, T] = {
    "refused": t("That is not possible now."),
    "bad_input": t("We did not understand that."),
    "bad_choice": t("Choose one of the numbers shown."),
    "empty": t("Please type an answer."),
    "too_long": t("That is too long."),
    "bad_date": t("There is no such date. Try 25/12."),
    "date_past": t("That date has passed."),
    "date_too_soon": t("That is too soon. The first day is {earliest}."),
    "date_too_far": t("That is too far ahead. The last day is {latest}."),
    "bad_range": t("Type a day such as 25/12 or days such as 25/12-28/12."),
    "nights_bad": t("Type a number of nights up to {nights_max}."),
    "one_day_only": t("It can be booked for one day only."),
    "bad_time": t("Type a time such as 2pm or 14:30."),
    "bad_number": t("Type a number, for example 50."),
    "too_small": t("Type at least {least}."),
    "too_big": t("Type at most {most}."),
    "people_zero": t("Type how many people come."),
    "too_many_people": t("It holds at most {capacity} people."),
    "too_few_people": t("It takes at least {people_min} people."),
    "bad_amount": t("Type an amount in KES, such as 5000."),
    "bad_phone": t("That is not a phone number."),
    "bad_code": t("We know no such code or number."),
    "no_place": t("We know no such place. Try the nearest town."),
    "no_listing": t("It is not on offer now."),
    "no_booking": t("We know no such booking."),
    "not_vendor": t("This phone is not a vendor's."),
    "not_payable": t("There is nothing to pay now."),
    "being_paid": t("Another phone is paying it now."),
    "rest_unpaid": t("The rest is not paid yet."),
    "too_many_attempts": t("Too many tries. Pay by paybill or call."),
    "too_many_open": t("You have {limit} open bookings. Pay or cancel one."),
    "too_expensive": t("Too dear for M-Pesa. Call us."),
    "already_begun": t("It has begun. Call us instead."),
    "refund_changed": t("What you get back has changed. Look again."),
    "answered_already": t("You have answered it already."),
    "too_many_links": t("You had {limit} links today. Ask tomorrow."),
    "price_changed": t("The price has changed. Look again."),
    "no_change": t("It is booked like that already."),
    "change_open": t("A change of it waits already."),
    "change_cost": t("Another price now. Look again."),
    "too_many_changes": t("It was changed {limit} times. Call us."),
    "no_route": t("We take no cards now. Pay by M-Pesa."),
    "prompt_open": t("M-Pesa is asking now. Try again soon."),
    "no_change_asked": t("No change waits for an answer."),
    "pin_locked": t("Wrong PIN too often. Wait {minutes} min."),
    "wrong_pin": t("Those are not the right digits."),
    "too_early": t("It is too early for that."),
    "too_late": t("It is too late for that. Call us."),
    "no_dispute": t("No problem is open any more."),
    "too_many_tickets": t("You wrote {limit} times today. Call us."),
    "too_many_disputes": t("It was reported {limit} times. Call us."),
    "too_many_notes": t("We cannot take more notes. Call us."),
    "free_now": t("It is free now: you can book it."),
    "too_many_waits": t("You wait for {limit} days already."),
    "no_wait": t("You do not wait for that."),
    "offer_over": t("Your time to answer is over."),
    "own_listing": t("It is your own."),
    "too_many_questions": t("You asked {limit} today. Ask tomorrow."),
    "too_many_lines": t("You wrote {limit} times today. Go on tomorrow."),
    "no_relay": t("That question is closed."),
    "bad_stars": t("Type stars from 1 to 5."),
    "review_late": t("It can no longer be reviewed or changed."),
    "no_review": t("That review is not shown."),
    "note_too_long": t("Type at most {most} letters at a time."),
    "owner_only": t("Only the owner can do that."),
    "own_pin_locked": t("PIN locked until {until}."),
    "no_pin": t("First choose a PIN."),
    "pin_digits": t("A PIN has 4 digits."),
    "pin_easy": t("Too easy to guess. Choose another."),
    "name_bad": t("Type a name of up to 40 letters."),
    "title_bad": t("Type a name of up to 40 letters."),
    "title_taken": t("You have one of that name."),
    "kra_bad": t("A KRA PIN looks like A000000000A."),
    "id_bad": t("An ID number has 7 or 8 digits."),
    "vendor_already": t("This phone is a vendor's already."),
    "too_many_listings": t("You have {limit} listings. Call us for more."),
    "same_price": t("That is the price already."),
    "same_details": t("We pay you there already."),
    "units_sold": t("On {day} {booked} are sold."),
    "staff_taken": t("That number is a vendor's already."),
    "too_many_staff": t("You have {limit} numbers. Remove one."),
    "too_many_added": t("{limit} were added today. Try tomorrow."),
    "no_staff": t("That number is not on your list."),
    "not_found": t("We could not find that."),
    "no_units": t("Sorry, it has just been taken."),
    "illegal_move": t("That is no longer possible."),
    "key_reused": t("That was already done."),
}
