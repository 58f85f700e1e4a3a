"""A payment that is taken back, as workers do it and as Daraja tells of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from core.money import kes
from core.payments.lifecycle import AttemptState
from core.payments.model import Kind
from core.payouts.halts import halts
from core.ports.money import TakeBackRequest
from core.ports.providers import Callback, ProviderError, Routes
from tests.core.booking.world import GOLDEN, RECEIPT, World
from tests.core.payments.refunding import cancelled
from tests.support.fakes import FakeTakingsBack
from tests.workers.callbacks import arrive
from tests.workers.conftest import Crew
from workers.attempts import run_attempts
from workers.inbox import run_inbox

LOST = ProviderError("timeout", unknown=True)


@pytest.fixture
def gateway() -> FakeTakingsBack:
    return FakeTakingsBack()


@pytest.fixture
def crew(crew: Crew, gateway: FakeTakingsBack) -> Crew:
    return replace(crew, parts=replace(crew.parts, takings_back={"daraja": gateway}))


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    database.routes = replace(Routes(), taking_back=("daraja",))
    return World.open(database, clock)


def told(kind: str, attempt_id: UUID, code: object, **parameters: Any) -> Callback:
    """Daraja's word about it, as the web keeps it."""
    items = [{"Key": key, "Value": value} for key, value in parameters.items()]
    said: Mapping[str, Any] = {
        "ResultCode": code,
        "TransactionID": "SFR1GONE",
        "ResultParameters": {"ResultParameter": items},
    }
    payload = {"attempt_id": str(attempt_id), "body": {"Result": said}}
    return Callback("daraja", kind, str(attempt_id), payload)


def test_from_the_cancelling_to_the_money(
    crew: Crew, world: World, gateway: FakeTakingsBack
) -> None:
    booking = cancelled(world)

    assert run_attempts(crew.parts) == 1
    [attempt] = world.attempts(Kind.RETURN)
    assert gateway.calls == [TakeBackRequest(attempt.id, RECEIPT, GOLDEN)]
    assert crew.payouts.calls == []

    arrive(crew.database, told("reversal_result", attempt.id, 0, Amount=66_700))
    assert run_inbox(crew.parts) == 1
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    world.assert_sound()


def test_a_lost_answer_is_asked_about_by_the_payments_receipt(
    crew: Crew, world: World, gateway: FakeTakingsBack, clock: ManualClock
) -> None:
    cancelled(world)
    gateway.script.then(LOST)
    run_attempts(crew.parts)
    [attempt] = world.attempts(Kind.RETURN)
    assert attempt.state is AttemptState.UNKNOWN

    clock.advance(seconds=120)
    run_attempts(crew.parts)
    assert gateway.asked == [(attempt.id, RECEIPT)]
    # Its own status says "Completed": the payment stands. That is no success of ours.
    arrive(crew.database, told("reversal_status", attempt.id, 0, TransactionStatus="Completed"))
    run_inbox(crew.parts)
    assert world.attempt(attempt).state is AttemptState.UNKNOWN

    seen = {"TransactionStatus": "Reversed", "Amount": "66700.00"}
    arrive(crew.database, told("reversal_status", attempt.id, 0, **seen))
    run_inbox(crew.parts)
    assert world.attempt(attempt).state is AttemptState.SUCCEEDED
    assert (len(gateway.calls), crew.payouts.calls) == (1, [])
    world.assert_sound()


def test_an_operator_without_the_role_is_no_reason_to_stop_paying(
    crew: Crew, world: World, gateway: FakeTakingsBack
) -> None:
    cancelled(world)
    gateway.script.then(ProviderError("misconfigured", stop=True))

    run_attempts(crew.parts)
    run_attempts(crew.parts)

    assert crew.database.run(halts) == []
    assert [call.amount for call in crew.payouts.calls] == [GOLDEN], "it was sent instead"


def test_a_success_of_another_sum_changes_nothing(crew: Crew, world: World) -> None:
    booking = cancelled(world)
    run_attempts(crew.parts)
    [attempt] = world.attempts(Kind.RETURN)

    arrive(crew.database, told("reversal_result", attempt.id, 0, Amount=700))
    run_inbox(crew.parts)

    assert world.attempt(attempt).state is AttemptState.PENDING
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
