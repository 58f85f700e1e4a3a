"""Dates and times as people type them on a keypad, and as they are shown.

The short names are ours and few: a screen has no room for a locale library's, and Swahili days
have everyday short forms (Jmo for Jumamosi) that CLDR does not carry.
"""

import re
from datetime import date, datetime, time, timedelta

from core.clock import NAIROBI
from core.errors import BadInput

WEEK_DAYS = 7
CENTURY = 2000

_DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "sw": ("Jtt", "Jnn", "Jtn", "Alh", "Ijm", "Jmo", "Jpl"),
}
_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "sw": ("Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ago", "Sep", "Okt", "Nov", "Des"),
}
_MONTH_OF = {
    name.lower(): number for names in _MONTHS.values() for number, name in enumerate(names, 1)
}
_MONTH_NAMES = (
    ("january", "januari"), ("february", "februari"), ("march", "machi"), ("april", "aprili"),
    ("may", "mei"), ("june", "juni"), ("july", "julai"), ("august", "agosti"),
    ("september", "septemba"), ("october", "oktoba"), ("november", "novemba"),
    ("december", "desemba"),
)  # fmt: skip
_DAY_NAMES = (
    ("monday", "jumatatu", "jtatu"), ("tuesday", "tues", "jumanne", "jnne"),
    ("wednesday", "jumatano", "jtano"), ("thursday", "thur", "thurs", "alhamisi"),
    ("friday", "ijumaa"), ("saturday", "jumamosi", "jmosi"), ("sunday", "jumapili", "jpili"),
)  # fmt: skip
_DAY_OF = {
    name.lower(): number
    for number in range(WEEK_DAYS)
    for name in (_DAYS["en"][number], _DAYS["sw"][number], *_DAY_NAMES[number])
}
_DAYS_AHEAD = {
    "today": 0, "leo": 0, "tomorrow": 1, "kesho": 1, "keshokutwa": 2, "kesho kutwa": 2,
    "yesterday": -1, "jana": -1, "juzi": -2,
}  # fmt: skip

# What a day can begin with when it is written in words, for whoever looks for one in a message.
MONTH_WORDS = frozenset({*_MONTH_OF, *(name for names in _MONTH_NAMES for name in names)})
DAY_WORDS = frozenset({*_DAY_OF, *(word for word in _DAYS_AHEAD if " " not in word)})

# The separators are what a keypad offers; `*` and `#` belong to the network.
_NUMBERS = re.compile(r"(\d{1,2})[/\-. ](\d{1,2})(?:[/\-. ](\d{4}|\d{2}))?", re.ASCII)
_DIGITS = re.compile(r"(\d\d)(\d\d)(\d{4}|\d{2})?", re.ASCII)
_NAMED = re.compile(r"(\d{1,2})[/\-. ]?([a-z]{3,9})\.?(?:[/\-. ]?(\d{4}|\d{2}))?", re.ASCII)
_TIME = re.compile(r"(\d{1,2})(?:[:.h]?(\d\d))? ?(am|pm|a\.m\.|p\.m\.)?", re.ASCII)


def parse_day(typed: str, today: date) -> date:
    """Return the day that is meant.

    Understood: ``25/12``, ``2512``, ``25-12``, ``25 Dec``, each with a year of two or four
    digits; today, tomorrow, leo, kesho, keshokutwa; names of days in both languages, short or
    long, for the next such day after today. A day without a year that has passed is next year's.

    Args:
        typed: what the person typed.
        today: the day in Kenya.

    Raises:
        BadInput: ``bad_date`` there is no such day; ``date_past`` it has passed.
    """
    words = " ".join(typed.lower().split())
    if words in _DAYS_AHEAD:
        day = today + timedelta(days=_DAYS_AHEAD[words])
    elif words in _DAY_OF:
        day = today + timedelta(days=(_DAY_OF[words] - today.weekday() - 1) % WEEK_DAYS + 1)
    else:
        day = _calendar_day(words, today)
    if day < today:
        raise BadInput("date_past")
    return day


def parse_time(typed: str) -> time:
    """Return the time of day that is meant: ``2pm``, ``2.30 pm``, ``14:30``, ``1430``, ``9``.

    Without am or pm the hours are those of the 24-hour clock.

    Raises:
        BadInput: ``bad_time``.
    """
    found = _TIME.fullmatch(" ".join(typed.lower().split()))
    if found is None:
        raise BadInput("bad_time")
    hours, minutes = int(found[1]), int(found[2] or 0)
    if found[3]:
        if not 1 <= hours <= 12:
            raise BadInput("bad_time")
        hours = hours % 12 + (12 if found[3].startswith("p") else 0)
    try:
        return time(hours, minutes)
    except ValueError:
        raise BadInput("bad_time") from None


def day_text(day: date, language: str, *, year: bool = False) -> str:
    """Return a date as shown: Sat 26 Dec, Jmo 26 Des; with the year when asked for."""
    # A draft without short names of its own shows the English ones.
    days, months = _DAYS.get(language, _DAYS["en"]), _MONTHS.get(language, _MONTHS["en"])
    text = f"{days[day.weekday()]} {day.day} {months[day.month - 1]}"
    return f"{text} {day.year}" if year else text


def time_text(at: time) -> str:
    """Return a time of day as shown: 14:30. Digits read the same in both languages."""
    return f"{at:%H:%M}"


def moment_text(moment: datetime, language: str) -> str:
    """Return a moment as shown, in Kenyan time: Sat 26 Dec 14:30."""
    there = moment.astimezone(NAIROBI)
    return f"{day_text(there.date(), language)} {time_text(there.time())}"


def _calendar_day(words: str, today: date) -> date:
    found = _NUMBERS.fullmatch(words) or _DIGITS.fullmatch(words)
    if found is not None:
        month = int(found[2])
    else:
        found = _NAMED.fullmatch(words)
        if found is None:
            raise BadInput("bad_date")
        month = _month(found[2])
    day = int(found[1])
    if found[3]:
        year = int(found[3])
        return _date(year if len(found[3]) == 4 else CENTURY + year, month, day)
    try:
        this_year = date(today.year, month, day)
    except ValueError:
        # The 29th of February of a year that has none may still come next year.
        return _date(today.year + 1, month, day)
    return this_year if this_year >= today else _date(today.year + 1, month, day)


def _month(name: str) -> int:
    """A month by its short name, its name in either language, or the beginning of one."""
    if name in _MONTH_OF:
        return _MONTH_OF[name]
    for number, names in enumerate(_MONTH_NAMES, 1):
        if any(full.startswith(name) for full in names):
            return number
    raise BadInput("bad_date")


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise BadInput("bad_date") from None
