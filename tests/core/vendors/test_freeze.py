"""The word that stops payouts: from the owner, or from the number that was paid before."""

import pytest
from sqlalchemy import select

from core.cases.model import Case, CaseKind, CaseState
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import Refused
from core.limits import FREEZE_WITHIN_SECONDS
from core.payouts.details import change_details
from core.payouts.freeze import freeze_by_phone
from core.people.model import PayoutMethod, Vendor
from tests.core.vendors.steps import PHONE
from tests.support.factories import CUSTOMER, OTHER_VENDOR, VENDOR, make_vendor

OLD = "+254700000055"


def pay_to(database: Database, vendor: Vendor, msisdn: str) -> None:
    place = {"msisdn": msisdn}
    database.run(lambda tx: change_details(tx, vendor.number, PayoutMethod.MPESA, place))


def why(database: Database, vendor: Vendor) -> str | None:
    return database.run(lambda tx: tx.db.get_one(Vendor, vendor.id)).payouts_held_why


def cases(database: Database) -> list[Case]:
    query = select(Case).where(Case.state == CaseState.OPEN)
    return database.run(lambda tx: list(tx.db.scalars(query)))


@pytest.mark.parametrize("sender", [VENDOR, OLD])
def test_the_owner_and_the_old_number_can_stop_it(
    database: Database, vendor: Vendor, sender: str
) -> None:
    pay_to(database, vendor, OLD)
    pay_to(database, vendor, PHONE)

    for _ in range(2):
        assert database.run(lambda tx: freeze_by_phone(tx, sender)).id == vendor.id

    held = why(database, vendor)
    assert held is not None
    assert "frozen by SMS from +2547****" in held
    (case,) = cases(database)
    assert (case.kind, case.facts["vendor"]) == (CaseKind.PAYOUT_HELD, vendor.number)


@pytest.mark.parametrize("sender", [CUSTOMER, PHONE])
def test_a_stranger_and_the_new_number_stop_nothing(
    database: Database, vendor: Vendor, sender: str
) -> None:
    pay_to(database, vendor, PHONE)

    with pytest.raises(Refused, match="not_vendor"):
        database.run(lambda tx: freeze_by_phone(tx, sender))
    assert why(database, vendor) is None
    assert cases(database) == []


def test_of_two_vendors_the_one_of_the_notice_is_meant(database: Database, vendor: Vendor) -> None:
    other = database.run(lambda tx: make_vendor(tx, OTHER_VENDOR))
    pay_to(database, vendor, OTHER_VENDOR)
    pay_to(database, vendor, PHONE)

    assert database.run(lambda tx: freeze_by_phone(tx, OTHER_VENDOR)).id == vendor.id
    assert why(database, other) is None


def test_the_old_number_has_a_week(database: Database, vendor: Vendor, clock: ManualClock) -> None:
    pay_to(database, vendor, OLD)
    pay_to(database, vendor, PHONE)
    clock.advance(seconds=FREEZE_WITHIN_SECONDS)

    with pytest.raises(Refused, match="not_vendor"):
        database.run(lambda tx: freeze_by_phone(tx, OLD))
