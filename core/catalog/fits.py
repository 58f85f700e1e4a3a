"""The rules as SQL: which listings fit a wish, and at what price. Twin of ``rules``.

Search must sort and cut in the database, so what ``rules`` says of one listing is said here of
all of them; a test holds the two against each other over the whole demo catalog.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Select,
    SQLColumnExpression,
    Subquery,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
)

from core.catalog.model import Listing, ListingDay
from core.catalog.rules import Category, ListingStatus, PriceUnit
from core.clock import NAIROBI
from core.people.model import Vendor, VendorStatus

EARTH_DEGREE_METRES = 111_195

V = TypeVar("V")
# A value, or a parameter that stands for it in a statement that is built once.
Given: TypeAlias = V | ColumnElement[V]


def plain_sql(written: SQLColumnExpression[str]) -> ColumnElement[str]:
    """Text made comparable, as ``words.plain``."""
    return func.plain_text(written, type_=Text)


def quantity_sql(people: Given[int]) -> ColumnElement[int]:
    """Units that people need, as ``rules.quantity``."""
    return case(
        (
            Listing.category == Category.STAY,
            (people + Listing.capacity - 1) // Listing.capacity,
        ),
        (Listing.category == Category.CATERING, people),
        else_=1,
    )


def room_sql() -> ColumnElement[int]:
    """How many people a listing can take at most: in one hall or meal, in all rooms of a stay."""
    return case(
        (Listing.category == Category.STAY, Listing.capacity * Listing.units),
        else_=Listing.capacity,
    )


def base_cents_sql(people: Given[int], days: Given[int]) -> ColumnElement[int]:
    """Base price in cents, as ``rules.base_cents``."""
    price = cast(Listing.price_cents, BigInteger)
    return case(
        (Listing.price_unit == PriceUnit.PERSON, price * people * days),
        (Listing.price_unit == PriceUnit.EVENT, price * quantity_sql(people)),
        else_=price * quantity_sql(people) * days,
    )


def on_offer() -> ColumnElement[bool]:
    """Published, by a vendor who may sell."""
    return and_(Listing.status == ListingStatus.PUBLISHED, Vendor.status == VendorStatus.ACTIVE)


def kenyan_wall_clock(now: datetime) -> datetime:
    """A moment as a clock on a wall in Kenya shows it, for ``fits_wish``."""
    return now.astimezone(NAIROBI).replace(tzinfo=None)


def fits_wish(
    starts_on: Given[date], people: Given[int], wall_clock: Given[datetime], *, one_day: bool
) -> ColumnElement[bool]:
    """The terms allow these people and days, as ``rules.check_wish``; says nothing of units."""
    start = cast(starts_on, Date) + Listing.starts_at
    lead = func.make_interval(0, 0, 0, 0, Listing.lead_hours)
    fitting = and_(
        Listing.people_min <= people,
        room_sql() >= people,
        start >= cast(wall_clock, DateTime) + lead,
    )
    return fitting if one_day else and_(fitting, Listing.price_unit != PriceUnit.EVENT)


def in_order(fitting: Select[*tuple[Any, ...]], order: Sequence[str]) -> Subquery:
    """Return rows sorted before anything further is done with them, as a table to select from.

    Looking into calendars is what costs. Over sorted rows and under a LIMIT only as many of them
    are read as it takes; ``OFFSET 0`` keeps the planner from undoing this.
    """
    return fitting.order_by(*order).offset(literal_column("0")).subquery("wanted")


def has_units(
    wanted: Subquery, starts_on: Given[date], ends_on: Given[date]
) -> ColumnElement[bool]:
    """Enough units are left on every day; a day without a counter row is free.

    Args:
        wanted: rows of listings, with the columns ``id`` and ``quantity``.
        starts_on: first day.
        ends_on: first day after.
    """
    too_full = exists().where(
        ListingDay.listing_id == wanted.c.id,
        ListingDay.day >= starts_on,
        ListingDay.day < ends_on,
        or_(ListingDay.blocked, ListingDay.units - ListingDay.booked < wanted.c.quantity),
    )
    return ~too_full


def near(
    latitude: Given[float], longitude: Given[float], radius_m: Given[float]
) -> ColumnElement[bool]:
    """In a square around a point; cheap, and an index knows it. Kenya lies on the equator."""
    degrees = radius_m / EARTH_DEGREE_METRES
    return and_(
        Listing.latitude.between(latitude - degrees, latitude + degrees),
        Listing.longitude.between(longitude - degrees, longitude + degrees),
    )


def metres_from(latitude: Given[float], longitude: Given[float]) -> ColumnElement[int]:
    """Great-circle distance of a listing from a point, in whole metres."""
    there = func.ll_to_earth(Listing.latitude, Listing.longitude)
    return cast(func.earth_distance(func.ll_to_earth(latitude, longitude), there), Integer)
