"""The demo market as values: the same for the same seed, on every machine. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import time

from core.catalog.places import AREAS, TOWNS
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.demo.offers import KINDS, LISTINGS_PER_VENDOR, Kind
from core.demo.vendors import VENDORS, VendorRow

SEED = 7781
NUMBERS_FROM = 1001
# Four listings that the README and the tests name; the first four vendors own them.
FIXED_NUMBERS = (4507, 4508, 4509, 4510)
FIXED_SHILLINGS = 50_000
# Listings lie within about 800 m of their area's centre.
SCATTER_DEGREES = 0.007
VENDOR_PHONES_FROM = 11
PENDING_PHONES_FROM = 91
CUSTOMER_PHONES_FROM = 1

_TOWN = {town.slug: town for town in TOWNS}
_AREA = {(area.town, area.slug): area for area in AREAS}


def phone(number: int) -> str:
    """Return a number of the block that belongs to nobody."""
    assert 0 <= number < 100, "the test block has a hundred numbers"
    return f"+2547000000{number:02d}"


@dataclass(frozen=True, slots=True)
class DemoListing:
    """A listing before it has an id; the fields are the table's."""

    number: int
    category: Category
    title: str
    description: str
    town_id: int
    area_id: int | None
    latitude: float
    longitude: float
    price_cents: int
    price_unit: PriceUnit
    units: int
    capacity: int
    people_min: int
    amenities: tuple[str, ...]
    booking_mode: BookingMode
    lead_hours: int
    starts_at: time
    ends_at: time


@dataclass(frozen=True, slots=True)
class DemoVendor:
    """A vendor and what they sell."""

    msisdn: str
    owner: str
    business: str
    listings: tuple[DemoListing, ...]


def demo_vendors(seed: int = SEED) -> tuple[DemoVendor, ...]:
    """Return all vendors with their listings, the four fixed ones first."""
    choose = random.Random(seed)  # noqa: S311 -- repeatable on purpose.
    numbers = (n for n in range(NUMBERS_FROM, 9_999) if n not in FIXED_NUMBERS)
    return tuple(
        DemoVendor(
            msisdn=phone(VENDOR_PHONES_FROM + index),
            owner=row.owner,
            business=row.business,
            listings=tuple(_listings(row, index, numbers, choose)),
        )
        for index, row in enumerate(VENDORS)
    )


def _listings(
    row: VendorRow, index: int, numbers: Iterator[int], choose: random.Random
) -> Iterator[DemoListing]:
    kinds = KINDS[row.category]
    others = choose.sample(kinds[1:], LISTINGS_PER_VENDOR[row.category] - 1)
    for position, kind in enumerate((kinds[0], *others)):
        fixed = position == 0 and index < len(FIXED_NUMBERS)
        number = FIXED_NUMBERS[index] if fixed else next(numbers)
        listing = _listing(row, kind, position, number, choose)
        yield _fixed(listing) if fixed else listing


def _listing(
    row: VendorRow, kind: Kind, position: int, number: int, choose: random.Random
) -> DemoListing:
    town_slug, area_slug = row.places[position % len(row.places)]
    town, area = _TOWN[town_slug], _AREA.get((town_slug, area_slug))
    centre = area or town
    units = _between(kind.units, kind.units_step, choose)
    plates = row.category is Category.CATERING
    return DemoListing(
        number=number,
        category=row.category,
        title=f"{row.stem} {kind.name}",
        description=kind.text,
        town_id=town.id,
        area_id=area.id if area else None,
        latitude=round(centre.latitude + choose.uniform(-1, 1) * SCATTER_DEGREES, 5),
        longitude=round(centre.longitude + choose.uniform(-1, 1) * SCATTER_DEGREES, 5),
        price_cents=_shillings(kind, row.level, choose) * 100,
        price_unit=kind.price_unit,
        units=units,
        capacity=units if plates else _between(kind.capacity, kind.capacity_step, choose),
        people_min=kind.people_min,
        amenities=kind.amenities,
        booking_mode=choose.choice((BookingMode.INSTANT, BookingMode.REQUEST)),
        lead_hours=kind.lead_hours,
        starts_at=kind.starts_at,
        ends_at=kind.ends_at,
    )


def _fixed(listing: DemoListing) -> DemoListing:
    """Give the four named listings the terms that the README and the golden example count on."""
    if listing.category is not Category.VENUE:
        return replace(listing, booking_mode=BookingMode.INSTANT, lead_hours=24)
    asked = listing.number == FIXED_NUMBERS[0]
    return replace(
        listing,
        price_cents=FIXED_SHILLINGS * 100,
        capacity=300,
        lead_hours=24,
        booking_mode=BookingMode.REQUEST if asked else BookingMode.INSTANT,
    )


def _shillings(kind: Kind, level: int, choose: random.Random) -> int:
    """Draw a price from the level's third of the range; never the one of the fixed listings."""
    lowest, highest = kind.shillings
    third = (highest - lowest) // 3
    start = lowest + third * (level - 1)
    drawn = choose.randrange(start, start + third + 1)
    price = min(max(drawn // kind.step * kind.step, lowest), highest)
    return price + kind.step if price == FIXED_SHILLINGS else price


def _between(bounds: tuple[int, int], step: int, choose: random.Random) -> int:
    return choose.randrange(bounds[0], bounds[1] + 1, step)
