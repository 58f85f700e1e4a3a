"""Locks of what a vendor does by phone: the tries of a PIN, and a size that changes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from core.catalog import calendar, listings
from core.catalog.model import Listing
from core.catalog.rules import Category, PriceUnit
from core.clock import nairobi_date
from core.db.tx import Tx
from core.people.model import User
from core.people.pins import check_pin, choose_pin, seal_pin
from tests.core.booking.world import World
from tests.guards.guard import Guard, Kind, both_do, lock, meet_in, swapped
from tests.support.factories import make_instant_listing


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
)
