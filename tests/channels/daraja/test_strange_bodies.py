import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.daraja.callbacks import (
    load,
    parse_b2c_result,
    parse_b2c_timeout,
    parse_c2b,
    parse_status_result,
    parse_stk,
    redact,
)
from core.money import kes
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import BadCallback
from tests.channels.daraja.rig import ATTEMPT, ECHO, OTHER_ATTEMPT, named, result

STK_ITEMS = {
    "Amount": 1500,
    "MpesaReceiptNumber": "UAF1X2Y3Z4",
    "Balance": None,
    "TransactionDate": 20260115093022,
    "PhoneNumber": 254700000001,
}
C2B = {
    "TransactionType": "Pay Bill",
    "TransID": "UAF9Q8W7E6",
    "TransTime": "20260115094510",
    "TransAmount": "1500.00",
    "BusinessShortCode": "600123",
    "BillRefNumber": " k7p4q ",
    "InvoiceNumber": "",
    "OrgAccountBalance": "25000.00",
    "ThirdPartyTransID": "",
    "MSISDN": "2547 ***** 001",
    "FirstName": "AMINA",
    "MiddleName": "",
    "LastName": "",
}


def stk(code: object = 0, found: dict[str, Any] | None = None, **told: Any) -> dict[str, Any]:
    callback = {
        "MerchantRequestID": "29115-7",
        "CheckoutRequestID": "ws_CO_15012026093001",
        "ResultCode": code,
        "ResultDesc": "The service request is processed successfully.",
        **told,
    }
    if found is not None:
        callback["CallbackMetadata"] = {"Item": named(found, "Name")}
    return {"Body": {"stkCallback": callback}}


PAID = MoneyEvent(
    provider="daraja",
    outcome=Outcome.SUCCEEDED,
    attempt_id=ATTEMPT,
    reference="ws_CO_15012026093001",
    receipt="UAF1X2Y3Z4",
    amount=kes(1_500),
    payer="+254700000001",
    code="0",
    text="The service request is processed successfully.",
    at=datetime(2026, 1, 15, 6, 30, 22, tzinfo=UTC),
)


def test_a_payment_is_read_from_the_bytes_of_its_callback() -> None:
    body = b"""{"Body":{"stkCallback":{"MerchantRequestID":"29115-7",
      "CheckoutRequestID":"ws_CO_15012026093001","ResultCode":0,
      "ResultDesc":"The service request is processed successfully.","CallbackMetadata":{"Item":[
      {"Name":"Amount","Value":1500.00},{"Name":"MpesaReceiptNumber","Value":"UAF1X2Y3Z4"},
      {"Name":"Balance"},{"Name":"TransactionDate","Value":20260115093022},
      {"Name":"PhoneNumber","Value":254700000001}]}}}}"""

    assert parse_stk(ATTEMPT, load(body)) == PAID
    assert parse_stk(ATTEMPT, json.loads(json.dumps(redact(load(body))))) == PAID


@pytest.mark.parametrize(
    ("label", "body"),
    [
        ("code as text", stk("0", STK_ITEMS)),
        ("any order", stk(0, dict(reversed(STK_ITEMS.items())))),
        ("balance as text", stk(0, {**STK_ITEMS, "Balance": "{Amount={BasicAmount=6186.83}}"})),
        ("numbers as text", stk(0, {k: v and str(v) for k, v in STK_ITEMS.items()})),
        ("a float", stk(0, {**STK_ITEMS, "Amount": 1500.0})),
        ("a name twice", stk(0, {**STK_ITEMS, "amount": 9})),
    ],
)
def test_a_payment_is_read_by_the_names_of_its_items(label: str, body: dict[str, Any]) -> None:
    assert parse_stk(ATTEMPT, body) == PAID, label


def test_a_masked_payer_a_missing_receipt_and_no_items_leave_gaps() -> None:
    masked = parse_stk(ATTEMPT, stk(0, {**STK_ITEMS, "PhoneNumber": "25470****001"}))
    assert (masked.payer, masked.receipt) == (None, "UAF1X2Y3Z4")

    bare = parse_stk(ATTEMPT, stk(0))
    assert bare.outcome is Outcome.SUCCEEDED
    assert (bare.receipt, bare.amount, bare.payer, bare.at) == (None, None, None, None)


