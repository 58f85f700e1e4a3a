"""The weekly run: who is owed enough gets one payout, in parts, tried while outcomes are known."""

import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.clock import ManualClock
from core.db.tx import Database
from core.escrow import accounts, ledger
from core.invariants.run import run_all
from core.limits import PAYOUT_RETRY_SECONDS, PAYOUT_TRIES_MAX
from core.money import Money, kes
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts.model import Payout, PayoutRun, PayoutState
from core.people.model import Vendor, VendorStatus
from tests.support.factories import (
    OTHER_VENDOR,
    VENDOR,
    make_instant_listing,
    make_paid,
    make_vendor,
)
from tests.support.fakes import notices
from tests.workers import callbacks
from tests.workers.callbacks import arrive
from tests.workers.conftest import Crew
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.notices import run_notices
from workers.payouts import run_payouts
from workers.timers import run_timers

MONDAY = datetime(2026, 12, 14, 3, 0, tzinfo=UTC)  # 06:00 in Nairobi.


@pytest.fixture(autouse=True)
def last_weeks_run(crew: Crew) -> None:
    """The system is not new: the run of the week in which the stories begin is over."""
    run_payouts(crew.parts)


def earn(
    crew: Crew, clock: ManualClock, *shillings: int, msisdn: str = VENDOR, units: int = 5
) -> UUID:
    """A vendor has given services at these prices, paid for, and each is released on Monday."""
    with crew.database.transaction() as tx:
        vendor = make_vendor(tx, msisdn)
        for number, price in enumerate(shillings):
            listing = make_instant_listing(tx, vendor, price_cents=kes(price).cents, units=units)
            make_paid(tx, listing, receipt=f"SFF{vendor.number}XYQ{number:02}")
        return vendor.id


def monday_comes(crew: Crew, clock: ManualClock) -> int:
    """Services are done, completed, released; then it is Monday, six o'clock."""
    clock.set(datetime(2026, 12, 5, 12, 0, tzinfo=UTC))
    run_timers(crew.parts)
    clock.set(datetime(2026, 12, 8, 12, 0, tzinfo=UTC))
    run_timers(crew.parts)
    clock.set(MONDAY)
    return run_payouts(crew.parts)


def payouts(database: Database) -> list[Payout]:
    with database.transaction() as tx:
        return list(tx.db.scalars(select(Payout).order_by(Payout.created_at, Payout.id)))


def payable(database: Database, vendor_id: UUID) -> Money:
    with database.transaction() as tx:
        number = tx.db.get_one(Vendor, vendor_id).number
        return ledger.balance(tx, accounts.payable(number))


def open_attempt(database: Database) -> Attempt:
    with database.transaction() as tx:
        return tx.db.scalars(
            select(Attempt).where(
                Attempt.kind == Kind.PAYOUT, Attempt.state == AttemptState.PENDING
            )
        ).one()


def settle_open(crew: Crew, *, receipt: str = "UAF5T4R3E2") -> Money:
    """The payment that is under way arrives."""
    run_attempts(crew.parts)
    attempt = open_attempt(crew.database)
    amount = Money(attempt.amount_cents)
    arrive(crew.database, callbacks.b2c(attempt.id, amount.shillings, receipt=receipt))
    run_inbox(crew.parts)
    return amount


def fail_open(crew: Crew) -> None:
    """The payment that is under way is refused for certain."""
    run_attempts(crew.parts)
    arrive(crew.database, callbacks.b2c_failed(open_attempt(crew.database).id))
    run_inbox(crew.parts)


def test_the_golden_vendor_is_paid_to_the_shilling(crew: Crew, clock: ManualClock) -> None:
    vendor = earn(crew, clock, 50_000)

    assert monday_comes(crew, clock) == 1
    assert settle_open(crew) == kes(40_000)

    assert payable(crew.database, vendor) == kes(0)
    assert [payout.state for payout in payouts(crew.database)] == [PayoutState.PAID]
    with crew.database.transaction() as tx:
        assert tx.db.scalars(select(Booking.state)).one() is State.PAID_OUT
    (notice,) = notices(crew.database, "payout_sent")
    assert (notice.msisdn, notice.params["amount_cents"]) == (VENDOR, 4_000_000)
    run_notices(crew.parts)
    with crew.database.transaction() as tx:
        assert run_all(tx) == []


