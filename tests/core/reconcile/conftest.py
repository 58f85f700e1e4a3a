"""Fixtures of everything that is set beside a provider's statement."""

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from tests.core.reconcile.statements import FIRST, SECOND, send_all
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    make_instant_listing,
    make_paid,
    make_vendor,
)


@pytest.fixture
def paid(database: Database, clock: ManualClock) -> Database:
    """Two bookings paid, four days ago."""
    with database.transaction() as tx:
        rooms = make_instant_listing(tx, make_vendor(tx), units=5)
        make_paid(tx, rooms, CUSTOMER, receipt=FIRST)
        make_paid(tx, rooms, OTHER_CUSTOMER, receipt=SECOND)
        send_all(tx)
    clock.advance(days=4)
    return database
