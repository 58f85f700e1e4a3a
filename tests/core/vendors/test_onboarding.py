"""Somebody becomes a vendor: kept sealed, sold nothing by, until a person has looked."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text, update

from core.catalog.listings import Draft, draft_listing
from core.catalog.model import Listing
from core.catalog.places import load_places
from core.catalog.queries import listing_by_number
from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit
from core.db.tx import Database
from core.errors import BadInput, NotFound, Refused
from core.payouts.details import verify
from core.people.model import Role, User, Vendor, VendorStatus
from core.people.onboarding import Application, apply_as_vendor
from core.people.usecases import find_person
from tests.core.escrow.tools import together
from tests.core.vendors.steps import PHONE, told
from tests.support.factories import VENDOR, make_vendor

TOLD = Application("Wanjiku Kamau", "Wanjiku Hall", 1, 103, "venue", "a012345678z", "1234 5678")
HALL = Draft(
    Category.VENUE, "Garden Hall", 1, 103, 1, 150, 30_000_00, PriceUnit.EVENT, BookingMode.INSTANT
)


def apply(database: Database, told: Application = TOLD) -> Vendor:
    database.run(load_places)
    return database.run(lambda tx: apply_as_vendor(tx, PHONE, told))


def test_what_identifies_a_person_is_sealed_and_stands_nowhere_else(database: Database) -> None:
    vendor = apply(database)

    with database.transaction() as tx:
        assert vendor.status is VendorStatus.PENDING
        assert tx.vault.open(vendor.kra_pin_sealed or b"") == "A012345678Z"
        assert tx.vault.open(vendor.national_id_sealed or b"") == "12345678"
        assert tx.db.get_one(User, vendor.user_id).name == "Wanjiku Kamau"
        for table in ("vendors", "users", "notices", "vendor_deeds", "vendor_paper_links"):
            rows = tx.db.execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
            assert rows
            assert not any("12345678" in row for row in rows), table
    assert told(database) == [("vendor_joined", PHONE)]


def test_an_applicant_drafts_but_sells_nothing_until_somebody_has_looked(
    database: Database,
) -> None:
    vendor = apply(database)
    assert database.run(lambda tx: find_person(tx, PHONE)).role is Role.APPLICANT
    number = database.run(lambda tx: draft_listing(tx, vendor.id, HALL)).number
    with pytest.raises(NotFound, match="no_listing"):
        database.run(lambda tx: listing_by_number(tx, number))

    database.run(lambda tx: verify(tx, vendor.number, kyc=True, payout=False))

    assert database.run(lambda tx: listing_by_number(tx, number)).title == "Garden Hall"
    assert database.run(lambda tx: find_person(tx, PHONE)).role is Role.OWNER
    assert told(database)[-1] == ("vendor_verified", PHONE)
    # Looked at again: nothing is told twice, and what is paused stays so.
    paused = update(Listing).where(Listing.number == number).values(status="paused")
    database.run(lambda tx: tx.db.execute(paused))
    database.run(lambda tx: verify(tx, vendor.number, kyc=True, payout=False))
    assert told(database)[-1:] == [("vendor_verified", PHONE)]
    status = select(Listing.status).where(Listing.number == number)
    assert database.run(lambda tx: tx.db.scalar(status)) is ListingStatus.PAUSED


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"kra_pin": "A12345678Z"}, "kra_bad"),
        ({"kra_pin": "B012345678Z"}, "kra_bad"),
        ({"kra_pin": "A0123456789"}, "kra_bad"),
        ({"kra_pin": "A\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668Z"}, "kra_bad"),
        ({"national_id": "123456"}, "id_bad"),
        ({"national_id": "123456789"}, "id_bad"),
        ({"national_id": "1234567x"}, "id_bad"),
        ({"name": "7"}, "name_bad"),
        ({"business": "x" * 41}, "name_bad"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_kept(
    database: Database, wrong: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadInput, match=code):
        apply(database, replace(TOLD, **wrong))
    assert database.run(lambda tx: tx.db.scalar(select(Vendor.id))) is None


def test_a_number_becomes_one_vendor_however_often_it_asks(database: Database) -> None:
    database.run(load_places)

    def ask(_: int) -> str:
        try:
            database.run(lambda tx: apply_as_vendor(tx, PHONE, TOLD))
        except Refused as refused:
            return refused.code
        return "joined"

    assert sorted(together(4, ask)) == ["joined", *["vendor_already"] * 3]
    database.run(make_vendor)
    with pytest.raises(Refused, match="vendor_already"):
        database.run(lambda tx: apply_as_vendor(tx, VENDOR, TOLD))
