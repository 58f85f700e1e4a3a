"""A vendor's own listings: drafted, priced and sized by themselves, never below what is sold."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.booking.model import Booking
from core.catalog import calendar
from core.catalog.listings import (
    Draft,
    change_price,
    change_size,
    draft_listing,
    own_listing,
    publish,
    size_of,
    weekdays,
)
from core.catalog.model import Listing
from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit
from core.clock import nairobi_date
from core.db.tx import Database, Tx
from core.errors import BadInput, NotFound, NoUnits, Refused
from core.limits import LISTINGS_PER_VENDOR_MAX
from core.people.model import Vendor, VendorStatus
from tests.core.escrow.tools import together
from tests.support.factories import OTHER_VENDOR, make_held, make_instant_listing, make_vendor

ROOM = Draft(
    Category.STAY, "Garden Room", 7, None, 4, 2, 3_500_00, PriceUnit.NIGHT, BookingMode.REQUEST
)


def draft(database: Database, vendor: Vendor, what: Draft = ROOM) -> Listing:
    return database.run(lambda tx: draft_listing(tx, vendor.id, what))


def resize(database: Database, listing: Listing, size: int) -> int:
    return database.run(lambda tx: change_size(tx, listing.id, listing.vendor_id, size))


def rooms(database: Database, vendor: Vendor, units: int = 4) -> Listing:
    terms: dict[str, Any] = {
        "category": Category.STAY,
        "price_unit": PriceUnit.NIGHT,
        "capacity": 2,
    }
    return database.run(lambda tx: make_instant_listing(tx, vendor, units=units, **terms))


def test_a_checked_vendors_listing_is_on_offer_at_once(database: Database, vendor: Vendor) -> None:
    made = draft(database, vendor)

    assert made.status is ListingStatus.PUBLISHED
    assert made.number >= 10_000
    assert (made.units, made.capacity, size_of(made)) == (4, 2, 4)
    assert (made.latitude, made.longitude) == (-4.2797, 39.5947)
    plates = replace(
        ROOM, category=Category.CATERING, title="Pilau", units=300, price_unit=PriceUnit.PERSON
    )
    assert draft(database, vendor, plates).capacity == 300


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"title": "12"}, "title_bad"),
        ({"title": "x" * 41}, "title_bad"),
        ({"price_cents": 99_00}, "too_small"),
        ({"units": 0}, "too_small"),
        ({"units": 5_001}, "too_big"),
        ({"capacity": 5_001}, "too_big"),
        ({"price_unit": PriceUnit.EVENT}, "bad_input"),
        ({"town_id": 999}, "no_place"),
        ({"area_id": 101}, "no_place"),
    ],
)
def test_what_cannot_be_offered_is_refused(
    database: Database, vendor: Vendor, wrong: dict[str, Any], code: str
) -> None:
    with pytest.raises((BadInput, NotFound), match=code):
        draft(database, vendor, replace(ROOM, **wrong))


def test_a_name_is_given_once_and_listings_are_limited(database: Database, vendor: Vendor) -> None:
    draft(database, vendor)
    with pytest.raises(Refused, match="title_taken"):
        draft(database, vendor, replace(ROOM, title="garden  ROOM"))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for letter in letters[: LISTINGS_PER_VENDOR_MAX - 1]:
        draft(database, vendor, replace(ROOM, title=f"Room {letter}"))
    with pytest.raises(Refused, match="too_many_listings"):
        draft(database, vendor, replace(ROOM, title="Room too many"))


def test_a_draft_of_an_unchecked_vendor_is_not_published_by_hand(
    database: Database, vendor: Vendor
) -> None:
    pending: dict[str, Any] = {"status": VendorStatus.PENDING, "kyc_verified_at": None}
    other = database.run(lambda tx: make_vendor(tx, OTHER_VENDOR, **pending))
    made = draft(database, other)

    assert made.status is ListingStatus.DRAFT
    with pytest.raises(Refused, match="vendor_unchecked"):
        database.run(lambda tx: publish(tx, made.number))
    with pytest.raises(NotFound, match="no_listing"):
        database.run(lambda tx: publish(tx, 9_999))


def test_a_new_price_holds_from_now_on_and_bookings_keep_theirs(
    database: Database, vendor: Vendor
) -> None:
    listing = rooms(database, vendor)
    booked = database.run(
        lambda tx: make_held(tx, own_listing(tx, listing.id, vendor.id), people=2)
    )

    before = database.run(lambda tx: change_price(tx, listing.id, vendor.id, 6_000_00))

    assert before == listing.price_cents
    kept = database.run(lambda tx: tx.db.get_one(Booking, booked.id))
    assert kept.base_cents == booked.base_cents
    dearer = database.run(
        lambda tx: make_held(tx, own_listing(tx, listing.id, vendor.id), people=2)
    )
    assert dearer.base_cents == 6_000_00
    with pytest.raises(Refused, match="same_price"):
        database.run(lambda tx: change_price(tx, listing.id, vendor.id, 6_000_00))


def test_anothers_listing_is_nobodys(database: Database, vendor: Vendor) -> None:
    listing = rooms(database, vendor)
    other = database.run(lambda tx: make_vendor(tx, OTHER_VENDOR))

    with pytest.raises(NotFound, match="no_listing"):
        database.run(lambda tx: change_price(tx, listing.id, other.id, 10_000))
    with pytest.raises(NotFound, match="no_listing"):
        database.run(lambda tx: change_size(tx, listing.id, other.id, 10))


def test_rooms_that_are_sold_cannot_be_taken_away(database: Database, vendor: Vendor) -> None:
    listing = rooms(database, vendor)
    booked = database.run(
        lambda tx: make_held(
            tx, own_listing(tx, listing.id, vendor.id), in_days=30, days=2, people=6
        )
    )

    with pytest.raises(Refused, match="units_sold") as refused:
        resize(database, listing, 2)
    assert refused.value.data == {"day": booked.starts_on, "booked": 3}

    assert resize(database, listing, 3) == 4
    days = database.run(lambda tx: free(tx, listing, booked.starts_on, 3))
    assert days == [0, 0, 3]
    assert resize(database, listing, 10) == 3
    assert database.run(lambda tx: free(tx, listing, booked.starts_on, 3)) == [7, 7, 10]


def free(tx: Tx, listing: Listing, first: date, days: int) -> list[int]:
    found = calendar.availability(tx, listing.id, first, first + timedelta(days=days))
    return [day.left for day in found]


def test_rooms_taken_away_while_others_are_sold_are_never_sold_twice(
    database: Database, vendor: Vendor
) -> None:
    """Each day without a counter takes the listing's size: a claim must not bring the old one."""
    listing = rooms(database, vendor)

    def act(number: int) -> str:
        try:
            if number == 0:
                resize(database, listing, 1)
            else:
                database.run(lambda tx: _claim(tx, listing))
        except (NoUnits, Refused) as refused:
            return refused.code
        return "done"

    for _ in range(3):
        answers = together(5, act)
        left = database.run(lambda tx: own_listing(tx, listing.id, vendor.id)).units
        sold = answers[1:].count("done")
        assert left == (1 if answers[0] == "done" else 4)
        assert sold <= left or answers[0] == "units_sold"
        with database.transaction() as tx:
            day = calendar.availability(tx, listing.id, *_days(tx))[0]
            assert (day.units, day.booked) == (left, day.booked)
            assert day.booked <= left
            if sold:
                calendar.release(tx, listing.id, *_days(tx), sold)
        resize(database, listing, 4)


def _days(tx: Tx) -> tuple[date, date]:
    first = nairobi_date(tx.now) + timedelta(days=200)
    return first, first + timedelta(days=1)


def _claim(tx: Tx, listing: Listing) -> None:
    calendar.claim(tx, listing.id, *_days(tx), 1)


def test_a_halls_size_is_its_people(database: Database, vendor: Vendor) -> None:
    hall = database.run(lambda tx: make_instant_listing(tx, vendor, people_min=50))

    assert resize(database, hall, 30) == 200
    smaller = database.run(lambda tx: own_listing(tx, hall.id, vendor.id))
    assert (smaller.capacity, smaller.people_min, smaller.units) == (30, 30, 1)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 200), st.integers(0, 6))
def test_a_weekday_falls_on_each_seventh_day(first: date, length: int, weekday: int) -> None:
    last = first + timedelta(days=length)

    found = weekdays(first, last, weekday)

    every = [first + timedelta(days=i) for i in range(length + 1)]
    assert found == [day for day in every if day.weekday() == weekday]
