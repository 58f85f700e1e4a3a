"""``nafasi disputes``: an admin reads both sides and decides."""

import json
from datetime import timedelta
from functools import partial

import pytest

from core.booking.model import Booking
from core.clock import nairobi_date
from core.db.tx import Database
from core.disputes.model import Problem
from core.disputes.usecases import note_by_vendor, open_dispute
from tests.support.factories import make_instant_listing, make_paid, make_vendor
from tests.web.rig import Inside


@pytest.fixture
def nafasi(inside: Inside) -> Inside:
    return partial(inside, "disputes")


@pytest.fixture
def disputed(database: Database) -> Booking:
    """A booking on its day, with a problem that the vendor has not answered."""
    with database.transaction() as tx:
        booking = make_paid(tx, make_instant_listing(tx, make_vendor(tx)), in_days=2)
        tx.now = booking.starts_at + timedelta(hours=1)
        assert nairobi_date(tx.now) == booking.starts_on
        open_dispute(tx, booking.id, booking.customer_id, Problem.UNCLEAN, "No water at all")
    return booking


def test_an_admin_lists_reads_notes_and_decides(
    nafasi: Inside, disputed: Booking, database: Database
) -> None:
    code = disputed.code
    listed = nafasi("list").stdout
    assert code in listed
    assert "KES 66,700" in listed
    (told,) = json.loads(nafasi("--json").stdout)["disputes"]
    assert (told["state"], told["held_cents"], len(told["notes"])) == ("waiting", 6_670_000, 1)

    unheard = nafasi("resolve", code, "--customer", "50", "--why", "Photos")
    assert (unheard.exit_code, "may still answer" in unheard.stderr) == (2, True)
    with database.transaction() as tx:
        tx.now = disputed.starts_at + timedelta(hours=2)
        note_by_vendor(tx, disputed.id, disputed.vendor_id, "From noon on there was")
    assert nafasi("note", code, "Called the water company").exit_code == 0
    shown = nafasi("show", code.lower()).stdout
    for words in ("customer: No water at all", "vendor: From noon on", "admin: Called the water"):
        assert words in shown

    wrong = nafasi("resolve", code, "--customer", "101", "--why", "Photos")
    assert (wrong.exit_code, "0 to 100" in wrong.stderr) == (2, True)
    done = nafasi("resolve", code, "--customer", "50", "--why", "Half a day without water")
    assert done.exit_code == 0, done.stderr
    assert "KES 33,350 goes back, KES 33,350 is kept" in done.stdout
    again = nafasi("resolve", code, "--customer", "50", "--why", "Once more")
    assert (again.exit_code, "No problem" in again.stderr) == (2, True)
    assert "50 % to the customer (KES 33,350); Half a day" in nafasi("show", code).stdout
    assert nafasi().stdout == "Nobody disagrees.\n"


def test_a_code_that_nobody_has_is_told(nafasi: Inside) -> None:
    for words in (("show", "ZZZZ9"), ("note", "ZZZZ9", "Hello")):
        result = nafasi(*words)
        assert (result.exit_code, "no such booking" in result.stderr) == (2, True)
