"""A dispute and whatever else happens at that moment; each guard is shown by its absence."""

from collections import Counter
from datetime import timedelta

import pytest

from core.booking.lifecycle import Actor, Event, State
from core.booking.model import Booking
from core.booking.moves import move
from core.booking.timers import fire as fire_booking
from core.db.tx import Tx
from core.disputes import rules, timers, usecases
from core.disputes.lifecycle import DisputeEvent, DisputeState
from core.disputes.model import Dispute, Problem
from core.disputes.timers import Step
from core.errors import IllegalMove, NotFound, Refused
from core.invariants.run import run_all
from core.money import Money, kes
from core.payments.refunds import plan_refund, refundable
from tests.core.disputes.court import Court
from tests.core.escrow.tools import together

TURNS = 3


def kinds(results: list[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def broken(court: Court) -> set[str]:
    return {finding.rule for finding in court.run(run_all)}


def last_second(court: Court) -> Booking:
    """A completed booking a second before its money is released."""
    booking = court.completed()
    court.clock.set(court.due(booking) - timedelta(seconds=1))
    return booking


def release_meanwhile(court: Court, booking: Booking) -> None:
    court.clock.set(court.due(booking))
    assert court.fire() == [State.COMPLETED]


def test_a_report_that_began_before_the_release_sees_that_it_came_too_late(court: Court) -> None:
    booking = last_second(court)

    with court.database.transaction() as tx:
        read = tx.db.get_one(Booking, booking.id)
        assert rules.may_open(read, tx.now), "as it looked when the customer began"
        release_meanwhile(court, booking)
        with pytest.raises(Refused, match="too_late"):
            usecases.open_dispute(tx, booking.id, booking.customer_id, Problem.OTHER)

    assert court.balance(f"payable:{court.vendor.number}") == kes(40_000)
    court.assert_sound()


def test_without_the_lock_the_report_freezes_what_is_gone(court: Court) -> None:
    booking = last_second(court)

    with court.database.transaction() as tx:
        read = tx.db.get_one(Booking, booking.id)
        rules.check_may_open(read, tx.now)
        release_meanwhile(court, booking)
        move(tx, read, Event.DISPUTE, Actor.CUSTOMER)
        tx.db.add(_dispute(tx, read))

    assert "nothing of a disputed booking moves" in broken(court)


def _dispute(tx: Tx, booking: Booking) -> Dispute:
    answer_by = rules.answer_by(tx.now)
    return Dispute(
        id=tx.ids.uuid(),
        booking_id=booking.id,
        problem=Problem.OTHER,
        state=DisputeState.WAITING,
        due_at=answer_by,
        answer_by=answer_by,
        decide_by=rules.decide_by(answer_by),
        opened_at=tx.now,
    )


def test_a_timer_finds_nothing_to_do_while_and_after_somebody_reports(court: Court) -> None:
    booking = last_second(court)
    due = court.due(booking)

    with court.database.transaction() as tx:
        usecases.open_dispute(tx, booking.id, booking.customer_id, Problem.OTHER)
        court.clock.set(due)
        assert court.run(lambda other: fire_booking(other, booking.id)) is None

    assert court.run(lambda tx: fire_booking(tx, booking.id)) is None
    assert court.state(booking) is State.DISPUTED
    court.assert_sound()


def test_release_and_report_at_once_are_one_or_the_other(court: Court) -> None:
    booking = last_second(court)
    court.clock.set(court.due(booking))

    def race(i: int) -> object:
        return court.report(booking) if i else court.run(lambda tx: fire_booking(tx, booking.id))

    together(2, race)

    # The moment of the release is past the window: whoever is first, the report is refused.
    assert court.state(booking) is State.COMPLETED
    court.assert_sound()


def test_of_two_decisions_at_once_one_counts(court: Court) -> None:
    booking = court.heard(court.begun())

    results = together(4, lambda i: court.decide(booking, 50 if i % 2 else 100))

    assert kinds(results) == {"Dispute": 1, "NotFound": 3}
    sent = sum((each.amount for each in court.send_due()), start=Money(0))
    assert sent.cents == court.file(booking).dispute.refund_cents
    court.assert_sound()


def test_a_decision_on_what_was_read_before_another_is_refused(court: Court) -> None:
    booking = court.heard(court.begun())

    with court.database.transaction() as tx:
        tx.db.get_one(Booking, booking.id)
        tx.db.query(Dispute).one()
        court.decide(booking, 50)
        with pytest.raises(NotFound, match="no_dispute"):
            usecases.resolve(tx, booking.id, 100, None, "The same again")

    court.assert_sound()


def test_without_the_lock_a_second_decision_plans_more_than_was_held(court: Court) -> None:
    booking = court.heard(court.begun())

    with court.database.transaction() as tx:
        read = tx.db.get_one(Booking, booking.id)
        dispute = tx.db.query(Dispute).one()
        held = refundable(read)
        court.decide(booking, 50)
        dispute.move(DisputeEvent.RESOLVE)
        plan_refund(tx, read, held)

    assert "a booking counts its refunds" in broken(court)


def test_a_decision_and_a_withdrawal_at_once_are_one_or_the_other(court: Court) -> None:
    for turn in range(TURNS):
        booking = court.heard(court.begun(f"SFF000000{turn}"))

        def race(i: int, b: Booking = booking) -> object:
            return court.take_back(b) if i else court.decide(b, 100)

        results = together(2, race)

        assert kinds(results) == {"Dispute": 1, "NotFound": 1}
        decided = not isinstance(results[0], NotFound)
        assert court.state(booking) is (State.CANCELLED if decided else State.COMPLETED)
        court.assert_sound()


def test_an_answer_and_the_end_of_waiting_at_once_both_lead_to_a_decision(court: Court) -> None:
    booking = court.begun()
    opened = court.report(booking)
    court.clock.set(opened.answer_by)

    def race(i: int) -> object:
        if i:
            return court.vendor_says(booking, "All was well")
        return court.run(lambda tx: timers.fire(tx, opened.id))

    results = together(3, race)

    assert not [result for result in results if isinstance(result, IllegalMove)]
    assert court.file(booking).dispute.state is DisputeState.DECIDING
    court.assert_sound()


def test_two_workers_fire_the_timer_of_a_dispute_once(court: Court) -> None:
    opened = court.report(court.begun())
    court.clock.set(opened.due_at or opened.answer_by)

    fired = together(2, lambda _: court.run(lambda tx: timers.fire(tx, opened.id)))

    assert Counter(fired) == {Step.REMINDED: 1, None: 1}
    assert court.notices()["dispute_reminder_vendor"] == 1