def test_one_item_alone_may_stand_without_its_list() -> None:
    body = stk(0, CallbackMetadata={"Item": {"Name": "Amount", "Value": 1}})

    assert parse_stk(ATTEMPT, body).amount == kes(1)


@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        (1, Outcome.FAILED, Reason.INSUFFICIENT),
        (2, Outcome.FAILED, Reason.LIMIT),
        (3, Outcome.FAILED, Reason.LIMIT),
        (4, Outcome.FAILED, Reason.LIMIT),
        (8, Outcome.FAILED, Reason.CONFIGURATION),
        (17, Outcome.FAILED, Reason.BUSY),
        (26, Outcome.FAILED, Reason.BUSY),
        (1001, Outcome.FAILED, Reason.BUSY),
        (1019, Outcome.FAILED, Reason.EXPIRED),
        (1025, Outcome.FAILED, Reason.UNREACHABLE),
        (1032, Outcome.FAILED, Reason.CANCELLED),
        (1037, Outcome.FAILED, Reason.UNREACHABLE),
        (1101, Outcome.FAILED, Reason.CONFIGURATION),
        (2001, Outcome.FAILED, Reason.WRONG_PIN),
        (2028, Outcome.FAILED, Reason.CONFIGURATION),
        (8006, Outcome.FAILED, Reason.WRONG_PIN),
        (9999, Outcome.FAILED, Reason.UNREACHABLE),
        ("SFC_IC0003", Outcome.FAILED, Reason.CONFIGURATION),
        (4999, Outcome.PENDING, None),
        (31337, Outcome.UNKNOWN, None),
        ("", None, None),
    ],
)
def test_why_a_payment_failed(
    code: object, outcome: Outcome | None, reason: Reason | None
) -> None:
    if outcome is None:
        with pytest.raises(BadCallback):
            parse_stk(ATTEMPT, stk(code))
        return
    event = parse_stk(ATTEMPT, stk(code, STK_ITEMS))

    assert (event.outcome, event.reason, event.code) == (outcome, reason, str(code))
    assert (event.receipt, event.amount) == (None, None)


@pytest.mark.parametrize(
    ("label", "body", "field"),
    [
        ("nothing", {}, "Body"),
        ("no callback", {"Body": {}}, "stkCallback"),
        ("a list", {"Body": []}, "Body"),
        ("no code", stk(None), "ResultCode"),
        ("a true code", stk(True), "ResultCode"),
        ("no id", stk(0, STK_ITEMS, CheckoutRequestID=None), "CheckoutRequestID"),
        ("an endless id", stk(0, STK_ITEMS, CheckoutRequestID="x" * 101), "CheckoutRequestID"),
        ("an amount in words", stk(0, {**STK_ITEMS, "Amount": "much"}), "Amount"),
        ("a part of a cent", stk(0, {**STK_ITEMS, "Amount": "1.005"}), "Amount"),
        ("nothing paid", stk(0, {**STK_ITEMS, "Amount": 0}), "Amount"),
        ("taken back", stk(0, {**STK_ITEMS, "Amount": -1500}), "Amount"),
        ("endless", stk(0, {**STK_ITEMS, "Amount": 10**400}), "Amount"),
        ("infinite", stk(0, {**STK_ITEMS, "Amount": "Infinity"}), "Amount"),
        ("a float's infinity", stk(0, {**STK_ITEMS, "Amount": float("inf")}), "Amount"),
        ("no number", stk(0, {**STK_ITEMS, "Amount": "NaN"}), "Amount"),
        ("astronomic", stk(0, {**STK_ITEMS, "Amount": Decimal("1e12")}), "Amount"),
    ],
)
def test_what_is_no_payment_is_refused(label: str, body: dict[str, Any], field: str) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_stk(ATTEMPT, body)
    assert refused.value.data == {"field": field}, label


B2C_ITEMS = {
    "TransactionAmount": 1350,
    "TransactionReceipt": "UAF5T4R3E2",
    "ReceiverPartyPublicName": "254700000002 - JANE VENDOR",
    "TransactionCompletedDateTime": "15.01.2026 10:05:07",
    "B2CUtilityAccountAvailableFunds": 98650,
}


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


