"""Payments out: halted when credentials are refused, asked about before they are sent again."""

from uuid import UUID

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.limits import ATTEMPT_LEASE_SECONDS
from core.payments.asking import PAYOUT_ASKED_MIN
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts.halts import halts, resume
from core.payouts.usecases import make_payout
from core.people.model import Vendor
from core.ports.money import Reason
from tests.support.factories import (
    OTHER_VENDOR,
    make_held,
    make_listing,
    make_paid,
    make_prompt,
    make_vendor,
)
from tests.support.fakes import LOCKED_OUT, LOST
from tests.workers import callbacks
from tests.workers.callbacks import arrive
from tests.workers.conftest import Crew
from tests.workers.stories import Died, attempt, die, send
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.timers import run_timers


@pytest.fixture
def owed(crew: Crew, clock: ManualClock) -> list[UUID]:
    """Two vendors with a payout of 40,000 each on its way."""
    with crew.database.transaction() as tx:
        for msisdn, receipt in (("+254700000011", "SFF6XYQ1AA"), (OTHER_VENDOR, "SFF6XYQ1BB")):
            listing = make_listing(tx, make_vendor(tx, msisdn))
            make_paid(tx, listing, receipt=receipt)
    clock.advance(days=12)
    for _ in range(3):
        run_timers(crew.parts)
        clock.advance(days=2, seconds=1)
    with crew.database.transaction() as tx:
        for vendor_id in tx.db.scalars(select(Vendor.id)).all():
            assert make_payout(tx, vendor_id) is not None
        tx.db.flush()
        rows = tx.db.query(Attempt).where(Attempt.kind == Kind.PAYOUT).order_by(Attempt.id)
        return [row.id for row in rows]


def test_refused_credentials_halt_every_other_payment(crew: Crew, owed: list[UUID]) -> None:
    crew.payouts.script.then(LOCKED_OUT)

    run_attempts(crew.parts)
    run_attempts(crew.parts)

    assert len(crew.payouts.calls) == 1
    waiting = [attempt(crew.database, each).state for each in owed]
    assert waiting == [AttemptState.FAILED, AttemptState.QUEUED]

    assert crew.database.run(lambda tx: resume(tx, "daraja")), "a person has acted"
    run_attempts(crew.parts)
    assert len(crew.payouts.calls) == 2


def test_credentials_refused_by_callback_halt_payments_too(crew: Crew, owed: list[UUID]) -> None:
    first, _ = owed
    crew.payouts.script.then(None, LOST)
    run_attempts(crew.parts)
    arrive(crew.database, callbacks.b2c_failed(first, code=2001))
    run_inbox(crew.parts)

    assert attempt(crew.database, first).reason is Reason.CREDENTIALS
    [halted] = crew.database.run(halts)
    assert (halted.provider, halted.reason, halted.code) == ("daraja", "credentials", "2001")


def test_a_halt_of_payments_does_not_touch_prompts(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    crew.payouts.script.then(LOCKED_OUT)
    run_attempts(crew.parts)
    with crew.database.transaction() as tx:
        vendor = make_vendor(tx, "+254700000013")
        make_prompt(tx, make_held(tx, make_listing(tx, vendor)))

    send(crew, clock)

    assert len(crew.collections.pushed) == 1


def test_a_payment_that_was_lost_is_asked_about_before_it_is_sent_again(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    lost = owed[0]
    crew.payouts.script.then(LOST)
    run_attempts(crew.parts)
    assert attempt(crew.database, lost).state is AttemptState.UNKNOWN

    while len(crew.payouts.calls) == 2:
        clock.set(attempt(crew.database, lost).due_at or clock.now())
        run_attempts(crew.parts)

    assert crew.payouts.asked.count(lost) == PAYOUT_ASKED_MIN
    again = [call for call in crew.payouts.calls if call.attempt_id == lost]
    assert len(again) == 2, "the same id, which the provider pays once"
    assert attempt(crew.database, lost).state is AttemptState.PENDING


def test_a_payment_that_was_taken_is_never_sent_again(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    run_attempts(crew.parts)
    arrive(crew.database, callbacks.b2c_timeout(owed[0]))
    run_inbox(crew.parts)
    assert attempt(crew.database, owed[0]).state is AttemptState.UNKNOWN
    for _ in range(6):
        clock.advance(hours=2)
        run_attempts(crew.parts)
    assert len(crew.payouts.calls) == 2
    assert crew.payouts.asked.count(owed[0]) == 6

    arrive(crew.database, callbacks.status(owed[0], "Completed", 40_000))
    run_inbox(crew.parts)
    assert attempt(crew.database, owed[0]).state is AttemptState.SUCCEEDED


def test_a_worker_that_dies_while_paying_pays_once(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    crew.payouts.script.then(die)
    with pytest.raises(Died):
        run_attempts(crew.parts)
    for _ in range(8):
        clock.advance(hours=1)
        run_attempts(crew.parts)

    assert set(crew.payouts.moved) == set(owed)


def test_an_adapter_that_breaks_its_promise_leaves_the_attempt_to_be_asked_about(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    crew.payouts.script.then(RuntimeError("not a ProviderError"))
    run_attempts(crew.parts)

    assert len(crew.payouts.calls) == 2, "the other one was not held up"
    clock.advance(seconds=ATTEMPT_LEASE_SECONDS)
    run_attempts(crew.parts)
    assert attempt(crew.database, owed[0]).state is AttemptState.UNKNOWN
    assert crew.payouts.asked.count(owed[0]) == 1
