"""Search: what is free for a wish, in order. One statement."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
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
    metres_from,
    near,
    on_offer,
    plain_sql,
    quantity_sql,
)
from core.catalog.model import AMENITIES_MAX, Area, Listing, Town
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.catalog.words import as_tsquery, plain
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import SEARCH_RESULTS_MAX, SEARCH_WORDS_MAX
from core.people.model import Vendor
from core.people.penalties import is_penalised

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


# Vendors who cancelled on somebody come after all others. Every order ends with the number, so
# that a next page follows on the one before.
ORDERS = {
    Sort.PRICE: ("penalised", "base_cents", "number"),
    Sort.DISTANCE: ("penalised", "distance_m", "base_cents", "number"),
    Sort.NAME: ("penalised", "sort_name", "number"),
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
        distance_m: metres from the point, area or town that was searched; None when nearness was
            not asked for.
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


FOUND_FIELDS = tuple(field.name for field in fields(Found))


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
    if wished.sort is Sort.DISTANCE and _distance(wished) is None:
        raise BadInput("no_place")
    base = base_cents_sql(wished.people, (wished.ends_on - wished.starts_on).days)
    nearness = wished.near is not None or wished.sort is Sort.DISTANCE
    distance = _distance(wished) if nearness else None
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
        "quantity": quantity_sql(wished.people),
        "base_cents": base,
        "distance_m": null() if distance is None else distance,
        "sort_name": plain_sql(Listing.title),
        "penalised": is_penalised(tx.now),
    }
    fitting: Select[*tuple[Any, ...]] = (
        select(*(column.label(name) for name, column in columns.items()))
        .join(Vendor, Vendor.id == Listing.vendor_id)
        .where(*_wanted(wished, base, tx.now))
    )
    wanted = in_order(fitting, ORDERS[wished.sort])
    query = (
        select(wanted, Town.name.label("town"), Area.name.label("area"))
        .join(Town, Town.id == wanted.c.town_id)
        .outerjoin(Area, Area.id == wanted.c.area_id)
        .where(has_units(wanted, wished.starts_on, wished.ends_on))
        .order_by(*(wanted.c[name] for name in ORDERS[wished.sort]))
        .limit(min(limit, SEARCH_RESULTS_MAX))
        .offset(offset)
    )
    if wished.near is not None:
        query = query.where(wanted.c.distance_m <= _radius_m(wished.near))
    if wished.words:
        tx.db.execute(LIKENESS, {"least": TITLE_LIKENESS_MIN})
    return [
        Found(**{field: row[field] for field in FOUND_FIELDS})
        for row in tx.db.execute(query).mappings()
    ]


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
        yield near(point.latitude, point.longitude, _radius_m(point))
    yield fits_wish(wished.starts_on, wished.ends_on, wished.people, now)
    if wished.budget_cents is not None:
        yield base <= wished.budget_cents
    if wished.amenities:
        yield Listing.amenities.contains(list(wished.amenities[:AMENITIES_MAX]))
    words = as_tsquery(wished.words)
    if words:
        yield or_(
            Listing.search.op("@@")(func.to_tsquery("simple", words)),
            # More alike than pg_trgm.word_similarity_threshold: a misspelt name.
            plain_sql(Listing.title).op("%>")(plain(wished.words[:SEARCH_WORDS_MAX])),
        )


def _radius_m(point: Near) -> int:
    return min(point.radius_m, RADIUS_MAX_M)


def _distance(wished: Search) -> ColumnElement[int] | None:
    """From the point, else from the centre of the area, else of the town."""
    if wished.near is not None:
        return metres_from(wished.near.latitude, wished.near.longitude)
    table: type[Town | Area] = Town if wished.area_id is None else Area
    place_id = wished.town_id if wished.area_id is None else wished.area_id
    if place_id is None:
        return None
    centre = [
        select(axis).where(table.id == place_id).scalar_subquery()
        for axis in (table.latitude, table.longitude)
    ]
    return metres_from(*centre)
