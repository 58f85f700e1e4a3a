"""Search with availability, and one listing."""

import itertools
from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from core.catalog import calendar, rules
from core.catalog.model import Listing, ListingDay
from core.catalog.queries import details, listing_by_number, listings_of
from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit
from core.catalog.search import Found, Near, Search, Sort, search
from core.clock import ManualClock, nairobi_date
from core.db.tx import Database, Tx
from core.demo.seed import seed_catalog
from core.errors import BadInput, NotFound
from core.limits import PENALTY_DAYS
from core.people.model import VendorStatus
from core.people.penalties import add_penalty
from tests.core.catalog.market import AREA_IDS, MONDAY, SATURDAY, SUNDAY, TOWN_IDS, Market


def looked_for(market: Market, **given: Any) -> list[Found]:
    wished: dict[str, Any] = {
        "category": Category.STAY,
        "starts_on": SATURDAY,
        "ends_on": SUNDAY,
        "people": 2,
    }
    with market.database.transaction() as tx:
        return search(tx, Search(**(wished | given)))


def titles(market: Market, **given: Any) -> list[str]:
    return [found.title for found in looked_for(market, **given)]


def test_what_is_found_says_all_that_a_line_shows(market: Market) -> None:
    rooms = market.listing(units=3, title="Acacia Rooms")
    assert looked_for(market, people=3, ends_on=MONDAY) == [
        Found(
            id=rooms.id,
            number=rooms.number,
            vendor_id=market.vendor_id,
            category=Category.STAY,
            title="Acacia Rooms",
            town="Nairobi",
            area="Westlands",
            price_cents=300_000,
            price_unit=PriceUnit.NIGHT,
            capacity=2,
            booking_mode=BookingMode.INSTANT,
            quantity=2,
            base_cents=1_200_000,
            distance_m=None,
            rating_count=0,
            rating_sum=0,
        )
    ]


def test_only_what_is_on_offer_is_found(market: Market) -> None:
    market.listing(title="Seen")
    market.listing(title="Draft", status=ListingStatus.DRAFT)
    market.listing(title="Paused", status=ListingStatus.PAUSED)
    market.listing(title="Pending", vendor_id=market.vendor(VendorStatus.PENDING))
    market.listing(title="Restricted", vendor_id=market.vendor(VendorStatus.RESTRICTED))
    market.listing(Category.VENUE, title="A hall")
    assert titles(market) == ["Seen"]


def test_a_full_or_blocked_day_hides_a_listing_and_a_free_one_shows_it(market: Market) -> None:
    rooms = market.listing(units=2)
    assert titles(market, people=4, ends_on=MONDAY) == ["Jacaranda Rooms"]

    with market.database.transaction() as tx:
        calendar.claim(tx, rooms.id, SUNDAY, MONDAY, 1)
    assert titles(market, people=4, ends_on=MONDAY) == []
    assert titles(market, people=2, ends_on=MONDAY) == ["Jacaranda Rooms"]
    assert titles(market, people=4, ends_on=SUNDAY) == ["Jacaranda Rooms"]

    with market.database.transaction() as tx:
        calendar.block(tx, rooms.id, [SATURDAY], vendor_id=market.vendor_id)
    assert titles(market, people=2) == []
    with market.database.transaction() as tx:
        calendar.free(tx, rooms.id, [SATURDAY], vendor_id=market.vendor_id)
    assert titles(market, people=2) == ["Jacaranda Rooms"]


def test_the_best_rated_come_first_and_few_reviews_weigh_little(market: Market) -> None:
    market.listing(title="Unknown", price_cents=200_000)
    market.listing(title="One five", rating_count=1, rating_sum=5)
    market.listing(title="Many good", rating_count=90, rating_sum=423)
    market.listing(title="Bad", price_cents=100_000, rating_count=4, rating_sum=6)

    assert titles(market, sort=Sort.RATING) == ["Many good", "One five", "Unknown", "Bad"]


def test_the_biggest_come_first(market: Market) -> None:
    market.listing(title="Ten rooms for two", units=10)
    market.listing(title="A dormitory", capacity=15)
    market.listing(title="One room")

    assert titles(market, sort=Sort.CAPACITY) == ["Ten rooms for two", "A dormitory", "One room"]


def test_only_what_is_booked_without_asking(market: Market) -> None:
    market.listing(title="At once")
    market.listing(title="Asked first", booking_mode=BookingMode.REQUEST)

    assert titles(market, sort=Sort.NAME) == ["Asked first", "At once"]
    assert titles(market, instant=True) == ["At once"]


def test_people_must_fit_and_be_enough(market: Market) -> None:
    market.listing(Category.VENUE, title="Small", capacity=60)
    market.listing(Category.VENUE, title="Large", capacity=400, people_min=80)

    def halls(people: int) -> list[str]:
        return titles(market, category=Category.VENUE, people=people)

    assert halls(50) == ["Small"]
    assert halls(70) == []
    assert halls(80) == ["Large"]
    assert halls(401) == []


