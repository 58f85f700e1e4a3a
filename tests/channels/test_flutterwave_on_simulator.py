"""The Flutterwave adapter and its simulator, written from one description, meet over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from channels.flutterwave import statement, transfer_export
from channels.flutterwave.cards import FlutterwaveCards
from channels.flutterwave.charges import FlutterwaveCollections
from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.config import FlutterwaveConfig
from channels.flutterwave.transfers import FlutterwavePayouts
from channels.flutterwave.webhooks import accept, charge_hint, transfer_hint
from channels.http import new_client
from channels.money import Hint
from core.ids import CountedIds
from core.money import Money, kes
from core.ports.money import (
    Balance,
    BankAccount,
    CardRefund,
    Outcome,
    PayRequest,
    PushRequest,
    Reason,
)
from core.ports.providers import Callback, ProviderError
from core.settings import Environment, Settings
from tests.channels.flutterwave.rig import flags
from tests.channels.simulator.rig import PHONE, Simulator

READ_SECONDS = 0.5
WEBHOOK = "/hooks/flutterwave/0f1e2d3c/webhook"


@pytest.fixture
def client(simulator: Simulator) -> Iterator[FlutterwaveClient]:
    config = FlutterwaveConfig(
        base_url=f"{simulator.base}/flutterwave/v3",
        secret_key=simulator.config.flutterwave_key,
        email_domain="guest.example",
        webhook_url=simulator.config.flutterwave_url(),
        charges_per_second=1_000.0,
        transfers_per_second=1_000.0,
        questions_per_second=1_000.0,
    )
    http = new_client(config.base_url, read_seconds=READ_SECONDS)
    made = FlutterwaveClient(config, http=http)
    yield made
    made.close()


@pytest.fixture
def collections(client: FlutterwaveClient) -> FlutterwaveCollections:
    return FlutterwaveCollections(client)


@pytest.fixture
def payouts(client: FlutterwaveClient) -> FlutterwavePayouts:
    return FlutterwavePayouts(client)


@pytest.fixture
def attempt_id(ids: CountedIds) -> UUID:
    return ids.uuid()


def push(collections: FlutterwaveCollections, attempt_id: UUID) -> str:
    return collections.push(PushRequest(attempt_id, PHONE, kes(1_500), "K7P4Q")).reference


def pay(payouts: FlutterwavePayouts, attempt_id: UUID, bank: BankAccount | None = None) -> str:
    return payouts.pay(PayRequest(attempt_id, PHONE, kes(1_350), "Payout 12", bank)).reference


def told(simulator: Simulator, count: int = 1) -> Callback:
    """The newest webhook, as our side keeps it."""
    heard = simulator.ours.wait(WEBHOOK, count)[-1]
    secret = SecretStr(simulator.config.flutterwave_hash)
    settings = Settings(env=Environment.TEST, flutterwave_secret_hash=secret)
    return accept(settings, heard.headers, heard.body)


def test_a_customer_pays(
    simulator: Simulator, collections: FlutterwaveCollections, attempt_id: UUID
) -> None:
    reference = push(collections, attempt_id)
    simulator.prompt()
    assert collections.ask(attempt_id, reference).outcome is Outcome.PENDING

    simulator.settle("paid")

    assert charge_hint(told(simulator).payload) == Hint(attempt_id, collects=True)
    # The amount is a whole number and a decimal, in turns.
    for known_as in (reference, str(attempt_id)):
        paid = collections.ask(attempt_id, known_as)
        assert (paid.outcome, paid.amount, paid.payer) == (Outcome.SUCCEEDED, kes(1_500), PHONE)
        assert paid.reference == reference
        assert paid.receipt is not None
        assert paid.at is not None


def test_the_settlement_export_shows_what_came_and_what_was_kept_back(
    simulator: Simulator, collections: FlutterwaveCollections, attempt_id: UUID, tmp_path: Path
) -> None:
    reference = push(collections, attempt_id)
    simulator.prompt()
    simulator.settle("paid")
    told(simulator)
    paid = collections.ask(attempt_id, reference)

    export = tmp_path / "settlements.csv"
    export.write_text(simulator.http.get(f"{simulator.base}/simulator/api/settlements.csv").text)
    came, kept = statement.read_statement(export).source.lines()

    assert (came.number, came.amount_cents) == (paid.receipt, 150_000)
    assert (kept.kind.value, kept.amount_cents) == ("charge", -4_350)
    assert paid.fee == Money(4_350)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("cancelled", Reason.CANCELLED),
        ("wrong_pin", Reason.WRONG_PIN),
        ("insufficient", Reason.INSUFFICIENT),
        ("timeout", Reason.EXPIRED),
    ],
)
def test_a_customer_does_not_pay(
    simulator: Simulator,
    collections: FlutterwaveCollections,
    attempt_id: UUID,
    outcome: str,
    reason: Reason,
) -> None:
    reference = push(collections, attempt_id)
    simulator.prompt()
    simulator.settle(outcome)

    assert charge_hint(told(simulator).payload) == Hint(attempt_id, collects=True)
    failed = collections.ask(attempt_id, reference)
    assert (failed.outcome, failed.reason, failed.receipt) == (Outcome.FAILED, reason, None)


def test_a_lost_answer_leaves_a_charge_that_our_own_id_finds(
    simulator: Simulator, collections: FlutterwaveCollections, attempt_id: UUID
) -> None:
    simulator.fault("flutterwave_charge", "timeout_after", seconds=0)
    with pytest.raises(ProviderError) as lost:
        push(collections, attempt_id)
    assert flags(lost.value) == {"unknown"}

    found = collections.ask(attempt_id, str(attempt_id))
    assert found.outcome is Outcome.PENDING
    assert found.reference is not None
    # Sending it again is refused, and that refusal is no failure.
    with pytest.raises(ProviderError) as again:
        push(collections, attempt_id)
    assert (again.value.code, flags(again.value)) == ("duplicate", {"unknown"})


def test_silence_is_unknown_and_a_request_that_never_came_is_not_found(
    simulator: Simulator, collections: FlutterwaveCollections, attempt_id: UUID
) -> None:
    simulator.fault("flutterwave_charge", "timeout_before", seconds=READ_SECONDS * 2)
    with pytest.raises(ProviderError) as lost:
        push(collections, attempt_id)
    assert (lost.value.code, flags(lost.value)) == ("timeout", {"unknown"})

    with pytest.raises(ProviderError) as nothing:
        collections.ask(attempt_id, str(attempt_id))
    assert (nothing.value.code, flags(nothing.value)) == ("not_found", set())


@pytest.mark.parametrize(
    ("fault", "code", "flagged"),
    [
        ("error500", "unavailable", {"unknown"}),
        ("html", "unavailable", {"unknown"}),
        ("empty", "bad_answer", {"unknown"}),
        ("busy", "busy", {"retryable"}),
        ("invalid_token", "bad_credentials", {"stop"}),
    ],
)
def test_bad_days(
    simulator: Simulator,
    payouts: FlutterwavePayouts,
    attempt_id: UUID,
    fault: str,
    code: str,
    flagged: set[str],
) -> None:
    simulator.fault("flutterwave_transfer", fault)
    with pytest.raises(ProviderError) as refused:
        pay(payouts, attempt_id)
    assert (refused.value.code, flags(refused.value)) == (code, flagged)


def test_a_wallet_is_paid(
    simulator: Simulator, payouts: FlutterwavePayouts, attempt_id: UUID
) -> None:
    reference = pay(payouts, attempt_id)

    assert transfer_hint(told(simulator).payload) == Hint(attempt_id, collects=False)
    for known_as in (reference, None):
        paid = payouts.ask_payout(attempt_id, known_as)
        assert (paid.outcome, paid.amount, paid.payer) == (Outcome.SUCCEEDED, kes(1_350), PHONE)
        assert paid.receipt == reference


def test_a_bank_is_paid(
    simulator: Simulator, payouts: FlutterwavePayouts, attempt_id: UUID
) -> None:
    pay(payouts, attempt_id, BankAccount("68", "0123456789", "Baraka Gardens Ltd"))
    told(simulator)
    paid = payouts.ask_payout(attempt_id)
    assert (paid.outcome, paid.amount, paid.payer) == (Outcome.SUCCEEDED, kes(1_350), None)


def test_a_transfer_that_a_bank_returns_is_asked_about_once_more(
    simulator: Simulator, payouts: FlutterwavePayouts, attempt_id: UUID, tmp_path: Path
) -> None:
    reference = pay(payouts, attempt_id, BankAccount("68", "0123456789", "Baraka Gardens Ltd"))
    told(simulator)
    simulator.control(f"/payouts/{attempt_id}/return", {})

    hint = transfer_hint(told(simulator, 2).payload)
    assert hint == Hint(attempt_id, collects=False, came_back=True)
    assert payouts.ask_payout(attempt_id, reference).outcome is Outcome.REVERSED
    export = tmp_path / "transfers.csv"
    export.write_text(simulator.http.get(f"{simulator.base}/simulator/api/transfers.csv").text)
    lines = list(transfer_export.read_statement(export).source.lines())
    assert [(line.kind.value, line.amount_cents) for line in lines] == [
        ("payment", -135_000),
        ("charge", -10_000),
        ("reversal", 135_000),
    ]
    assert lines[0].number == reference
    assert lines[2].number == f"reversal:{attempt_id}"


def test_the_wallet_says_what_it_holds(
    simulator: Simulator, payouts: FlutterwavePayouts, attempt_id: UUID
) -> None:
    opening = Money(simulator.config.flutterwave_opening_cents)
    [wallet] = payouts.accounts
    assert payouts.ask_balance(attempt_id, wallet) == Balance("flutterwave", opening, opening)
    with pytest.raises(ProviderError):
        payouts.ask_balance(attempt_id, "UGX")
    simulator.fault("flutterwave_balance", "invalid_token")
    with pytest.raises(ProviderError) as refused:
        payouts.ask_balance(attempt_id, wallet)
    assert flags(refused.value) == {"stop"}


def test_a_transfer_that_fails_is_told_as_completed(
    simulator: Simulator, payouts: FlutterwavePayouts, attempt_id: UUID
) -> None:
    no_funds = "insider_code:DISBURSE FAILED: Insufficient funds in customer wallet"
    simulator.fault("flutterwave_transfer", no_funds)
    reference = pay(payouts, attempt_id)

    kept = told(simulator)
    assert kept.reference == f"{reference} transfer.completed FAILED"
    assert transfer_hint(kept.payload) == Hint(attempt_id, collects=False)
    failed = payouts.ask_payout(attempt_id, reference)
    assert (failed.outcome, failed.reason) == (Outcome.FAILED, Reason.NO_FLOAT)


def test_a_transfer_is_not_made_twice(
    simulator: Simulator, payouts: FlutterwavePayouts, attempt_id: UUID
) -> None:
    before = simulator.balance_cents()
    simulator.fault("flutterwave_transfer", "timeout_after", seconds=0)
    with pytest.raises(ProviderError) as lost:
        pay(payouts, attempt_id)
    assert flags(lost.value) == {"unknown"}

    assert pay(payouts, attempt_id) == str(attempt_id)
    told(simulator)
    assert payouts.ask_payout(attempt_id, str(attempt_id)).outcome is Outcome.SUCCEEDED
    assert simulator.balance_cents() == before + 135_000


def test_a_charge_is_refunded(
    simulator: Simulator,
    collections: FlutterwaveCollections,
    client: FlutterwaveClient,
    attempt_id: UUID,
) -> None:
    cards = FlutterwaveCards(client)
    before = simulator.balance_cents()
    reference = push(collections, attempt_id)
    simulator.prompt()
    simulator.settle("paid")
    told(simulator)

    taken = cards.refund(CardRefund(attempt_id, reference, kes(500))).reference
    for named in (taken, None):
        event = cards.ask_refund(attempt_id, named)
        assert (event.outcome, event.amount) == (Outcome.SUCCEEDED, kes(500))
    assert simulator.balance_cents() == before - 100_000
    with pytest.raises(ProviderError, match="rejected"):
        cards.refund(CardRefund(attempt_id, reference, kes(1_500)))
