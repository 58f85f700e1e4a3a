"""What a listing's terms say about people, dates and price. Pure: values in, values out.

A range of days is half-open, ``[starts_on, ends_on)``: a stay from the 3rd to the 5th is two
nights, a hall on the 3rd alone is ``[3rd, 4th)``.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from core.clock import nairobi_date, nairobi_moment
from core.errors import BadInput
from core.limits import BOOK_AHEAD_DAYS_MAX, PEOPLE_MAX, STAY_NIGHTS_MAX

ONE_DAY = timedelta(days=1)


class Category(StrEnum):
    """What kind of thing is offered."""

    VENUE = "venue"
    CATERING = "catering"
    STAY = "stay"


class PriceUnit(StrEnum):
    """What one price pays for."""

    EVENT = "event"
    """One event, which takes one day."""
    DAY = "day"
    NIGHT = "night"
    PERSON = "person"
    """One person on one day or night."""


class BookingMode(StrEnum):
    """Whether the vendor is asked first."""

    INSTANT = "instant"
    REQUEST = "request"


class ListingStatus(StrEnum):
    """Whether customers see it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"


PRICE_UNITS = {
    Category.VENUE: frozenset({PriceUnit.EVENT, PriceUnit.DAY, PriceUnit.PERSON}),
    Category.CATERING: frozenset({PriceUnit.PERSON}),
    Category.STAY: frozenset({PriceUnit.NIGHT, PriceUnit.PERSON}),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What is needed to judge a wish and to price it.

    Attributes:
        units: how many exist: halls, rooms, plates a day.
        capacity: people in a hall, guests in a room; equal to ``units`` for catering.
        lead_hours: how long before its start it can last be booked.
        starts_at: wall clock in Kenya at which it starts on the first day (check-in).
        ends_at: wall clock at which it ends (check-out); not after ``starts_at`` on a day service
            means after midnight.
    """

    category: Category
    price_unit: PriceUnit
    price_cents: int
    units: int
    capacity: int
    people_min: int
    lead_hours: int
    starts_at: time
    ends_at: time


def days_in(starts_on: date, ends_on: date) -> tuple[date, ...]:
    """Return the days (for a stay, the nights) of a half-open range, in order."""
    return tuple(starts_on + ONE_DAY * i for i in range((ends_on - starts_on).days))


def people_max(terms: Terms) -> int:
    """Return how many people all units together can serve."""
    if terms.category is Category.STAY:
        return terms.capacity * terms.units
    return terms.capacity


def quantity(terms: Terms, people: int) -> int:
    """Return how many units people need: rooms for a stay, plates for catering, else one hall."""
    match terms.category:
        case Category.STAY:
            return -(-people // terms.capacity)
        case Category.CATERING:
            return people
        case Category.VENUE:
            return 1


def base_price_cents(
    price_unit: PriceUnit, price_cents: int, *, quantity: int, people: int, days: int
) -> int:
    """Return the vendor's price in cents, before fee and tax.

    Args:
        price_unit: what one price pays for.
        price_cents: one price.
        quantity: units taken, from ``quantity``.
        people: how many come.
        days: how many days or nights.
    """
    match price_unit:
        case PriceUnit.EVENT:
            return price_cents * quantity
        case PriceUnit.DAY | PriceUnit.NIGHT:
            return price_cents * quantity * days
        case PriceUnit.PERSON:
            return price_cents * people * days


def base_cents(terms: Terms, starts_on: date, ends_on: date, people: int) -> int:
    """Return the base price in cents of a listing for these days and people."""
    return base_price_cents(
        terms.price_unit,
        terms.price_cents,
        quantity=quantity(terms, people),
        people=people,
        days=(ends_on - starts_on).days,
    )


def starts_moment(terms: Terms, starts_on: date) -> datetime:
    """Return the UTC moment at which the service starts."""
    return nairobi_moment(starts_on, terms.starts_at)


def ends_moment(terms: Terms, ends_on: date) -> datetime:
    """Return the UTC moment at which the service ends.

    A stay ends at check-out on ``ends_on``. A day service ends on the day before ``ends_on``, or
    in the night after it when its end is not later than its start.
    """
    after_midnight = terms.ends_at <= terms.starts_at
    last_day = ends_on if terms.category is Category.STAY or after_midnight else ends_on - ONE_DAY
    return nairobi_moment(last_day, terms.ends_at)


def earliest_date(terms: Terms, now: datetime) -> date:
    """Return the first day whose start still leaves the lead time."""
    soonest = now + timedelta(hours=terms.lead_hours)
    day = nairobi_date(soonest)
    return day if starts_moment(terms, day) >= soonest else day + ONE_DAY


def check_people(people: int) -> None:
    """Refuse a number of people that no listing could serve.

    Raises:
        BadInput: ``people_zero`` (none or negative), ``too_many_people`` (data: capacity).
    """
    if people < 1:
        raise BadInput("people_zero")
    if people > PEOPLE_MAX:
        raise BadInput("too_many_people", capacity=PEOPLE_MAX)


def check_range(starts_on: date, ends_on: date, now: datetime) -> None:
    """Refuse days that no listing could be booked for.

    Raises:
        BadInput: ``date_past`` (data: today), ``date_too_far`` (data: latest),
            ``nights_bad`` (an end not after the start, or too long; data: nights_max).
    """
    today = nairobi_date(now)
    latest = today + timedelta(days=BOOK_AHEAD_DAYS_MAX)
    if starts_on < today:
        raise BadInput("date_past", today=today)
    if starts_on > latest:
        raise BadInput("date_too_far", latest=latest)
    if not 1 <= (ends_on - starts_on).days <= STAY_NIGHTS_MAX:
        raise BadInput("nights_bad", nights_max=STAY_NIGHTS_MAX)


def check_wish(terms: Terms, starts_on: date, ends_on: date, people: int, now: datetime) -> None:
    """Refuse a wish that these terms cannot meet, whatever is free.

    Raises:
        BadInput: what ``check_people`` and ``check_range`` say, ``too_many_people`` (data:
            capacity), ``too_few_people`` (data: people_min), ``date_too_soon`` (data: earliest),
            ``one_day_only`` (an event-priced listing takes one day).
    """
    check_people(people)
    if people > people_max(terms):
        raise BadInput("too_many_people", capacity=people_max(terms))
    if people < terms.people_min:
        raise BadInput("too_few_people", people_min=terms.people_min)
    check_range(starts_on, ends_on, now)
    earliest = earliest_date(terms, now)
    if starts_on < earliest:
        raise BadInput("date_too_soon", earliest=earliest)
    if terms.price_unit is PriceUnit.EVENT and ends_on - starts_on != ONE_DAY:
        raise BadInput("one_day_only")


def nearest_starts(
    free: AbstractSet[date], wished: date, days: int, limit: int
) -> tuple[date, ...]:
    """Return start days whose whole range is free, nearest to the wished one first.

    Args:
        free: days with enough units.
        wished: the day that was asked for; it is not offered again.
        days: how many days in a row are needed.
        limit: how many to return; of two equally near, the later comes first (nobody can
            travel earlier on short notice).
    """
    starts = (
        day
        for day in free
        if day != wished and all(day + ONE_DAY * i in free for i in range(days))
    )
    by_nearness = sorted(starts, key=lambda day: (abs((day - wished).days), day < wished))
    return tuple(by_nearness[:limit])
