"""Mondays: who is paid, how much, in which parts, and what happens when a payment fails."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.booking.lifecycle import State
from core.catalog.rules import BookingMode
from core.clock import NAIROBI, ManualClock
from core.db.tx import Database
from core.limits import B2C_MIN_CENTS, MPESA_MAX_CENTS, PAYOUT_MIN_CENTS
from core.money import kes
from core.payments.model import Kind
from core.payouts import rules, runs, usecases
from core.payouts.model import Payout, PayoutItem, PayoutState
from core.payouts.queries import earnings
from tests.core.booking.world import World
from tests.core.escrow.tools import run_sql, together
from tests.core.payouts.steps import read, send, the_payout
from tests.support.factories import VENDOR

# The golden booking starts on Monday 30 November 2026; its money is released on 3 December.
RUN = datetime(2026, 12, 7, 6, 0, tzinfo=NAIROBI)


def test_vendors_are_paid_on_monday_at_six_and_not_before(world: World) -> None:
    booking = world.confirmed()
    for _ in range(2):
        assert world.monday() == []
    for _ in range(2):
        world.clock.set(world.due(booking))
        world.fire()
    world.clock.set(RUN - timedelta(seconds=1))
    assert world.pay_out() == []

    world.clock.set(RUN)
    [payout] = world.pay_out()

    assert payout.amount_cents == kes(40_000).cents
    assert world.pay_out() == [], "the week's run is over"
    now = world.run(lambda tx: earnings(tx, world.vendor.id))
    assert (now.payable, now.on_the_way) == (kes(40_000), kes(40_000))
    assert now.next_run == (RUN + timedelta(days=7)).astimezone(UTC)
    world.paid(send(world).attempt_id, "SFG1")
    assert world.state(booking) is State.PAID_OUT
    now = world.run(lambda tx: earnings(tx, world.vendor.id))
    assert (now.payable, now.on_the_way, now.last_paid) == (kes(0), kes(0), kes(40_000))
    world.assert_sound()


def test_a_fresh_installation_does_not_make_up_for_the_past(
    database: Database, clock: ManualClock
) -> None:
    """On its first Friday nothing is paid, however often it is asked; on Monday it is time."""
    assert [database.run(runs.open_run) for _ in range(3)] == [None] * 3

    clock.set(rules.next_run(clock.now()))

    assert database.run(runs.open_run) == rules.week_of(clock.now())


def test_a_run_that_was_missed_is_made_up_for(world: World) -> None:
    """Down from Sunday to Wednesday: the vendors are paid on Wednesday."""
    world.released()
    world.clock.set(RUN + timedelta(days=2))
    assert len(world.pay_out()) == 1


@given(st.integers(0, 2 * 365 * 24 * 3600))
def test_the_last_run_is_a_monday_at_six_of_the_past_week(seconds: int) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    last = rules.run_at(rules.week_of(moment)).astimezone(NAIROBI)

    assert (last.weekday(), last.hour, last.minute) == (0, 6, 0)
    assert timedelta() <= moment - last < timedelta(days=7)
    assert rules.next_run(moment) - last == timedelta(days=7)


@given(st.integers(0, 10**10))
def test_whole_shillings_go_out_and_nothing_below_the_minimum(balance: int) -> None:
    paid = rules.payable_now(balance)

    assert paid % 100 == 0
    assert paid == 0 or paid >= PAYOUT_MIN_CENTS
    assert 0 <= balance - paid < (100 if balance >= PAYOUT_MIN_CENTS else PAYOUT_MIN_CENTS)


def test_small_earnings_wait_until_they_are_a_thousand(
    database: Database, clock: ManualClock
) -> None:
    """1,249 base a booking: the vendor's 80 % is 999.20, below; two of them are above."""
    small = World.open(
        database, clock, price_cents=kes(1_249).cents, booking_mode=BookingMode.INSTANT
    )
    first = small.released("SFF1")
    assert small.monday() == []
    assert small.state(first) is State.COMPLETED

    small.released("SFF2")
    payout = the_payout(small)
    assert payout.amount_cents == kes(1_998).cents
    assert (payout.carried_in_cents, payout.carried_out_cents) == (0, 40)
    small.paid(send(small).attempt_id, "SFG1")
    assert small.balance(f"payable:{small.vendor.number}") == kes(0, 40)

    small.released("SFF3")
    small.released("SFF4")
    payout = the_payout(small)
    assert (payout.carried_in_cents, payout.carried_out_cents) == (40, 80)
    small.assert_sound()


