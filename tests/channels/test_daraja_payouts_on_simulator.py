"""Daraja's adapters and its simulator, written from one description: money that goes out."""

from uuid import UUID

import pytest

from channels.daraja.b2c import DarajaPayouts
from channels.daraja.balance import parse_balance
from channels.daraja.callbacks import (
    load,
    parse_b2c_result,
    parse_b2c_timeout,
    parse_status_result,
    redact,
)
from core.clock import SystemClock
from core.ids import CountedIds
from core.money import Money, kes
from core.ports.money import Balance, Outcome, Reason
from core.ports.providers import ProviderError
from tests.channels.daraja.rig import flags
from tests.channels.daraja.simulated import pay
from tests.channels.simulator.rig import PHONE, Simulator


def test_a_vendor_is_paid_once_and_asking_tells_the_same(
    simulator: Simulator, payouts: DarajaPayouts, attempt_id: UUID
) -> None:
    reference = pay(payouts, attempt_id)
    (heard,) = simulator.ours.wait(f"/hooks/daraja/0f1e2d3c/b2c/{attempt_id}/result")
    told = parse_b2c_result(attempt_id, load(heard.body))
    assert (told.outcome, told.amount) == (Outcome.SUCCEEDED, kes(1_350))
    assert (told.reference, told.payer) == (reference, PHONE)

    assert pay(payouts, attempt_id) == str(attempt_id)

    payouts.ask_payout(attempt_id)
    (heard,) = simulator.ours.wait(f"/hooks/daraja/0f1e2d3c/status/{attempt_id}/result")
    asked = parse_status_result(attempt_id, load(heard.body))
    assert (asked.outcome, asked.amount) == (Outcome.SUCCEEDED, kes(1_350))
    assert (asked.receipt, asked.reference) == (told.receipt, reference)


def test_a_payout_that_came_back_is_seen_by_asking(
    simulator: Simulator, payouts: DarajaPayouts, attempt_id: UUID
) -> None:
    pay(payouts, attempt_id)
    simulator.ours.wait(f"/b2c/{attempt_id}/result")
    simulator.control(f"/payouts/{attempt_id}/return", {})

    payouts.ask_payout(attempt_id)

    (heard,) = simulator.ours.wait(f"/status/{attempt_id}/result")
    assert parse_status_result(attempt_id, load(heard.body)).outcome is Outcome.REVERSED
    statement = simulator.http.get(
        f"{simulator.base}/simulator/api/statement.csv",
        params={"shortcode": payouts.accounts[0], "month": f"{SystemClock().now():%Y-%m}"},
    ).text
    assert "Business Payment Reversal" in statement


def test_each_of_our_accounts_says_what_it_holds(
    simulator: Simulator, payouts: DarajaPayouts, attempt_id: UUID, ids: CountedIds
) -> None:
    pay(payouts, attempt_id)
    simulator.ours.wait(f"/b2c/{attempt_id}/result")
    held: dict[str, Balance] = {}
    for account in payouts.accounts:
        question = ids.uuid()
        payouts.ask_balance(question, account)
        (heard,) = simulator.ours.wait(f"/balance/{question}/result")
        held[account] = parse_balance(load(heard.body))

    opening = Money(simulator.config.utility_opening_cents)
    left = opening - kes(1_350)
    assert held == {
        "600124": Balance("daraja", left, left, charges=-kes(5)),
        "600123": Balance("daraja", Money(0), Money(0), charges=Money(0)),
    }


def test_a_question_with_locked_credentials_says_so(
    simulator: Simulator, payouts: DarajaPayouts, attempt_id: UUID
) -> None:
    simulator.fault("balance", "insider_code:8006")
    payouts.ask_balance(attempt_id, payouts.accounts[0])
    (heard,) = simulator.ours.wait(f"/balance/{attempt_id}/result")
    with pytest.raises(ProviderError) as refused:
        parse_balance(load(heard.body))
    assert flags(refused.value) == {"stop"}


def test_a_payout_that_is_refused_says_why(
    simulator: Simulator, payouts: DarajaPayouts, attempt_id: UUID
) -> None:
    simulator.fault("b2c", "insider_code:2040")
    pay(payouts, attempt_id)

    (heard,) = simulator.ours.wait(f"/b2c/{attempt_id}/result")
    told = parse_b2c_result(attempt_id, load(heard.body))

    assert (told.outcome, told.reason) == (Outcome.FAILED, Reason.BAD_RECIPIENT)


def test_a_payout_that_expired_in_the_queue_is_unknown_and_its_echo_is_stored_without_secrets(
    simulator: Simulator, payouts: DarajaPayouts, attempt_id: UUID
) -> None:
    simulator.fault("b2c", "queue_timeout")
    pay(payouts, attempt_id)

    (heard,) = simulator.ours.wait(f"/b2c/{attempt_id}/timeout")
    body = load(heard.body)

    assert parse_b2c_timeout(attempt_id, body).outcome is Outcome.UNKNOWN
    assert "SecurityCredential" in body
    assert "SecurityCredential" not in redact(body)