def test_the_lead_time_is_kept_to_the_minute(market: Market) -> None:
    tomorrow = SATURDAY - timedelta(days=14)
    market.listing(title="In time", lead_hours=24, starts_at=time(9))
    market.listing(title="Too late", lead_hours=24, starts_at=time(8, 59))
    market.listing(title="Needs two days", lead_hours=48)
    assert titles(market, starts_on=tomorrow, ends_on=SATURDAY - timedelta(days=13)) == ["In time"]


def test_an_event_takes_one_day(market: Market) -> None:
    market.listing(Category.VENUE, title="By event")
    market.listing(Category.VENUE, title="By day", price_unit=PriceUnit.DAY, price_cents=400_000)
    assert titles(market, category=Category.VENUE, ends_on=SUNDAY) == ["By event", "By day"]
    assert titles(market, category=Category.VENUE, ends_on=MONDAY) == ["By day"]


def test_a_budget_is_for_all_people_and_days(market: Market) -> None:
    market.listing(Category.CATERING, title="Plain", price_cents=40_000)
    market.listing(Category.CATERING, title="Fine", price_cents=90_000)

    def menus(budget_cents: int) -> list[str]:
        return titles(market, category=Category.CATERING, people=50, budget_cents=budget_cents)

    assert menus(4_500_000) == ["Plain", "Fine"]
    assert menus(4_499_999) == ["Plain"]
    assert menus(1_999_999) == []


def test_by_town_by_area_and_around_a_point(market: Market) -> None:
    nyali: dict[str, Any] = {
        "town_id": TOWN_IDS["mombasa"],
        "area_id": AREA_IDS["mombasa", "nyali"],
        "latitude": -4.0350,
        "longitude": 39.7080,
    }
    diani: dict[str, Any] = {
        "town_id": TOWN_IDS["diani"],
        "area_id": None,
        "latitude": -4.2797,
        "longitude": 39.5947,
    }
    market.listing(title="Westlands")
    market.listing(title="Nyali", **nyali)
    market.listing(title="Diani", **diani)

    assert titles(market, town_id=TOWN_IDS["mombasa"]) == ["Nyali"]
    assert titles(market, area_id=AREA_IDS["nairobi", "westlands"]) == ["Westlands"]
    mombasa = Near(-4.0547, 39.6636, 40_000)
    found = looked_for(market, near=mombasa, sort=Sort.DISTANCE)
    assert [one.title for one in found] == ["Nyali", "Diani"]
    # By the haversine formula on a sphere of 6,378,168 m, the one of earthdistance.
    assert [one.distance_m for one in found] == pytest.approx([5_400, 26_200], abs=300)
    assert titles(market, near=Near(-4.0547, 39.6636, 10_000)) == ["Nyali"]


def test_the_order_that_was_asked_for(market: Market) -> None:
    far: dict[str, Any] = {"latitude": -1.33, "longitude": 36.70}
    market.listing(title="Zebra", price_cents=200_000, **far)
    market.listing(title="\u00c1lamo", price_cents=400_000)
    market.listing(title="Mawe", price_cents=300_000, latitude=-1.29, longitude=36.82)
    town = TOWN_IDS["nairobi"]
    assert titles(market) == ["Zebra", "Mawe", "\u00c1lamo"]
    assert titles(market, sort=Sort.NAME) == ["\u00c1lamo", "Mawe", "Zebra"]
    assert titles(market, sort=Sort.DISTANCE, town_id=town) == ["Mawe", "\u00c1lamo", "Zebra"]
    with pytest.raises(BadInput) as refused:
        looked_for(market, sort=Sort.DISTANCE)
    assert refused.value.code == "no_place"


WORDS = {
    "jacaranda": ["Jacaranda Main Hall"],
    "JACA": ["Jacaranda Main Hall"],
    "jakaranda": ["Jacaranda Main Hall"],
    "hall jacaranda": ["Jacaranda Main Hall"],
    "ukumbi": ["Jacaranda Main Hall"],
    "ukumbi wa harusi": [],
    "ukumbi harusi": ["Jacaranda Main Hall"],
    "mugumo": ["M\u0169gumo Garden"],
    "M\u0169gumo": ["M\u0169gumo Garden"],
    "bustani": ["M\u0169gumo Garden"],
    "tents": ["M\u0169gumo Garden"],
    "spaceship": [],
    "& | ! :*": ["Jacaranda Main Hall", "M\u0169gumo Garden"],
    "": ["Jacaranda Main Hall", "M\u0169gumo Garden"],
}


def test_a_vendor_who_cancelled_comes_after_all_others_for_ninety_days(
    market: Market, clock: ManualClock
) -> None:
    other = market.vendor(name="Amani")
    market.listing(title="Cheap", price_cents=100_000)
    market.listing(title="Dear", price_cents=900_000, vendor_id=other)
    assert titles(market) == ["Cheap", "Dear"]

    with market.database.transaction() as tx:
        # Which booking it was does not matter here.
        tx.db.execute(text("SET LOCAL session_replication_role = replica"))
        add_penalty(tx, market.vendor_id, tx.ids.uuid())

    for sort in Sort:
        assert titles(market, sort=sort, town_id=TOWN_IDS["nairobi"]) == ["Dear", "Cheap"]
    clock.advance(days=PENALTY_DAYS)
    later = {"starts_on": SATURDAY + timedelta(days=91), "ends_on": SUNDAY + timedelta(days=91)}
    assert titles(market, **later) == ["Cheap", "Dear"]


