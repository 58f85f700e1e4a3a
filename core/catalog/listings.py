"""What a vendor does with their own listings: draft, publish, other prices, other sizes.

A change is dated from now on. Bookings carry the price that was agreed, so a new one touches none
of them; a smaller size is refused while more than that is sold on some day to come.
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
from uuid import UUID

from sqlalchemy import select, update

from core.catalog.calendar import CALENDAR_DAYS_MAX, lock_days
from core.catalog.model import Area, Listing, ListingDay, Town
from core.catalog.rules import PRICE_UNITS, BookingMode, Category, ListingStatus, PriceUnit
from core.clock import nairobi_date
from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.limits import LISTINGS_PER_VENDOR_MAX, PEOPLE_MAX, PRICE_MAX_CENTS, TITLE_MAX, UNITS_MAX
from core.people.model import Vendor, VendorStatus

PRICE_MIN_CENTS = 100_00
"""Less than KES 100 for anything that is booked ahead is a slip of the finger."""
# When a day service begins and ends, and when rooms are given and left, unless the vendor says so.
HOURS = {
    Category.VENUE: (time(8), time(18)),
    Category.CATERING: (time(11), time(20)),
    Category.STAY: (time(14), time(10)),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a vendor says of a new listing.

    Attributes:
        units: rooms of a stay, plates a day of a caterer, halls.
        capacity: people in the hall or in one room; not used for catering.
    """

    category: Category
    title: str
    town_id: int
    area_id: int | None
    units: int
    capacity: int
    price_cents: int
    price_unit: PriceUnit
    mode: BookingMode


def clean_title(typed: str) -> str:
    """Return a listing's name as it is kept; raises BadInput (``title_bad``)."""
    title = " ".join(typed.split())
    if sum(ch.isalpha() for ch in title) < 2 or len(title) > TITLE_MAX or not title.isprintable():
        raise BadInput("title_bad")
    return title


