"""``nafasi payouts`` and ``nafasi vendors``: what an admin sees, does and is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.money import kes
from core.payments.model import Kind
from core.payouts.halts import HaltReason, halt
from core.people.model import Vendor
from tests.conftest import VAULT_KEY
from tests.core.booking.world import World
from tests.core.payouts.steps import fail_three_times, send
from tests.support.factories import VENDOR
from web.cli import app

Nafasi = Callable[..., Result]


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


@pytest.fixture
def nafasi(database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Nafasi:
    """Commands in this process, on the test's database."""
    url = database.engine.url.render_as_string(hide_password=False)
    for name, value in {
        "NAFASI_ENV": "test",
        "NAFASI_DATABASE_URL": url,
        "NAFASI_REDIS_URL": redis_url,
        "NAFASI_VAULT_KEYS": VAULT_KEY,
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    runner = CliRunner()
    return lambda *words: runner.invoke(app, [str(word) for word in words])


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.stdout
    return str(result.stderr)


def test_a_run_by_hand_is_told_before_it_is_made(world: World, nafasi: Nafasi) -> None:
    world.released()
    number = world.vendor.number

    asked = told(nafasi("payouts", "run", "--dry-run", "--json"))
    assert (asked["dry_run"], len(asked["payouts"])) == (True, 1)
    assert world.attempts(Kind.PAYOUT) == []
    assert "1 made, KES 40,000 to go out, 0 held." in nafasi("payouts", "run").stdout
    assert len(world.attempts(Kind.PAYOUT)) == 1
    again = told(nafasi("payouts", "run", "--vendor", number, "--json"))
    assert again["payouts"] == []
    [waiting] = told(nafasi("payouts", "--json"))["payouts"]
    assert (waiting["vendor"], waiting["state"], waiting["amount_cents"]) == (
        number,
        "released",
        kes(40_000).cents,
    )
    assert "Baraka Gardens" in nafasi("payouts").stdout
    assert VENDOR not in nafasi("vendors", "show", number).stdout


def test_a_vendor_is_checked_before_the_money_goes(world: World, nafasi: Nafasi) -> None:
    world.released()
    number = world.vendor.number
    world.run(lambda tx: setattr(tx.db.get_one(Vendor, world.vendor.id), "kyc_verified_at", None))
    made = told(nafasi("payouts", "run", "--vendor", number, "--json"))
    assert [(row["state"], row["held_for"]) for row in made["payouts"]] == [("held", "kyc")]

    assert "kyc" in refused(nafasi("payouts", "release", number))
    assert "Say what" in refused(nafasi("vendors", "verify", number))
    assert told(nafasi("vendors", "show", number, "--json"))["hold"] == "kyc"
    assert nafasi("vendors", "verify", number, "--kyc").exit_code == 0

    send(world)
    assert "no such vendor" in refused(nafasi("vendors", "verify", 999, "--kyc"))


def test_a_place_is_noted_and_used_by_nobody_yet(world: World, nafasi: Nafasi) -> None:
    number = world.vendor.number
    bank = ("--bank", "68", "--account", "0123456789", "--name", "Baraka Gardens")
    assert nafasi("vendors", "pay-to", number, *bank).exit_code == 0

    shown = told(nafasi("vendors", "show", number, "--json"))
    assert (shown["paid_to"], shown["hold"]) == ("bank 68, account ending in 789", "unverified")
    assert "already" in refused(nafasi("vendors", "pay-to", number, *bank))
    assert "Give --mpesa" in refused(nafasi("vendors", "pay-to", number))
    assert "mobile" in refused(nafasi("vendors", "pay-to", number, "--mpesa", "12"))
    wrong = ("--bank", "KCB", "--account", "1", "--name", "B")
    assert "That bank" in refused(nafasi("vendors", "pay-to", number, *wrong))


def test_a_failed_payout_is_held_released_and_tried_again(world: World, nafasi: Nafasi) -> None:
    world.released()
    number = world.vendor.number
    assert "has not failed" in refused(nafasi("payouts", "retry", number))
    world.monday()
    fail_three_times(world)
    assert "bad_recipient" in nafasi("payouts").stdout

    assert nafasi("payouts", "hold", number, "--why", "A call first").exit_code == 0
    assert "admin" in refused(nafasi("payouts", "retry", number))
    assert nafasi("payouts", "release", number).exit_code == 0
    assert "KES 40,000 is on its way" in nafasi("payouts", "retry", number).stderr
    sent = send(world)
    world.paid(sent.attempt_id, "SFG1")

    assert "KES 40,000 is owed" in nafasi("payouts", "reversed", "SFG1", "--number", "R1").stderr
    assert "No payout" in refused(nafasi("payouts", "reversed", "SFG1", "--number", "R2"))


def test_a_halted_provider_goes_on_when_a_person_says_so(world: World, nafasi: Nafasi) -> None:
    world.run(lambda tx: halt(tx, "daraja", HaltReason.CREDENTIALS, "8006"))

    [halted] = told(nafasi("payouts", "--json"))["halted"]
    assert (halted["provider"], halted["code"]) == ("daraja", "8006")
    assert "daraja sends nothing" in nafasi("payouts").stdout
    assert nafasi("payouts", "resume", "daraja").exit_code == 0
    assert "not halted" in refused(nafasi("payouts", "resume", "daraja"))
    assert "Every payout is paid." in nafasi("payouts").stdout


def test_a_vendor_is_suspended_and_reinstated_with_grounds(world: World, nafasi: Nafasi) -> None:
    number = world.vendor.number
    world.confirmed()

    assert "1 bookings stand" in " ".join(
        nafasi("vendors", "suspend", number, "--why", "Two complaints.").stderr.split()
    )
    assert "does not sell now" in refused(nafasi("vendors", "suspend", number, "--why", "Again."))
    shown = told(nafasi("vendors", "show", number, "--json"))
    assert (shown["status"], shown["hold"]) == ("restricted", "restricted")

    assert nafasi("vendors", "reinstate", number, "--why", "Settled.").exit_code == 0
    assert nafasi("vendors", "verify", number, "--kyc", "--note", "ID seen.").exit_code == 0
    shown = told(nafasi("vendors", "show", number, "--json"))
    assert shown["status"] == "active"
    assert [note.partition(" ")[2] for note in shown["notes"]] == [
        "verified: ID seen.",
        "reinstated: Settled.",
        "suspended: Two complaints.",
    ]
    assert "suspended: Two complaints." in nafasi("vendors", "show", number).stdout
    assert "not suspended" in refused(nafasi("vendors", "reinstate", number, "--why", "Why?"))
