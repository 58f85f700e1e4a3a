"""Reading the catalog: places, one listing, and what else could be had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    union_all,
)

from core.catalog import calendar, rules
from core.catalog.fits import (
    base_cents_sql,
    fits_wish,
    has_units,
    in_order,
    kenyan_wall_clock,
    near,
    on_offer,
    plain_sql,
    quantity_sql,
)
from core.catalog.model import Area, Listing, Town
from core.catalog.rules import BookingMode, Terms
from core.catalog.words import plain
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import ALTERNATIVES_MAX, LIST_MAX
from core.people.model import Vendor

PLACES_MAX = 10
PLACE_TYPED_MIN = 2
PLACE_TYPED_MAX = 40
# Scores of a place match; a likeness of spelling lies between 0 and 1.
EXACT = 3.0
BEGINNING = 2.0
# An area comes after the towns of an equal score.
AREA_RANK = 1_000
# How far another town may be and still be an alternative: about an hour on the road.
ALTERNATIVE_RADIUS_M = 60_000
# How many days before and after a wished date other dates are looked for.
DATES_AROUND_DAYS = 21


@dataclass(frozen=True, slots=True)
class Place:
    """A town, or an area of one.

    Attributes:
        area_id, area: None for a whole town.
    """

    town_id: int
    town: str
    area_id: int | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Something else that is free: another listing, or the same one on another date."""

    number: int
    title: str
    town: str
    area: str | None
    starts_on: date
    ends_on: date
    base_cents: int


@dataclass(frozen=True, slots=True)
class Details:
    """All that is shown of one listing.

    Attributes:
        deposit_basis_points: what of the price is asked for first; None for all of it.
        rest_days: so many days before the start the rest is due.
        rating_count, rating_sum: how many reviews are shown, and all of their stars.
        on_offer: customers may see and book it.
    """

    id: UUID
    number: int
    vendor_id: UUID
    business: str
    title: str
    description: str
    town: str
    area: str | None
    latitude: float
    longitude: float
    amenities: tuple[str, ...]
    booking_mode: BookingMode
    policy: str
    terms: Terms
    deposit_basis_points: int | None
    rest_days: int | None
    rating_count: int
    rating_sum: int
    on_offer: bool


def towns(tx: Tx, limit: int = LIST_MAX) -> list[Place]:
    """Return the towns in the order in which they are offered."""
    query = select(Town.id, Town.name).order_by(Town.rank, Town.id).limit(min(limit, LIST_MAX))
    return [Place(*row) for row in tx.db.execute(query)]


def areas(tx: Tx, town_id: int, limit: int = LIST_MAX) -> list[Place]:
    """Return the areas of a town, best known first."""
    query = (
        select(Town.id, Town.name, Area.id, Area.name)
        .join(Area, Area.town_id == Town.id)
        .where(Town.id == town_id)
        .order_by(Area.id)
        .limit(min(limit, LIST_MAX))
    )
    return [Place(*row) for row in tx.db.execute(query)]


def place(tx: Tx, town_id: int, area_id: int | None = None) -> Place:
    """Return one town or area; raises NotFound (``no_place``)."""
    query: Select[*tuple[Any, ...]]
    if area_id is None:
        query = select(Town.id, Town.name).where(Town.id == town_id)
    else:
        query = (
            select(Town.id, Town.name, Area.id, Area.name)
            .join(Area, Area.town_id == Town.id)
            .where(Town.id == town_id, Area.id == area_id)
        )
    row = tx.db.execute(query).first()
    if row is None:
        raise NotFound("no_place")
    return Place(*row)