def test_words_find_titles_amenities_and_descriptions(market: Market) -> None:
    market.listing(
        Category.VENUE,
        title="Jacaranda Main Hall",
        description="For weddings.",
        amenities=["parking"],
    )
    market.listing(
        Category.VENUE,
        title="M\u0169gumo Garden",
        description="Old trees.",
        amenities=["tents", "parking"],
    )
    found = {
        words: titles(market, category=Category.VENUE, words=words, sort=Sort.NAME)
        for words in WORDS
    }
    assert found == WORDS


def test_every_amenity_asked_for_must_be_there(market: Market) -> None:
    market.listing(title="Both", amenities=["wifi", "parking"])
    market.listing(title="One", amenities=["wifi"])
    assert titles(market, amenities=("wifi",)) == ["Both", "One"]
    assert titles(market, amenities=("parking", "wifi")) == ["Both"]


def test_pages_follow_each_other(market: Market) -> None:
    for number in range(5):
        market.listing(title=f"Room {number}")
    wished = Search(Category.STAY, SATURDAY, SUNDAY, 2)
    with market.database.transaction() as tx:
        pages = [search(tx, wished, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[one.title for one in page] for page in pages] == [
        ["Room 0", "Room 1"],
        ["Room 2", "Room 3"],
        ["Room 4"],
    ]


def test_a_search_that_means_nothing_says_why(market: Market) -> None:
    meaningless: dict[str, dict[str, Any]] = {
        "people_zero": {"people": 0},
        "nights_bad": {"ends_on": SATURDAY},
        "date_past": {"starts_on": SATURDAY - timedelta(days=30)},
        "date_too_far": {"starts_on": SATURDAY + timedelta(days=500)},
    }
    for code, given in meaningless.items():
        with pytest.raises(BadInput) as refused:
            looked_for(market, **given)
        assert refused.value.code == code


def test_search_says_what_the_rules_say_of_each_listing(demo_market: Database) -> None:
    """The SQL twin of the rules, held against them over the whole demo catalog."""
    with demo_market.transaction() as tx:
        listings = tx.db.scalars(select(Listing)).all()
        today = nairobi_date(tx.now)
        wishes = itertools.product((1, 2, 4, 18), (1, 2), (1, 2, 5, 30, 120, 700))
        for days_ahead, nights, people in wishes:
            first = today + timedelta(days=days_ahead)
            end = first + timedelta(days=nights)
            wanted = by_the_rules(tx, listings, first, end, people)
            found = {
                one.number: (one.quantity, one.base_cents)
                for category in Category
                for offset in (0, 50, 100)
                for one in search(tx, Search(category, first, end, people), offset=offset)
            }
            assert found == wanted, (days_ahead, nights, people)


def by_the_rules(
    tx: Tx, listings: Sequence[Listing], first: date, end: date, people: int
) -> dict[int, tuple[int, int]]:
    closed = set(
        tx.db.scalars(
            select(ListingDay.listing_id).where(
                ListingDay.blocked, ListingDay.day >= first, ListingDay.day < end
            )
        )
    )
    fitting = {}
    for listing in listings:
        terms = listing.terms
        try:
            rules.check_wish(terms, first, end, people, tx.now)
        except BadInput:
            continue
        if listing.id not in closed:
            fitting[listing.number] = (
                rules.quantity(terms, people),
                rules.base_cents(terms, first, end, people),
            )
    return fitting


def test_a_listing_by_its_number_is_found_only_while_on_offer(market: Market) -> None:
    seen = market.listing()
    paused = market.listing(status=ListingStatus.PAUSED)
    with market.database.transaction() as tx:
        assert listing_by_number(tx, seen.number).id == seen.id
        for number in (paused.number, 9_999):
            with pytest.raises(NotFound):
                listing_by_number(tx, number)
        own = listings_of(tx, market.vendor_id)
    assert [listing.number for listing in own] == [seen.number, paused.number]


def test_details_tell_all_that_is_shown(market: Market) -> None:
    room = market.listing(status=ListingStatus.PAUSED)
    with market.database.transaction() as tx:
        shown = details(tx, room.id)
        with pytest.raises(NotFound):
            details(tx, market.vendor_id)
    assert (shown.business, shown.town, shown.area) == ("Mapumziko", "Nairobi", "Westlands")
    assert shown.amenities == ("wifi",)
    assert shown.terms == room.terms
    assert not shown.on_offer


@pytest.fixture
def demo_market(database: Database) -> Database:
    with database.transaction() as tx:
        seed_catalog(tx)
    return database
