"""Payments to vendors that fail, are lost, or turn out to have gone through after all."""

from collections import Counter
from datetime import timedelta

import pytest

from core.booking.lifecycle import State
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import (
    LIMIT_RETRY_SECONDS,
    MPESA_MAX_CENTS,
    PAYOUT_RETRY_SECONDS,
    PAYOUT_TRIES_MAX,
)
from core.money import kes
from core.payments.attempts import begin, refused
from core.payments.lifecycle import AttemptState
from core.payments.model import Kind
from core.payouts.details import find_vendor
from core.payouts.model import PayoutState
from core.payouts.usecases import hold_by_admin, release_by_admin
from core.ports.money import PayRequest, Reason
from core.ports.providers import ProviderError
from tests.core.booking.world import World
from tests.core.payouts.steps import (
    fail_three_times,
    lost,
    owing_much,
    read,
    send,
    send_at_limit,
    the_payout,
)
from tests.support.factories import VENDOR


def test_three_known_failures_end_a_payout_and_next_week_pays(world: World) -> None:
    booking = world.released()
    payout = the_payout(world)
    began = world.clock.now()

    tried = fail_three_times(world)

    assert len({request.attempt_id for request in tried}) == 3
    failed = read(world, payout)
    assert (failed.state, failed.tries, failed.reason) == (PayoutState.FAILED, 3, "bad_recipient")
    assert failed.finished_at is not None
    assert failed.finished_at - began == timedelta(hours=24)
    assert world.told(VENDOR)[-1] == "payout_failed"
    assert world.notice("payout_failed")["reason"] == "bad_recipient"
    assert world.send_due() == []
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)
    world.assert_sound()

    again = the_payout(world)
    assert again.id != payout.id
    world.paid(send(world).attempt_id, "SFG1")
    assert world.state(booking) is State.PAID_OUT
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    world.assert_sound()


def test_the_next_try_waits_until_the_outcome_of_the_last_is_known(world: World) -> None:
    world.released()
    the_payout(world)
    sent = send(world)

    world.clock.advance(days=3)
    world.pay_out()
    world.send_due()

    assert len(world.attempts(Kind.PAYOUT)) == 1
    world.failed(sent.attempt_id)
    assert world.send_due() == []
    world.pay_out()
    assert len(world.attempts(Kind.PAYOUT)) == 1, "twelve hours first"
    world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
    world.pay_out()
    assert len(world.attempts(Kind.PAYOUT)) == 2


def test_a_payment_that_was_given_up_and_went_through_is_a_payment(world: World) -> None:
    booking = world.released()
    payout = the_payout(world)
    tried = fail_three_times(world)

    assert world.paid(tried[0].attempt_id, "SFG1") is None

    assert read(world, payout).state is PayoutState.PAID
    assert world.state(booking) is State.PAID_OUT
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert world.monday() == []
    world.assert_sound()


def test_a_try_that_waits_is_dropped_when_the_one_before_it_went_through(world: World) -> None:
    booking = world.released()
    payout = the_payout(world)
    first = send(world)
    world.failed(first.attempt_id)
    world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
    world.pay_out()

    assert world.paid(first.attempt_id, "SFG1") is None

    assert world.send_due() == []
    assert [each.state for each in world.attempts(Kind.PAYOUT)] == [
        AttemptState.SUCCEEDED,
        AttemptState.FAILED,
    ]
    assert read(world, payout).state is PayoutState.PAID
    assert world.state(booking) is State.PAID_OUT
    world.assert_sound()


def test_money_that_went_out_twice_is_seen_and_owed_back(world: World) -> None:
    """Given up, paid by the next payout, and then it had gone through: nothing is hidden."""
    booking = world.released()
    the_payout(world)
    tried = fail_three_times(world)
    again = the_payout(world)
    sent = send(world)

    assert world.paid(tried[0].attempt_id, "SFG1") is None
    assert world.paid(sent.attempt_id, "SFG2") is None

    assert read(world, again).state is PayoutState.PAID
    assert world.state(booking) is State.PAID_OUT
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert world.balance("suspense:daraja") == kes(-40_000)
    assert world.balance("float:daraja") == kes(66_700 - 80_000)


@pytest.mark.parametrize("held", [False, True])
def test_a_late_success_pays_for_the_payout_that_has_taken_over_and_was_not_sent(
    world: World, *, held: bool
) -> None:
    booking = world.released()
    first = the_payout(world)
    tried = fail_three_times(world)
    again = the_payout(world)
    if held:
        number = world.vendor.number
        world.run(lambda tx: hold_by_admin(tx, find_vendor(tx, number), "a call first"))

    assert world.paid(tried[0].attempt_id, "SFG1") is None

    assert read(world, again).state is PayoutState.PAID
    assert (read(world, first).state, read(world, first).paid_cents) == (PayoutState.FAILED, 0)
    assert world.state(booking) is State.PAID_OUT
    assert world.send_due() == [], "nobody is paid twice"
    assert world.balance("suspense:daraja") == kes(0)
    world.assert_sound()


def test_a_late_part_leaves_the_payout_that_has_taken_over_the_rest(
    database: Database, clock: ManualClock
) -> None:
    """What was planned would be too much now; what goes out is what is missing."""
    world = owing_much(database, clock)
    the_payout(world)
    tried = fail_three_times(world)
    again = the_payout(world)
    for receipt in ("SFG1", "SFG2"):
        assert world.paid(tried.pop().attempt_id, receipt) is None

    assert world.send_due() == []
    world.pay_out()
    assert world.paid(send(world).attempt_id, "SFG3") is None

    assert read(world, again).state is PayoutState.PAID
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    world.assert_sound()


