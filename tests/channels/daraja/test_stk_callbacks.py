"""What is told of a prompt: paid, not paid and why, and what is no such thing."""

import json
from decimal import Decimal
from typing import Any

import pytest

from channels.daraja.callbacks import load, parse_stk, redact
from core.money import kes
from core.ports.money import Outcome, Reason
from core.ports.providers import BadCallback
from tests.channels.daraja.bodies import PAID, STK_ITEMS, stk
from tests.channels.daraja.rig import ATTEMPT


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