STATUS_ITEMS = {
    "DebitPartyName": "600124 - Nafasi",
    "CreditPartyName": "254700000002 - JANE VENDOR",
    "OriginatorConversationID": str(ATTEMPT),
    "DebitPartyCharges": "Fee For B2C Payment|KES|22.40",
    "TransactionReason": None,
    "TransactionStatus": "Completed",
    "FinalisedTime": "20260115100507",
    "Amount": "1350.00",
    "ConversationID": "AG_20260115_2010",
    "ReceiptNo": "UAF5T4R3E2",
}


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


def test_a_payment_by_paybill_keeps_the_account_as_typed() -> None:
    assert parse_c2b(C2B, shortcode="600123") == MoneyEvent(
        provider="daraja",
        outcome=Outcome.SUCCEEDED,
        receipt="UAF9Q8W7E6",
        amount=kes(1_500),
        account="k7p4q",
        code="Pay Bill",
        at=datetime(2026, 1, 15, 6, 45, 10, tzinfo=UTC),
        payer_shown=C2B["MSISDN"],
    )


@pytest.mark.parametrize(
    ("written", "payer"),
    [
        ("2547 ***** 001", None),
        ("25470****001", None),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", None),
        ("", None),
        (None, None),
        ("254700000001", "+254700000001"),
        (254700000002, "+254700000002"),
    ],
)
def test_a_masked_or_hashed_number_is_no_number(written: object, payer: str | None) -> None:
    """What is shown in its place is kept: it may look like the customer's."""
    event = parse_c2b({**C2B, "MSISDN": written})

    assert event.payer == payer
    assert event.payer_shown == (None if payer else written or None)


@pytest.mark.parametrize(
    ("label", "changes", "field"),
    [
        ("another paybill", {"BusinessShortCode": "600999"}, "BusinessShortCode"),
        ("no receipt", {"TransID": ""}, "TransID"),
        ("a receipt in words", {"TransID": "paid, honest"}, "TransID"),
        ("no amount", {"TransAmount": ""}, "TransAmount"),
        ("a negative amount", {"TransAmount": "-5.00"}, "TransAmount"),
        ("an amount with an underscore", {"TransAmount": "1_500"}, "TransAmount"),
    ],
)
def test_what_is_no_payment_by_paybill_is_refused(
    label: str, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_c2b({**C2B, **changes}, shortcode="600123")
    assert refused.value.data == {"field": field}, label


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from([0, "0", "1032", "Completed", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
NAMES = [*STK_ITEMS, *B2C_ITEMS, *STATUS_ITEMS]


def item_lists(name: str) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(NAMES), JSON).map(lambda found: named(found, name))


STK_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "ResultCode": st.just(0) | JSON,
        "ResultDesc": JSON,
        "CheckoutRequestID": st.just("ws_CO_1") | JSON,
        "CallbackMetadata": st.fixed_dictionaries({"Item": item_lists("Name") | JSON}) | JSON,
    },
).map(lambda told: {"Body": {"stkCallback": told}})
RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "ResultCode": st.just(0) | JSON,
        "ResultDesc": JSON,
        "OriginatorConversationID": st.just(str(ATTEMPT)) | JSON,
        "ConversationID": JSON,
        "TransactionID": JSON,
        "ResultParameters": st.fixed_dictionaries({"ResultParameter": item_lists("Key") | JSON}),
    },
).map(lambda told: {"Result": told})
C2B_BODIES = st.dictionaries(st.sampled_from(sorted(C2B)), JSON).map(lambda told: {**C2B, **told})


@given(
    STK_BODIES
    | RESULTS
    | C2B_BODIES
    | st.dictionaries(st.text(max_size=10), JSON)
    | st.dictionaries(st.sampled_from(["Body", "Result"]), JSON)
)
def test_bodies_of_strangers_are_refused_or_read(body: dict[str, Any]) -> None:
    redact(body)
    for parse in (parse_stk, parse_b2c_result, parse_b2c_timeout, parse_status_result):
        try:
            parse(ATTEMPT, body)
        except BadCallback:
            continue
    try:
        parse_c2b(body)
    except BadCallback:
        return
