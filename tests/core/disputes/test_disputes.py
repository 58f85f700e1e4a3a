"""A problem is reported and taken back: by whom, when, and what stands still meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from core.booking import cancel, timers, usecases
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.db.tx import Tx
from core.disputes import usecases as disputes
from core.disputes.lifecycle import DisputeState
from core.disputes.model import Problem
from core.errors import IllegalMove, NotFound, Refused
from core.invariants.run import run_all
from core.limits import DISPUTES_PER_BOOKING_MAX
from core.money import kes
from tests.core.booking.world import GOLDEN
from tests.core.disputes.court import Court
from tests.support.factories import VENDOR


def test_while_it_is_open_no_timer_moves_anything(court: Court) -> None:
    early = court.begun("SFF6XYQ2CD", in_days=3)
    court.report(early)
    late = court.completed()
    court.report(late)

    court.clock.advance(days=30)

    assert court.fire() == []
    assert court.pay_out() == []
    for booking in (early, late):
        assert court.state(booking) is State.DISPUTED
        assert court.balance(f"escrow:{booking.code}") == GOLDEN
    assert court.balance(f"payable:{court.vendor.number}") == kes(0)


def test_a_timer_that_was_left_set_moves_nothing_either(court: Court) -> None:
    """The state is the second guard behind the timer; the checker names the first one's loss."""
    booking = court.completed()
    due = court.due(booking)
    court.report(booking)
    left = update(Booking).where(Booking.id == booking.id).values(due_at=due)
    court.run(lambda tx: tx.db.execute(left))
    found = court.run(_rules)
    assert "nothing of a disputed booking moves" in found

    court.clock.set(due)

    assert court.fire() == [State.DISPUTED]
    assert court.balance(f"escrow:{booking.code}") == GOLDEN


def test_without_the_state_the_timer_pays_the_vendor_out(court: Court) -> None:
    """What the move to disputed is for: the same story with the booking left as it was."""
    booking = court.completed()
    due = court.due(booking)
    court.report(booking)
    left = update(Booking).where(Booking.id == booking.id)
    court.run(lambda tx: tx.db.execute(left.values(state=State.COMPLETED, due_at=due)))

    court.clock.set(due)
    court.fire()

    assert court.balance(f"payable:{court.vendor.number}") == kes(40_000)
    assert "a disputed booking has one open dispute" in court.run(_rules)


def _rules(tx: Tx) -> set[str]:
    return {finding.rule for finding in run_all(tx)}


def test_a_problem_taken_back_before_the_end_lets_the_money_go_two_days_later(
    court: Court,
) -> None:
    booking = court.begun()
    court.report(booking)

    court.take_back(booking)

    assert court.state(booking) is State.COMPLETED
    assert court.told(VENDOR)[-1] == "dispute_withdrawn"
    assert court.due(booking) == court.clock.now() + timedelta(hours=48)
    court.clock.set(court.due(booking))
    court.fire()
    assert court.balance(f"payable:{court.vendor.number}") == kes(40_000)
    court.assert_sound()


def test_a_problem_taken_back_late_lets_the_money_go_at_once(court: Court) -> None:
    booking = court.completed()
    court.report(booking)
    court.clock.advance(days=4)

    court.take_back(booking)

    court.assert_sound()
    assert court.due(booking) == court.clock.now()
    with pytest.raises(Refused, match="too_late"):
        court.report(booking)
    court.fire()
    assert court.balance(f"payable:{court.vendor.number}") == kes(40_000)


def test_taking_back_and_reporting_again_does_not_freeze_money_for_ever(court: Court) -> None:
    booking = court.begun()
    for _ in range(DISPUTES_PER_BOOKING_MAX):
        court.report(booking)
        court.take_back(booking)

    with pytest.raises(Refused, match="too_many_disputes"):
        court.report(booking)
    court.assert_sound()


def test_a_problem_waits_for_the_rest_after_a_deposit(court: Court) -> None:
    """What is not all there cannot be shared out: until then its customer can pay or cancel."""
    booking = court.begun_with_a_deposit()
    assert court.fire() == [], "the rest may still come"
    with pytest.raises(Refused, match="rest_unpaid"):
        court.report(booking)

    assert court.paid(court.prompt(booking), "SFF6XYQ2CD") is None
    court.heard(booking)
    court.decide(booking, 40)

    assert court.state(booking) is State.COMPLETED
    court.assert_sound()


