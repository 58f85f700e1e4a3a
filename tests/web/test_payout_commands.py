"""``nafasi payouts`` and ``nafasi vendors``: what an admin sees, does and is refused."""

import json
from typing import Any

import pytest
from typer.testing import Result

from core.catalog.rules import BookingMode
from core.clock import ManualClock, SystemClock
from core.db.tx import Database
from core.money import kes
from core.payments.model import Kind
from core.payouts.halts import HaltReason, halt
from core.people.model import Vendor
from tests.core.booking.world import World
from tests.core.payouts.steps import fail_three_times, send
from tests.support.factories import VENDOR
from tests.web.rig import Inside


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    """A world at the machine's time: what commands plan for now is due in it."""
    clock.set(max(clock.now(), SystemClock().now()))
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.stdout
    return str(result.stderr)


def test_a_run_by_hand_is_told_before_it_is_made(world: World, inside: Inside) -> None:
    world.released()
    number = world.vendor.number

    asked = told(inside("payouts", "run", "--dry-run", "--json"))
    assert (asked["dry_run"], len(asked["payouts"])) == (True, 1)
    assert world.attempts(Kind.PAYOUT) == []
    assert "1 made, KES 40,000 to go out, 0 held." in inside("payouts", "run").stdout
    assert len(world.attempts(Kind.PAYOUT)) == 1
    again = told(inside("payouts", "run", "--vendor", number, "--json"))
    assert again["payouts"] == []
    [waiting] = told(inside("payouts", "--json"))["payouts"]
    assert (waiting["vendor"], waiting["state"], waiting["amount_cents"]) == (
        number,
        "released",
        kes(40_000).cents,
    )
    assert "Baraka Gardens" in inside("payouts").stdout
    assert VENDOR not in inside("vendors", "show", number).stdout


def test_a_vendor_is_checked_before_the_money_goes(world: World, inside: Inside) -> None:
    world.released()
    number = world.vendor.number
    world.run(lambda tx: setattr(tx.db.get_one(Vendor, world.vendor.id), "kyc_verified_at", None))
    made = told(inside("payouts", "run", "--vendor", number, "--json"))
    assert [(row["state"], row["held_for"]) for row in made["payouts"]] == [("held", "kyc")]

    assert "kyc" in refused(inside("payouts", "release", number))
    assert "Say what" in refused(inside("vendors", "verify", number))
    assert told(inside("vendors", "show", number, "--json"))["hold"] == "kyc"
    assert inside("vendors", "verify", number, "--kyc").exit_code == 0

    send(world)
    assert "no such vendor" in refused(inside("vendors", "verify", 999, "--kyc"))


def test_a_place_is_noted_and_used_by_nobody_yet(world: World, inside: Inside) -> None:
    number = world.vendor.number
    bank = ("--bank", "68", "--account", "0123456789", "--name", "Baraka Gardens")
    assert inside("vendors", "pay-to", number, *bank).exit_code == 0

    shown = told(inside("vendors", "show", number, "--json"))
    assert (shown["paid_to"], shown["hold"]) == ("bank 68, account ending in 789", "unverified")
    assert "already" in refused(inside("vendors", "pay-to", number, *bank))
    assert "Give --mpesa" in refused(inside("vendors", "pay-to", number))
    assert "mobile" in refused(inside("vendors", "pay-to", number, "--mpesa", "12"))
    wrong = ("--bank", "KCB", "--account", "1", "--name", "B")
    assert "That bank" in refused(inside("vendors", "pay-to", number, *wrong))


def test_a_failed_payout_is_held_released_and_tried_again(world: World, inside: Inside) -> None:
    world.released()
    number = world.vendor.number
    assert "has not failed" in refused(inside("payouts", "retry", number))
    world.monday()
    fail_three_times(world)
    assert "bad_recipient" in inside("payouts").stdout

    assert inside("payouts", "hold", number, "--why", "A call first").exit_code == 0
    assert "admin" in refused(inside("payouts", "retry", number))
    assert inside("payouts", "release", number).exit_code == 0
    assert "KES 40,000 is on its way" in inside("payouts", "retry", number).stderr
    sent = send(world)
    world.paid(sent.attempt_id, "SFG1")

    assert "KES 40,000 is owed" in inside("payouts", "reversed", "SFG1", "--number", "R1").stderr
    assert "No payout" in refused(inside("payouts", "reversed", "SFG1", "--number", "R2"))


def test_a_halted_provider_goes_on_when_a_person_says_so(world: World, inside: Inside) -> None:
    world.run(lambda tx: halt(tx, "daraja", HaltReason.CREDENTIALS, "8006"))

    [halted] = told(inside("payouts", "--json"))["halted"]
    assert (halted["provider"], halted["code"]) == ("daraja", "8006")
    assert "daraja sends nothing" in inside("payouts").stdout
    assert inside("payouts", "resume", "daraja").exit_code == 0
    assert "not halted" in refused(inside("payouts", "resume", "daraja"))
    assert "Every payout is paid." in inside("payouts").stdout


def test_a_vendor_is_suspended_and_reinstated_with_grounds(world: World, inside: Inside) -> None:
    number = world.vendor.number
    world.confirmed()

    assert "1 bookings stand" in " ".join(
        inside("vendors", "suspend", number, "--why", "Two complaints.").stderr.split()
    )
    assert "does not sell now" in refused(inside("vendors", "suspend", number, "--why", "Again."))
    shown = told(inside("vendors", "show", number, "--json"))
    assert (shown["status"], shown["hold"]) == ("restricted", "restricted")

    assert inside("vendors", "reinstate", number, "--why", "Settled.").exit_code == 0
    assert inside("vendors", "verify", number, "--kyc", "--note", "ID seen.").exit_code == 0
    shown = told(inside("vendors", "show", number, "--json"))
    assert shown["status"] == "active"
    assert [note.partition(" ")[2] for note in shown["notes"]] == [
        "verified: ID seen.",
        "reinstated: Settled.",
        "suspended: Two complaints.",
    ]
    assert "suspended: Two complaints." in inside("vendors", "show", number).stdout
    assert "not suspended" in refused(inside("vendors", "reinstate", number, "--why", "Why?"))
