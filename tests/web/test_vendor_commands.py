"""``nafasi vendors`` and ``nafasi listings``: who waits, who did what, the PIN, going on offer."""

import json
from collections.abc import Callable

import pytest
import redis
from typer.testing import CliRunner, Result

from core.catalog.listings import draft_listing
from core.catalog.places import load_places
from core.db.tx import Database
from core.people.model import Vendor
from core.people.onboarding import apply_as_vendor
from core.people.pins import has_pin
from sessions.store import person_key
from tests.conftest import VAULT_KEY
from tests.core.vendors.steps import PHONE, choose
from tests.core.vendors.test_onboarding import HALL, TOLD
from tests.support.factories import VENDOR, make_vendor
from web.cli import app

Nafasi = Callable[..., Result]


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


@pytest.fixture
def applicant(database: Database) -> Vendor:
    database.run(load_places)
    return database.run(lambda tx: apply_as_vendor(tx, PHONE, TOLD))


def test_who_waits_is_listed_checked_and_then_calls_as_a_vendor(
    database: Database, applicant: Vendor, nafasi: Nafasi, redis_url: str
) -> None:
    listing = database.run(lambda tx: draft_listing(tx, applicant.id, HALL))
    (row,) = json.loads(nafasi("vendors", "waiting", "--json").stdout)
    assert (row["vendor"], row["business"], row["papers"]) == (
        applicant.number,
        "Wanjiku Hall",
        0,
    )
    early = nafasi("listings", "publish", listing.number)
    assert (early.exit_code, "not checked yet" in early.stderr) == (2, True)
    with redis.Redis.from_url(redis_url) as client:
        client.set(person_key(PHONE), "an applicant, as of an hour ago")

        assert nafasi("vendors", "verify", applicant.number, "--kyc").exit_code == 0

        assert client.get(person_key(PHONE)) is None
    assert "Nobody waits" in nafasi("vendors", "waiting").stdout
    assert nafasi("listings", "publish", listing.number).exit_code == 0


def test_a_pin_is_reset_with_a_reason_that_is_kept(database: Database, nafasi: Nafasi) -> None:
    vendor = database.run(make_vendor)
    choose(database, vendor)

    assert nafasi("vendors", "pin-reset", vendor.number, "--why", "called back").exit_code == 0

    assert not database.run(lambda tx: has_pin(tx, VENDOR))
    newest, before = json.loads(nafasi("vendors", "deeds", vendor.number, "--json").stdout)
    assert (newest["deed"], newest["subject"], newest["by"]) == ("pin_reset", "called back", "us")
    assert (before["deed"], before["by"]) == ("pin_chosen", "+2547****011")
    assert nafasi("vendors", "pin-reset", 999, "--why", "x").exit_code == 2
