"""Timers of bookings: one bad row never blocks the others, and nobody's work is done twice."""

import threading

import pytest
from sqlalchemy import select, update

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.modify import request_change, wish_of
from core.booking.usecases import withdraw
from core.clock import ManualClock
from core.db.tx import Database
from core.escrow import accounts, ledger
from core.escrow.ledger import balance
from core.money import kes
from tests.support.factories import (
    make_booking,
    make_held,
    make_instant_listing,
    make_listing,
    make_paid,
    make_vendor,
)
from tests.support.fakes import notices
from tests.workers.conftest import Crew
from workers import timers
from workers.ledger import run_ledger
from workers.timers import run_timers


def states(database: Database) -> list[State]:
    with database.transaction() as tx:
        return list(tx.db.scalars(select(Booking.state).order_by(Booking.created_at, Booking.id)))


def test_a_request_that_nobody_answers_lapses(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        make_booking(tx, make_listing(tx, make_vendor(tx)))
    assert run_timers(crew.parts) == 0

    clock.advance(hours=24)
    assert run_timers(crew.parts) == 1
    assert run_timers(crew.parts) == 0

    assert states(crew.database) == [State.EXPIRED]
    assert len(notices(crew.database, "request_expired")) == 1


def test_a_change_that_nobody_answers_lapses_too(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        booking = make_paid(tx, make_listing(tx, make_vendor(tx)))
        request_change(tx, booking.id, booking.customer_id, wish_of(tx, booking, people=60))

    clock.advance(hours=24)
    assert run_timers(crew.parts) == 1
    assert run_timers(crew.parts) == 0

    assert states(crew.database) == [State.CONFIRMED], "the booking stands"
    [told] = notices(crew.database, "change_off_customer")
    assert told.params["reason"] == "unanswered"


def test_from_the_service_to_the_vendors_money(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        vendor = make_vendor(tx)
        booking = make_paid(tx, make_listing(tx, vendor))
    clock.set(booking.ends_at)
    clock.advance(hours=24)
    run_timers(crew.parts)
    assert states(crew.database) == [State.COMPLETED]

    clock.advance(hours=47)
    assert run_timers(crew.parts) == 0
    clock.advance(hours=1)
    assert run_timers(crew.parts) == 1

    assert run_ledger(crew.parts) > 0
    assert run_ledger(crew.parts) == 0
    with crew.database.transaction() as tx:
        assert balance(tx, accounts.payable(vendor.number)) == kes(40_000)
        lines = {line.account: line.balance for line in ledger.trial_balance(tx)}
    assert lines["float:daraja"] == kes(66_700)
    assert lines["tax:vat"] == kes(9_200)
    assert lines["tax:withholding"] == kes(2_500)


def test_more_timers_than_one_batch_fire_in_one_run(
    crew: Crew, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "TIMERS_BATCH_MAX", 5)
    with crew.database.transaction() as tx:
        vendor = make_vendor(tx)
        listing = make_instant_listing(tx, vendor, units=1)
        held = make_held(tx, listing)
        values = {c.name: getattr(held, c.name) for c in Booking.__table__.columns}
        # Requests claim nothing, so a crowd of them is quickly made.
        for number in range(11):
            tx.db.add(
                Booking(
                    **values
                    | {"id": tx.ids.uuid(), "code": f"C{number}", "state": State.REQUESTED}
                )
            )
    clock.advance(hours=24)

    assert run_timers(crew.parts) == 12


def test_a_booking_that_cannot_move_does_not_hold_up_the_next(
    crew: Crew, clock: ManualClock
) -> None:
    with crew.database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx), units=2)
        broken = make_held(tx, listing)
    clock.advance(seconds=1)
    with crew.database.transaction() as tx:
        tx.db.add(listing)
        make_held(tx, listing)
    with crew.database.transaction() as tx:
        # Its units are gone from the calendar: giving them back breaks a CHECK.
        tx.db.execute(update(Booking).where(Booking.id == broken.id).values(quantity=2_000))
    clock.advance(hours=1)

    assert run_timers(crew.parts) == 1
    assert states(crew.database) == [State.AWAITING_PAYMENT, State.EXPIRED]


def test_a_booking_that_was_withdrawn_meanwhile_is_left_alone(
    crew: Crew, clock: ManualClock
) -> None:
    with crew.database.transaction() as tx:
        booking = make_booking(tx, make_listing(tx, make_vendor(tx)))
    clock.advance(hours=24)
    with crew.database.transaction() as tx:
        withdraw(tx, booking.id, booking.customer_id)

    assert run_timers(crew.parts) == 0
    assert states(crew.database) == [State.CANCELLED]


def test_workers_at_once_fire_each_timer_once(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx), units=10)
        for number in range(10):
            make_held(tx, listing, f"+2547000000{number:02}")
    clock.advance(hours=1)
    start = threading.Barrier(4)
    fired: list[int] = []

    def work() -> None:
        start.wait(20)
        fired.append(run_timers(crew.parts))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(fired) == 10
    assert len(notices(crew.database, "hold_expired")) == 10
