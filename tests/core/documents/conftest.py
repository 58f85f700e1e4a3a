"""Fixtures of the document stories."""

import pytest

from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from tests.core.documents.papers import Papers


@pytest.fixture
def papers(database: Database, clock: ManualClock) -> Papers:
    """A hall that is booked at once, and somebody who issues documents."""
    return Papers.open(database, clock, booking_mode=BookingMode.INSTANT)