def test_a_part_of_a_failed_payout_that_went_through_sends_no_other_part(
    database: Database, clock: ManualClock
) -> None:
    world = World.open(database, clock, units=8, booking_mode=BookingMode.INSTANT)
    bookings = [world.confirmed(f"SFF{turn}") for turn in range(8)]
    for _ in range(2):
        world.clock.set(world.due(bookings[-1]))
        world.fire()
    payout = the_payout(world)
    tried = fail_three_times(world)

    assert world.paid(tried[0].attempt_id, "SFG1") is None

    world.pay_out()
    assert world.send_due() == []
    assert read(world, payout).state is PayoutState.FAILED
    rest = the_payout(world)
    assert (rest.amount_cents, rest.carried_in_cents) == (
        kes(70_000).cents,
        -MPESA_MAX_CENTS,
    )
    world.paid(send(world).attempt_id, "SFG2")
    assert {world.state(booking) for booking in bookings} == {State.PAID_OUT}
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    world.assert_sound()


def test_a_part_that_may_have_gone_out_is_asked_about_though_it_is_not_owed_any_more(
    database: Database, clock: ManualClock
) -> None:
    """Two parts that were given up had arrived: less is owed than the third may have brought."""
    world = owing_much(database, clock)
    payout = the_payout(world)
    given_up = []
    for _ in range(2):
        given_up.append(send(world).attempt_id)
        world.failed(given_up[-1])
        world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
        world.pay_out()
    third = lost(world)
    for turn, attempt_id in enumerate(given_up):
        assert world.paid(attempt_id, f"SFG{turn}") is None

    world.clock.advance(hours=2)
    assert not isinstance(world.run(lambda tx: begin(tx, third)), PayRequest)
    world.pay_out()

    assert len(world.attempts(Kind.PAYOUT)) == 3, "what is left waits until its fate is known"
    world.failed(third)
    world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
    world.pay_out()
    world.paid(send(world).attempt_id, "SFG3")
    assert read(world, payout).state is PayoutState.PAID
    world.assert_sound()


def test_what_is_above_a_wallets_limit_of_a_day_goes_out_tomorrow(
    database: Database, clock: ManualClock
) -> None:
    """700,000 on Monday: two parts arrive, the third meets the limit and waits for Tuesday."""
    world = owing_much(database, clock)
    payout = the_payout(world)
    send_at_limit(world, ["SFG1", "SFG2"])

    clock.advance(seconds=LIMIT_RETRY_SECONDS - 1)
    world.pay_out()
    assert world.send_due() == [], "its limit is still used up"
    clock.advance(seconds=1)
    world.pay_out()
    assert world.paid(send(world).attempt_id, "SFG3") is None

    assert read(world, payout).state is PayoutState.PAID
    assert world.notices() & Counter(payout_failed=1, payout_sent=9) == Counter(payout_sent=1)
    assert world.notice("payout_sent")["amount_cents"] == kes(700_000).cents
    world.assert_sound()


def test_as_long_as_parts_arrive_a_payout_takes_as_many_days_as_it_needs(
    database: Database, clock: ManualClock
) -> None:
    """The wallet has room for one part a day: somebody else pays into it, too."""
    world = owing_much(database, clock)
    payout = the_payout(world)

    for receipts in ([], ["SFG1"], [], ["SFG2"], []):
        send_at_limit(world, receipts)
        clock.advance(seconds=LIMIT_RETRY_SECONDS)
        world.pay_out()

    assert world.paid(send(world).attempt_id, "SFG3") is None
    assert read(world, payout).state is PayoutState.PAID
    world.assert_sound()


def test_what_is_told_of_a_payout_that_was_partly_paid_is_what_is_missing(
    database: Database, clock: ManualClock
) -> None:
    world = owing_much(database, clock)
    payout = the_payout(world)
    number = world.vendor.number
    send_at_limit(world, ["SFG1", "SFG2"])

    world.run(lambda tx: hold_by_admin(tx, find_vendor(tx, number), "a call first"))
    assert world.notice("payout_held")["amount_cents"] == kes(200_000).cents
    world.run(lambda tx: release_by_admin(tx, find_vendor(tx, number)))
    for _ in range(PAYOUT_TRIES_MAX - 1):
        world.failed(send(world).attempt_id, Reason.LIMIT)
        clock.advance(seconds=LIMIT_RETRY_SECONDS)
        world.pay_out()

    assert read(world, payout).state is PayoutState.FAILED
    assert world.notice("payout_failed")["amount_cents"] == kes(200_000).cents
    world.assert_sound()


def test_a_payment_whose_fate_is_unknown_is_asked_about_before_it_goes_out_again(
    world: World,
) -> None:
    """By the same id, which the provider takes once only."""
    world.released()
    the_payout(world)
    [attempt] = world.attempts(Kind.PAYOUT)
    began = world.run(lambda tx: begin(tx, attempt.id))
    assert isinstance(began, PayRequest)
    world.run(lambda tx: refused(tx, attempt.id, ProviderError("timeout", unknown=True)))

    seen: list[str] = []
    while len(seen) < 3:
        due_at = world.attempt(attempt).due_at
        assert due_at is not None
        world.clock.set(due_at)
        step = world.run(lambda tx: begin(tx, attempt.id))
        seen.append(type(step).__name__)

    assert seen == ["Attempt", "Attempt", "PayRequest"]
    assert len(world.attempts(Kind.PAYOUT)) == 1
    assert world.attempt(attempt).tries == 2
