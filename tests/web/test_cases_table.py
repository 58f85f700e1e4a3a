"""``nafasi cases``: a person reads of each case what it takes to act."""

from core.cases.model import CaseKind
from core.cases.sweep import sweep
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import ATTEMPT_UNKNOWN_SECONDS, PENALTIES_REVIEWED_MIN
from core.people.model import VendorPenalty
from tests.core.booking.world import World
from tests.core.payouts.steps import send, the_payout
from tests.web.rig import Inside


def test_who_to_ask_about_money_and_whom_to_have_a_word_with(
    database: Database, clock: ManualClock, inside: Inside
) -> None:
    world = World.open(database, clock, booking_mode=BookingMode.INSTANT)
    released = [world.released(f"SFF{turn}", in_days=10) for turn in range(PENALTIES_REVIEWED_MIN)]
    the_payout(world)
    attempt_id = send(world).attempt_id
    world.clock.advance(seconds=ATTEMPT_UNKNOWN_SECONDS + 1)
    for booking in released:
        penalty = VendorPenalty(
            id=booking.id, vendor_id=world.vendor.id, booking_id=booking.id, at=clock.now()
        )
        world.run(lambda tx, row=penalty: tx.db.add(row))
    world.run(sweep)

    shown = " ".join(inside("cases").stdout.replace("│", " ").split())

    number = world.vendor.number
    assert CaseKind.ATTEMPT_UNKNOWN.value in shown
    for known in ("for payout", f"vendor {number}", "provider daraja", f"ours {attempt_id}"):
        assert known in shown
    assert CaseKind.VENDOR_PENALTIES.value in shown
    assert f"vendor {number}, business Baraka Gardens, penalties 3" in shown
