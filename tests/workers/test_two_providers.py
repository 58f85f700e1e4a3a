"""Two providers: when one is down the other takes over, and webhooks are only hints."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from sqlalchemy import select

from channels.health import FAILURES_MAX, SharedHealth
from core.booking.lifecycle import State
from core.clock import ManualClock
from core.db.tx import Database
from core.inbox import Arrival
from core.invariants.run import run_all
from core.limits import STK_DELAY_SECONDS, STK_LOST_SECONDS
from core.money import kes
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts.model import Payout, PayoutState
from core.payouts.usecases import make_payout
from core.people.model import Vendor
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import Callback, ProviderError, Routes
from tests.support.factories import (
    CUSTOMER,
    OTHER_VENDOR,
    VENDOR,
    make_held,
    make_listing,
    make_paid,
    make_vendor,
)
from tests.support.fakes import DOWN, LOST, FakeCollections, FakePayouts, notices
from tests.workers import callbacks
from tests.workers.callbacks import arrivals, arrive
from tests.workers.conftest import Crew, make_crew
from tests.workers.stories import Died, attempt, balance, booking_of, die, send
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.notices import run_notices
from workers.timers import run_timers

BOTH = ("daraja", "flutterwave")


class Second(FakeCollections):
    """Knows a push by our own id, and gives numbers to what it takes."""

    name = "flutterwave"
    asks_by_own_id = True


class SecondPayouts(FakePayouts):
    name = "flutterwave"


@pytest.fixture
def second() -> Second:
    return Second()


@pytest.fixture
def health(store: redis.Redis) -> SharedHealth:
    return SharedHealth(store, BOTH, look_seconds=0)


@pytest.fixture
def crew(
    database: Database, store: redis.Redis, second: Second, health: SharedHealth
) -> Iterator[Crew]:
    database.routes = Routes(BOTH, BOTH, ("flutterwave",), health)
    made = make_crew(database, store)
    made.parts = replace(
        made.parts,
        collections={"daraja": made.collections, "flutterwave": second},
        payouts={"daraja": made.payouts, "flutterwave": SecondPayouts()},
        health=health,
    )
    yield made
    run_notices(made.parts)
    assert database.run(run_all) == []


def webhook(attempt_id: UUID, status: str = "successful", **changes: Any) -> Callback:
    """A webhook of a charge, as the web side keeps it."""
    data = {"id": 4412001, "tx_ref": str(attempt_id), "status": status, "amount": 66700}
    body: Mapping[str, Any] = {"event": "charge.completed", "data": data | changes}
    reference = f"4412001 charge.completed {status}"
    return Callback("flutterwave", "charge", reference, {"body": body}, once=True)


def paid(attempt_id: UUID, **over: Any) -> MoneyEvent:
    values: dict[str, Any] = {
        "receipt": "FLW8C1D2E3F4A5B6MCK",
        "amount": kes(66_700),
        "payer": CUSTOMER,
        "reference": "4412001",
    }
    return MoneyEvent("flutterwave", Outcome.SUCCEEDED, attempt_id, **values | over)


def newest(crew: Crew) -> Attempt:
    with crew.database.transaction() as tx:
        query = select(Attempt).where(Attempt.kind == Kind.COLLECTION)
        return tx.db.scalars(query.order_by(Attempt.created_at.desc(), Attempt.id.desc())).first()


def go_down(crew: Crew, clock: ManualClock) -> None:
    """Try the first provider until it counts as down, and let the second one be asked."""
    crew.collections.script.then(*[DOWN] * FAILURES_MAX)
    clock.advance(seconds=STK_DELAY_SECONDS)
    for _ in range(FAILURES_MAX):
        run_attempts(crew.parts)
        clock.advance(seconds=60)
    run_attempts(crew.parts)


@pytest.fixture
def second_prompt(crew: Crew, clock: ManualClock, prompt: UUID) -> UUID:
    """The prompt that the second provider has shown."""
    assert prompt
    go_down(crew, clock)
    return newest(crew).id


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
