"""The adapters and the simulators, written apart from one description, meet over HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import redis
from starlette.responses import Response

from channels.africastalking.messages import parse_delivery_report, parse_sms
from channels.africastalking.sms import AfricasTalkingSms
from channels.africastalking.ussd import parse_event, parse_hop
from channels.daraja.b2c import DarajaPayouts
from channels.daraja.balance import parse_balance
from channels.daraja.callbacks import (
    load,
    parse_b2c_result,
    parse_b2c_timeout,
    parse_c2b,
    parse_status_result,
    parse_stk,
    redact,
)
from channels.daraja.client import DarajaClient
from channels.daraja.config import DarajaConfig
from channels.daraja.reversal import DarajaReversals
from channels.daraja.reversal_callbacks import parse_reversal_result, parse_reversal_status
from channels.daraja.stk import DarajaCollections
from channels.daraja.urls import register_c2b_urls
from channels.http import new_client
from channels.ussd import marked
from core.clock import SystemClock
from core.ids import CountedIds
from core.money import Money, kes
from core.ports.calls import Reply
from core.ports.messages import Delivery, SmsOut
from core.ports.money import (
    NOT_TAKEN_BACK,
    Balance,
    MoneyEvent,
    Outcome,
    PayRequest,
    PushRequest,
    Reason,
    TakeBackRequest,
)
from core.ports.providers import ProviderError
from tests.channels.daraja.rig import flags
from tests.channels.simulator.rig import PHONE, Simulator

READ_SECONDS = 1.0


@pytest.fixture
def client(simulator: Simulator, redis_url: str) -> Iterator[DarajaClient]:
    told = simulator.config
    config = DarajaConfig(
        base_url=f"{simulator.base}/daraja",
        consumer_key=told.consumer_key,
        consumer_secret=told.consumer_secret,
        shortcode=told.shortcode,
        passkey=told.passkey,
        b2c_shortcode=told.b2c_shortcode,
        initiator_name=told.initiator_name,
        initiator_password=told.initiator_password,
        certificate=simulator.http.get(f"{simulator.base}/simulator/certificate.pem").text,
        public_url=told.callback_base,
        callback_secret=told.callback_secret,
        pushes_per_second=1_000.0,
        payouts_per_second=1_000.0,
        questions_per_second=1_000.0,
    )
    with redis.Redis.from_url(redis_url) as store:
        http = new_client(config.base_url, read_seconds=READ_SECONDS)
        made = DarajaClient(config, store, http=http)
        yield made
        made.close()


@pytest.fixture
def collections(client: DarajaClient) -> DarajaCollections:
    return DarajaCollections(client, SystemClock())


@pytest.fixture
def payouts(client: DarajaClient) -> DarajaPayouts:
    return DarajaPayouts(client)


@pytest.fixture
def attempt_id(ids: CountedIds) -> UUID:
    return ids.uuid()


def push(collections: DarajaCollections, attempt_id: UUID) -> str:
    return collections.push(PushRequest(attempt_id, PHONE, kes(1_500), "K7P4Q")).reference


def told_of_push(simulator: Simulator, attempt_id: UUID, count: int = 1) -> MoneyEvent:
    heard = simulator.ours.wait(f"/hooks/daraja/0f1e2d3c/stk/{attempt_id}", count)
    return parse_stk(attempt_id, load(heard[-1].body))


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


def pay(payouts: DarajaPayouts, attempt_id: UUID) -> str:
    return payouts.pay(PayRequest(attempt_id, PHONE, kes(1_350), "K7P4Q")).reference


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


def test_a_customer_pays_by_hand(simulator: Simulator, client: DarajaClient) -> None:
    assert register_c2b_urls(client) is True
    simulator.control("/paybill", {"phone": PHONE, "account": "k7p4q", "amount": 1_500})

    (heard,) = simulator.ours.wait("/hooks/daraja/0f1e2d3c/c2b/confirmation")
    paid = parse_c2b(load(heard.body), shortcode=simulator.config.shortcode)

    assert (paid.outcome, paid.amount, paid.account) == (Outcome.SUCCEEDED, kes(1_500), "k7p4q")
    assert paid.receipt is not None
    assert paid.payer is None


def sender(simulator: Simulator, api_key: str | None = None) -> AfricasTalkingSms:
    config = simulator.config
    return AfricasTalkingSms(
        config.username,
        api_key or config.api_key,
        f"{simulator.base}/africastalking",
        config.sender_id,
        read_seconds=READ_SECONDS,
    )


def test_a_message_goes_out_and_its_delivery_comes_back(simulator: Simulator) -> None:
    sms = sender(simulator)
    sent = sms.send(SmsOut(PHONE, "Booking K7P4Q is confirmed."))
    sms.close()

    heard = simulator.ours.wait("/hooks/africastalking/0f1e2d3c/delivery-reports", 2)
    reports = [parse_delivery_report(one.body) for one in heard]

    assert {report.message_id for report in reports} == {sent.message_id}
    assert Delivery.DELIVERED in {report.delivery for report in reports}
    assert Delivery.UNCONFIRMED not in {report.delivery for report in reports}


def test_a_wrong_key_stops_messages(simulator: Simulator) -> None:
    sms = sender(simulator, "another-key")
    with pytest.raises(ProviderError, match="bad_credentials") as refused:
        sms.send(SmsOut(PHONE, "Hello"))
    sms.close()

    assert refused.value.stop


def test_a_person_writes_dials_and_hangs_up(simulator: Simulator) -> None:
    simulator.control("/sms", {"from": PHONE, "text": "K7P4Q 1"})
    (heard,) = simulator.ours.wait("/hooks/africastalking/0f1e2d3c/sms")
    message = parse_sms(heard.body)
    assert (message.sender, message.text) == (PHONE, "K7P4Q 1")

    screen = marked(Reply("Karibu Nafasi\n1. Find", final=False)).body
    simulator.ours.says("/ussd", *[Response(screen, media_type="text/plain") for _ in range(2)])
    shown = simulator.control("/dial", {"phone": PHONE, "code": simulator.config.ussd_code})
    assert (shown["text"], shown["final"]) == ("Karibu Nafasi\n1. Find", False)
    simulator.control("/answer", {"phone": PHONE, "input": "Café 2"})
    first, second = (
        parse_hop(one.body)
        for one in simulator.ours.wait("/hooks/africastalking/0f1e2d3c/ussd", 2)
    )
    assert (first.msisdn, first.transcript, second.transcript) == (PHONE, "", "Café 2")
    assert first.session_id == second.session_id

    simulator.control("/hangup", {"phone": PHONE})
    (ended,) = simulator.ours.wait("/hooks/africastalking/0f1e2d3c/ussd-events")
    end = parse_event(ended.body)
    assert (end.session_id, end.hops) == (first.session_id, 2)
