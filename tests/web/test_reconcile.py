"""``nafasi reconcile`` and ``nafasi cases``: from the simulated portal's export to a decision."""

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.cases.sweep import sweep
from core.clock import SystemClock
from core.db.tx import Database
from core.money import kes
from core.payments import settle
from core.payments.attempts import begin
from core.payments.model import Attempt
from core.ports.money import MoneyEvent, Outcome
from tests.channels.simulator.rig import QUICK
from tests.conftest import VAULT_KEY
from tests.support.commands import Nafasi
from tests.support.factories import make_held, make_instant_listing, make_vendor
from tests.support.serving import serving

PHONE = "+254700000001"


class Portal:
    """The simulated M-Pesa: people pay by hand, and the statement can be had."""

    def __init__(self, base: str) -> None:
        self._http = httpx.Client(base_url=f"{base}/simulator/api", trust_env=False)

    def pay(self, account: str, shillings: int) -> str:
        body = {"phone": PHONE, "account": account, "amount": shillings}
        return str(self._http.post("/paybill", json=body).json()["receipt"])

    def export(self, path: Path) -> Path:
        month = f"{SystemClock().now() + timedelta(hours=3):%Y-%m}"
        path.write_bytes(self._http.get("/statement.csv", params={"month": month}).content)
        return path

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def nafasi(nafasi: Nafasi) -> Nafasi:
    """Commands that can open what the test's database has sealed."""
    return nafasi.having(NAFASI_VAULT_KEYS=VAULT_KEY)


@pytest.fixture
def portal() -> Iterator[Portal]:
    config = SimulatorConfig(callback_secret="s", c2b_validation=False, waits=QUICK)
    with serving(create_app(config)) as base:
        made = Portal(base)
        yield made
        made.close()


@pytest.fixture
def open_booking(database: Database) -> str:
    """A booking of 66,700 that waits for its payment, at the machine's own time."""
    database.clock = SystemClock()
    with database.transaction() as tx:
        return make_held(tx, make_instant_listing(tx, make_vendor(tx))).code


def confirm(database: Database, account: str, receipt: str, shillings: int = 66_700) -> None:
    """The paybill's confirmation reaches us."""
    event = MoneyEvent(
        "daraja", Outcome.SUCCEEDED, receipt=receipt, amount=kes(shillings), account=account
    )
    with database.transaction() as tx:
        assert settle.apply(tx, event) is None
        tx.db.execute(text("UPDATE notices SET state = 'sent', leased_until = NULL"))


def told(shown: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(shown.stdout)


def test_the_portals_own_statement_agrees_with_our_books(
    nafasi: Nafasi, database: Database, portal: Portal, open_booking: str, tmp_path: Path
) -> None:
    confirm(database, open_booking, portal.pay(open_booking, 66_700))
    path = str(portal.export(tmp_path / "statement.csv"))

    shown = nafasi("reconcile", path, "--json")

    assert shown.returncode == 0, shown.stderr
    said = told(shown)
    assert (said["account"], said["lines"], said["matched"]) == ("600123", 1, 1)
    assert said["faults"] == []
    assert told(nafasi("reconcile", path, "--json"))["already_taken"] is True
    books = told(nafasi("ledger", "--json"))
    assert books["open_items"] == {"receipts": 0, "in_cents": 0, "out_cents": 0}
    assert books["statements"][0]["expected_cents"] == 6_670_000
    assert "should hold 66,700.00 now" in nafasi("ledger").stdout
    assert nafasi("check").returncode == 0


def test_a_lost_confirmation_is_a_difference_and_one_in_suspense_is_decided(
    nafasi: Nafasi, database: Database, portal: Portal, open_booking: str, tmp_path: Path
) -> None:
    confirm(database, "NO5UCH", portal.pay("NO5UCH", 66_700))
    lost = portal.pay(open_booking, 100)
    path = str(portal.export(tmp_path / "statement.csv"))

    dry = nafasi("reconcile", path, "--dry-run", "--json")
    assert dry.returncode == 1
    assert told(dry)["cases"] == []
    shown = nafasi("reconcile", path)
    assert shown.returncode == 1
    assert lost in shown.stdout
    assert "1 new cases" in shown.stdout

    database.run(sweep)
    listed = told(nafasi("cases", "--json"))["cases"]
    by_kind = {case["kind"]: case for case in listed}
    assert by_kind["difference"]["facts"]["fault"] == "missing_ours"
    number = str(by_kind["suspense"]["number"])
    assert "66,700.00" in nafasi("cases").stdout

    assert nafasi("cases", "assign", number, "--to", "finance@nafasi.example").returncode == 0
    assert nafasi("cases", "match", number, "--booking", "ZZZZ9").returncode == 2
    matched = nafasi("cases", "match", number, "--booking", open_booking)
    assert matched.returncode == 0, matched.stderr
    with database.transaction() as tx:
        assert tx.db.scalars(select(Booking.state)).one() is State.CONFIRMED

    other = str(by_kind["difference"]["number"])
    assert nafasi("cases", "close", other, "--note", "A person paid twice.").returncode == 0
    again = nafasi("cases", "close", other, "--note", "Again.")
    assert again.returncode == 2
    assert "closed" in again.stderr
    assert "Nothing waits" in nafasi("cases").stdout


def test_money_is_sent_back_by_command(nafasi: Nafasi, database: Database) -> None:
    database.clock = SystemClock()
    confirm(database, "NO5UCH", "SFF6XYQ9ZZ")
    database.run(sweep)
    (case,) = told(nafasi("cases", "--json"))["cases"]
    number = str(case["number"])

    assert "--to" in nafasi("cases", "send-back", number).stderr
    sent = nafasi("cases", "send-back", number, "--to", PHONE)

    assert sent.returncode == 0, sent.stderr
    assert PHONE not in sent.stderr + sent.stdout
    with database.transaction() as tx:
        (back,) = tx.db.scalars(select(Attempt))
        assert (back.msisdn, back.amount_cents) == (PHONE, 6_670_000)
        assert begin(tx, back.id) is not None


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("a,b\n1,2\n", (), "no statement"),
        (None, (), "cannot be read"),
        ("a,b\n", ("--month", "November"), "no month"),
    ],
)
def test_what_is_no_statement_is_refused_with_a_sentence(
    nafasi: Nafasi,
    tmp_path: Path,
    content: str | None,
    options: tuple[str, ...],
    says: str,
) -> None:
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_text(content)

    shown = nafasi("reconcile", str(path), *options)

    assert shown.returncode == 2
    assert says in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_statement_of_another_shortcode_is_refused(
    nafasi: Nafasi, portal: Portal, tmp_path: Path
) -> None:
    portal.pay("K7P4Q", 100)
    path = str(portal.export(tmp_path / "statement.csv"))

    assert "600123" in nafasi("reconcile", path, NAFASI_DARAJA_SHORTCODE="600777").stderr
    assert nafasi("reconcile", path, "--account", "600999").returncode == 2
    assert "another month" in nafasi("reconcile", path, "--month", "2020-01").stderr
    assert told(nafasi("cases", "--json")) == {"cases": []}
