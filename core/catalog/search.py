"""Search: what is free for a wish, in order. One statement."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Integer,
    Select,
    SQLColumnExpression,
    Text,
    bindparam,
    func,
    null,
    or_,
    select,
    text,
)

from core.catalog import rules
from core.catalog.fits import (
    base_cents_sql,
    fits_wish,
    has_units,
    in_order,
    kenyan_wall_clock,
    metres_from,
    near,
    on_offer,
    plain_sql,
    quantity_sql,
    room_sql,
)
from core.catalog.model import AMENITIES_MAX, Area, Listing, Town
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.catalog.words import as_tsquery, plain
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import SEARCH_RESULTS_MAX, SEARCH_WORDS_MAX
from core.people.model import Vendor
from core.people.penalties import counted_since, is_penalised

SEARCH_OFFSET_MAX = 1_000
RADIUS_M = 30_000
RADIUS_MAX_M = 200_000
# At PostgreSQL's own 0.6 one wrong letter in a word of nine (jakaranda) is already too many. The
# index reads the limit from a setting; it is changed for the transaction only.
TITLE_LIKENESS_MIN = "0.5"
LIKENESS = text("SELECT set_config('pg_trgm.word_similarity_threshold', :least, true)")


class Sort(StrEnum):
    """What comes first."""

    PRICE = "price"
    DISTANCE = "distance"
    NAME = "name"
    RATING = "rating"
    CAPACITY = "capacity"


# Vendors who cancelled on somebody come after all others. Every order ends with the number, so
# that a next page follows on the one before.
ORDERS = {
    Sort.PRICE: ("penalised", "base_cents", "number"),
    Sort.DISTANCE: ("penalised", "distance_m", "base_cents", "number"),
    Sort.NAME: ("penalised", "sort_name", "number"),
    Sort.RATING: ("penalised", "worse", "base_cents", "number"),
    Sort.CAPACITY: ("penalised", "smaller", "base_cents", "number"),
}


@dataclass(frozen=True, slots=True)
class Near:
    """A point in decimal degrees and how far around it to look."""

    latitude: float
    longitude: float
    radius_m: int = RADIUS_M


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for.

    Attributes:
        starts_on, ends_on: half-open; one day is ``[d, d + 1)``.
        budget_cents: the most that the base price may be, before fee and tax.
        words: words of title, amenities or description, in any order, the last ones cut short,
            a title also misspelt.
        amenities: all of them must be there.
        instant: only what is booked without asking the vendor.
    """

    category: Category
    starts_on: date
    ends_on: date
    people: int
    town_id: int | None = None
    area_id: int | None = None
    near: Near | None = None
    budget_cents: int | None = None
    words: str = ""
    amenities: tuple[str, ...] = ()
    sort: Sort = Sort.PRICE
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A listing that is free for a wish, and its base price for it.

    Attributes:
        price_cents, price_unit: one price, and what it pays for.
        quantity: units the people need.
        base_cents: for all people and days, before fee and tax.
        distance_m: metres from the point, area or town that was searched; None when nearness was
            not asked for.
        rating_count, rating_sum: how many reviews are shown, and all of their stars.
    """

    id: UUID
    number: int
    vendor_id: UUID
    category: Category
    title: str
    town: str
    area: str | None
    price_cents: int
    price_unit: PriceUnit
    capacity: int
    booking_mode: BookingMode
    quantity: int
    base_cents: int
    distance_m: int | None
    rating_count: int
    rating_sum: int


FOUND_FIELDS = tuple(field.name for field in fields(Found))


@dataclass(frozen=True, slots=True)
class _Shape:
    """Which parts a search's statement has. Everything else about a wish is a parameter."""

    sort: Sort
    one_day: bool
    by_town: bool
    by_area: bool
    near: bool
    budget: bool
    amenities: bool
    words: bool
    instant: bool

    @classmethod
    def of(cls, wished: Search) -> "_Shape":
        return cls(
            sort=wished.sort,
            one_day=(wished.ends_on - wished.starts_on).days == 1,
            by_town=wished.town_id is not None,
            by_area=wished.area_id is not None,
            near=wished.near is not None,
            budget=wished.budget_cents is not None,
            amenities=bool(wished.amenities),
            words=bool(as_tsquery(wished.words)),
            instant=wished.instant,
        )


SHAPES_MAX = len(Sort) * 2**8


def search(
    tx: Tx, wished: Search, limit: int = SEARCH_RESULTS_MAX, offset: int = 0
) -> list[Found]:
    """Return listings on offer that fit the wish and are free on every day, in order.

    Raises:
        BadInput: what ``rules.check_people`` and ``rules.check_range`` say; ``no_place`` when
            sorted by distance from nowhere.
    """
    rules.check_people(wished.people)
    rules.check_range(wished.starts_on, wished.ends_on, tx.now)
    assert 0 <= offset <= SEARCH_OFFSET_MAX, "pages end somewhere"
    shape = _Shape.of(wished)
    if shape.sort is Sort.DISTANCE and not (shape.near or shape.by_area or shape.by_town):
        raise BadInput("no_place")
    if shape.words:
        tx.db.execute(LIKENESS, {"least": TITLE_LIKENESS_MIN})
    values = {
        **_values(wished, tx.now),
        "results_max": min(limit, SEARCH_RESULTS_MAX),
        "results_before": offset,
    }
    return [
        Found(**{field: row[field] for field in FOUND_FIELDS})
        for row in tx.db.execute(_statement(shape), values).mappings()
    ]


