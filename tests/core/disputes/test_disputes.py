"""A problem is reported, both sides are heard, an admin decides what becomes of the money."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from core.booking import cancel, usecases
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.db.tx import Tx
from core.disputes import usecases as disputes
from core.disputes.lifecycle import DisputeState
from core.disputes.model import Problem, Side
from core.disputes.timers import Step
from core.errors import BadInput, IllegalMove, NotFound, Refused
from core.invariants.run import open_cases as counted
from core.invariants.run import run_all
from core.limits import (
    DISPUTE_ANSWER_SECONDS,
    DISPUTE_NOTE_MAX,
    DISPUTE_NOTES_MAX,
    DISPUTE_REMINDER_SECONDS,
    DISPUTE_WHY_MAX,
    DISPUTES_PER_BOOKING_MAX,
)
from core.money import kes
from core.ports.money import PayRequest
from tests.core.booking.world import GOLDEN
from tests.core.disputes.court import Court
from tests.support.factories import CUSTOMER, VENDOR

BACK = "SFG1REFUND"

# What the admin gives the customer, what goes back, and what is kept: vendor, fee, commission,
# VAT, withholding. Halves are those of a cancellation that gives half back.
DECISIONS = (
    (100, 66_700, (0, 0, 0, 0, 0), State.CANCELLED),
    (50, 33_350, (20_000, 3_750, 3_750, 4_600, 1_250), State.COMPLETED),
    (0, 0, (40_000, 7_500, 7_500, 9_200, 2_500), State.COMPLETED),
)


@pytest.mark.parametrize(("percent", "back", "kept", "state"), DECISIONS)
def test_a_decision_puts_every_shilling_in_its_place(
    court: Court, percent: int, back: int, kept: tuple[int, ...], state: State
) -> None:
    booking = court.heard(court.begun())
    assert court.balance(f"escrow:{booking.code}") == GOLDEN

    decided = court.decide(booking, percent)

    assert (decided.refund_cents, decided.kept_cents) == (
        kes(back).cents,
        kes(66_700 - back).cents,
    )
    assert court.state(booking) is state
    assert court.booked(booking) == (0 if state is State.CANCELLED else 1)
    assert court.balance(f"escrow:{booking.code}") == kes(back)
    names = (
        f"payable:{court.vendor.number}",
        "revenue:service_fee",
        "revenue:commission",
        "tax:vat",
        "tax:withholding",
    )
    assert tuple(court.balance(name) for name in names) == tuple(kes(each) for each in kept)
    court.assert_sound()

    for sent in court.send_due():
        assert isinstance(sent, PayRequest)
        assert (sent.msisdn, sent.amount) == (CUSTOMER, kes(back))
        assert court.paid(sent.attempt_id, BACK) is None
    assert court.balance(f"escrow:{booking.code}") == kes(0)
    assert court.balance("float:daraja") == GOLDEN - kes(back)
    told = court.notice("dispute_resolved_vendor")
    assert (told["refund_cents"], told["kept_cents"]) == (kes(back).cents, kes(kept[0]).cents)
    assert court.notice("dispute_resolved_customer")["refund_cents"] == kes(back).cents
    assert court.fire() == [], "nothing more happens by itself"
    court.assert_sound()

    paid = [payout.amount_cents for payout in court.monday()]
    assert paid == ([kes(kept[0]).cents] if kept[0] else [])
    court.assert_sound()


def test_a_share_of_odd_cents_is_raised_for_the_customer(court: Court) -> None:
    booking = court.heard(court.begun())

    decided = court.decide(booking, 33)

    assert decided.refund_cents == kes(22_011).cents
    assert decided.kept_cents == kes(44_689).cents
    court.assert_sound()


def test_a_share_that_is_all_ends_the_booking(court: Court) -> None:
    cheap = court.another_listing(price_cents=kes(1).cents)
    booking = court.hold(listing=cheap)
    court.paid(court.prompt(booking))
    court.clock.set(booking.starts_at)
    court.heard(booking)

    assert court.decide(booking, 99).kept_cents == 0

    assert court.state(booking) is State.CANCELLED
    court.assert_sound()


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


def test_both_sides_are_told_what_happens_until_when(court: Court) -> None:
    booking = court.begun()

    opened = court.report(booking, Problem.EXTRA_PAY, "They want 5,000\n more ")

    assert opened.answer_by == court.clock.now() + timedelta(hours=48)
    assert opened.decide_by == court.clock.now() + timedelta(hours=120)
    told = court.notice("dispute_opened_vendor")
    assert told["problem"] == "extra_pay"
    assert told["answer_by"] == opened.answer_by.isoformat()
    assert court.notice("dispute_opened_customer")["held_cents"] == GOLDEN.cents
    assert court.notice("dispute_note")["words"] == "They want 5,000 more"
    assert court.told(VENDOR)[-1] == "dispute_note"
    assert court.moves(booking)[-1] == ("dispute", "confirmed", "disputed", "customer")


def test_words_of_each_side_are_kept_and_go_to_the_other(court: Court) -> None:
    booking = court.begun()
    court.report(booking)

    court.customer_says(booking, "No water")
    assert court.told(VENDOR)[-1] == "dispute_note"
    court.vendor_says(booking, "There was water from noon")
    assert court.told(CUSTOMER)[-1] == "dispute_note"
    before = court.notices()
    court.run(lambda tx: disputes.note_by_admin(tx, booking.id, "Called both"))

    assert court.notices() == before, "what an admin notes is for admins"
    said = [(note.side, note.words) for note in court.file(booking).notes]
    assert said == [
        (Side.CUSTOMER, "No water"),
        (Side.VENDOR, "There was water from noon"),
        (Side.ADMIN, "Called both"),
    ]


def test_a_silent_vendor_is_reminded_once_and_then_it_is_decided_without_them(
    court: Court,
) -> None:
    booking = court.begun()
    opened = court.report(booking)
    assert court.run(lambda tx: counted(tx)["disputes_to_decide"]) == 0

    court.clock.advance(seconds=DISPUTE_ANSWER_SECONDS - DISPUTE_REMINDER_SECONDS - 1)
    assert court.fire_disputes() == []
    court.clock.advance(seconds=1)
    assert court.fire_disputes() == [Step.REMINDED]
    assert court.fire_disputes() == []
    assert court.told(VENDOR)[-1] == "dispute_reminder_vendor"
    assert court.told(CUSTOMER)[-1] == "dispute_reminder_customer"
    with pytest.raises(IllegalMove):
        court.decide(booking, 100)

    court.clock.set(opened.answer_by)
    assert court.fire_disputes() == [Step.LAPSED]
    assert court.file(booking).dispute.state is DisputeState.DECIDING
    court.assert_sound()
    court.decide(booking, 100)
    assert court.state(booking) is State.CANCELLED


def test_an_answer_ends_the_waiting_and_no_reminder_follows(court: Court) -> None:
    booking = court.heard(court.begun())

    court.clock.set(court.file(booking).dispute.answer_by)

    assert court.fire_disputes() == []
    assert court.notices()["dispute_reminder_vendor"] == 0
    court.vendor_says(booking, "We have photos")
    assert court.file(booking).dispute.state is DisputeState.DECIDING


def test_what_waits_for_an_admin_is_a_case_until_it_is_decided(court: Court) -> None:
    def cases() -> list[tuple[CaseKind, int | None]]:
        court.run(sweep)
        return [(case.kind, case.amount_cents) for case in court.run(open_cases)]

    booking = court.begun()
    court.report(booking)
    assert cases() == []
    court.vendor_says(booking, "All was well")
    assert cases() == [(CaseKind.DISPUTE, GOLDEN.cents)]
    facts = court.run(open_cases)[0].facts
    assert (facts["booking"], facts["problem"]) == (booking.code, "unclean")

    court.clock.set(court.file(booking).dispute.decide_by)
    assert court.fire_disputes() == [Step.OVERDUE]
    assert court.fire_disputes() == []
    waiting = court.run(counted)
    assert (waiting["disputes_to_decide"], waiting["disputes_overdue"]) == (1, 1)
    court.assert_sound()

    court.decide(booking, 0)
    assert cases() == []
    assert court.run(counted)["disputes_overdue"] == 0


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
        lambda tx: cancel.cancel_by_admin(tx, booking.id, None, "Flood"),
        lambda tx: usecases.check_in(tx, booking.id, who, pin),
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


def test_a_decision_that_cannot_be_is_refused_with_its_field(court: Court) -> None:
    booking = court.heard(court.begun())

    for percent, why, field in (
        (101, "So", "customer_percent"),
        (-1, "So", "customer_percent"),
        (50, "  ", "why"),
        (50, "x" * (DISPUTE_WHY_MAX + 1), "why"),
    ):
        with pytest.raises(BadInput) as refused:
            court.decide(booking, percent, why)
        assert refused.value.data["field"] == field

    assert court.state(booking) is State.DISPUTED
    court.assert_sound()


def test_notes_are_bounded(court: Court) -> None:
    booking = court.begun()
    court.report(booking)

    with pytest.raises(BadInput, match="note_too_long"):
        court.customer_says(booking, "x" * (DISPUTE_NOTE_MAX + 1))
    with pytest.raises(BadInput, match="empty"):
        court.customer_says(booking, " \n ")
    for _ in range(DISPUTE_NOTES_MAX):
        court.customer_says(booking, "x" * DISPUTE_NOTE_MAX)
    with pytest.raises(Refused, match="too_many_notes"):
        court.customer_says(booking, "One more")
    court.vendor_says(booking, "The other side still may")


def test_what_was_said_is_never_rewritten(court: Court) -> None:
    court.report(court.begun(), words="Rats")

    with pytest.raises(DBAPIError, match="append-only"):
        court.run(lambda tx: tx.db.execute(text("UPDATE dispute_notes SET words = 'Mice'")))


def test_the_database_lets_a_booking_have_one_open_dispute(court: Court) -> None:
    booking = court.begun()
    court.report(booking)

    with pytest.raises(DBAPIError, match="uq_disputes_open"):
        court.run(
            lambda tx: tx.db.execute(
                text(
                    "INSERT INTO disputes (id, booking_id, problem, state, answer_by, decide_by,"
                    " opened_at) SELECT gen_random_uuid(), booking_id, problem, state, answer_by,"
                    " decide_by, opened_at FROM disputes"
                )
            )
        )
