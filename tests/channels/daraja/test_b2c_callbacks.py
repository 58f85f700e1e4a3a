"""What is told of a payout, and what asking about one finds."""

from datetime import UTC, datetime

import pytest

from channels.daraja.callbacks import parse_b2c_result, parse_b2c_timeout, parse_status_result
from core.money import kes
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import BadCallback
from tests.channels.daraja.bodies import B2C_ITEMS, STATUS_ITEMS
from tests.channels.daraja.rig import ATTEMPT, ECHO, OTHER_ATTEMPT, result


def test_a_payout_that_was_paid() -> None:
    assert parse_b2c_result(ATTEMPT, result(0, **B2C_ITEMS)) == MoneyEvent(
        provider="daraja",
        outcome=Outcome.SUCCEEDED,
        attempt_id=ATTEMPT,
        reference="AG_20260115_2010",
        receipt="UAF5T4R3E2",
        amount=kes(1_350),
        payer="+254700000002",
        code="0",
        text="The service request is processed successfully.",
        at=datetime(2026, 1, 15, 7, 5, 7, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        (1, Outcome.FAILED, Reason.NO_FLOAT),
        (2, Outcome.FAILED, Reason.LIMIT),
        (8, Outcome.FAILED, Reason.LIMIT),
        (11, Outcome.FAILED, Reason.CONFIGURATION),
        (21, Outcome.FAILED, Reason.CREDENTIALS),
        (2001, Outcome.FAILED, Reason.CREDENTIALS),
        (8006, Outcome.FAILED, Reason.CREDENTIALS),
        (2040, Outcome.FAILED, Reason.BAD_RECIPIENT),
        ("SFC_IC0003", Outcome.FAILED, Reason.BAD_RECIPIENT),
        (15, Outcome.UNKNOWN, Reason.BUSY),
        (17, Outcome.UNKNOWN, Reason.BUSY),
        (26, Outcome.UNKNOWN, Reason.BUSY),
        (100_000_007, Outcome.UNKNOWN, Reason.BUSY),
        (31337, Outcome.UNKNOWN, None),
    ],
)
def test_a_payout_that_was_not_paid_has_no_receipt(
    code: object, outcome: Outcome, reason: Reason | None
) -> None:
    event = parse_b2c_result(ATTEMPT, result(code))

    assert (event.outcome, event.reason) == (outcome, reason)
    assert event.receipt is None


def test_a_payout_result_of_another_id_settles_nothing() -> None:
    for body in (
        result(0, str(OTHER_ATTEMPT), **B2C_ITEMS),
        result(2001, str(OTHER_ATTEMPT)),
    ):
        event = parse_b2c_result(ATTEMPT, body)
        assert (event.outcome, event.reason, event.receipt) == (Outcome.UNKNOWN, None, None)

    absent = parse_b2c_result(ATTEMPT, result(0, None, **B2C_ITEMS))
    assert absent.outcome is Outcome.SUCCEEDED


def test_a_payout_result_without_its_receipt_item_has_the_transaction_id() -> None:
    assert parse_b2c_result(ATTEMPT, result("0")).receipt == "UAF5T4R3E2"


def test_a_payout_that_expired_in_the_queue_is_unknown() -> None:
    for body in (ECHO, result(1, **B2C_ITEMS), {"OriginalConversationID": str(ATTEMPT)}):
        event = parse_b2c_timeout(ATTEMPT, body)
        assert (event.outcome, event.receipt, event.amount) == (Outcome.UNKNOWN, None, None)
        assert event.attempt_id == ATTEMPT

    with pytest.raises(BadCallback):
        parse_b2c_timeout(ATTEMPT, {"hello": "world"})


def test_asking_finds_the_payout_and_not_the_question() -> None:
    body = result(0, "question-1", **STATUS_ITEMS)
    body["Result"]["TransactionID"] = "MBN0000000"
    body["Result"]["ConversationID"] = "AG_question"

    event = parse_status_result(ATTEMPT, body)

    assert event == MoneyEvent(
        provider="daraja",
        outcome=Outcome.SUCCEEDED,
        attempt_id=ATTEMPT,
        reference="AG_20260115_2010",
        receipt="UAF5T4R3E2",
        amount=kes(1_350),
        payer="+254700000002",
        code="Completed",
        text="The service request is processed successfully.",
        at=datetime(2026, 1, 15, 7, 5, 7, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("state", "outcome", "reason"),
    [
        ("Initiated", Outcome.PENDING, None),
        ("Authorized", Outcome.PENDING, None),
        ("Pending Authorized", Outcome.PENDING, None),
        ("Cancelled", Outcome.FAILED, Reason.OTHER),
        ("Declined", Outcome.FAILED, Reason.OTHER),
        ("Expired", Outcome.FAILED, Reason.EXPIRED),
        ("Levitating", Outcome.UNKNOWN, None),
        ("", Outcome.UNKNOWN, None),
        (None, Outcome.UNKNOWN, None),
    ],
)
def test_the_state_of_a_payout_is_the_inner_one(
    state: str | None, outcome: Outcome, reason: Reason | None
) -> None:
    event = parse_status_result(ATTEMPT, result(0, **{**STATUS_ITEMS, "TransactionStatus": state}))

    assert (event.outcome, event.reason, event.receipt) == (outcome, reason, None)


def test_a_failed_question_and_another_payments_state_settle_nothing() -> None:
    failed = parse_status_result(ATTEMPT, result(2001, **STATUS_ITEMS))
    assert (failed.outcome, failed.reason) == (Outcome.UNKNOWN, Reason.CREDENTIALS)

    other = {**STATUS_ITEMS, "OriginatorConversationID": str(OTHER_ATTEMPT)}
    event = parse_status_result(ATTEMPT, result(0, **other))
    assert (event.outcome, event.receipt, event.amount) == (Outcome.UNKNOWN, None, None)
