"""Prompts and payments: sent once, asked about when silent, believed when they succeed."""

from uuid import UUID

import pytest

from core.booking.lifecycle import State
from core.booking.timers import fire
from core.clock import ManualClock
from core.escrow import accounts
from core.invariants.run import run_all
from core.limits import ATTEMPT_LEASE_SECONDS, COLLECTION_TRIES_MAX, STK_DELAY_SECONDS
from core.money import kes
from core.payments.lifecycle import AttemptState
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import ProviderError
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    make_booking,
    make_instant_listing,
    make_prompt,
    make_vendor,
)
from tests.support.fakes import DOWN, LOST, notices
from tests.workers import callbacks
from tests.workers.callbacks import RECEIPT, arrive
from tests.workers.conftest import Crew
from tests.workers.stories import Died, attempt, balance, booking_of, die, send
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.notices import run_notices
from workers.timers import run_timers


def test_the_prompt_waits_until_the_conversation_is_over_and_goes_out_once(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    assert run_attempts(crew.parts) == 0

    clock.advance(seconds=STK_DELAY_SECONDS)
    assert run_attempts(crew.parts) == 1
    assert run_attempts(crew.parts) == 0

    (request,) = crew.collections.pushed
    assert (request.attempt_id, request.msisdn, request.amount) == (prompt, CUSTOMER, kes(66_700))
    assert request.reference == booking_of(crew.database, prompt).code
    assert attempt(crew.database, prompt).state is AttemptState.PENDING


def test_a_provider_that_is_down_is_tried_again_and_the_customer_told_once(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(*[DOWN] * COLLECTION_TRIES_MAX)
    clock.advance(seconds=STK_DELAY_SECONDS)
    pauses = []
    for _ in range(COLLECTION_TRIES_MAX):
        run_attempts(crew.parts)
        due = attempt(crew.database, prompt).due_at
        if due is not None:
            pauses.append((due - clock.now()).total_seconds())
            run_attempts(crew.parts)  # Not due yet.
            clock.set(due)

    assert pauses == [5, 15, 60, 120, 300]
    assert len(crew.collections.pushed) == COLLECTION_TRIES_MAX
    assert attempt(crew.database, prompt).state is AttemptState.FAILED
    assert len(notices(crew.database, "provider_down")) == 1
    assert len(notices(crew.database, "payment_failed")) == 1


def test_a_provider_that_comes_back_shows_the_prompt(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(DOWN)
    send(crew, clock)
    clock.advance(seconds=5)
    run_attempts(crew.parts)

    assert attempt(crew.database, prompt).state is AttemptState.PENDING


def test_a_refused_prompt_has_failed_and_the_customer_is_told(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(ProviderError("bad_number"))
    send(crew, clock)

    failed = attempt(crew.database, prompt)
    assert (failed.state, failed.reason) == (AttemptState.FAILED, Reason.BAD_RECIPIENT)
    (notice,) = notices(crew.database, "payment_failed")
    assert notice.params["reason"] == "bad_recipient"


def test_a_prompt_whose_answer_was_lost_is_not_shown_again(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(LOST)
    send(crew, clock)
    assert attempt(crew.database, prompt).state is AttemptState.UNKNOWN

    clock.advance(seconds=121)
    run_attempts(crew.parts)
    clock.advance(hours=1)
    run_attempts(crew.parts)

    assert len(crew.collections.pushed) == 1
    assert crew.collections.asked == [], "without a reference there is nothing to ask by"
    given_up = attempt(crew.database, prompt)
    assert (given_up.state, given_up.reason) == (AttemptState.FAILED, Reason.SILENT)


def test_a_worker_that_dies_while_pushing_leaves_an_unknown_prompt(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(die)
    clock.advance(seconds=STK_DELAY_SECONDS)
    with pytest.raises(Died):
        run_attempts(crew.parts)

    clock.advance(seconds=ATTEMPT_LEASE_SECONDS)
    run_attempts(crew.parts)
    assert attempt(crew.database, prompt).state is AttemptState.UNKNOWN
    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)

    assert len(crew.collections.pushed) == 1
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


def test_a_silent_prompt_is_asked_about_and_its_receipt_follows(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    clock.advance(seconds=30)
    run_attempts(crew.parts)
    assert crew.collections.asked == [prompt]
    assert booking_of(crew.database, prompt).state is State.AWAITING_PAYMENT

    crew.collections.answers[prompt] = MoneyEvent(
        "daraja", Outcome.SUCCEEDED, prompt, f"ws_CO_{prompt}"
    )
    clock.advance(seconds=30)
    run_attempts(crew.parts)
    booking = booking_of(crew.database, prompt)
    assert booking.state is State.CONFIRMED
    assert balance(crew.database, accounts.escrow(booking.code)) == kes(66_700)

    arrive(crew.database, callbacks.stk(prompt))  # Hours late, with the receipt.
    run_inbox(crew.parts)
    assert balance(crew.database, accounts.float_of("daraja")) == kes(66_700)
    with crew.database.transaction() as tx:
        assert run_all(tx) == []


def test_a_silent_prompt_is_asked_about_less_and_less_then_given_up(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    sent_at = clock.now()
    asked_after = []
    while (due := attempt(crew.database, prompt).due_at) is not None:
        clock.set(due)
        before = len(crew.collections.asked)
        run_attempts(crew.parts)
        if len(crew.collections.asked) > before:
            asked_after.append((clock.now() - sent_at).total_seconds())

    assert asked_after == [30, 60, 120, 300]
    assert attempt(crew.database, prompt).state is AttemptState.FAILED
    assert len(notices(crew.database, "payment_failed")) == 1


def test_a_late_success_beats_a_recorded_failure(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    arrive(crew.database, callbacks.stk_failed(prompt))
    run_inbox(crew.parts)
    assert attempt(crew.database, prompt).state is AttemptState.FAILED

    clock.advance(hours=1)
    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)

    assert attempt(crew.database, prompt).state is AttemptState.SUCCEEDED
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


def test_money_that_comes_after_the_hold_ran_out_holds_the_day_again(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    clock.advance(hours=13)
    run_attempts(crew.parts)
    run_timers(crew.parts)
    assert booking_of(crew.database, prompt).state is State.EXPIRED

    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)

    assert booking_of(crew.database, prompt).state is State.CONFIRMED
    run_notices(crew.parts)
    with crew.database.transaction() as tx:
        assert run_all(tx) == []


def test_money_that_comes_after_somebody_else_has_the_day_goes_back(
    crew: Crew, clock: ManualClock
) -> None:
    with crew.database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx))
        late = make_booking(tx, listing)
        prompt = make_prompt(tx, late).id
    send(crew, clock)
    clock.advance(hours=1)
    run_attempts(crew.parts)
    run_timers(crew.parts)
    with crew.database.transaction() as tx:
        tx.db.add(listing)
        make_booking(tx, listing, OTHER_CUSTOMER)

    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)
    run_attempts(crew.parts)
    (payment,) = crew.payouts.calls
    assert (payment.msisdn, payment.amount) == (CUSTOMER, kes(66_700))
    assert balance(crew.database, accounts.suspense("daraja")) == kes(66_700)

    arrive(crew.database, callbacks.b2c(payment.attempt_id, 66_700, "254700000001"))
    run_inbox(crew.parts)
    assert balance(crew.database, accounts.suspense("daraja")) == kes(0)
    assert balance(crew.database, accounts.float_of("daraja")) == kes(0)
    assert len(notices(crew.database, "money_returned")) == 1


def test_a_callback_may_come_before_the_answer(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    def callback_first() -> None:
        arrive(crew.database, callbacks.stk(prompt))
        run_inbox(crew.parts)

    crew.collections.script.then(callback_first)
    send(crew, clock)

    paid = attempt(crew.database, prompt)
    assert (paid.state, paid.reference) == (AttemptState.SUCCEEDED, f"ws_CO_{prompt}")
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


def test_a_callback_may_come_before_an_answer_that_is_lost(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    def callback_then_silence() -> None:
        arrive(crew.database, callbacks.stk(prompt))
        run_inbox(crew.parts)
        raise LOST

    crew.collections.script.then(callback_then_silence)
    send(crew, clock)

    assert attempt(crew.database, prompt).state is AttemptState.SUCCEEDED


def test_repeats_and_late_failures_change_nothing(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    arrive(crew.database, *[callbacks.stk(prompt)] * 3)
    run_inbox(crew.parts)
    arrive(
        crew.database,
        callbacks.stk_failed(prompt),
        callbacks.stk(prompt, receipt=RECEIPT.lower()),
    )
    run_inbox(crew.parts)

    assert balance(crew.database, accounts.float_of("daraja")) == kes(66_700)
    assert attempt(crew.database, prompt).state is AttemptState.SUCCEEDED
    assert len(notices(crew.database, "confirmed_customer")) == 1


def test_a_fired_timer_and_a_payment_at_once_end_in_one_state(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    booking = booking_of(crew.database, prompt)
    send(crew, clock)
    clock.advance(hours=13)
    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)
    with crew.database.transaction() as tx:
        assert fire(tx, booking.id) is None

    assert booking_of(crew.database, prompt).state is State.CONFIRMED
