"""Locks of what a vendor does by phone: PINs, sizes, listings, staff, papers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.catalog import calendar, listings
from core.catalog.model import Listing
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.clock import nairobi_date
from core.db.tx import Tx
from core.errors import NotFound, Refused
from core.limits import PAPERS_PER_LINK_MAX, STAFF_MAX
from core.people import links, staff
from core.people.model import User
from core.people.pins import check_pin, choose_pin, seal_pin
from tests.core.booking.world import World
from tests.guards.guard import Guard, Kind, both_do, lock, meet_in, swapped
from tests.support.factories import make_instant_listing

GARDEN_ROOM = listings.Draft(
    Category.STAY, "Garden Room", 1, None, 4, 2, 3_500_00, PriceUnit.NIGHT, BookingMode.REQUEST
)
PHOTO = b"\xff\xd8\xff of a permit"


def _two_guesses(world: World) -> None:
    vendor = world.vendor
    world.run(lambda tx: choose_pin(tx, vendor, seal_pin(tx, "2580")))

    both_do(world, lambda tx: check_pin(tx, vendor, "0001"), r"FROM users WHERE users\.id")

    failures = world.run(lambda tx: tx.db.get_one(User, vendor.user_id)).pin_failures
    assert failures == 2, "both guesses count"


def _rooms(world: World) -> Listing:
    terms: dict[str, Any] = {"category": Category.STAY, "price_unit": PriceUnit.NIGHT}
    return world.run(lambda tx: make_instant_listing(tx, world.vendor, units=2, **terms))


def _sold_while_taken_away(world: World) -> None:
    rooms = _rooms(world)

    def claim(tx: Tx, listing_id: UUID) -> None:
        day = nairobi_date(tx.now) + timedelta(days=200)
        calendar.claim(tx, listing_id, day, day + timedelta(days=1), 2)

    meet_in(
        world,
        lambda: world.run(lambda tx: listings.change_size(tx, rooms.id, world.vendor.id, 1)),
        "UPDATE listing_days",
        lambda: world.run(lambda tx: claim(tx, rooms.id)),
    )

    with world.database.transaction() as tx:
        size = listings.own_listing(tx, rooms.id, world.vendor.id).units
        first = nairobi_date(tx.now)
        days = calendar.availability(tx, rooms.id, first, first + timedelta(days=300))
        assert max(day.booked for day in days) <= size, "no room is sold that is not there"


def _two_sizes(world: World) -> None:
    """One says that there are as many rooms as ever, the other that one is gone."""
    rooms = _rooms(world)
    sizes = iter((2, 1))

    def resize() -> None:
        size = next(sizes)
        world.run(lambda tx: listings.change_size(tx, rooms.id, world.vendor.id, size))

    meet_in(world, resize, r"FROM listings", resize)

    rooms = world.run(lambda tx: tx.db.get_one(Listing, rooms.id))
    day = nairobi_date(world.clock.now()) + timedelta(days=30)
    [left] = world.run(
        lambda tx: calendar.availability(tx, rooms.id, day, day + timedelta(days=1))
    )
    assert left.left == rooms.units, "its days have as many as it has itself"


def _size_seen_before(world: World) -> None:
    """As a call does: one looks at the rooms first, and then says how many there are."""
    rooms = _rooms(world)
    vendor_id = world.vendor.id

    def look_and_resize(tx: Tx) -> None:
        seen = listings.own_listing(tx, rooms.id, vendor_id)
        listings.change_size(tx, seen.id, vendor_id, 2)

    meet_in(
        world,
        lambda: world.run(look_and_resize),
        r"FROM listings",
        lambda: world.run(lambda tx: listings.change_size(tx, rooms.id, vendor_id, 1)),
    )

    assert world.run(lambda tx: tx.db.get_one(Listing, rooms.id)).units == 2, "as was said last"


def _not_read_again(tx: Tx, listing_id: UUID, vendor_id: UUID, **_: bool) -> Listing:
    query = select(Listing).where(Listing.id == listing_id, Listing.vendor_id == vendor_id)
    return tx.db.scalars(query.with_for_update(key_share=True)).one()


def _one_of_a_name(world: World) -> None:
    results = both_do(
        world,
        lambda tx: listings.draft_listing(tx, world.vendor.id, GARDEN_ROOM),
        r"^SELECT listings\.title",
    )

    assert isinstance(results[1], Refused), "customers could not tell them apart"


def _no_more_staff(world: World) -> None:
    vendor_id = world.vendor.id
    numbers = iter(f"+2547000000{n}" for n in range(71, 99))

    def add() -> None:
        number = next(numbers)
        world.run(lambda tx: staff.add_staff(tx, vendor_id, number, "Otieno"))

    for _ in range(STAFF_MAX - 1):
        add()

    results = meet_in(world, add, r"FROM users JOIN vendor_staff", add)

    assert isinstance(results[1], Refused), "the place is taken"


def _no_more_papers(world: World) -> None:
    token = world.run(lambda tx: links.new_link(tx, world.vendor.id)).token

    def take(tx: Tx) -> int:
        return links.take_paper(tx, token, links.PaperKind.PERMIT, PHOTO)

    for _ in range(PAPERS_PER_LINK_MAX - 1):
        world.run(take)

    results = both_do(world, take, r"FROM vendor_paper_links")

    assert isinstance(results[1], NotFound), "that was the last one that the link takes"


GUARDS = (
    Guard(
        "guesses at one moment count as one, and a PIN is found by trying",
        lock("the owner, while a PIN is tried", "users"),
        _two_guesses,
    ),
    Guard(
        "a claim brings a day of the old size, and rooms that are gone are sold",
        swapped(
            "all days to come, while a listing's size changes",
            listings,
            "lock_days",
            lambda *_: [],
            Kind.LOCK,
        ),
        _sold_while_taken_away,
    ),
    Guard(
        "a listing has one size, and its days another",
        lock("the listing, when its size changes", "listings"),
        _two_sizes,
    ),
    Guard(
        "who has looked at a listing sets it by what it was",
        swapped(
            "the listing, read again when locked",
            listings,
            "own_listing",
            _not_read_again,
            Kind.LOCK,
        ),
        _size_seen_before,
    ),
    Guard(
        "a vendor has two listings of one name",
        lock("the vendor, when a listing is made", "vendors"),
        _one_of_a_name,
    ),
    Guard(
        "more numbers act for a vendor than may",
        lock("the vendor, when staff are added", "vendors"),
        _no_more_staff,
    ),
    Guard(
        "a link takes more papers than it may",
        lock("a link, when it takes a paper", "vendor_paper_links"),
        _no_more_papers,
    ),
)
