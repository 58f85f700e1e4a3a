"""``nafasi vendors`` and ``nafasi listings``: who waits, who did what, the PIN, going on offer."""

import json

import pytest
import redis

from core.catalog.listings import draft_listing
from core.catalog.places import load_places
from core.db.tx import Database
from core.people.model import Vendor
from core.people.onboarding import apply_as_vendor
from core.people.pins import has_pin
from sessions.store import person_key
from tests.core.vendors.steps import PHONE, choose
from tests.core.vendors.test_onboarding import HALL, TOLD
from tests.support.factories import VENDOR, make_vendor
from tests.web.rig import Inside


@pytest.fixture
def applicant(database: Database) -> Vendor:
    database.run(load_places)
    return database.run(lambda tx: apply_as_vendor(tx, PHONE, TOLD))


def test_who_waits_is_listed_checked_and_then_calls_as_a_vendor(
    database: Database, applicant: Vendor, inside: Inside, redis_url: str
) -> None:
    listing = database.run(lambda tx: draft_listing(tx, applicant.id, HALL))
    (row,) = json.loads(inside("vendors", "waiting", "--json").stdout)
    assert (row["vendor"], row["business"], row["papers"]) == (
        applicant.number,
        "Wanjiku Hall",
        0,
    )
    early = inside("listings", "publish", listing.number)
    assert (early.exit_code, "not checked yet" in early.stderr) == (2, True)
    with redis.Redis.from_url(redis_url) as client:
        client.set(person_key(PHONE), "an applicant, as of an hour ago")

        assert inside("vendors", "verify", applicant.number, "--kyc").exit_code == 0

        assert client.get(person_key(PHONE)) is None
    assert "Nobody waits" in inside("vendors", "waiting").stdout
    assert inside("listings", "publish", listing.number).exit_code == 0


def test_a_pin_is_reset_with_a_reason_that_is_kept(database: Database, inside: Inside) -> None:
    vendor = database.run(make_vendor)
    choose(database, vendor)

    assert inside("vendors", "pin-reset", vendor.number, "--why", "called back").exit_code == 0

    assert not database.run(lambda tx: has_pin(tx, VENDOR))
    newest, before = json.loads(inside("vendors", "deeds", vendor.number, "--json").stdout)
    assert (newest["deed"], newest["subject"], newest["by"]) == ("pin_reset", "called back", "us")
    assert (before["deed"], before["by"]) == ("pin_chosen", "+2547****011")
    assert inside("vendors", "pin-reset", 999, "--why", "x").exit_code == 2
