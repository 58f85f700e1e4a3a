"""Vendors who keep cancelling: three times in ninety days is a case, and so are the next three."""

import pytest

from core.booking import cancel
from core.cases import usecases
from core.cases.model import Case, CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import PENALTIES_REVIEWED_MIN, PENALTY_DAYS
from core.people.model import Vendor, VendorStatus
from core.people.penalties import penalties_of
from tests.core.booking.world import World


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


def cancels(world: World, times: int) -> None:
    """The vendor cancels what was paid for, so many times more."""
    for _ in range(times):
        number = len(world.receipts())
        booking = world.confirmed(f"SFF{number}", in_days=10 + number)
        world.run(lambda tx, of=booking: cancel.cancel_by_vendor(tx, of.id, of.vendor_id))
        world.clock.advance(hours=1)


def cases(world: World) -> list[Case]:
    world.run(sweep)
    return [each for each in world.run(open_cases) if each.kind is CaseKind.VENDOR_PENALTIES]


def test_the_third_time_in_ninety_days_is_a_case_and_nothing_else_happens(world: World) -> None:
    cancels(world, PENALTIES_REVIEWED_MIN - 1)
    assert cases(world) == []
    cancels(world, 1)

    [case] = cases(world)

    assert case.facts == {
        "vendor_id": str(world.vendor.id),
        "vendor": world.vendor.number,
        "business": "Baraka Gardens",
        "penalties": PENALTIES_REVIEWED_MIN,
    }
    cancels(world, PENALTIES_REVIEWED_MIN)
    assert [each.number for each in cases(world)] == [case.number], "one at a time"
    vendor = world.run(lambda tx: tx.db.get_one(Vendor, world.vendor.id))
    assert vendor.status is VendorStatus.ACTIVE, "to restrict a vendor is a person's decision"


def test_a_case_of_penalties_that_grew_old_closes_by_itself(world: World) -> None:
    cancels(world, PENALTIES_REVIEWED_MIN)
    [first] = cases(world)

    world.clock.advance(days=PENALTY_DAYS)

    assert cases(world) == []
    assert world.run(lambda tx: penalties_of(tx, world.vendor.id)) == 0
    cancels(world, PENALTIES_REVIEWED_MIN)
    [second] = cases(world)
    assert second.number > first.number


def test_after_a_person_has_looked_it_takes_three_more(world: World) -> None:
    cancels(world, PENALTIES_REVIEWED_MIN)
    [first] = cases(world)
    world.run(lambda tx: usecases.close(tx, first.number, "Called them: a broken pipe."))

    assert cases(world) == []
    cancels(world, PENALTIES_REVIEWED_MIN - 1)
    assert cases(world) == []
    cancels(world, 1)

    [second] = cases(world)
    assert second.number > first.number
    assert second.facts["penalties"] == PENALTIES_REVIEWED_MIN
