"""What the tests of Daraja share: an application, and its usual answers. All values invented."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx

from channels.daraja.config import DarajaConfig

BASE_URL = "https://daraja.test"
TOKEN_URL = f"{BASE_URL}/oauth/v1/generate"
ATTEMPT = UUID("01936b6e-0000-7000-8000-00000000000a")
OTHER_ATTEMPT = UUID("01936b6e-0000-7000-8000-00000000000b")
CALLBACKS = "https://nafasi.test/hooks/daraja/0f1e2d3c"
# Our payout request as its queue-timeout callback repeats it.
ECHO = {
    "InitiatorName": "payoutapi",
    "SecurityCredential": "c2VhbGVk",
    "CommandID": "BusinessPayment",
    "OriginatorConversationID": str(ATTEMPT),
    "Amount": "1350",
    "PartyB": "254700000002",
}


def config(**changes: Any) -> DarajaConfig:
    values = {
        "base_url": BASE_URL,
        "consumer_key": "key-for-tests",
        "consumer_secret": "secret-for-tests",
        "shortcode": "600123",
        "passkey": "demo-passkey-0001",
        "b2c_shortcode": "600124",
        "initiator_name": "payoutapi",
        "initiator_password": "Password-2026",
        "certificate": "",
        "public_url": "https://nafasi.test",
        "callback_secret": "0f1e2d3c",
        "pushes_per_second": 1_000.0,
        "payouts_per_second": 1_000.0,
        "questions_per_second": 1_000.0,
    }
    return DarajaConfig(**{**values, **changes})


def token_answer(token: str, expires_in: object = 3599) -> httpx.Response:
    return httpx.Response(200, json={"access_token": token, "expires_in": expires_in})


def error_answer(status: int, code: str, message: str) -> httpx.Response:
    body = {"requestId": "1c5b-1", "errorCode": code, "errorMessage": message}
    return httpx.Response(status, json=body)


def sent(request: httpx.Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.content)
    return body


def flags(error: Any) -> set[str]:
    return {name for name in ("retryable", "unknown", "stop") if getattr(error, name)}


def result(code: object, attempt_id: object = str(ATTEMPT), **parameters: Any) -> dict[str, Any]:
    """A ``Result`` as B2C and TransactionStatus send it."""
    told: dict[str, Any] = {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": "The service request is processed successfully.",
        "OriginatorConversationID": attempt_id,
        "ConversationID": "AG_20260115_2010",
        "TransactionID": "UAF5T4R3E2",
        "ReferenceData": {"ReferenceItem": {"Key": "QueueTimeoutURL", "Value": "https://x.test"}},
    }
    if parameters:
        told["ResultParameters"] = {"ResultParameter": named(parameters, "Key")}
    return {"Result": told}


def named(values: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of named values; None stands for one without a value."""
    return [
        {name: key} if value is None else {name: key, "Value": value}
        for key, value in values.items()
    ]
