"""``nafasi cases``: what a person books of money of which nothing is heard, and is refused."""

import pytest

from core.cases.model import CaseKind
from core.cases.queries import case_by_number, open_cases
from core.cases.sweep import sweep
from core.catalog.rules import BookingMode
from core.clock import ManualClock, SystemClock
from core.db.tx import Database
from core.limits import ATTEMPT_UNKNOWN_SECONDS
from core.money import kes
from tests.core.booking.world import World
from tests.core.payouts.steps import send, the_payout
from tests.web.rig import Inside


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    clock.set(max(clock.now(), SystemClock().now()))
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


def unheard(world: World) -> int:
    """The number of the case of a payout about which its provider says nothing."""
    world.released()
    the_payout(world)
    send(world)
    world.clock.advance(seconds=ATTEMPT_UNKNOWN_SECONDS + 1)
    world.run(sweep)
    [case] = world.run(open_cases)
    assert case.kind is CaseKind.ATTEMPT_UNKNOWN
    return case.number


def test_it_had_arrived(world: World, inside: Inside) -> None:
    number = unheard(world)

    seen = inside("cases", "arrived", number, "--receipt", "SFF6XYQ1AB")
    assert (seen.exit_code, "another payment's" in seen.stderr) == (2, True)
    wrong = inside("cases", "send-back", number)
    assert (wrong.exit_code, "not about money in suspense" in wrong.stderr) == (2, True)
    done = inside("cases", "arrived", number, "--receipt", "SFG7")

    assert done.exit_code == 0, done.stderr
    assert f"KES 40,000.00 has arrived; case {number} is closed." in done.stderr
    assert world.run(lambda tx: case_by_number(tx, number)).note == (
        "Arrived, by the provider's word: SFG7."
    )
    assert inside("payouts").stdout == "Every payout is paid.\n"
    again = inside("cases", "arrived", number, "--receipt", "SFG7")
    assert (again.exit_code, "closed" in again.stderr) == (2, True)
    world.assert_sound()


def test_it_never_left(world: World, inside: Inside) -> None:
    number = unheard(world)

    silent = inside("cases", "not-arrived", number, "--why", " ")
    assert (silent.exit_code, "Say why, in at most" in silent.stderr) == (2, True)
    done = inside("cases", "not-arrived", number, "--why", "Safaricom, ticket 4711")

    assert f"KES 40,000.00 never left and goes on as after any failure; case {number}" in (
        done.stderr
    )
    assert world.run(lambda tx: case_by_number(tx, number)).note == "Safaricom, ticket 4711"
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)
    assert "next look" in inside("payouts").stdout, "it is tried again"
    world.assert_sound()
