"""Fixtures of the payment stories."""

import pytest

from core.booking.model import Booking
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from tests.core.booking.world import World
from tests.core.payments.parts import held_for


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    """A hall that is booked without asking: its bookings wait for their payment at once."""
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


@pytest.fixture
def big(world: World) -> Booking:
    """700,000 to pay, asked for in three parts."""
    return held_for(world, 700_000)
