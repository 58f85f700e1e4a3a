"""Fixtures of the reliability goals."""

from collections.abc import Iterator

import pytest

from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.ids import CountedIds
from core.vault import Vault
from tests.conftest import START, VAULT_KEY
from tests.core.booking.world import World
from tests.support.recycling import Recycler
from tests.support.rehearsal import Rehearsal


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    """A hall that is booked without asking."""
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


@pytest.fixture(scope="module")
def rehearsal(recycler: Recycler) -> Iterator[Rehearsal]:
    """A database on which lives can be played that leave nothing behind."""
    clock, ids, vault = ManualClock(START), CountedIds(), Vault([VAULT_KEY])
    with recycler.lend(clock, ids, vault) as lent:
        made = Rehearsal(lent.engine.url, clock, ids, vault)
        yield made
        made.close()
