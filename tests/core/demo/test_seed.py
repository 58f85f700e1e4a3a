"""The demo market: as large and as varied as promised, the same each time."""

from collections import Counter
from datetime import time

from sqlalchemy import func, select, text

from core.catalog import rules
from core.catalog.model import Listing
from core.catalog.photos import photos_of
from core.catalog.queries import listing_by_number
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.catalog.search import Search, search
from core.clock import ManualClock
from core.db.tx import Database
from core.demo.photos import NUMBERS, seed_photos
from core.demo.plan import demo_vendors
from core.demo.seed import seed_catalog
from core.limits import NAME_MAX, TITLE_MAX
from core.people.model import User, Vendor, VendorStatus
from tests.core.catalog.market import SATURDAY, SUNDAY

ALL = [listing for vendor in demo_vendors() for listing in vendor.listings]


def test_the_plan_is_the_same_each_time_and_another_for_another_seed() -> None:
    assert demo_vendors() == demo_vendors()
    assert demo_vendors(1) != demo_vendors(2)


def test_it_is_as_large_as_promised() -> None:
    assert len(demo_vendors()) >= 40
    assert len(ALL) >= 200
    assert len({listing.town_id for listing in ALL}) >= 12
    assert len({listing.area_id for listing in ALL if listing.area_id}) >= 25
    assert min(Counter(listing.category for listing in ALL).values()) >= 40
    assert min(Counter(listing.booking_mode for listing in ALL).values()) >= 60


def test_names_and_numbers_are_not_given_twice_and_fit() -> None:
    assert len({listing.title for listing in ALL}) == len(ALL)
    assert len({listing.number for listing in ALL}) == len(ALL)
    assert max(len(listing.title) for listing in ALL) <= TITLE_MAX
    vendors = demo_vendors()
    assert len({vendor.business for vendor in vendors}) == len(vendors)
    assert max(len(vendor.business) for vendor in vendors) <= NAME_MAX


def test_prices_are_those_of_kenya() -> None:
    ranges = {
        (Category.VENUE, PriceUnit.EVENT): (8_000, 150_000),
        (Category.VENUE, PriceUnit.DAY): (8_000, 150_000),
        (Category.CATERING, PriceUnit.PERSON): (350, 2_500),
        (Category.STAY, PriceUnit.NIGHT): (1_500, 18_000),
        (Category.STAY, PriceUnit.PERSON): (1_500, 18_000),
    }
    for listing in ALL:
        lowest, highest = ranges[listing.category, listing.price_unit]
        assert lowest * 100 <= listing.price_cents <= highest * 100, listing
        assert listing.price_cents % 1_000 == 0, listing


def test_the_four_named_listings(database: Database) -> None:
    with database.transaction() as tx:
        seed_catalog(tx)
    with database.transaction() as tx:
        named = {number: listing_by_number(tx, number) for number in (4507, 4508, 4509, 4510)}
        phones = {
            number: tx.db.scalar(
                select(User.msisdn)
                .join(Vendor, Vendor.user_id == User.id)
                .where(Vendor.id == listing.vendor_id)
            )
            for number, listing in named.items()
        }
        at_fifty_thousand = tx.db.scalars(
            select(Listing.number).where(Listing.price_cents == 5_000_000).order_by(Listing.number)
        ).all()
    assert [named[n].category.value for n in named] == ["venue", "venue", "stay", "catering"]
    assert [named[n].booking_mode for n in (4507, 4508)] == [
        BookingMode.REQUEST,
        BookingMode.INSTANT,
    ]
    assert named[4507].price_unit is named[4508].price_unit is PriceUnit.EVENT
    assert at_fifty_thousand == [4507, 4508]
    assert phones == {
        4507: "+254700000011",
        4508: "+254700000012",
        4509: "+254700000013",
        4510: "+254700000014",
    }


def test_seeding_tells_how_far_it_is_and_a_second_run_changes_nothing(
    database: Database, clock: ManualClock
) -> None:
    steps: list[tuple[int, int]] = []
    with database.transaction() as tx:
        seed_catalog(tx, lambda done, total: steps.append((done, total)))
    before = _everything(database)

    clock.advance(days=3)
    with database.transaction() as tx:
        seed_catalog(tx)

    assert _everything(database) == before
    vendors = len(demo_vendors())
    assert steps[-1] == (vendors, vendors)
    assert len(steps) > 3


def test_the_search_finds_it_in_all_three_categories(database: Database) -> None:
    with database.transaction() as tx:
        seed_catalog(tx)
        for category in Category:
            people = 2 if category is Category.STAY else 60
            found = search(tx, Search(category, SATURDAY, SUNDAY, people, town_id=1))
            assert len(found) >= 3, category


def test_some_wait_for_approval(database: Database) -> None:
    with database.transaction() as tx:
        seed_catalog(tx)
        waiting = select(func.count()).where(Vendor.status == VendorStatus.PENDING)
        assert tx.db.scalar(waiting) == 2


def test_some_halls_have_photos_and_what_their_vendors_changed_stays(database: Database) -> None:
    with database.transaction() as tx:
        seed_catalog(tx)
        seed_photos(tx)
        halls = [listing_by_number(tx, number) for number in NUMBERS]
        shown = {hall.number: photos_of(tx, hall.id) for hall in halls}
        tx.db.delete(shown[NUMBERS[0]][0])

        seed_photos(tx)

        assert [len(shown[number]) for number in NUMBERS] == [3, 3]
        assert [len(photos_of(tx, hall.id)) for hall in halls] == [2, 3]


def test_an_evening_place_ends_after_midnight() -> None:
    late = [listing for listing in ALL if listing.ends_at == time(1)]
    assert late
    assert all(listing.category is rules.Category.VENUE for listing in late)


def _everything(database: Database) -> dict[str, list[str]]:
    tables = ("towns", "areas", "users", "vendors", "listings", "listing_days")
    with database.transaction() as tx:
        return {
            table: list(tx.db.scalars(text(f"SELECT t::text FROM {table} t ORDER BY 1")))
            for table in tables
        }
