"""A worker with two providers: Daraja and, when it is down, Flutterwave."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import redis
from sqlalchemy import select

from channels.health import FAILURES_MAX, SharedHealth
from core.clock import ManualClock
from core.db.tx import Database
from core.invariants.run import run_all
from core.limits import STK_DELAY_SECONDS
from core.money import kes
from core.payments.model import Attempt, Kind
from core.ports.money import MoneyEvent, Outcome
from core.ports.providers import Callback, Routes
from tests.support.factories import CUSTOMER
from tests.support.fakes import DOWN, FakeCollections, FakePayouts
from tests.workers.conftest import Crew, make_crew
from workers.attempts import run_attempts
from workers.notices import run_notices

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
