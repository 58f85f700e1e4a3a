"""What Flutterwave's words mean to us, one row a recorded shape."""

from typing import Any

import pytest

from channels.flutterwave.answers import data_of
from channels.flutterwave.wire import charge_event, number_id, transfer_event
from channels.http import Answer
from core.money import Money, kes
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import ProviderError
from tests.channels.flutterwave.rig import ATTEMPT, OTHER_ATTEMPT, charge, error, flags, transfer

LOST = "An error occurred. Please contact support"
DUPLICATE = "Transaction Reference already exist. Try again in 2 minutes time to use it."
TRANSFER_DUPLICATE = "Transfer with this reference already exists"
NO_FUNDS = "DISBURSE FAILED: Insufficient funds in customer wallet"


@pytest.mark.parametrize(
    ("status", "message", "code", "flagged"),
    [
        (401, "Invalid authorization key", "bad_credentials", {"stop"}),
        (403, "", "bad_credentials", {"stop"}),
        (400, "Please enable IP Whitelisting to access this service", "misconfigured", {"stop"}),
        (400, DUPLICATE, "duplicate", {"unknown"}),
        (400, TRANSFER_DUPLICATE, "duplicate", {"unknown"}),
        (400, NO_FUNDS, "no_balance", {"stop"}),
        (400, "beneficiary_name is required", "bad_request", set()),
        (400, "phone_number is invalid", "bad_number", set()),
        (400, "No transaction was found for this id", "not_found", set()),
        (404, "Transfer not found", "not_found", set()),
        (422, "Something else", "rejected", set()),
        (429, "Too many requests", "busy", {"retryable"}),
        # A refusal with a success's status.
        (200, "Something else", "bad_answer", {"unknown"}),
        (200, "Invalid authorization key", "bad_credentials", {"stop"}),
        # After some 28 s: it may have been done, whatever the sentence says.
        (503, LOST, "unavailable", {"unknown"}),
        (500, DUPLICATE, "unavailable", {"unknown"}),
        (408, "", "timeout", {"unknown"}),
    ],
)
def test_refusals(status: int, message: str, code: str, flagged: set[str]) -> None:
    answer = error(status, message)
    with pytest.raises(ProviderError) as refused:
        data_of(Answer(status, "application/json", answer.content))
    assert (refused.value.code, flags(refused.value)) == (code, flagged)


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[1]", b'{"status":1}'])
def test_what_is_no_answer_settles_nothing(body: bytes) -> None:
    with pytest.raises(ProviderError) as refused:
        data_of(Answer(200, "text/html", body))
    assert (refused.value.code, flags(refused.value)) == ("bad_answer", {"unknown"})


def test_decimals_of_an_answer_stay_exact() -> None:
    body = b'{"status":"success","message":"","data":{"amount":0.1}}'
    assert str(data_of(Answer(200, "application/json", body))["amount"]) == "0.1"


def seen(event: MoneyEvent) -> tuple[Any, ...]:
    return event.outcome, event.reason, event.amount, event.payer, event.receipt


