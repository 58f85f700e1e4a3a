"""Vendors who may not sell or be paid for a time, and what follows for everybody else."""

from datetime import timedelta

import pytest

from core.booking.lifecycle import State
from core.catalog.rules import BookingMode, Category
from core.catalog.search import Search, search
from core.clock import nairobi_date
from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.limits import VENDOR_NOTE_MAX
from core.payments.model import Kind
from core.payouts import details, standing
from core.payouts.model import HoldReason, PayoutState
from core.people.model import Vendor, VendorStatus
from tests.core.booking.world import World
from tests.core.payouts.steps import read, the_payout
from tests.guards.guard import by_hand, count
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, VENDOR


def suspend(world: World, why: str = "Guests found the hall locked, twice.") -> standing.Suspended:
    return world.run(lambda tx: standing.suspend(tx, world.vendor.number, why))


def reinstate(world: World, why: str = "Keys are with the guard now.") -> Vendor:
    return world.run(lambda tx: standing.reinstate(tx, world.vendor.number, why))


def words(world: World) -> list[str]:
    notes = world.run(lambda tx: standing.notes_of(tx, world.vendor.id))
    return [f"{note.decision}: {note.words}" for note in notes]


def found(world: World) -> int:
    """How many halls a customer finds."""
    day = nairobi_date(world.clock.now()) + timedelta(days=40)
    wished = Search(Category.VENUE, day, day + timedelta(days=1), 50)
    return len(world.run(lambda tx: search(tx, wished)))


def test_whoever_is_suspended_is_not_found_and_not_paid(world: World) -> None:
    booking = world.released()
    coming = world.confirmed("SFF6XYQ2CD", OTHER_CUSTOMER, in_days=30)
    assert found(world) == 1

    left = suspend(world)

    assert found(world) == 0
    assert left == standing.Suspended(declined=0, standing=1)
    assert world.state(coming) is State.CONFIRMED, "what is paid for stands"
    payout = the_payout(world)
    assert (payout.state, payout.hold_reason) == (PayoutState.HELD, HoldReason.RESTRICTED)
    assert world.attempts(Kind.PAYOUT) == []
    assert "vendor_suspended" in world.told(VENDOR)

    reinstate(world)

    assert found(world) == 1
    assert read(world, payout).state is PayoutState.RELEASED, "what was held for that goes out"
    assert len(world.send_due()) == 1
    assert world.state(booking) is State.COMPLETED
    assert words(world) == [
        "reinstated: Keys are with the guard now.",
        "suspended: Guests found the hall locked, twice.",
    ]
    world.assert_sound()


def test_requests_that_wait_for_them_are_declined_at_once(world: World) -> None:
    asked_first = world.another_listing(booking_mode=BookingMode.REQUEST)
    request = world.book(listing=asked_first)
    assert request.state is State.REQUESTED

    assert suspend(world).declined == 1

    assert world.state(request) is State.DECLINED
    assert world.told(CUSTOMER)[-1] == "request_declined"


def test_a_new_vendor_sells_once_somebody_has_seen_their_papers(world: World) -> None:
    def begin(tx: Tx) -> None:
        vendor = tx.db.get_one(Vendor, world.vendor.id)
        vendor.status, vendor.kyc_verified_at = VendorStatus.PENDING, None

    world.run(begin)
    assert found(world) == 0

    def check(tx: Tx) -> None:
        vendor = details.verify(tx, world.vendor.number, kyc=True, payout=False)
        standing.verified(tx, vendor, "ID and KRA PIN seen.")

    world.run(check)

    assert found(world) == 1
    assert words(world) == ["verified: ID and KRA PIN seen."]


def test_papers_that_are_seen_again_end_no_suspension(world: World) -> None:
    suspend(world)
    world.run(
        lambda tx: standing.verified(tx, details.find_vendor(tx, world.vendor.number), "Seen.")
    )
    assert found(world) == 0


def test_what_cannot_be_decided_is_refused(world: World) -> None:
    with pytest.raises(Refused) as refused:
        reinstate(world)
    assert refused.value.code == "not_suspended"
    for why in ("", "  ", "x" * (VENDOR_NOTE_MAX + 1)):
        with pytest.raises(BadInput):
            suspend(world, why)
    with pytest.raises(NotFound):
        world.run(lambda tx: standing.suspend(tx, 999, "Who?"))
    suspend(world)
    with pytest.raises(Refused) as refused:
        suspend(world)
    assert refused.value.data["status"] == "restricted"

    def forget(tx: Tx) -> None:
        tx.db.get_one(Vendor, world.vendor.id).kyc_verified_at = None

    world.run(forget)
    with pytest.raises(Refused) as refused:
        reinstate(world)
    assert refused.value.code == "no_kyc"


def test_grounds_are_evidence(world: World) -> None:
    suspend(world)
    by_hand(world, "UPDATE vendor_notes SET words = 'none'")
    by_hand(world, "DELETE FROM vendor_notes")
    assert count(world, "SELECT count(*) FROM vendor_notes WHERE words <> 'none'") == 1
