"""Payments to vendors that fail, are lost, or turn out to have gone through after all."""

from datetime import timedelta

from core.booking.lifecycle import State
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import MPESA_MAX_CENTS, PAYOUT_RETRY_SECONDS
from core.money import kes
from core.payments.attempts import begin, refused
from core.payments.lifecycle import AttemptState
from core.payments.model import Kind
from core.payouts.model import PayoutState
from core.ports.money import PayRequest
from core.ports.providers import ProviderError
from tests.core.booking.world import World
from tests.core.payouts.steps import fail_three_times, read, send, the_payout
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
    assert failed.finished_at - began == timedelta(hours=16)
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
    assert len(world.attempts(Kind.PAYOUT)) == 1, "eight hours first"
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

    assert world.paid(tried[0].attempt_id, "SFG1") is None
    assert world.paid(send(world).attempt_id, "SFG2") is None

    assert read(world, again).state is PayoutState.PAID
    assert world.state(booking) is State.PAID_OUT
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert world.balance("suspense:daraja") == kes(-40_000)
    assert world.balance("float:daraja") == kes(66_700 - 80_000)


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
