"""The command line: what each command prints, and its exit code."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import create_engine, select, text

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from core.booking.model import Booking
from core.db.tx import Database
from core.payments.lifecycle import AttemptEvent, RefundEvent
from core.payments.model import Attempt, Kind, Refund
from core.ports.money import Reason
from tests.support.commands import ROOT, Nafasi
from tests.support.factories import CUSTOMER, make_instant_listing, make_paid, make_vendor
from tests.support.servers import Databases
from tests.support.serving import serving
from web.commands.clock import parse_step
from web.commands.settings import example
from web.schema import head_on_disk, revision_of, upgrade


def test_help_lists_every_command_and_loads_little(bare: Nafasi) -> None:
    shown = bare.started("--help")

    assert shown.returncode == 0
    for command in ("up", "serve", "worker", "beat", "migrate", "seed", "doctor", "phone",
                    "check", "ledger", "cancel", "change", "refunds", "policy", "deposit",
                    "paybill", "reconcile", "cases", "disputes", "tickets", "payouts", "vendors",
                    "reviews", "photos",
                    "clock", "trigger", "settings", "simulate", "simulator"):  # fmt: skip
        assert f" {command} " in shown.stdout, command
    heavy = "sqlalchemy", "celery", "fastapi"
    loaded = f"import sys, web.cli; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_an_admin_cancels_and_sends_a_failed_refund_again(
    nafasi: Nafasi, database: Database
) -> None:
    with database.transaction() as tx:
        booking = make_paid(tx, make_instant_listing(tx, make_vendor(tx)))

    refused = nafasi("cancel", booking.code, "--reason", " ")
    assert (refused.returncode, "Say why" in refused.stderr) == (2, True)
    done = nafasi("cancel", booking.code.lower(), "--reason", "Flood", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "code": booking.code,
        "state": "cancelled",
        "refund_cents": 6_670_000,
    }
    again = nafasi("cancel", booking.code, "--reason", "Flood")
    assert (again.returncode, "this one is cancelled" in again.stderr) == (2, True)

    assert json.loads(nafasi("refunds", "--json").stdout)["failed"] == []
    with database.transaction() as tx:
        attempt = tx.db.scalars(select(Attempt).where(Attempt.kind == Kind.RETURN)).one()
        attempt.move(AttemptEvent.FAIL)
        attempt.reason = Reason.BAD_RECIPIENT
        refund = tx.db.get_one(Refund, attempt.refund_id)
        refund.move(RefundEvent.FAIL)
        refund.reason = Reason.BAD_RECIPIENT
    listed = nafasi("refunds", "--retry").stdout
    assert f"{booking.code}  KES 66,700" in listed
    assert "bad_recipient" in listed
    assert CUSTOMER not in listed
    assert "1 sent again" in listed
    assert "No refund waits" in nafasi("refunds").stdout


def test_an_admin_sees_what_a_change_costs_and_makes_it(
    nafasi: Nafasi, database: Database
) -> None:
    with database.transaction() as tx:
        booking = make_paid(tx, make_instant_listing(tx, make_vendor(tx)))
    day = str(booking.starts_on + timedelta(days=7))

    shown = nafasi("change", booking.code, "--date", day, "--people", "60")
    assert f"{day} to " in shown.stdout, shown.stderr
    assert "60 people. The price stays KES 66,700." in shown.stdout
    assert "Nothing is changed yet" in shown.stdout
    made = nafasi("change", booking.code, "--date", day, "--people", "60", "--yes", "--json")
    found = json.loads(made.stdout)
    assert (found["starts_on"], found["to_pay_cents"], found["change"]) == (day, 0, "applied")
    again = nafasi("change", booking.code, "--people", "60")
    assert (again.returncode, "It is booked like that already." in again.stderr) == (2, True)

    with database.transaction() as tx:
        now = tx.db.get_one(Booking, booking.id)
        assert (str(now.starts_on), now.people) == (day, 60)


def test_a_listing_is_given_another_policy(nafasi: Nafasi, database: Database) -> None:
    with database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx))
        tx.db.refresh(listing, ["number"])
    number = str(listing.number)

    changed = nafasi("policy", number, "meetings")
    assert (changed.returncode, changed.stderr) == (0, "")
    assert "Cancel: 100% back 14 days before, 80% 7 days." in changed.stdout
    unknown = nafasi("policy", number, "generous")
    assert (unknown.returncode, "There are catering" in unknown.stderr) == (2, True)

    with database.transaction() as tx:
        assert tx.db.get_one(type(listing), listing.id).policy == "meetings"


def test_a_listing_is_told_to_ask_for_a_deposit(nafasi: Nafasi, database: Database) -> None:
    with database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx))
        tx.db.refresh(listing, ["number"])

    asked = nafasi("deposit", str(listing.number), "30", "10")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "30% first, the rest 10 days before" in asked.stdout
    too_little = nafasi("deposit", str(listing.number), "2")
    assert (too_little.returncode, "5 to 95 percent" in too_little.stderr) == (2, True)

    with database.transaction() as tx:
        found = tx.db.get_one(type(listing), listing.id)
        assert (found.deposit_basis_points, found.rest_days) == (3_000, 10)


def test_the_paybills_addresses_are_registered_once(nafasi: Nafasi) -> None:
    config = SimulatorConfig(callback_secret="0f1e2d3c", register_urls_once=True)
    with serving(create_app(config)) as base:
        daraja = {
            "NAFASI_DARAJA_BASE_URL": f"{base}/daraja",
            "NAFASI_DARAJA_CONSUMER_KEY": config.consumer_key,
            "NAFASI_DARAJA_CONSUMER_SECRET": config.consumer_secret,
        }
        first = nafasi("paybill", "register", **daraja)
        assert (first.returncode, first.stderr) == (0, "")
        assert "600123 are now told to http://127.0.0.1:8000" in first.stdout
        again = nafasi("paybill", "register", "--json", **daraja)
        assert json.loads(again.stdout) == {"paybill": "600123", "registered": False}
    nobody = nafasi("paybill", "register", NAFASI_DARAJA_BASE_URL="http://127.0.0.1:1")
    assert (nobody.returncode, "did not take" in nobody.stderr) == (2, True)


def test_check_is_clean_on_sound_books(nafasi: Nafasi, database: Database) -> None:
    with database.transaction() as tx:
        make_paid(tx, make_instant_listing(tx, make_vendor(tx)))

    shown = nafasi.started("check", "--json")

    assert json.loads(shown.stdout) == {"ok": True, "findings": []}
    assert shown.returncode == 0
    assert "true" in nafasi("check").stdout


def test_check_names_what_is_broken_and_ends_with_1(nafasi: Nafasi, database: Database) -> None:
    with database.transaction() as tx:
        make_paid(tx, make_instant_listing(tx, make_vendor(tx)))
        tx.db.execute(text("UPDATE listing_days SET booked = 0"))

    shown = nafasi("check", "--json")

    assert shown.returncode == 1
    assert "I7" in {finding["invariant"] for finding in json.loads(shown.stdout)["findings"]}
    assert "I7" in nafasi("check").stdout


def test_the_ledger_shows_that_what_is_held_covers_what_is_owed(
    nafasi: Nafasi, database: Database
) -> None:
    with database.transaction() as tx:
        make_paid(tx, make_instant_listing(tx, make_vendor(tx)))

    told = json.loads(nafasi("ledger", "--json").stdout)

    assert told["balanced"]
    assert told["escrow_owed_cents"] == told["float_cents"] == 6_670_000
    shown = nafasi("ledger").stdout
    assert "66,700.00" in shown
    assert "escrow:*" in shown


def test_settings_cover_secrets(nafasi: Nafasi) -> None:
    shown = nafasi("settings", NAFASI_CALLBACK_SECRET="swordfish-swordfish-swordfish")

    assert "NAFASI_USSD_CODE=*384*7781#" in shown.stdout
    assert "swordfish" not in shown.stdout + shown.stderr


def test_the_example_of_settings_is_not_stale() -> None:
    assert (ROOT / ".env.example").read_text() == example(), (
        "run: nafasi settings --env-example > .env.example"
    )


def test_the_example_holds_no_secret_and_changes_nothing_when_copied() -> None:
    assigned = [line for line in example().splitlines() if not line.startswith("#") and line]

    assert assigned == []
    assert "local-only" not in example()


def test_production_refuses_defaults_and_says_which(nafasi: Nafasi) -> None:
    shown = nafasi("settings", NAFASI_ENV="production")

    assert shown.returncode == 2
    for named in ("NAFASI_CALLBACK_SECRET", "NAFASI_PUBLIC_URL", "NAFASI_DARAJA_CERTIFICATE"):
        assert named in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("seed",),
        ("simulator",),
        ("clock", "advance", "1h"),
        ("admins", "code", "a@nafasi.example"),
    ],
)
def test_trials_are_not_for_production(bare: Nafasi, words: tuple[str, ...]) -> None:
    names = (
        "NAFASI_CALLBACK_SECRET", "NAFASI_SECRET_KEY", "NAFASI_AFRICASTALKING_API_KEY",
        "NAFASI_DARAJA_CONSUMER_KEY", "NAFASI_DARAJA_CONSUMER_SECRET",
        "NAFASI_DARAJA_PASSKEY", "NAFASI_DARAJA_INITIATOR_PASSWORD",
    )  # fmt: skip
    strict = dict.fromkeys(names, "0123456789abcdef0123456789abcdef") | {
        "NAFASI_ENV": "production",
        "NAFASI_DATABASE_URL": "postgresql+psycopg://nafasi@127.0.0.1:1/nafasi",
        "NAFASI_REDIS_URL": "redis://127.0.0.1:1/0",
        "NAFASI_PUBLIC_URL": "https://nafasi.example",
        "NAFASI_VAULT_KEYS": "dGVzdHMtb25seS0tMzItYnl0ZXMtbG9uZy1rZXkhISE=",
        "NAFASI_DARAJA_CERTIFICATE": "-----BEGIN CERTIFICATE-----",
        "NAFASI_DARAJA_CALLBACK_IPS": "196.201.214.200",
        "NAFASI_JOURNAL_FOLDER": "/var/lib/nafasi/journal",
    }

    shown = bare(*words, **strict)

    assert shown.returncode == 2
    assert "production" in shown.stderr or "local trial" in shown.stderr


def test_a_command_without_a_database_says_what_to_do(bare: Nafasi) -> None:
    shown = bare("check", NAFASI_DATABASE_URL="postgresql+psycopg://nobody@127.0.0.1:1/none")

    assert shown.returncode == 2
    assert "nafasi up" in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    name = databases.create()
    yield databases.url(name)
    databases.drop(name)


def test_migrate_brings_an_empty_database_to_the_newest_revision(
    bare: Nafasi, empty_url: str
) -> None:
    for _ in range(2):
        shown = bare("migrate", NAFASI_DATABASE_URL=empty_url)
        assert shown.returncode == 0, shown.stderr
        assert head_on_disk() in shown.stderr

    engine = create_engine(empty_url)
    with engine.connect() as connection:
        assert revision_of(connection) == head_on_disk()
    engine.dispose()


def test_a_database_of_another_version_is_explained(bare: Nafasi, empty_url: str) -> None:
    shown = bare("check", NAFASI_DATABASE_URL=empty_url)

    assert shown.returncode == 2
    assert "nafasi migrate" in shown.stderr


def test_seeding_twice_adds_nothing(bare: Nafasi, empty_url: str) -> None:
    upgrade(empty_url)
    counts = []
    for _ in range(2):
        shown = bare("seed", NAFASI_DATABASE_URL=empty_url)
        assert shown.returncode == 0, shown.stderr
        with psycopg.connect(empty_url.replace("+psycopg", "")) as connection:
            counts.append(connection.execute("SELECT count(*) FROM listings").fetchone())

    assert counts[0] == counts[1]
    assert counts[0][0] >= 200


def test_doctor_finds_a_sound_system_sound(nafasi: Nafasi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    shown = nafasi("doctor", "--port", str(free), "--json")

    told = json.loads(shown.stdout)
    assert told["ok"], told
    names = {check["name"] for check in told["checks"]}
    looked_at = {"Python", "Database", "Extensions", "Migrations", "Redis", "Journal", "Settings"}
    assert looked_at <= names


def test_doctor_says_what_to_do_about_each_fault(nafasi: Nafasi, database: Database) -> None:
    with database.transaction() as tx:
        tx.db.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        wrong = {
            "NAFASI_REDIS_URL": "redis://127.0.0.1:1/0",
            "NAFASI_JOURNAL_FOLDER": "/dev/null/journal",
        }
        shown = nafasi("doctor", "--port", port, **wrong)

    assert shown.returncode == 1
    assert "NAFASI_JOURNAL_FOLDER" in shown.stdout
    assert "nafasi migrate" in shown.stdout
    assert "NAFASI_REDIS_URL" in shown.stdout
    assert "nafasi up --port" in shown.stdout


def test_serve_does_not_begin_where_callbacks_could_be_lost(nafasi: Nafasi) -> None:
    refused = nafasi("serve", NAFASI_JOURNAL_FOLDER="/dev/null/journal")

    assert refused.returncode == 2
    assert "/dev/null/journal" in refused.stderr


def test_up_says_when_its_port_is_taken(bare: Nafasi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shown = bare("up", "--port", str(taken.getsockname()[1]))

    assert shown.returncode == 2
    assert "taken" in shown.stderr


def test_trigger_reaches_the_queue_and_knows_its_work(nafasi: Nafasi) -> None:
    assert nafasi("trigger", "payouts").returncode == 0

    unknown = nafasi("trigger", "nonsense")
    assert unknown.returncode == 2
    assert "payouts" in unknown.stderr


def test_the_phone_needs_simulators(nafasi: Nafasi) -> None:
    shown = nafasi("phone")

    assert shown.returncode == 2
    assert "nafasi up" in shown.stderr


def test_steps_in_time_are_read_as_people_write_them() -> None:
    assert parse_step("90m") == timedelta(minutes=90)
    assert parse_step(" 25H ") == timedelta(hours=25)
    assert parse_step("8d") == timedelta(days=8)
    for rubbish in ("", "8", "d", "-1d", "1.5h", "1w", "9999999d"):
        with pytest.raises(ValueError, match="length"):
            parse_step(rubbish)


def test_the_catalogs_hold_every_sentence_in_swahili(bare: Nafasi) -> None:
    shown = bare("catalogs", "--check")

    assert shown.returncode == 0, shown.stderr


def test_make_alone_lists_what_there_is() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)

    for target in ("run", "test", "check", "bench", "lock", "catalogs", "format"):
        assert f"make {target} " in shown.stdout
    assert "make check" in (ROOT / ".ci" / "run").read_text()
