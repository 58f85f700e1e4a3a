"""Two providers: when one is down the other takes over."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from channels.health import FAILURES_MAX, SharedHealth
from core.booking.lifecycle import State
from core.clock import ManualClock
from core.limits import STK_DELAY_SECONDS, STK_LOST_SECONDS
from core.money import kes
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt
from core.payouts.usecases import make_payout
from core.people.model import Vendor
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import ProviderError
from tests.support.factories import (
    CUSTOMER,
    OTHER_VENDOR,
    VENDOR,
    make_held,
    make_listing,
    make_paid,
    make_vendor,
)
from tests.support.fakes import DOWN, LOST, notices
from tests.workers import callbacks
from tests.workers.callbacks import arrive
from tests.workers.conftest import Crew
from tests.workers.pair import (
    Second,
    SecondPayouts,
    crew,
    go_down,
    health,
    newest,
    paid,
    second,
    second_prompt,
    webhook,
)
from tests.workers.stories import Died, attempt, balance, booking_of, die, send
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.timers import run_timers

__all__ = ["crew", "health", "second", "second_prompt"]  # Fixtures.


def test_the_second_provider_shows_the_prompt_and_is_paid(
    crew: Crew, clock: ManualClock, second: Second, prompt: UUID
) -> None:
    go_down(crew, clock)

    handed = newest(crew)
    assert (handed.provider, handed.state) == ("flutterwave", AttemptState.PENDING)
    assert handed.rerouted_from == prompt
    assert [request.msisdn for request in second.pushed] == [CUSTOMER]
    assert len(crew.collections.pushed) == FAILURES_MAX
    assert notices(crew.database, "provider_down") == []

    second.answers[handed.id] = paid(handed.id)
    arrive(crew.database, webhook(handed.id))
    run_inbox(crew.parts)
    run_attempts(crew.parts)

    assert booking_of(crew.database, handed.id).state is State.CONFIRMED
    assert balance(crew.database, "float:flutterwave") == kes(66_700)


def test_new_prompts_go_to_the_second_provider_at_once(crew: Crew, second_prompt: UUID) -> None:
    assert second_prompt
    with crew.database.transaction() as tx:
        booking = make_held(tx, make_listing(tx, make_vendor(tx, "+254700000012")))
        assert start_collection(tx, booking.id, CUSTOMER).provider == "flutterwave"


def test_when_both_are_down_the_customer_waits_and_hears_it_once(
    crew: Crew, clock: ManualClock, second: Second, prompt: UUID
) -> None:
    second.script.then(DOWN, DOWN)
    go_down(crew, clock)
    handed = newest(crew)
    assert (handed.provider, handed.state) == ("flutterwave", AttemptState.QUEUED)
    clock.advance(seconds=15)
    run_attempts(crew.parts)
    assert len(notices(crew.database, "provider_down")) == 1

    clock.advance(seconds=60)
    run_attempts(crew.parts)
    assert attempt(crew.database, handed.id).state is AttemptState.PENDING
    assert len(notices(crew.database, "provider_down")) == 1


@pytest.mark.parametrize("step", [LOST, die], ids=["503 after 28 s", "worker died"])
def test_a_lost_answer_is_asked_about_by_our_own_id(
    crew: Crew,
    clock: ManualClock,
    second: Second,
    health: SharedHealth,
    prompt: UUID,
    step: Any,
) -> None:
    for _ in range(FAILURES_MAX):
        health.note("daraja", DOWN)
    clock.advance(seconds=STK_DELAY_SECONDS)
    run_attempts(crew.parts)
    second.script.then(step)
    if step is die:
        with pytest.raises(Died):
            run_attempts(crew.parts)
    else:
        run_attempts(crew.parts)
    handed = newest(crew)
    assert handed.reference == str(handed.id)

    second.answers[handed.id] = MoneyEvent(
        "flutterwave", Outcome.PENDING, handed.id, reference="4412001"
    )
    clock.advance(seconds=61)
    run_attempts(crew.parts)
    found = attempt(crew.database, handed.id)
    assert (found.state, found.reference) == (AttemptState.PENDING, "4412001")
    assert len(second.pushed) == 1, "nothing is sent again"

    # Its prompt is on the phone: it is not given up as one that never arrived.
    clock.advance(seconds=STK_LOST_SECONDS)
    second.answers[handed.id] = paid(handed.id)
    run_attempts(crew.parts)
    assert booking_of(crew.database, handed.id).state is State.CONFIRMED


def test_what_never_arrived_is_given_up_after_two_minutes(
    crew: Crew, clock: ManualClock, second: Second, health: SharedHealth, prompt: UUID
) -> None:
    for _ in range(FAILURES_MAX):
        health.note("daraja", DOWN)
    clock.advance(seconds=STK_DELAY_SECONDS)
    run_attempts(crew.parts)
    second.script.then(LOST)
    run_attempts(crew.parts)

    clock.advance(seconds=STK_LOST_SECONDS)
    run_attempts(crew.parts)
    given_up = newest(crew)
    assert (given_up.state, given_up.reason) == (AttemptState.FAILED, Reason.SILENT)


def test_a_refusal_is_an_answer_and_says_nothing_of_health(
    crew: Crew, clock: ManualClock, health: SharedHealth, prompt: UUID
) -> None:
    for _ in range(FAILURES_MAX - 1):
        health.note("daraja", DOWN)
    crew.collections.script.then(ProviderError("bad_number"))
    send(crew, clock)
    health.note("daraja", DOWN)
    assert health.down() == frozenset()
    assert attempt(crew.database, prompt).state is AttemptState.FAILED


def test_darajas_own_callback_still_counts_after_the_handing_over(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    """It said that it had done nothing, and then it had."""
    go_down(crew, clock)
    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)
    assert booking_of(crew.database, prompt).state is State.CONFIRMED
    assert balance(crew.database, "float:daraja") == kes(66_700)


def test_an_empty_account_halts_its_own_payments_and_nobody_elses(
    crew: Crew, clock: ManualClock, health: SharedHealth
) -> None:
    """Each vendor's payout waits with the provider that was up when it was planned."""
    with crew.database.transaction() as tx:
        for msisdn, receipt in ((VENDOR, "SFF6XYQ1AA"), (OTHER_VENDOR, "SFF6XYQ1BB")):
            make_paid(tx, make_listing(tx, make_vendor(tx, msisdn)), receipt=receipt)
    clock.advance(days=12)
    for _ in range(3):
        run_timers(crew.parts)
        clock.advance(days=2, seconds=1)
    with crew.database.transaction() as tx:
        first, other = tx.db.scalars(select(Vendor.id).order_by(Vendor.number)).all()
        assert make_payout(tx, other) is not None
    for _ in range(FAILURES_MAX):
        health.note("daraja", DOWN)
    with crew.database.transaction() as tx:
        payout = make_payout(tx, first)
        assert payout is not None
        tx.db.flush()
        planned = tx.db.scalars(select(Attempt).where(Attempt.payout_id == payout.id)).one()
        planned.due_at = clock.now() - timedelta(seconds=1)  # It goes first.
    health.note("daraja", None)
    flutterwave = crew.parts.payouts["flutterwave"]
    assert isinstance(flutterwave, SecondPayouts)
    flutterwave.script.then(ProviderError("no_balance", stop=True))

    run_attempts(crew.parts)
    assert (len(flutterwave.calls), len(crew.payouts.calls)) == (1, 0)
    assert attempt(crew.database, planned.id).reason is Reason.NO_FLOAT
    run_attempts(crew.parts)
    assert (len(flutterwave.calls), len(crew.payouts.calls)) == (1, 1)
