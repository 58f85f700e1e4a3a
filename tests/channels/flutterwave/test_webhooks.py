"""Webhooks: taken only with the right hash, kept once, and read as nothing but a hint."""

import json
from typing import Any

import pytest

from channels.flutterwave.webhooks import accept, charge_hint, transfer_hint
from channels.money import Forged, Hint
from core.limits import CALLBACK_BODY_MAX_BYTES
from core.ports.providers import BadCallback
from tests.channels.flutterwave.rig import ATTEMPT, HASH, charge, settings, transfer

HEADERS = {"verif-hash": HASH}


def body(event: str, data: Any, **more: Any) -> bytes:
    return json.dumps({"event": event, "data": data, **more}).encode()


@pytest.mark.parametrize(
    "headers",
    [{}, {"verif-hash": ""}, {"verif-hash": "guess"}, {"verif-hash": HASH[:-1]}, {"x": HASH}],
)
def test_without_the_hash_nothing_is_taken(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        accept(settings(), headers, body("charge.completed", charge()))


def test_an_empty_hash_of_ours_opens_nothing() -> None:
    with pytest.raises(Forged):
        accept(settings(flutterwave_secret_hash=""), {"verif-hash": ""}, b"{}")


@pytest.mark.parametrize(
    ("event", "data", "kind", "reference"),
    [
        ("charge.completed", charge(), "charge", "4412001 charge.completed successful"),
        (
            "charge.completed",
            charge(status="failed"),
            "charge",
            "4412001 charge.completed failed",
        ),
        (
            "transfer.completed",
            transfer(status="FAILED"),
            "transfer",
            "26251 transfer.completed FAILED",
        ),
        ("refund.completed", {"id": 7}, "other", "7 refund.completed "),
    ],
)
def test_a_webhook_is_itself_by_id_event_and_state(
    event: str, data: dict[str, Any], kind: str, reference: str
) -> None:
    kept = accept(settings(), HEADERS, body(event, data, **{"event.type": "MPESA_TRANSACTION"}))
    assert (kept.provider, kept.kind, kept.reference) == ("flutterwave", kind, reference)
    assert kept.once
    assert json.dumps(kept.payload), "it can be stored as JSON, decimals too"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (b"", "body"),
        (b"not json", "body"),
        (b"[]", "body"),
        (b"x" * (CALLBACK_BODY_MAX_BYTES + 1), "body"),
        # The flat body of version 2.
        (b'{"txRef":"1","flwRef":"2","status":"successful"}', "data"),
        (b'{"event":"charge.completed","data":[]}', "data"),
        (b'{"event":"charge.completed","data":{}}', "id"),
        (b'{"event":"charge.completed","data":{"id":{"a":1}}}', "id"),
        (b'{"data":{"id":1}}', "event"),
    ],
)
def test_what_is_no_webhook_is_refused(sent: bytes, field: str) -> None:
    with pytest.raises(BadCallback) as bad:
        accept(settings(), HEADERS, sent)
    assert bad.value.data["field"] == field


def test_both_outcomes_are_hints_and_pending_is_none() -> None:
    for status in ("successful", "failed", "a new word"):
        hint = charge_hint({"body": {"data": charge(status=status)}})
        assert hint == Hint(ATTEMPT, collects=True)
    assert charge_hint({"body": {"data": charge(status="pending")}}) is None
    assert transfer_hint({"body": {"data": transfer(status="FAILED")}}) == Hint(
        ATTEMPT, collects=False
    )
    assert transfer_hint({"body": {"data": transfer(status="NEW")}}) is None


@pytest.mark.parametrize("tx_ref", [None, "bk-7F3K2-1", "", 5, ["a"]])
def test_a_reference_that_is_not_ours_hints_at_nothing(tx_ref: object) -> None:
    with pytest.raises(BadCallback):
        charge_hint({"body": {"data": charge(tx_ref=tx_ref)}})