def check_price(price_cents: int) -> int:
    """Return a price that can be asked; raises BadInput (``too_small``, ``too_big``), in KES."""
    if price_cents < PRICE_MIN_CENTS:
        raise BadInput("too_small", least=PRICE_MIN_CENTS // 100)
    if price_cents > PRICE_MAX_CENTS:
        raise BadInput("too_big", most=PRICE_MAX_CENTS // 100)
    return price_cents


def draft_listing(tx: Tx, vendor_id: UUID, draft: Draft) -> Listing:
    """Keep a new listing: published at once for a vendor whom we have checked, else a draft.

    Raises:
        BadInput: what ``clean_title`` and ``check_price`` say; ``too_small`` / ``too_big`` for a
            size; ``bad_input`` for a unit of price that the category has not.
        NotFound: ``no_place``.
        Refused: ``too_many_listings`` (data: limit), ``title_taken``: they have one of that name.
    """
    vendor = _vendor(tx, vendor_id)
    title = clean_title(draft.title)
    known = tx.db.scalars(
        select(Listing.title).where(Listing.vendor_id == vendor_id).limit(LISTINGS_PER_VENDOR_MAX)
    ).all()
    if len(known) >= LISTINGS_PER_VENDOR_MAX:
        raise Refused("too_many_listings", limit=LISTINGS_PER_VENDOR_MAX)
    if title.casefold() in {other.casefold() for other in known}:
        raise Refused("title_taken")
    if draft.price_unit not in PRICE_UNITS[draft.category]:
        raise BadInput
    units = _sized(draft.units, UNITS_MAX)
    capacity = units if draft.category is Category.CATERING else _sized(draft.capacity, PEOPLE_MAX)
    latitude, longitude = _point(tx, draft.town_id, draft.area_id)
    starts_at, ends_at = HOURS[draft.category]
    checked = vendor.status is VendorStatus.ACTIVE and vendor.kyc_verified_at is not None
    listing = Listing(
        id=tx.ids.uuid(),
        vendor_id=vendor_id,
        category=draft.category,
        title=title,
        description="",
        town_id=draft.town_id,
        area_id=draft.area_id,
        latitude=latitude,
        longitude=longitude,
        price_cents=check_price(draft.price_cents),
        price_unit=draft.price_unit,
        units=units,
        capacity=capacity,
        amenities=[],
        booking_mode=draft.mode,
        starts_at=starts_at,
        ends_at=ends_at,
        status=ListingStatus.PUBLISHED if checked else ListingStatus.DRAFT,
        created_at=tx.now,
    )
    tx.db.add(listing)
    tx.db.flush()
    return listing


def publish_drafts(tx: Tx, vendor_id: UUID) -> int:
    """Publish what a vendor drafted while we checked them; return how many."""
    published = tx.db.scalars(
        update(Listing)
        .where(Listing.vendor_id == vendor_id, Listing.status == ListingStatus.DRAFT)
        .values(status=ListingStatus.PUBLISHED)
        .returning(Listing.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(published)


def publish(tx: Tx, number: int) -> Listing:
    """Publish one listing; searches find it once its vendor may sell.

    Raises:
        NotFound: ``no_listing``.
        Refused: ``vendor_unchecked``: nobody has checked who the vendor is.
    """
    listing = any_listing(tx, number)
    if _vendor(tx, listing.vendor_id).status is not VendorStatus.ACTIVE:
        raise Refused("vendor_unchecked")
    listing.status = ListingStatus.PUBLISHED
    return listing


def any_listing(tx: Tx, number: int) -> Listing:
    """Return a listing, on offer or not; raises NotFound (``no_listing``)."""
    listing = tx.db.scalar(select(Listing).where(Listing.number == number))
    if listing is None:
        raise NotFound("no_listing")
    return listing


def own_listing(tx: Tx, listing_id: UUID, vendor_id: UUID, *, lock: bool = False) -> Listing:
    """Return a vendor's own listing, whether on offer or not; raises NotFound (``no_listing``)."""
    query = select(Listing).where(Listing.id == listing_id, Listing.vendor_id == vendor_id)
    if lock:
        # Whoever changes it may have looked at it before, and so may somebody else.
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = tx.db.scalar(query)
    if found is None:
        raise NotFound("no_listing")
    return found


def change_price(tx: Tx, listing_id: UUID, vendor_id: UUID, price_cents: int) -> int:
    """Ask another price of whoever books from now on; return the one before.

    Raises:
        NotFound: ``no_listing``.
        BadInput: as ``check_price``.
        Refused: ``same_price``.
    """
    listing = own_listing(tx, listing_id, vendor_id, lock=True)
    before = listing.price_cents
    if check_price(price_cents) == before:
        raise Refused("same_price")
    listing.price_cents = price_cents
    return before


def change_size(tx: Tx, listing_id: UUID, vendor_id: UUID, size: int) -> int:
    """Change how much of a listing there is, on every day to come; return the size before.

    The size is what ``size_of`` says: people in a hall, plates a day, rooms. Halls are not
    counted by day, so that fewer people only matter to who books from now on.

    Raises:
        NotFound: ``no_listing``.
        BadInput: ``too_small``, ``too_big``.
        Refused: ``units_sold`` (data: day, booked): so many are sold on the first such day.
    """
    listing = own_listing(tx, listing_id, vendor_id, lock=True)
    before = size_of(listing)
    if listing.category is Category.VENUE:
        listing.capacity = _sized(size, PEOPLE_MAX)
        listing.people_min = min(listing.people_min, size)
        return before
    _sized(size, UNITS_MAX)
    # All days that can be booked get their row first: a claim that comes meanwhile cannot bring
    # one of the old size, it waits for these.
    first = nairobi_date(tx.now)
    days = [first + timedelta(days=i) for i in range(CALENDAR_DAYS_MAX + 2)]
    sold = next((day for day in lock_days(tx, listing_id, days) if day.booked > size), None)
    if sold is not None:
        raise Refused("units_sold", day=sold.day, booked=sold.booked)
    tx.db.execute(
        update(ListingDay)
        .where(ListingDay.listing_id == listing_id, ListingDay.day >= first)
        .values(units=size)
        .execution_options(synchronize_session=False)
    )
    listing.units = size
    if listing.category is Category.CATERING:
        listing.capacity = size
        listing.people_min = min(listing.people_min, size)
    return before


def size_of(listing: Listing) -> int:
    """Return what a vendor calls the size of a listing: people, plates or rooms."""
    return listing.capacity if listing.category is Category.VENUE else listing.units


def weekdays(first: date, last: date, weekday: int) -> list[date]:
    """Return each day of a range that falls on a weekday (Monday is 0)."""
    start = first + timedelta(days=(weekday - first.weekday()) % 7)
    return [start + timedelta(days=7 * i) for i in range(((last - start).days // 7) + 1)]


def _vendor(tx: Tx, vendor_id: UUID) -> Vendor:
    """The vendor, locked: listings of one are counted in turn, and a check lasts."""
    return tx.db.get_one(Vendor, vendor_id, with_for_update={"key_share": True})


def _point(tx: Tx, town_id: int, area_id: int | None) -> tuple[float, float]:
    where = select(Town.latitude, Town.longitude).where(Town.id == town_id)
    if area_id is not None:
        chosen = (Area.id == area_id, Area.town_id == town_id)
        where = select(Area.latitude, Area.longitude).where(*chosen)
    row = tx.db.execute(where).first()
    if row is None:
        raise NotFound("no_place")
    return row[0], row[1]


def _sized(size: int, most: int) -> int:
    if size < 1:
        raise BadInput("too_small", least=1)
    if size > most:
        raise BadInput("too_big", most=most)
    return size
