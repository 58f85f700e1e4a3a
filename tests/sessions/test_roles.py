"""Who may do what for a vendor: looked at when it is done, not when the menu was shown."""

from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest

from core.db.tx import Database, Tx
from core.errors import BadInput
from core.people.deeds import deeds_of
from core.people.model import Vendor
from core.people.staff import add_staff, remove_staff, staff_of
from sessions.flow import Go
from sessions.flows.everything import build_flow
from sessions.texts import why
from tests.sessions.worst import person_of, talk
from tests.support.factories import (
    VENDOR,
    make_booking,
    make_instant_listing,
    make_listing,
    make_paid,
    make_vendor,
)

FLOW = build_flow()
STAFF = "+254700000081"
OWNERS_ONLY: dict[str, dict[str, Any]] = {
    "let_down": {"code": "XXXXX"},
    "statement": {},
    "offer": {"category": "stay", "title": "Room", "town": 1, "area": None, "size": 1}
    | {"guests": 1, "price_cents": 500_00, "mode": "request"},
    "new_price": {"listing": "00000000-0000-0000-0000-000000000000", "price_cents": 500_00},
    "new_size": {"listing": "00000000-0000-0000-0000-000000000000", "size": 5},
    "photo_link": {"listing": "00000000-0000-0000-0000-000000000000"},
    "pin_old": {},
    "pin_new": {},
    "pin_again": {"pin_sealed": ""},
    "payout_number": {"payout_number": "+254700000092"},
    "send_papers": {},
    "staff_on": {"staff_number": "+254700000092", "staff_name": "Otieno"},
    "staff_off": {"staff": "00000000-0000-0000-0000-000000000000"},
}


@pytest.fixture
def vendor(database: Database) -> Vendor:
    """A vendor with one of the staff."""

    def made(tx: Tx) -> Vendor:
        vendor = make_vendor(tx)
        add_staff(tx, vendor.id, STAFF, "Otieno")
        return vendor

    return database.run(made)


def do(tx: Tx, person: Any, effect: str, secret: str = "", **draft: Any) -> Any:
    at = talk(partial(nullcontext, tx), person, draft, tx.now)
    at.secret = secret
    return FLOW.effects[effect].perform(at, tx)


@pytest.mark.parametrize("effect", sorted(OWNERS_ONLY))
def test_what_is_the_owners_is_refused_to_staff(
    database: Database, vendor: Vendor, effect: str
) -> None:
    def story(tx: Tx) -> None:
        draft = dict(OWNERS_ONLY[effect])
        if "code" in draft:
            listing = make_instant_listing(tx, vendor)
            draft["code"] = make_paid(tx, listing).code
        with pytest.raises(BadInput, match="owner_only"):
            do(tx, person_of(tx, STAFF, "en"), effect, "2580", **draft)

    database.run(story)


def test_whoever_was_removed_during_the_call_does_nothing_more(
    database: Database, vendor: Vendor
) -> None:
    def story(tx: Tx) -> None:
        caller = person_of(tx, STAFF, "en")
        code = make_booking(tx, make_listing(tx, vendor)).code
        remove_staff(tx, vendor.id, staff_of(tx, vendor.id)[0].user_id)

        with pytest.raises(BadInput, match="not_vendor"):
            do(tx, caller, "accept", code=code)

    database.run(story)


def test_each_deed_is_noted_under_the_number_it_was_done_from(
    database: Database, vendor: Vendor
) -> None:
    def story(tx: Tx) -> None:
        listing = make_listing(tx, vendor)
        one, two = make_booking(tx, listing), make_booking(tx, listing, in_days=12)
        do(tx, person_of(tx, STAFF, "en"), "accept", code=one.code)
        do(tx, person_of(tx, VENDOR, "en"), "decline", code=two.code)
        noted = [(deed.deed, deed.subject, by) for deed, by in deeds_of(tx, vendor.id, 2)]
        assert noted == [("declined", two.code, VENDOR), ("accepted", one.code, STAFF)]

    database.run(story)


def test_a_wrong_pin_of_a_guest_is_no_deed(database: Database, vendor: Vendor) -> None:
    def story(tx: Tx) -> None:
        booking = make_paid(tx, make_instant_listing(tx, vendor))
        booking.starts_on = tx.now.date()
        right = tx.vault.open(booking.check_in_pin_sealed)
        wrong = f"{(int(right) + 1) % 10_000:04}"
        caller = person_of(tx, STAFF, "en")

        assert do(tx, caller, "check_in", wrong, code=booking.code) == Go(
            "pin", why=why(BadInput("wrong_pin"))
        )
        assert deeds_of(tx, vendor.id, 1)[0][0].deed == "staff_added"
        do(tx, caller, "check_in", right, code=booking.code)
        assert deeds_of(tx, vendor.id, 1)[0][0].deed == "checked_in"

    database.run(story)