def test_the_run_is_made_once_a_week(crew: Crew, clock: ManualClock) -> None:
    earn(crew, clock, 50_000)
    assert monday_comes(crew, clock) == 1
    settle_open(crew)

    assert run_payouts(crew.parts) == 0
    clock.advance(days=6)
    assert run_payouts(crew.parts) == 0
    with crew.database.transaction() as tx:
        assert all(run.finished_at for run in tx.db.scalars(select(PayoutRun)))


def test_nobody_is_paid_before_monday_six_oclock(crew: Crew, clock: ManualClock) -> None:
    earn(crew, clock, 50_000)
    clock.set(datetime(2026, 12, 5, 12, 0, tzinfo=UTC))
    run_timers(crew.parts)
    clock.set(datetime(2026, 12, 8, 12, 0, tzinfo=UTC))
    run_payouts(crew.parts)  # The run of the week before, a day late.
    run_timers(crew.parts)
    clock.set(datetime(2026, 12, 14, 2, 59, tzinfo=UTC))
    assert run_payouts(crew.parts) == 0

    clock.set(MONDAY)
    assert run_payouts(crew.parts) == 1


@pytest.mark.parametrize(("price", "made"), [(1_249, 0), (1_250, 1)])
def test_less_than_a_thousand_waits(crew: Crew, clock: ManualClock, price: int, made: int) -> None:
    vendor = earn(crew, clock, price)  # The vendor gets 80 % of it.

    assert monday_comes(crew, clock) == made
    assert payable(crew.database, vendor) == Money(price * 80)


def test_small_earnings_of_several_services_are_paid_together(
    crew: Crew, clock: ManualClock
) -> None:
    earn(crew, clock, 700, 701)

    assert monday_comes(crew, clock) == 1

    (payout,) = payouts(crew.database)
    assert payout.amount_cents == kes(1_120).cents
    assert payout.carried_out_cents == 80, "the odd cents stay payable"


def test_a_vendor_has_one_payout_on_its_way(crew: Crew, clock: ManualClock) -> None:
    earn(crew, clock, 50_000)
    monday_comes(crew, clock)
    with crew.database.transaction() as tx:
        listing = make_instant_listing(tx, tx.db.scalars(select(Vendor)).one())
        make_paid(tx, listing, receipt="SFFLATER01")
    for _ in range(3):
        clock.advance(days=7)
        run_timers(crew.parts)
        run_payouts(crew.parts)
    assert len(payouts(crew.database)) == 1

    settle_open(crew)
    clock.advance(days=7)
    run_payouts(crew.parts)
    assert len(payouts(crew.database)) == 2