def test_a_payout_above_the_providers_limit_goes_out_in_parts(
    database: Database, clock: ManualClock
) -> None:
    """Eight bookings of 40,000 are 320,000: one part of 250,000, then one of 70,000."""
    world = World.open(database, clock, units=8, booking_mode=BookingMode.INSTANT)
    bookings = [world.confirmed(f"SFF{turn}") for turn in range(8)]
    for _ in range(2):
        world.clock.set(world.due(bookings[-1]))
        world.fire()
    payout = the_payout(world)

    first = send(world)
    assert first.amount.cents == MPESA_MAX_CENTS
    world.paid(first.attempt_id, "SFG1")
    assert read(world, payout).state is PayoutState.RELEASED
    assert {world.state(booking) for booking in bookings} == {State.COMPLETED}

    world.pay_out()
    second = send(world)
    assert second.amount == kes(70_000)
    world.paid(second.attempt_id, "SFG2")
    assert read(world, payout).state is PayoutState.PAID
    assert {world.state(booking) for booking in bookings} == {State.PAID_OUT}
    assert world.told(VENDOR).count("payout_sent") == 1
    world.assert_sound()


@given(st.integers(PAYOUT_MIN_CENTS // 100, 2_000_000))
def test_parts_are_never_too_large_nor_too_small_to_be_sent(shillings: int) -> None:
    left = shillings * 100
    while left:
        part = rules.next_part(left)
        assert B2C_MIN_CENTS <= part <= MPESA_MAX_CENTS
        assert part % 100 == 0
        left -= part


def test_two_makers_for_one_vendor_make_one_payout(world: World) -> None:
    world.released()
    world.clock.set(RUN)

    made = together(4, lambda _: world.run(lambda tx: usecases.make_payout(tx, world.vendor.id)))

    assert [payout is None for payout in made].count(False) == 1
    assert len(world.attempts(Kind.PAYOUT)) == 1
    world.assert_sound()


def second_live_payout(world: World) -> Payout:
    """Write a second payout past the use case."""
    payout = the_payout(world)
    copied = {column.name: getattr(payout, column.name) for column in Payout.__table__.columns}

    def write(tx: Any) -> Payout:
        other = Payout(**copied | {"id": tx.ids.uuid()})
        tx.db.add(other)
        return other

    return world.run(write)


def test_the_database_refuses_a_second_live_payout_of_a_vendor(world: World) -> None:
    world.released()
    with pytest.raises(IntegrityError, match="uq_payouts_live"):
        second_live_payout(world)


def test_without_the_index_a_vendor_could_have_two(world: World) -> None:
    run_sql(world.database, "DROP INDEX uq_payouts_live")
    world.released()
    assert second_live_payout(world).state is PayoutState.RELEASED


def test_a_live_payout_is_not_joined_by_next_weeks(world: World) -> None:
    world.released()
    the_payout(world)
    send(world)
    world.released("SFF2")

    assert world.monday() == []


def test_every_booking_of_a_payout_is_one_of_its_items(world: World) -> None:
    booking = world.released()
    payout = the_payout(world)

    items = world.run(
        lambda tx: tx.db.execute(
            select(PayoutItem.booking_id, PayoutItem.amount_cents, PayoutItem.live).where(
                PayoutItem.payout_id == payout.id
            )
        ).all()
    )

    assert [tuple(item) for item in items] == [(booking.id, kes(40_000).cents, True)]
