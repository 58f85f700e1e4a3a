"""Fixtures of the stories about disputes."""

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from tests.core.disputes.court import Court


@pytest.fixture
def court(database: Database, clock: ManualClock) -> Court:
    """A hall, and people who disagree about it."""
    return Court.open(database, clock)
