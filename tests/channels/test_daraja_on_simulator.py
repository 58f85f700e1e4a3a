"""Daraja's adapters and its simulator, written from one description: money that comes."""

from uuid import UUID

import pytest

from channels.daraja.callbacks import load, parse_c2b
from channels.daraja.client import DarajaClient
from channels.daraja.stk import DarajaCollections
from channels.daraja.urls import register_c2b_urls
from core.ids import CountedIds
from core.money import kes
from core.ports.money import Outcome, Reason
from core.ports.providers import ProviderError
from tests.channels.daraja.rig import flags
from tests.channels.daraja.simulated import push, told_of_push
from tests.channels.simulator.rig import PHONE, Simulator


def test_a_customer_pays(
    simulator: Simulator, collections: DarajaCollections, attempt_id: UUID
) -> None:
    reference = push(collections, attempt_id)
    simulator.prompt()
    assert collections.ask(attempt_id, reference).outcome is Outcome.PENDING

    simulator.settle("paid")

    told = told_of_push(simulator, attempt_id)
    assert (told.outcome, told.reference) == (Outcome.SUCCEEDED, reference)
    assert (told.amount, told.payer) == (kes(1_500), PHONE)
    assert told.receipt is not None
    assert told.at is not None
    asked = collections.ask(attempt_id, reference)
    assert (asked.outcome, asked.receipt) == (Outcome.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("cancelled", Reason.CANCELLED),
        ("wrong_pin", Reason.WRONG_PIN),
        ("insufficient", Reason.INSUFFICIENT),
        ("timeout", Reason.UNREACHABLE),
    ],
)
def test_a_customer_does_not_pay(
    simulator: Simulator,
    collections: DarajaCollections,
    attempt_id: UUID,
    outcome: str,
    reason: Reason,
) -> None:
    reference = push(collections, attempt_id)
    simulator.settle(outcome)

    told = told_of_push(simulator, attempt_id)
    asked = collections.ask(attempt_id, reference)

    for event in (told, asked):
        assert (event.outcome, event.reason) == (Outcome.FAILED, reason)


def test_a_second_push_while_one_is_open_has_to_wait(
    simulator: Simulator, collections: DarajaCollections, ids: CountedIds
) -> None:
    push(collections, ids.uuid())
    simulator.prompt()

    with pytest.raises(ProviderError, match="subscriber_busy") as refused:
        push(collections, ids.uuid())

    assert flags(refused.value) == {"retryable"}


def test_a_token_that_somebody_else_replaced_is_no_trouble(
    simulator: Simulator, collections: DarajaCollections, ids: CountedIds
) -> None:
    first = ids.uuid()
    push(collections, first)
    simulator.settle("cancelled")
    simulator.token()

    push(collections, ids.uuid())


@pytest.mark.parametrize(
    ("fault", "code", "expected"),
    [
        ("error500", "unavailable", {"unknown"}),
        ("html", "unavailable", {"unknown"}),
        ("empty", "bad_answer", {"unknown"}),
        ("spike_arrest", "busy", {"retryable"}),
        ("busy", "busy", {"retryable"}),
        ("timeout_before", "timeout", {"unknown"}),
        ("timeout_after", "timeout", {"unknown"}),
    ],
)
def test_what_daraja_answers_when_it_is_not_well(
    simulator: Simulator,
    collections: DarajaCollections,
    attempt_id: UUID,
    fault: str,
    code: str,
    expected: set[str],
) -> None:
    simulator.fault("stk", fault, seconds=2)

    with pytest.raises(ProviderError) as failed:
        push(collections, attempt_id)

    assert failed.value.code == code
    assert flags(failed.value) == expected


def test_a_push_whose_answer_was_lost_is_paid_and_told_by_our_own_address(
    simulator: Simulator, collections: DarajaCollections, attempt_id: UUID
) -> None:
    simulator.fault("stk", "timeout_after", seconds=2)
    with pytest.raises(ProviderError) as lost:
        push(collections, attempt_id)
    assert lost.value.unknown

    simulator.settle("paid")

    assert told_of_push(simulator, attempt_id).outcome is Outcome.SUCCEEDED


def test_a_customer_pays_by_hand(simulator: Simulator, client: DarajaClient) -> None:
    assert register_c2b_urls(client) is True
    simulator.control("/paybill", {"phone": PHONE, "account": "k7p4q", "amount": 1_500})

    (heard,) = simulator.ours.wait("/hooks/daraja/0f1e2d3c/c2b/confirmation")
    paid = parse_c2b(load(heard.body), shortcode=simulator.config.shortcode)

    assert (paid.outcome, paid.amount, paid.account) == (Outcome.SUCCEEDED, kes(1_500), "k7p4q")
    assert paid.receipt is not None
    assert paid.payer is None