PAID = (Outcome.SUCCEEDED, None, kes(1_500), "+254700000001", "FLW8C1D2E3F4A5B6MCK")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, PAID),
        ({"amount": 1500.0}, PAID),
        ({"amount": "1500.00"}, PAID),
        ({"status": "SUCCESSFUL"}, PAID),
        ({"amount": 1500.5}, (*PAID[:2], Money(150_050), *PAID[3:])),
        ({"flw_ref": None}, (*PAID[:4], "4412001")),
        ({"customer": {"phone_number": "0700000001"}}, PAID),
        ({"customer": {"phone_number": "2547****0001"}}, (*PAID[:3], None, PAID[4])),
        ({"customer": None}, (*PAID[:3], None, PAID[4])),
        ({"status": "pending"}, (Outcome.PENDING, None, None, None, None)),
        ({"status": "success-pending-validation"}, (Outcome.PENDING, None, None, None, None)),
        ({"status": "reversed"}, (Outcome.UNKNOWN, None, None, None, None)),
        # Somebody else's charge, or not in shillings: it proves nothing of ours.
        ({"tx_ref": str(OTHER_ATTEMPT)}, (Outcome.UNKNOWN, None, None, None, None)),
        ({"currency": "NGN"}, (Outcome.UNKNOWN, None, None, None, None)),
    ],
)
def test_charges(changes: dict[str, Any], expected: tuple[Any, ...]) -> None:
    event = charge_event(charge(**changes), ATTEMPT)
    assert seen(event) == expected
    assert (event.provider, event.attempt_id, event.reference) == (
        "flutterwave",
        ATTEMPT,
        "4412001",
    )


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Request cancelled by user", Reason.CANCELLED),
        ("The balance is insufficient for the transaction", Reason.INSUFFICIENT),
        ("The initiator entered a wrong PIN", Reason.WRONG_PIN),
        ("Activity timed out", Reason.EXPIRED),
        ("DS timeout user cannot be reached", Reason.UNREACHABLE),
        ("The amount is above the limit of a transaction", Reason.LIMIT),
        ("Something new", Reason.OTHER),
        (None, Reason.OTHER),
    ],
)
def test_why_a_charge_failed(sentence: str | None, reason: Reason) -> None:
    event = charge_event(charge(status="failed", processor_response=sentence), ATTEMPT)
    assert (event.outcome, event.reason, event.receipt) == (Outcome.FAILED, reason, None)


SENT = (Outcome.SUCCEEDED, None, kes(40_000), "+254700000011", "26251")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, SENT),
        ({"status": "NEW"}, (Outcome.PENDING, None, None, None, None)),
        ({"status": "PENDING"}, (Outcome.PENDING, None, None, None, None)),
        ({"bank_code": "68", "account_number": "254700000011"}, (*SENT[:3], None, SENT[4])),
        ({"reference": str(OTHER_ATTEMPT)}, (Outcome.UNKNOWN, None, None, None, None)),
        (
            {"status": "FAILED", "complete_message": NO_FUNDS},
            (Outcome.FAILED, Reason.NO_FLOAT, None, None, None),
        ),
        (
            {"status": "FAILED", "complete_message": "The recipient account could not be found"},
            (Outcome.FAILED, Reason.BAD_RECIPIENT, None, None, None),
        ),
    ],
)
def test_transfers(changes: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert seen(transfer_event(transfer(**changes), ATTEMPT)) == expected


@pytest.mark.parametrize("amount", [None, 0, -1500, "much", True, 0.001, 10**13])
def test_a_success_without_an_amount_is_no_answer(amount: object) -> None:
    with pytest.raises(ProviderError) as refused:
        charge_event(charge(amount=amount), ATTEMPT)
    assert (refused.value.code, flags(refused.value)) == ("bad_answer", {"retryable"})


@pytest.mark.parametrize("data", [None, [], "4412001", {}, {"id": None}, {"id": "../4412001"}])
def test_what_was_taken_without_an_id_may_have_been_taken(data: object) -> None:
    with pytest.raises(ProviderError) as refused:
        number_id(data)
    assert flags(refused.value) == {"unknown"}


@pytest.mark.parametrize(
    ("told", "fee"),
    [(43.5, Money(4_350)), ("43.50", Money(4_350)), (0, Money(0)), ("much", None), (-1, None)],
)
def test_what_the_provider_took_for_it(told: object, fee: Money | None) -> None:
    assert charge_event(charge(app_fee=told), ATTEMPT).fee == fee
    assert transfer_event(transfer(fee=told), ATTEMPT).fee == fee
    more = charge_event(charge(app_fee=told, merchant_fee=1), ATTEMPT).fee
    assert more == (fee + kes(1) if fee is not None else None)
    assert charge_event(charge(app_fee=told, status="pending"), ATTEMPT).fee is None
