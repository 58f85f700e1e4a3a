"""What the tests of Flutterwave share: an account, and its usual answers. All values invented."""

import json
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr

from channels.flutterwave.config import FlutterwaveConfig
from core.settings import Environment, Settings

BASE_URL = "https://flutterwave.test/v3"
ATTEMPT = UUID("01936b6e-0000-7000-8000-00000000000a")
OTHER_ATTEMPT = UUID("01936b6e-0000-7000-8000-00000000000b")
KEY = "FLWSECK_TEST-0123456789"
HASH = "a-long-and-random-webhook-hash"
WEBHOOK = "https://nafasi.test/hooks/flutterwave/0f1e2d3c/webhook"


def config(**changes: Any) -> FlutterwaveConfig:
    values: dict[str, Any] = {
        "base_url": BASE_URL,
        "secret_key": KEY,
        "email_domain": "guest.nafasi.test",
        "webhook_url": WEBHOOK,
        "pages_url": "https://nafasi.test/pay",
        "charges_per_second": 1_000.0,
        "transfers_per_second": 1_000.0,
        "questions_per_second": 1_000.0,
    }
    return FlutterwaveConfig(**values | changes)


def settings(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "env": Environment.TEST,
        "flutterwave_enabled": True,
        "flutterwave_secret_hash": SecretStr(HASH),
    }
    return Settings(**values | changes)


def charge(**changes: Any) -> dict[str, Any]:
    """A charge as the API shows it."""
    return {
        "id": 4412001,
        "tx_ref": str(ATTEMPT),
        "flw_ref": "FLW8C1D2E3F4A5B6MCK",
        "amount": 1500,
        "charged_amount": 1500,
        "app_fee": 43.5,
        "merchant_fee": 0,
        "processor_response": "Successful",
        "auth_model": "LIPA_MPESA",
        "currency": "KES",
        "status": "successful",
        "payment_type": "mpesa",
        "created_at": "2026-01-15T06:30:22.000Z",
        "customer": {"id": 9, "name": "Amina", "phone_number": "254700000001"},
    } | changes


def transfer(**changes: Any) -> dict[str, Any]:
    """A transfer as the API shows it."""
    return {
        "id": 26251,
        "account_number": "254700000011",
        "bank_code": "MPS",
        "bank_name": "M-PESA",
        "full_name": "Payout 12",
        "created_at": "2026-01-15T06:30:22.000Z",
        "currency": "KES",
        "amount": 40000,
        "fee": 100,
        "status": "SUCCESSFUL",
        "reference": str(ATTEMPT),
        "complete_message": "Successful",
    } | changes


def success(data: object) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "message": "said", "data": data})


def error(status: int, message: str) -> httpx.Response:
    body = {"status": "error", "message": message, "data": None}
    return httpx.Response(status, json=body)


def sent(request: httpx.Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.content)
    return body


def flags(error: Any) -> set[str]:
    return {name for name in ("retryable", "unknown", "stop") if getattr(error, name)}
