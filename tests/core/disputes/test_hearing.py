"""Both sides are heard: what they say and are told, reminders, silence, and our turn."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.booking.lifecycle import State
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.disputes import usecases as disputes
from core.disputes.lifecycle import DisputeState
from core.disputes.model import Problem, Side
from core.disputes.timers import Step
from core.errors import BadInput, IllegalMove, Refused
from core.limits import (
    DISPUTE_ANSWER_SECONDS,
    DISPUTE_NOTE_MAX,
    DISPUTE_NOTES_MAX,
    DISPUTE_REMINDER_SECONDS,
)
from tests.core.booking.world import GOLDEN
from tests.core.disputes.court import Court
from tests.support.factories import CUSTOMER, VENDOR


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
    assert cases() == [(CaseKind.DISPUTE, GOLDEN.cents)]
    court.assert_sound()

    court.decide(booking, 0)
    assert cases() == []


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
