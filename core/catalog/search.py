"""Search: what is free for a wish, in order. One statement."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, func, null, or_, select

from core.catalog import rules
from core.catalog.fits import (
    base_cents_sql,
    fits_wish,
    has_units,
    metres_from,
    near,
    on_offer,
    quantity_sql,
)
from core.catalog.model import AMENITIES_MAX, Area, Listing, Town
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.catalog.words import as_tsquery, plain
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import SEARCH_RESULTS_MAX, SEARCH_WORDS_MAX
from core.people.model import Vendor

SEARCH_OFFSET_MAX = 1_000
RADIUS_M = 30_000
RADIUS_MAX_M = 200_000


class Sort(StrEnum):
    """What comes first."""

    PRICE = "price"
    DISTANCE = "distance"
    NAME = "name"


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


@dataclass(frozen=True, slots=True)
class Found:
    """A listing that is free for a wish, and its base price for it.

    Attributes:
        price_cents, price_unit: one price, and what it pays for.
        quantity: units the people need.
        base_cents: for all people and days, before fee and tax.
        distance_m: metres from the point, area or town that was searched; None without one.
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
    base = base_cents_sql(wished.people, (wished.ends_on - wished.starts_on).days)
    distance = _distance(wished)
    columns: dict[str, SQLColumnExpression[Any]] = {
        "id": Listing.id,
        "number": Listing.number,
        "vendor_id": Listing.vendor_id,
        "category": Listing.category,
        "title": Listing.title,
        "town": Town.name,
        "area": Area.name,
        "price_cents": Listing.price_cents,
        "price_unit": Listing.price_unit,
        "capacity": Listing.capacity,
        "booking_mode": Listing.booking_mode,
        "quantity": quantity_sql(wished.people),
        "base_cents": base,
        "distance_m": null() if distance is None else distance,
    }
    query: Select[*tuple[Any, ...]] = (
        select(*(column.label(name) for name, column in columns.items()))
        .join(Vendor, Vendor.id == Listing.vendor_id)
        .join(Town, Town.id == Listing.town_id)
        .outerjoin(Area, Area.id == Listing.area_id)
        .where(*_wanted(wished, base, tx.now))
        .order_by(*_order(wished.sort, base, distance))
        .limit(min(limit, SEARCH_RESULTS_MAX))
        .offset(offset)
    )
    return [Found(**row) for row in tx.db.execute(query).mappings()]


def _wanted(
    wished: Search, base: ColumnElement[int], now: datetime
) -> Iterator[ColumnElement[bool]]:
    yield on_offer()
    yield Listing.category == wished.category
    if wished.town_id is not None:
        yield Listing.town_id == wished.town_id
    if wished.area_id is not None:
        yield Listing.area_id == wished.area_id
    if wished.near is not None:
        point = wished.near
        radius_m = min(point.radius_m, RADIUS_MAX_M)
        yield near(point.latitude, point.longitude, radius_m)
        yield metres_from(point.latitude, point.longitude) <= radius_m
    yield fits_wish(wished.starts_on, wished.ends_on, wished.people, now)
    if wished.budget_cents is not None:
        yield base <= wished.budget_cents
    if wished.amenities:
        yield Listing.amenities.contains(list(wished.amenities[:AMENITIES_MAX]))
    words = as_tsquery(wished.words)
    if words:
        yield or_(
            Listing.search.op("@@")(func.to_tsquery("simple", words)),
            # More alike than pg_trgm.word_similarity_threshold (0.6): a misspelt name.
            func.plain_text(Listing.title).op("%>")(plain(wished.words[:SEARCH_WORDS_MAX])),
        )
    yield has_units(wished.starts_on, wished.ends_on, wished.people)


def _distance(wished: Search) -> ColumnElement[int] | None:
    if wished.near is not None:
        return metres_from(wished.near.latitude, wished.near.longitude)
    if wished.area_id is not None:
        return metres_from(Area.latitude, Area.longitude)
    if wished.town_id is not None:
        return metres_from(Town.latitude, Town.longitude)
    return None


def _order(
    sort: Sort, base: ColumnElement[int], distance: ColumnElement[int] | None
) -> tuple[SQLColumnExpression[Any], ...]:
    """Every order ends with the number, so that a next page follows on the one before."""
    match sort:
        case Sort.PRICE:
            return base, Listing.number
        case Sort.NAME:
            return func.plain_text(Listing.title), Listing.number
        case Sort.DISTANCE:
            if distance is None:
                raise BadInput("no_place")
            return distance, base, Listing.number
