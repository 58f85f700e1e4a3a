"""Daraja's adapters and its simulator, written from one description: money that is taken back."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from channels.daraja.callbacks import load
from channels.daraja.client import DarajaClient
from channels.daraja.reversal import DarajaReversals
from channels.daraja.reversal_callbacks import parse_reversal_result, parse_reversal_status
from channels.daraja.stk import DarajaCollections
from core.clock import SystemClock
from core.ids import CountedIds
from core.money import kes
from core.ports.money import NOT_TAKEN_BACK, MoneyEvent, Outcome, TakeBackRequest
from core.ports.providers import ProviderError
from tests.channels.daraja.simulated import push, told_of_push
from tests.channels.simulator.rig import Simulator


@pytest.fixture
def receipt(simulator: Simulator, collections: DarajaCollections, attempt_id: UUID) -> str:
    """The receipt of a prompt that was paid."""
    push(collections, attempt_id)
    simulator.settle("paid")
    number = told_of_push(simulator, attempt_id).receipt
    assert number is not None
    return number


@pytest.fixture
def reversals(client: DarajaClient) -> DarajaReversals:
    return DarajaReversals(client)


def taken_back(
    simulator: Simulator, reversals: DarajaReversals, request: TakeBackRequest
) -> MoneyEvent:
    """Ask for a payment, and what is told of that."""
    told = len(simulator.ours.at(f"/reversal/{request.attempt_id}/result"))
    reversals.take_back(request)
    heard = simulator.ours.wait(f"/reversal/{request.attempt_id}/result", told + 1)
    return parse_reversal_result(request.attempt_id, load(heard[-1].body))


def standing_of(simulator: Simulator, reversals: DarajaReversals, request: TakeBackRequest) -> Any:
    """Ask what has become of the payment."""
    told = len(simulator.ours.at(f"/reversal/{request.attempt_id}/status"))
    reversals.ask_taken_back(request.attempt_id, request.receipt)
    heard = simulator.ours.wait(f"/reversal/{request.attempt_id}/status", told + 1)
    event = parse_reversal_status(request.attempt_id, load(heard[-1].body))
    return event.outcome, event.code


def test_a_payment_is_taken_back_once_and_asking_tells_the_same(
    simulator: Simulator, reversals: DarajaReversals, receipt: str, ids: CountedIds
) -> None:
    request = TakeBackRequest(ids.uuid(), receipt, kes(1_500))
    held_cents = simulator.balance_cents()
    assert standing_of(simulator, reversals, request) == (Outcome.UNKNOWN, NOT_TAKEN_BACK)

    done = taken_back(simulator, reversals, request)

    assert (done.outcome, done.amount, done.payer) == (Outcome.SUCCEEDED, kes(1_500), None)
    assert done.receipt not in {None, receipt}
    assert simulator.balance_cents() == held_cents + 150_000
    assert standing_of(simulator, reversals, request) == (Outcome.SUCCEEDED, "reversed")
    again = taken_back(simulator, reversals, request)
    assert (again.outcome, again.code) == (Outcome.UNKNOWN, "R000001")
    assert simulator.balance_cents() == held_cents + 150_000
    statement = simulator.http.get(
        f"{simulator.base}/simulator/api/statement.csv",
        params={"shortcode": "600123", "month": f"{SystemClock().now():%Y-%m}"},
    ).text
    assert "Pay Bill Reversal" in statement
    assert statement.count(receipt) == 2, "the payment, and what took it back"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"receipt": "UAF0000000"}, "R000002"), ({"amount": kes(1_000)}, "R000002")],
)
def test_only_a_whole_payment_of_ours_is_taken_back(
    simulator: Simulator,
    reversals: DarajaReversals,
    receipt: str,
    ids: CountedIds,
    change: dict[str, Any],
    code: str,
) -> None:
    request = replace(TakeBackRequest(ids.uuid(), receipt, kes(1_500)), **change)
    told = taken_back(simulator, reversals, request)
    assert (told.outcome, told.code) == (Outcome.FAILED, code)


def test_a_paybill_that_was_emptied_gives_nothing_back(
    simulator: Simulator, reversals: DarajaReversals, receipt: str, ids: CountedIds
) -> None:
    simulator.control("/organisations", {"shortcode": "600123", "utility_cents": 0})
    told = taken_back(simulator, reversals, TakeBackRequest(ids.uuid(), receipt, kes(1_500)))
    assert (told.outcome, told.code) == (Outcome.FAILED, "1")


def test_a_request_lost_after_its_effect_is_found_by_asking(
    simulator: Simulator, reversals: DarajaReversals, receipt: str, ids: CountedIds
) -> None:
    simulator.fault("reversal", "timeout_after", seconds=2)
    request = TakeBackRequest(ids.uuid(), receipt, kes(1_500))
    with pytest.raises(ProviderError) as lost:
        reversals.take_back(request)
    assert lost.value.unknown
    simulator.ours.wait(f"/reversal/{request.attempt_id}/result")

    assert standing_of(simulator, reversals, request) == (Outcome.SUCCEEDED, "reversed")
