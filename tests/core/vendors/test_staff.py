"""Staff numbers: one vendor each, a few of them, gone the moment they are removed."""

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from core.errors import BadInput, NotFound, Refused
from core.limits import STAFF_ADDED_A_DAY_MAX, STAFF_MAX
from core.people.model import Role, Vendor, VendorStatus
from core.people.staff import Member, add_staff, remove_staff, staff_of, works_for
from core.people.usecases import Person, find_person
from tests.core.escrow.tools import together
from tests.core.vendors.steps import PHONE, told
from tests.support.factories import OTHER_VENDOR, VENDOR, make_vendor


def add(database: Database, vendor: Vendor, phone: str = PHONE) -> Member:
    return database.run(lambda tx: add_staff(tx, vendor.id, phone, "Otieno"))


def test_staff_act_for_the_vendor_and_are_told_like_the_owner(
    database: Database, vendor: Vendor
) -> None:
    member = add(database, vendor, "0700000071")

    found = database.run(lambda tx: find_person(tx, PHONE))
    assert (found.vendor_id, found.business, found.role) == (
        vendor.id,
        vendor.business_name,
        Role.STAFF,
    )
    assert database.run(lambda tx: works_for(tx, PHONE, vendor.id))
    assert told(database) == [("staff_added", PHONE), ("staff_owner", VENDOR)]

    database.run(lambda tx: remove_staff(tx, vendor.id, member.user_id))
    assert database.run(lambda tx: find_person(tx, PHONE)) == Person(PHONE, id=member.user_id)
    assert not database.run(lambda tx: works_for(tx, PHONE, vendor.id))
    assert told(database)[-1] == ("staff_removed", PHONE)
    with pytest.raises(NotFound, match="no_staff"):
        database.run(lambda tx: remove_staff(tx, vendor.id, member.user_id))


def test_staff_of_a_vendor_who_was_restricted_are_customers(
    database: Database, vendor: Vendor
) -> None:
    member = add(database, vendor)
    database.run(lambda tx: setattr(tx.db.merge(vendor), "status", VendorStatus.RESTRICTED))

    assert database.run(lambda tx: find_person(tx, PHONE)) == Person(PHONE, id=member.user_id)


@pytest.mark.parametrize("phone", [VENDOR, OTHER_VENDOR, PHONE])
def test_a_number_that_is_a_vendors_already_is_refused(
    database: Database, vendor: Vendor, phone: str
) -> None:
    other = database.run(lambda tx: make_vendor(tx, OTHER_VENDOR))
    add(database, other)

    with pytest.raises(Refused, match="staff_taken"):
        add(database, vendor, phone)
    assert database.run(lambda tx: staff_of(tx, vendor.id)) == []


def test_of_two_vendors_who_add_a_number_at_once_one_is_late(
    database: Database, vendor: Vendor
) -> None:
    other = database.run(lambda tx: make_vendor(tx, OTHER_VENDOR))

    def ask(number: int) -> str:
        try:
            add(database, (vendor, other)[number % 2])
        except Refused as refused:
            return refused.code
        return "added"

    assert sorted(together(4, ask)) == ["added", *["staff_taken"] * 3]


@pytest.mark.parametrize("phone", ["+256700000001", "0201234567", "12"])
def test_only_a_kenyan_mobile_can_be_added(database: Database, vendor: Vendor, phone: str) -> None:
    with pytest.raises(BadInput, match="bad_phone"):
        add(database, vendor, phone)


def test_there_are_few_of_them_and_few_are_added_in_a_day(
    database: Database, vendor: Vendor, clock: ManualClock
) -> None:
    for number in range(STAFF_MAX):
        add(database, vendor, f"+2547000000{80 + number}")
    with pytest.raises(Refused, match="too_many_staff"):
        add(database, vendor)

    for number in range(STAFF_ADDED_A_DAY_MAX - STAFF_MAX):
        remove_first(database, vendor)
        add(database, vendor, f"+2547000000{90 + number}")
    remove_first(database, vendor)
    with pytest.raises(Refused, match="too_many_added"):
        add(database, vendor)
    clock.advance(days=1)
    add(database, vendor)


def remove_first(database: Database, vendor: Vendor) -> None:
    first = database.run(lambda tx: staff_of(tx, vendor.id))[0]
    database.run(lambda tx: remove_staff(tx, vendor.id, first.user_id))
