"""``nafasi reviews``: an admin reads what guests say, and hides what is no review."""

import json
from datetime import timedelta
from functools import partial

import pytest

from core.booking.timers import fire
from core.db.tx import Database
from core.reviews.usecases import leave_review
from tests.support.factories import make_listing, make_paid, make_vendor
from tests.web.rig import Inside


@pytest.fixture
def nafasi(inside: Inside) -> Inside:
    return partial(inside, "reviews")


@pytest.fixture
def code(database: Database) -> str:
    """The code of a booking that was reviewed."""
    with database.transaction() as tx:
        booking = make_paid(tx, make_listing(tx, make_vendor(tx)))
        tx.now = booking.ends_at + timedelta(days=1)
        fire(tx, booking.id)
        leave_review(tx, booking.id, booking.customer_id, 1, "[red] thieves!")
    return booking.code


def test_an_admin_lists_hides_and_shows(nafasi: Inside, code: str) -> None:
    assert f"{code} 1* " in nafasi().stdout
    assert "[red] thieves!\n" in nafasi("list").stdout

    unexplained = nafasi("hide", code, "--reason", " ")
    assert (unexplained.exit_code, "Say why" in unexplained.stderr) == (2, True)
    assert nafasi("hide", code.lower(), "--reason", "insults").exit_code == 0
    assert "(hidden: insults)" in nafasi().stdout
    (told,) = json.loads(nafasi("--json").stdout)["reviews"]
    assert (told["booking"], told["stars"], told["hidden_why"]) == (code, 1, "insults")

    assert nafasi("show", code).exit_code == 0
    assert "hidden" not in nafasi().stdout


def test_what_is_not_there_is_told(nafasi: Inside, database: Database) -> None:
    with database.transaction() as tx:
        booking = make_paid(tx, make_listing(tx, make_vendor(tx)))
    assert nafasi().stdout == "Nobody has said anything yet.\n"
    for code, sentence in ((booking.code, "Nobody has reviewed"), ("ZZZZ9", "no such booking")):
        result = nafasi("show", code)
        assert (result.exit_code, sentence in result.stderr) == (2, True)
