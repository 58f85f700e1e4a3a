"""Webhooks of the second provider are only hints: what it is asked about then is what counts."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from channels.health import FAILURES_MAX, SharedHealth
from core.booking.lifecycle import State
from core.clock import ManualClock
from core.inbox import Arrival
from core.limits import STK_DELAY_SECONDS
from core.money import kes
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt
from core.payouts.model import Payout, PayoutState
from core.payouts.usecases import make_payout
from core.people.model import Vendor
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import Callback
from tests.support.factories import make_listing, make_paid, make_vendor
from tests.support.fakes import DOWN, notices
from tests.workers.callbacks import arrivals, arrive
from tests.workers.conftest import Crew
from tests.workers.pair import (
    Second,
    SecondPayouts,
    crew,
    health,
    newest,
    paid,
    second,
    second_prompt,
    webhook,
)
from tests.workers.stories import attempt, balance, booking_of
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.timers import run_timers

__all__ = ["crew", "health", "second", "second_prompt"]  # Fixtures.


def test_a_webhook_that_lies_changes_nothing(
    crew: Crew, second: Second, second_prompt: UUID
) -> None:
    """With the right hash and everything: the API says that nobody has paid."""
    arrive(crew.database, webhook(second_prompt, amount=1))
    run_inbox(crew.parts)
    assert run_attempts(crew.parts) == 1

    assert second.asked == [second_prompt]
    assert attempt(crew.database, second_prompt).state is AttemptState.PENDING
    assert booking_of(crew.database, second_prompt).state is State.AWAITING_PAYMENT


@pytest.mark.parametrize("over", [{"amount": kes(1)}, {"payer": "+254700000098"}])
def test_an_answer_that_does_not_fit_changes_nothing(
    crew: Crew, second: Second, second_prompt: UUID, over: dict[str, Any]
) -> None:
    second.answers[second_prompt] = paid(second_prompt, **over)
    arrive(crew.database, webhook(second_prompt))
    run_inbox(crew.parts)
    run_attempts(crew.parts)

    assert booking_of(crew.database, second_prompt).state is State.AWAITING_PAYMENT
    assert balance(crew.database, "float:flutterwave") == kes(0)


def test_a_failed_charge_tells_the_customer(
    crew: Crew, second: Second, second_prompt: UUID
) -> None:
    second.answers[second_prompt] = MoneyEvent(
        "flutterwave", Outcome.FAILED, second_prompt, reason=Reason.INSUFFICIENT
    )
    arrive(crew.database, webhook(second_prompt, "failed"))
    run_inbox(crew.parts)
    run_attempts(crew.parts)

    failed = attempt(crew.database, second_prompt)
    assert (failed.state, failed.reason) == (AttemptState.FAILED, Reason.INSUFFICIENT)
    [told] = notices(crew.database, "payment_failed")
    assert told.params["reason"] == "insufficient"


def test_a_pending_webhook_asks_nothing(crew: Crew, second: Second, second_prompt: UUID) -> None:
    arrive(crew.database, webhook(second_prompt, "pending"))
    run_inbox(crew.parts)
    assert run_attempts(crew.parts) == 0
    assert second.asked == []
    [row] = arrivals(crew.database)
    assert (row.state, row.note) == (Arrival.IGNORED, "nothing_decided")


def test_a_webhook_counts_once_however_often_it_comes(
    crew: Crew, second: Second, second_prompt: UUID
) -> None:
    second.answers[second_prompt] = paid(second_prompt)
    for _ in range(3):
        arrive(crew.database, webhook(second_prompt))
        run_inbox(crew.parts)
        run_attempts(crew.parts)

    assert len(arrivals(crew.database)) == 1
    assert second.asked == [second_prompt]
    assert balance(crew.database, "float:flutterwave") == kes(66_700)


def test_a_success_after_the_attempt_was_given_up_counts(
    crew: Crew, clock: ManualClock, second: Second, second_prompt: UUID
) -> None:
    second.answers[second_prompt] = MoneyEvent(
        "flutterwave", Outcome.FAILED, second_prompt, reason=Reason.EXPIRED
    )
    arrive(crew.database, webhook(second_prompt, "failed"))
    run_inbox(crew.parts)
    run_attempts(crew.parts)
    assert attempt(crew.database, second_prompt).state is AttemptState.FAILED

    second.answers[second_prompt] = paid(second_prompt)
    arrive(crew.database, webhook(second_prompt))
    run_inbox(crew.parts)
    run_attempts(crew.parts)
    assert attempt(crew.database, second_prompt).state is AttemptState.SUCCEEDED
    assert booking_of(crew.database, second_prompt).state is State.CONFIRMED


def test_a_webhook_for_somebody_elses_attempt_is_set_aside(
    crew: Crew, second: Second, prompt: UUID
) -> None:
    """Daraja's attempt, and one that never was."""
    stranger = UUID("01936b6e-0000-7000-8000-00000000000a")
    arrive(crew.database, webhook(prompt))
    arrive(crew.database, webhook(stranger, "failed"))
    run_inbox(crew.parts)
    assert [row.note for row in arrivals(crew.database)] == ["unknown_attempt"] * 2
    assert second.asked == []


