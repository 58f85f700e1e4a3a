"""Fixtures of the booking stories."""

import pytest

from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from tests.core.booking.kitchen import meals
from tests.core.booking.world import World


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    """A hall whose vendor is asked first."""
    return World.open(database, clock)


@pytest.fixture
def instant(database: Database, clock: ManualClock) -> World:
    """A hall that is booked without asking."""
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


@pytest.fixture
def kitchen(database: Database, clock: ManualClock) -> World:
    """A caterer who is booked without being asked."""
    return meals(database, clock, BookingMode.INSTANT)


@pytest.fixture
def asked(database: Database, clock: ManualClock) -> World:
    """A caterer who is asked first."""
    return meals(database, clock, BookingMode.REQUEST)