def _values(wished: Search, now: datetime) -> dict[str, Any]:
    point = wished.near or Near(0, 0)
    return {
        "wished_category": wished.category,
        "starts_on": wished.starts_on,
        "ends_on": wished.ends_on,
        "days": (wished.ends_on - wished.starts_on).days,
        "people": wished.people,
        "town": wished.town_id,
        "area": wished.area_id,
        "latitude": point.latitude,
        "longitude": point.longitude,
        "radius_m": min(point.radius_m, RADIUS_MAX_M),
        "budget_cents": wished.budget_cents,
        "all_amenities": list(wished.amenities[:AMENITIES_MAX]),
        "tsquery": as_tsquery(wished.words),
        "alike": plain(wished.words[:SEARCH_WORDS_MAX]),
        "wall_clock": kenyan_wall_clock(now),
        "penalties_since": counted_since(now),
    }


_PEOPLE = bindparam("people", type_=Integer)
_STARTS_ON = bindparam("starts_on", type_=Date)
_ENDS_ON = bindparam("ends_on", type_=Date)
_RADIUS_M = bindparam("radius_m", type_=Float)
_POINT = (bindparam("latitude", type_=Float), bindparam("longitude", type_=Float))


@lru_cache(maxsize=SHAPES_MAX)
def _statement(shape: _Shape) -> Select[*tuple[Any, ...]]:
    """Built once a shape: building costs more than running it, and each caller waits for it."""
    base = base_cents_sql(_PEOPLE, bindparam("days", type_=Integer))
    nearness = shape.near or shape.sort is Sort.DISTANCE
    columns: dict[str, SQLColumnExpression[Any]] = {
        "id": Listing.id,
        "number": Listing.number,
        "vendor_id": Listing.vendor_id,
        "category": Listing.category,
        "title": Listing.title,
        "price_cents": Listing.price_cents,
        "price_unit": Listing.price_unit,
        "capacity": Listing.capacity,
        "booking_mode": Listing.booking_mode,
        "town_id": Listing.town_id,
        "area_id": Listing.area_id,
        "quantity": quantity_sql(_PEOPLE),
        "base_cents": base,
        "distance_m": _distance(shape) if nearness else null(),
        "sort_name": plain_sql(Listing.title),
        "rating_count": Listing.rating_count,
        "rating_sum": Listing.rating_sum,
        "worse": -Listing.rating_score,
        "smaller": -room_sql(),
        "penalised": is_penalised(bindparam("penalties_since", type_=DateTime(timezone=True))),
    }
    asked = {*FOUND_FIELDS, "town_id", "area_id", *ORDERS[shape.sort]}
    fitting: Select[*tuple[Any, ...]] = (
        select(*(column.label(name) for name, column in columns.items() if name in asked))
        .join(Vendor, Vendor.id == Listing.vendor_id)
        .where(*_wanted(shape, base))
    )
    wanted = in_order(fitting, ORDERS[shape.sort])
    query = (
        select(wanted, Town.name.label("town"), Area.name.label("area"))
        .join(Town, Town.id == wanted.c.town_id)
        .outerjoin(Area, Area.id == wanted.c.area_id)
        .where(has_units(wanted, _STARTS_ON, _ENDS_ON))
        .order_by(*(wanted.c[name] for name in ORDERS[shape.sort]))
        .limit(bindparam("results_max", type_=Integer))
        .offset(bindparam("results_before", type_=Integer))
    )
    return query.where(wanted.c.distance_m <= _RADIUS_M) if shape.near else query


def _wanted(shape: _Shape, base: ColumnElement[int]) -> Iterator[ColumnElement[bool]]:
    yield on_offer()
    yield Listing.category == bindparam("wished_category")
    if shape.by_town:
        yield Listing.town_id == bindparam("town")
    if shape.by_area:
        yield Listing.area_id == bindparam("area")
    if shape.near:
        yield near(*_POINT, _RADIUS_M)
    wall_clock = bindparam("wall_clock", type_=DateTime)
    yield fits_wish(_STARTS_ON, _PEOPLE, wall_clock, one_day=shape.one_day)
    if shape.instant:
        yield Listing.booking_mode == BookingMode.INSTANT
    if shape.budget:
        yield base <= bindparam("budget_cents", type_=BigInteger)
    if shape.amenities:
        yield Listing.amenities.contains(bindparam("all_amenities", type_=ARRAY(Text)))
    if shape.words:
        yield or_(
            Listing.search.op("@@")(func.to_tsquery("simple", bindparam("tsquery", type_=Text))),
            # More alike than pg_trgm.word_similarity_threshold: a misspelt name.
            plain_sql(Listing.title).op("%>")(bindparam("alike", type_=Text)),
        )


def _distance(shape: _Shape) -> ColumnElement[int]:
    """From the point, else from the centre of the area, else of the town."""
    if shape.near:
        return metres_from(*_POINT)
    table: type[Town | Area] = Area if shape.by_area else Town
    place = bindparam("area" if shape.by_area else "town", type_=Integer)
    centre = [
        select(axis).where(table.id == place).scalar_subquery()
        for axis in (table.latitude, table.longitude)
    ]
    return metres_from(*centre)