def test_a_webhook_faster_than_the_answer_waits_for_it(
    crew: Crew, clock: ManualClock, second: Second, health: SharedHealth, prompt: UUID
) -> None:
    for _ in range(FAILURES_MAX):
        health.note("daraja", DOWN)
    clock.advance(seconds=STK_DELAY_SECONDS)
    run_attempts(crew.parts)  # It is handed over.

    def early() -> None:
        handed = newest(crew)
        second.answers[handed.id] = paid(handed.id)
        arrive(crew.database, webhook(handed.id))
        run_inbox(crew.parts)

    second.script.then(early)
    run_attempts(crew.parts)
    [row] = arrivals(crew.database)
    assert (row.state, row.note) == (Arrival.WAITING, "being_sent")

    clock.advance(seconds=2)
    run_inbox(crew.parts)
    run_attempts(crew.parts)
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


def test_a_transfer_told_of_as_completed_may_have_failed(
    crew: Crew, clock: ManualClock, health: SharedHealth
) -> None:
    with crew.database.transaction() as tx:
        make_paid(tx, make_listing(tx, make_vendor(tx)))
    clock.advance(days=12)
    for _ in range(3):
        run_timers(crew.parts)
        clock.advance(days=2, seconds=1)
    for _ in range(FAILURES_MAX):
        health.note("daraja", DOWN)
    with crew.database.transaction() as tx:
        payout = make_payout(tx, tx.db.scalars(select(Vendor.id)).one())
        assert payout is not None
        tx.db.flush()
        sent = tx.db.scalars(select(Attempt.id).where(Attempt.payout_id == payout.id)).one()
    run_attempts(crew.parts)
    flutterwave = crew.parts.payouts["flutterwave"]
    assert isinstance(flutterwave, SecondPayouts)
    flutterwave.answers[sent] = MoneyEvent(
        "flutterwave", Outcome.FAILED, sent, reason=Reason.BAD_RECIPIENT
    )
    data = {"id": 26251, "reference": str(sent), "status": "FAILED"}
    body = {"event": "transfer.completed", "data": data}
    reference = "26251 transfer.completed FAILED"
    arrive(
        crew.database,
        Callback("flutterwave", "transfer", reference, {"body": body}, once=True),
    )
    run_inbox(crew.parts)
    run_attempts(crew.parts)

    failed = attempt(crew.database, sent)
    assert (failed.state, failed.reason) == (AttemptState.FAILED, Reason.BAD_RECIPIENT)
    with crew.database.transaction() as tx:
        again = tx.db.get_one(Payout, payout.id)
    assert (again.state, again.tries, again.paid_cents) == (PayoutState.RELEASED, 1, 0)
    assert balance(crew.database, "float:flutterwave") == kes(0)
