"""A caterer of 500 a plate: 100 people pay 66,700 and 60 of them 40,020."""

from datetime import timedelta

from core.booking.model import Booking
from core.catalog import calendar
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.clock import ManualClock, nairobi_date
from core.db.tx import Database
from core.money import kes
from tests.core.booking.world import World

PLATES = 300
# The receipt of a second payment.
MORE = "SFF6XYQ2CD"


def meals(database: Database, clock: ManualClock, mode: BookingMode) -> World:
    return World.open(
        database,
        clock,
        category=Category.CATERING,
        price_unit=PriceUnit.PERSON,
        price_cents=kes(500).cents,
        units=PLATES,
        capacity=PLATES,
        booking_mode=mode,
    )


def plates(world: World, in_days: int) -> int:
    """How many are claimed on a day, counted from now."""
    day = nairobi_date(world.clock.now()) + timedelta(days=in_days)
    found = world.run(
        lambda tx: calendar.availability(tx, world.listing.id, day, day + timedelta(days=1))
    )
    return found[0].booked


def finish(world: World, booking: Booking) -> None:
    """The service is given, and its money released."""
    for _ in range(2):
        world.clock.set(world.due(booking))
        world.fire()