def test_whoever_owes_the_rest_can_still_cancel(court: Court) -> None:
    booking = court.begun_with_a_deposit()
    held = court.balance(f"escrow:{booking.code}")
    assert kes(0) < held < GOLDEN

    court.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id))

    assert court.state(booking) is State.CANCELLED
    court.assert_sound()


def test_a_problem_can_be_reported_from_the_first_day_until_the_money_is_the_vendors(
    court: Court,
) -> None:
    booking = court.confirmed()
    midnight = booking.starts_at - timedelta(hours=9)
    court.clock.set(midnight - timedelta(seconds=1))
    with pytest.raises(Refused, match="too_early"):
        court.report(booking)
    court.clock.set(midnight)
    court.report(booking)
    court.take_back(booking)

    release = court.due(booking)
    court.clock.set(release - timedelta(seconds=1))
    court.report(booking)
    court.take_back(booking)
    court.clock.set(release)
    with pytest.raises(Refused, match="too_late"):
        court.report(booking)
    court.fire()
    with pytest.raises(Refused, match="too_late"):
        court.report(booking)


def test_a_disputed_booking_is_neither_cancelled_nor_checked_in_nor_completed(
    court: Court,
) -> None:
    booking = court.begun()
    court.report(booking)
    pin = court.database.vault.open(booking.check_in_pin_sealed)
    who = booking.vendor_id

    customer = booking.customer_id
    tries: tuple[Callable[[Tx], object], ...] = (
        lambda tx: cancel.cancel_by_vendor(tx, booking.id, who),
        lambda tx: cancel.cancel_by_customer(tx, booking.id, customer),
        lambda tx: cancel.cancel_by_admin(tx, booking.id, None, "Flood"),
        lambda tx: usecases.check_in(tx, booking.id, who, pin),
        lambda tx: timers.complete_by_customer(tx, booking.id, customer),
        lambda tx: timers.complete_by_vendor(tx, booking.id, who),
        lambda tx: disputes.open_dispute(tx, booking.id, customer, Problem.OTHER),
    )
    for attempt in tries:
        with pytest.raises(IllegalMove):
            court.run(attempt)
    court.assert_sound()


def test_what_is_not_paid_for_or_over_has_no_problem_to_report(court: Court) -> None:
    cancelled = court.confirmed("SFF6XYQ2CD", in_days=11)
    customer = cancelled.customer_id
    court.run(lambda tx: cancel.cancel_by_customer(tx, cancelled.id, customer))
    asked, unpaid = court.book(in_days=12), court.hold(in_days=13)
    court.clock.set(unpaid.starts_at)

    for booking in (cancelled, asked, unpaid):
        with pytest.raises(IllegalMove):
            court.report(booking)


def test_strangers_know_of_no_dispute(court: Court) -> None:
    booking = court.begun()
    stranger = UUID(int=99)
    tries: tuple[Callable[[Tx], object], ...] = (
        lambda tx: disputes.open_dispute(tx, booking.id, stranger, Problem.OTHER),
        lambda tx: disputes.note_by_customer(tx, booking.id, stranger, "Hello"),
        lambda tx: disputes.note_by_vendor(tx, booking.id, stranger, "Hello"),
        lambda tx: disputes.withdraw_dispute(tx, booking.id, stranger),
    )
    for attempt in tries:
        with pytest.raises(NotFound):
            court.run(attempt)
    court.report(booking)
    for attempt in tries:
        with pytest.raises(NotFound, match="no_booking"):
            court.run(attempt)
    assert court.file(booking).dispute.state is DisputeState.WAITING


def test_without_an_open_dispute_nothing_can_be_added_taken_back_or_decided(
    court: Court,
) -> None:
    booking = court.begun()
    tries: tuple[Callable[[], object], ...] = (
        lambda: court.customer_says(booking, "Hello"),
        lambda: court.vendor_says(booking, "Hello"),
        lambda: court.take_back(booking),
        lambda: court.decide(booking, 50),
    )
    for attempt in tries:
        with pytest.raises(NotFound, match="no_dispute"):
            attempt()
