"""A failed payout of what was kept of a cancellation: its booking stays cancelled, it is paid."""

import pytest

from core.booking import cancel
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.ports.money import PayRequest
from tests.core.booking.world import World
from tests.core.payments.refunding import BACK
from tests.core.payouts.steps import fail_three_times, send, the_payout


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


def kept(world: World) -> Booking:
    """A booking that was cancelled late: half of it is the vendor's."""
    booking = world.confirmed()
    world.clock.set(booking.starts_at)
    world.clock.advance(hours=-30)
    world.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id))
    assert world.paid(send(world).attempt_id, BACK) is None
    return booking


def failed(world: World) -> list[PayRequest]:
    """The tries of its payout, all of them in vain: a case."""
    the_payout(world)
    tried = fail_three_times(world)
    assert kinds(world) == [CaseKind.PAYOUT_FAILED]
    (case,) = world.run(open_cases)
    assert case.facts["vendor"] == world.vendor.number, "what `nafasi payouts retry` is told"
    return tried


def kinds(world: World) -> list[CaseKind]:
    world.run(sweep)
    return [case.kind for case in world.run(open_cases)]


def test_it_is_no_case_any_more_once_next_weeks_has_paid(world: World) -> None:
    booking = kept(world)
    failed(world)
    the_payout(world)
    assert kinds(world) == [CaseKind.PAYOUT_FAILED], "it is only on its way"

    assert world.paid(send(world).attempt_id, "SFG2") is None

    assert kinds(world) == []
    assert world.state(booking) is State.CANCELLED
    world.assert_sound()


def test_it_is_no_case_any_more_when_a_try_had_gone_through_after_all(world: World) -> None:
    booking = kept(world)
    tried = failed(world)

    assert world.paid(tried[0].attempt_id, "SFG2") is None

    assert kinds(world) == []
    assert world.state(booking) is State.CANCELLED
    world.assert_sound()