def find_places(tx: Tx, typed: str, limit: int = PLACES_MAX) -> list[Place]:
    """Return the towns and areas that a typed name can mean, the likeliest first.

    Case, accents and apostrophes do not count. A whole name or alias comes before a beginning,
    a beginning before a likeness of spelling; likenesses are guesses, given only when nothing
    better is there.
    """
    wanted = plain(typed[:PLACE_TYPED_MAX])
    if len(wanted) < PLACE_TYPED_MIN:
        return []
    town_name, area_name = plain_sql(Town.name), plain_sql(Area.name)
    both_names = (
        plain_sql(Area.name + " " + Town.name),
        plain_sql(Town.name + " " + Area.name),
    )
    matches = union_all(
        _matching(
            select(Town.id, Town.name, null().label("area_id"), null().label("area"), Town.rank),
            [town_name],
            or_(town_name == wanted, Town.aliases.contains([wanted])),
            wanted,
        ),
        _matching(
            select(Town.id, Town.name, Area.id, Area.name, Town.rank + AREA_RANK).join(
                Area, Area.town_id == Town.id
            ),
            [area_name, *(both_names if " " in wanted else ())],
            area_name == wanted,
            wanted,
        ),
    ).subquery()
    ranked = select(matches, func.max(matches.c.score).over().label("best")).subquery()
    town_id, town, area_id, area, rank, score, best = ranked.c
    query = (
        select(town_id, town, area_id, area)
        .where(or_(score >= BEGINNING, best < BEGINNING))
        .order_by(score.desc(), rank, area_id)
        .limit(min(limit, PLACES_MAX))
    )
    return [Place(*row) for row in tx.db.execute(query)]


# Built once: each price and each booking begins with it.
_BY_NUMBER = (
    select(Listing)
    .join(Vendor, Vendor.id == Listing.vendor_id)
    .where(Listing.number == bindparam("wanted_number"), on_offer())
)


def listing_by_number(tx: Tx, number: int) -> Listing:
    """Return a listing on offer by its short number; raises NotFound (``no_listing``)."""
    found = tx.db.scalar(_BY_NUMBER, {"wanted_number": number})
    if found is None:
        raise NotFound("no_listing", number=number)
    return found


def listings_of(tx: Tx, vendor_id: UUID, limit: int = LIST_MAX) -> list[Listing]:
    """Return a vendor's own listings, also those not on offer, by number."""
    query = (
        select(Listing)
        .where(Listing.vendor_id == vendor_id)
        .order_by(Listing.number)
        .limit(min(limit, LIST_MAX))
    )
    return list(tx.db.scalars(query))


def details(tx: Tx, listing_id: UUID) -> Details:
    """Return all that is shown of a listing, whether on offer or not; raises NotFound."""
    return _details(tx, _DETAILS_BY_ID, {"wanted_id": listing_id})


def details_by_number(tx: Tx, number: int) -> Details:
    """Return all that is shown of a listing on offer; raises NotFound (``no_listing``)."""
    return _details(tx, _DETAILS_BY_NUMBER, {"wanted_number": number})


_DETAILS = (
    select(Listing, Vendor.business_name, Town.name, Area.name, on_offer())
    .join(Vendor, Vendor.id == Listing.vendor_id)
    .join(Town, Town.id == Listing.town_id)
    .outerjoin(Area, Area.id == Listing.area_id)
)
_DETAILS_BY_ID = _DETAILS.where(Listing.id == bindparam("wanted_id"))
_DETAILS_BY_NUMBER = _DETAILS.where(Listing.number == bindparam("wanted_number"), on_offer())


def _details(tx: Tx, query: Select[*tuple[Any, ...]], chosen: dict[str, Any]) -> Details:
    row = tx.db.execute(query, chosen).first()
    if row is None:
        raise NotFound("no_listing")
    listing, business, town, area, offered = row
    return Details(
        id=listing.id,
        number=listing.number,
        vendor_id=listing.vendor_id,
        business=business,
        title=listing.title,
        description=listing.description,
        town=town,
        area=area,
        latitude=listing.latitude,
        longitude=listing.longitude,
        amenities=tuple(listing.amenities),
        booking_mode=listing.booking_mode,
        policy=listing.policy,
        terms=listing.terms,
        deposit_basis_points=listing.deposit_basis_points,
        rest_days=listing.rest_days,
        rating_count=listing.rating_count,
        rating_sum=listing.rating_sum,
        on_offer=offered,
    )


