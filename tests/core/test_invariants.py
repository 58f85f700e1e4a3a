"""The live checker is silent over a healthy system and finds each break that is planted."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from core import inbox, outbox
from core.booking.cancel import cancel_by_customer
from core.booking.model import Booking
from core.booking.timers import due_bookings, fire
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.disputes.model import Problem
from core.disputes.usecases import note_by_vendor, open_dispute, resolve
from core.documents.usecases import Seller, issue_due
from core.invariants.check import Finding
from core.invariants.run import run_all
from core.payments import attempts, settle
from core.payments.model import Attempt
from core.payouts.usecases import make_payout
from core.ports.providers import Callback
from tests.core.breaks import SQL_BREAKS
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    make_booking,
    make_instant_listing,
    make_listing,
    make_paid,
    make_vendor,
    paid_event,
)


@pytest.fixture
def lived(database: Database, clock: ManualClock) -> Database:
    """A system that has lived: a payout made, bookings paid for, a hold, a request, disputes."""
    with database.transaction() as tx:
        vendor = make_vendor(tx)
        hall = make_listing(tx, vendor)
        rooms = make_instant_listing(tx, vendor, units=3, title="Baraka Rooms")
        make_paid(tx, hall)
        make_paid(tx, rooms, OTHER_CUSTOMER, receipt="SFF6XYQ2CD", in_days=30)
        vendor_id, rooms_id = vendor.id, rooms.id
        receipts = ("SFF6XYQ7GH", "SFF6XYQ8JK")
        disputed = [make_paid(tx, rooms, receipt=each, in_days=13).id for each in receipts]
    clock.advance(days=12)
    _fire(database)
    clock.advance(days=2, seconds=1)
    _fire(database)
    with database.transaction() as tx:
        payout = make_payout(tx, vendor_id)
        assert payout is not None
        for attempt_id in attempts.due_attempts(tx, 10):
            attempts.begin(tx, attempt_id)
            attempts.accepted(tx, attempt_id, "AG_1")
            attempt = tx.db.get_one(Attempt, attempt_id)
            settle.apply(tx, paid_event(attempt, "UAF5T4R3E2"))
        issue_due(tx, Seller())
    with database.transaction() as tx:
        rooms = tx.db.get_one(type(rooms), rooms_id)
        _disagree(tx, disputed)
        make_booking(tx, rooms, CUSTOMER, in_days=16)
        gone = make_paid(tx, rooms, CUSTOMER, receipt="SFF6XYQ3EF", in_days=20)
        cancel_by_customer(tx, gone.id, gone.customer_id)
        make_booking(tx, tx.db.get_one(type(hall), hall.id), CUSTOMER)
        tx.db.execute(text("UPDATE notices SET state = 'sent', leased_until = NULL"))
    return database


def _disagree(tx: Tx, bookings: list[UUID]) -> None:
    """One dispute is open, another was decided half for each side."""
    for booking_id in bookings:
        booking = tx.db.get_one(Booking, booking_id)
        open_dispute(tx, booking.id, booking.customer_id, Problem.UNCLEAN)
    note_by_vendor(tx, booking.id, booking.vendor_id, "It was clean")
    resolve(tx, booking.id, 50, None, "Photos by both")


def _fire(database: Database) -> None:
    with database.transaction() as tx:
        for booking_id in due_bookings(tx, 10):
            fire(tx, booking_id)


def findings(database: Database) -> list[Finding]:
    with database.transaction() as tx:
        return run_all(tx)


def test_a_healthy_system_has_no_findings(lived: Database) -> None:
    assert findings(lived) == []


def test_an_empty_system_has_no_findings(database: Database) -> None:
    assert findings(database) == []


RULES = {
    "stars that a listing does not count": "a listing counts the reviews that are shown",
    "a review by somebody else": "a review is of its booking's listing and customer",
    "a place in the line that never ends": "places in the line end in time",
    "a payout that nothing moves": "a payout on its way goes on",
    "a held payout with a try under way": "nothing of a held payout is under way",
    "a booking that waits for what came back": "what came back waits for another payout",
    "money that came back and is not owed": "what came back is owed again",
}
"""Where several rules of one invariant could find a break: the one that must."""


@pytest.mark.parametrize("name", SQL_BREAKS)
def test_each_planted_break_is_found(lived: Database, name: str) -> None:
    invariant, statement = SQL_BREAKS[name]
    with lived.transaction() as tx:
        tx.db.execute(text("SET LOCAL session_replication_role = replica"))
        tx.db.connection().exec_driver_sql(statement)

    found = findings(lived)

    assert invariant in {finding.invariant for finding in found}, found
    assert name not in RULES or RULES[name] in {finding.rule for finding in found}, found
    assert all(finding.expected != finding.actual for finding in found)


def test_a_fault_in_the_ledger_is_found_too(lived: Database) -> None:
    with lived.transaction() as tx:
        tx.db.execute(text("SET LOCAL session_replication_role = replica"))
        tx.db.execute(
            text(
                "UPDATE ledger_accounts SET balance_cents = balance_cents - 1"
                " WHERE path LIKE 'escrow:%'"
            )
        )

    assert {"I2", "I3"} <= {finding.invariant for finding in findings(lived)}


def _owe(tx: Tx) -> None:
    outbox.add(tx, "confirmed", CUSTOMER, {})


def _lease(tx: Tx) -> None:
    _owe(tx)
    outbox.lease(tx, 10)


def _begin(tx: Tx) -> None:
    _owe(tx)
    (notice_id,) = outbox.lease(tx, 10)
    outbox.begin(tx, notice_id)


def _call_back(tx: Tx) -> None:
    inbox.store(tx, Callback("africastalking", "sms", "in-1", {}))


@pytest.mark.parametrize(
    ("plant", "minutes"), [(_owe, 10), (_lease, 6), (_begin, 6), (_call_back, 10)]
)
def test_what_lies_about_too_long_is_found(
    database: Database, clock: ManualClock, plant: Callable[[Tx], None], minutes: int
) -> None:
    with database.transaction() as tx:
        plant(tx)
    clock.advance(seconds=minutes * 60)
    assert findings(database) == []

    clock.advance(seconds=1)
    assert [finding.invariant for finding in findings(database)] == ["I13"]


def test_what_a_person_may_look_at_is_no_finding(database: Database) -> None:
    with database.transaction() as tx:
        _begin(tx)
        notice_id: UUID = tx.db.scalars(text("SELECT id FROM notices")).one()
        outbox.failed(tx, notice_id, "timeout", retryable=False, unknown=True)

    assert findings(database) == []
