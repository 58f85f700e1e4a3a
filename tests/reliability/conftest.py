"""Fixtures of the reliability goals."""

import pytest

from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from tests.core.booking.world import World


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    """A hall that is booked without asking."""
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)