def alternatives(
    tx: Tx,
    listing: Listing,
    starts_on: date,
    ends_on: date,
    people: int,
    limit: int = ALTERNATIVES_MAX,
) -> list[Alternative]:
    """Return what else could be booked instead of a listing, the most alike first.

    Others of the same category on the same days come first: of the same area, then town, then
    within an hour's drive, each by nearness of price. Other dates of the listing itself fill up.
    """
    limit = min(limit, ALTERNATIVES_MAX)
    base = base_cents_sql(people, (ends_on - starts_on).days)
    wanted_base = rules.base_cents(listing.terms, starts_on, ends_on, people)
    same_town = Listing.town_id == listing.town_id
    closeness = case((Listing.area_id == listing.area_id, 0), (same_town, 1), else_=2)
    fitting: Select[*tuple[Any, ...]] = (
        select(
            Listing.id,
            Listing.number,
            Listing.title,
            Listing.town_id,
            Listing.area_id,
            quantity_sql(people).label("quantity"),
            base.label("base_cents"),
            closeness.label("closeness"),
            func.abs(base - wanted_base).label("price_gap"),
        )
        .join(Vendor, Vendor.id == Listing.vendor_id)
        .where(
            on_offer(),
            Listing.category == listing.category,
            Listing.id != listing.id,
            or_(same_town, near(listing.latitude, listing.longitude, ALTERNATIVE_RADIUS_M)),
            fits_wish(
                starts_on,
                people,
                kenyan_wall_clock(tx.now),
                one_day=(ends_on - starts_on).days == 1,
            ),
        )
    )
    order = ("closeness", "price_gap", "number")
    wanted = in_order(fitting, order)
    query = (
        select(wanted, Town.name.label("town"), Area.name.label("area"))
        .join(Town, Town.id == wanted.c.town_id)
        .outerjoin(Area, Area.id == wanted.c.area_id)
        .where(has_units(wanted, starts_on, ends_on))
        .order_by(*(wanted.c[name] for name in order))
        .limit(limit)
    )
    others = [
        Alternative(
            number=row.number,
            title=row.title,
            town=row.town,
            area=row.area,
            starts_on=starts_on,
            ends_on=ends_on,
            base_cents=row.base_cents,
        )
        for row in tx.db.execute(query)
    ]
    return others + _other_dates(tx, listing, starts_on, ends_on, people, limit - len(others))


def free_dates_near(
    tx: Tx, listing: Listing, starts_on: date, ends_on: date, people: int, limit: int
) -> list[date]:
    """Return other first days on which a listing is free for as long, the nearest first."""
    around = timedelta(days=DATES_AROUND_DAYS)
    length = ends_on - starts_on
    first = max(starts_on - around, rules.earliest_date(listing.terms, tx.now))
    last = starts_on + around + length
    if limit < 1 or first >= last:
        return []
    needed = rules.quantity(listing.terms, people)
    days = calendar.availability(tx, listing.id, first, last)
    free = {day.day for day in days if day.left >= needed}
    return list(rules.nearest_starts(free, starts_on, length.days, limit))


def _other_dates(
    tx: Tx, listing: Listing, starts_on: date, ends_on: date, people: int, limit: int
) -> list[Alternative]:
    starts = free_dates_near(tx, listing, starts_on, ends_on, people, limit)
    if not starts:
        return []
    where = place(tx, listing.town_id, listing.area_id)
    length = ends_on - starts_on
    base = rules.base_cents(listing.terms, starts_on, ends_on, people)
    return [
        Alternative(
            listing.number, listing.title, where.town, where.area, start, start + length, base
        )
        for start in starts
    ]


def _matching(
    rows: Select[*tuple[Any, ...]],
    names: Sequence[ColumnElement[str]],
    exact: ColumnElement[bool],
    wanted: str,
) -> Select[*tuple[Any, ...]]:
    """Keep the rows whose name can be meant, with a score: see ``find_places``."""
    begins = or_(
        *(name.startswith(wanted, autoescape=True) for name in names),
        names[0].contains(f" {wanted}", autoescape=True),
    )
    # %: more alike than pg_trgm.similarity_threshold (0.3), which the trigram index knows.
    alike = or_(*(name.op("%")(wanted) for name in names))
    likeness = func.greatest(*(func.similarity(name, wanted) for name in names))
    score = case((exact, EXACT), (begins, BEGINNING), else_=likeness)
    return rows.add_columns(score.label("score")).where(or_(exact, begins, alike))
