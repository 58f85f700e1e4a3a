"""A vendor's PIN: never readable, soon locked, reset by a person who says why."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.db.tx import Database
from core.errors import BadInput, Refused
from core.limits import VENDOR_PIN_LOCK_SECONDS, VENDOR_PIN_TRIES_MAX
from core.people.deeds import deeds_of
from core.people.model import User, Vendor
from core.people.pins import check_form, check_pin, has_pin, locked_until, reset_pin
from tests.core.escrow.tools import together
from tests.core.vendors.steps import PIN, choose, told, types
from tests.support.factories import VENDOR


def test_the_pin_is_known_again_and_cannot_be_read(database: Database, vendor: Vendor) -> None:
    choose(database, vendor)

    assert types(database, vendor, " 25 80 ")
    assert not types(database, vendor, "2581")
    kept = database.run(lambda tx: tx.db.scalar(select(User.pin_hash)))
    assert kept is not None
    assert PIN not in kept
    # Whoever has only the database cannot even try the ten thousand: the hash is sealed.
    assert "argon2" not in kept
    assert told(database) == [("vendor_pin_chosen", VENDOR)]


@pytest.mark.parametrize("typed", ["123", "12345", "12a4", "", "٢٥٨٠"])
def test_a_pin_has_four_digits(typed: str) -> None:
    with pytest.raises(BadInput, match="pin_digits"):
        check_form(typed)


@pytest.mark.parametrize("typed", ["0000", "1234", "7890", "9876", "3210"])
def test_what_anybody_would_try_first_is_refused(typed: str) -> None:
    with pytest.raises(BadInput, match="pin_easy"):
        check_form(typed)


def test_three_wrong_ones_lock_it_and_the_right_one_waits_too(
    database: Database, vendor: Vendor, clock: ManualClock
) -> None:
    choose(database, vendor)
    for wrong in ("0001", "0002", "0003"):
        assert not types(database, vendor, wrong)
    until = clock.now() + timedelta(seconds=VENDOR_PIN_LOCK_SECONDS)

    with pytest.raises(Refused, match="own_pin_locked") as refused:
        types(database, vendor, PIN)

    assert refused.value.data == {"until": until}
    assert told(database)[-1] == ("vendor_pin_locked", VENDOR)
    assert database.run(lambda tx: locked_until(tx, vendor)) == until
    clock.set(until)
    assert types(database, vendor, PIN)
    assert database.run(lambda tx: locked_until(tx, vendor)) is None


def test_a_right_one_in_between_begins_the_count_anew(database: Database, vendor: Vendor) -> None:
    choose(database, vendor)
    for typed in ("0001", "0002", PIN, "0003", "0004", PIN):
        assert types(database, vendor, typed) is (typed == PIN)


def test_guesses_at_the_same_moment_are_all_counted(database: Database, vendor: Vendor) -> None:
    choose(database, vendor)

    def guess(number: int) -> str:
        try:
            return "right" if types(database, vendor, f"00{number:02}") else "wrong"
        except Refused as refused:
            return refused.code

    answers = together(8, guess)

    assert answers.count("wrong") == VENDOR_PIN_TRIES_MAX
    assert answers.count("own_pin_locked") == 8 - VENDOR_PIN_TRIES_MAX


def test_a_reset_takes_the_lock_away_and_says_why_and_to_whom(
    database: Database, vendor: Vendor
) -> None:
    choose(database, vendor)
    for wrong in ("0001", "0002", "0003"):
        types(database, vendor, wrong)

    with pytest.raises(BadInput):
        database.run(lambda tx: reset_pin(tx, vendor, " "))
    database.run(lambda tx: reset_pin(tx, vendor, "called back, ID seen"))

    assert not database.run(lambda tx: has_pin(tx, VENDOR))
    with pytest.raises(Refused, match="no_pin"):
        database.run(lambda tx: check_pin(tx, vendor, PIN))
    assert told(database)[-1] == ("vendor_pin_reset", VENDOR)
    newest, by = database.run(lambda tx: deeds_of(tx, vendor.id))[0]
    assert (newest.deed, newest.subject, by) == ("pin_reset", "called back, ID seen", None)
    choose(database, vendor, "1379")
    assert types(database, vendor, "1379")