def test_runs_at_once_make_each_payout_once(crew: Crew, clock: ManualClock) -> None:
    earn(crew, clock, 50_000)
    earn(crew, clock, 50_000, msisdn=OTHER_VENDOR)
    monday_comes(crew, clock)
    with crew.database.transaction() as tx:
        tx.db.connection().exec_driver_sql("DELETE FROM attempts WHERE kind = 'payout'")
        for table in ("payout_items", "payouts"):
            tx.db.execute(text(f"DELETE FROM {table}"))
        tx.db.execute(update(PayoutRun).values(finished_at=None))
    threads = [threading.Thread(target=run_payouts, args=(crew.parts,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(payouts(crew.database)) == 2


def test_more_than_mpesa_carries_is_paid_in_parts(crew: Crew, clock: ManualClock) -> None:
    prices = (180_000, 180_000, 180_000, 180_000)  # 576,000 for the vendor.
    vendor = earn(crew, clock, *prices)
    monday_comes(crew, clock)

    parts = []
    for number in range(3):
        parts.append(settle_open(crew, receipt=f"UAF5T4R3E{number}"))
        run_payouts(crew.parts)

    assert parts == [kes(250_000), kes(250_000), kes(76_000)]
    assert payable(crew.database, vendor) == kes(0)
    assert len(notices(crew.database, "payout_sent")) == 1
    with crew.database.transaction() as tx:
        assert set(tx.db.scalars(select(Booking.state))) == {State.PAID_OUT}


def test_three_known_failures_end_a_payout_and_the_vendor_is_told_why(
    crew: Crew, clock: ManualClock
) -> None:
    vendor = earn(crew, clock, 50_000)
    monday_comes(crew, clock)
    for number in range(PAYOUT_TRIES_MAX):
        assert payouts(crew.database)[0].state is PayoutState.RELEASED
        fail_open(crew)
        assert run_payouts(crew.parts) == 0, "each try waits"
        if number < PAYOUT_TRIES_MAX - 1:
            clock.advance(seconds=PAYOUT_RETRY_SECONDS)
            assert run_payouts(crew.parts) == 1

    (payout,) = payouts(crew.database)
    assert (payout.state, payout.tries) == (PayoutState.FAILED, 3)
    (notice,) = notices(crew.database, "payout_failed")
    assert (notice.msisdn, notice.params["reason"]) == (VENDOR, "bad_recipient")
    assert payable(crew.database, vendor) == kes(40_000)

    clock.advance(days=7)
    assert run_payouts(crew.parts) == 1, "the next run tries anew"


def test_nothing_is_tried_again_while_an_outcome_is_unknown(
    crew: Crew, clock: ManualClock
) -> None:
    earn(crew, clock, 50_000)
    monday_comes(crew, clock)
    run_attempts(crew.parts)
    arrive(crew.database, callbacks.b2c_timeout(open_attempt(crew.database).id))
    run_inbox(crew.parts)

    for _ in range(4):
        clock.advance(days=7)
        run_attempts(crew.parts)
        run_payouts(crew.parts)

    assert len(crew.payouts.calls) == 1
    assert len(payouts(crew.database)) == 1


def test_a_success_after_the_last_failure_still_counts(crew: Crew, clock: ManualClock) -> None:
    vendor = earn(crew, clock, 50_000)
    monday_comes(crew, clock)
    for _ in range(PAYOUT_TRIES_MAX):
        fail_open(crew)
        clock.advance(seconds=PAYOUT_RETRY_SECONDS)
        run_payouts(crew.parts)
    last = crew.payouts.calls[-1]

    arrive(crew.database, callbacks.b2c(last.attempt_id, 40_000))
    run_inbox(crew.parts)

    assert [payout.state for payout in payouts(crew.database)] == [PayoutState.PAID]
    assert payable(crew.database, vendor) == kes(0)


def test_a_vendor_who_cannot_be_paid_keeps_the_run_open_but_not_the_others_waiting(
    crew: Crew, clock: ManualClock
) -> None:
    broken = earn(crew, clock, 50_000)
    earn(crew, clock, 50_000, msisdn=OTHER_VENDOR)
    with crew.database.transaction() as tx:
        tx.db.execute(update(Vendor).where(Vendor.id == broken).values(payout_sealed=b"foreign"))

    assert monday_comes(crew, clock) == 1
    with crew.database.transaction() as tx:
        assert tx.db.scalars(select(PayoutRun).where(PayoutRun.finished_at.is_(None))).one()
        sealed = tx.vault.seal({"msisdn": VENDOR})
        tx.db.execute(update(Vendor).where(Vendor.id == broken).values(payout_sealed=sealed))

    assert run_payouts(crew.parts) == 1
    with crew.database.transaction() as tx:
        assert all(run.finished_at for run in tx.db.scalars(select(PayoutRun)))


def test_a_vendor_who_is_not_active_is_not_paid(crew: Crew, clock: ManualClock) -> None:
    vendor = earn(crew, clock, 50_000)
    with crew.database.transaction() as tx:
        tx.db.execute(
            update(Vendor).where(Vendor.id == vendor).values(status=VendorStatus.RESTRICTED)
        )

    assert monday_comes(crew, clock) == 1
    run_attempts(crew.parts)

    assert [payout.state for payout in payouts(crew.database)] == [PayoutState.HELD]
    assert crew.payouts.calls == []
    assert payable(crew.database, vendor) == kes(40_000)
