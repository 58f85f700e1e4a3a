"""What M-Pesa Express says: refusals, and how prompts ended."""

from typing import Any

import httpx

from tests.channels.simulator.rig import Simulator

OPENING_CENTS = 20_000_000


def error(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert set(body) == {"requestId", "errorCode", "errorMessage"}
    return answer.status_code, body["errorCode"], body["errorMessage"]


def result(simulator: Simulator, count: int = 1) -> dict[str, Any]:
    heard = simulator.ours.wait("/stk/a1", count)[-1]
    assert heard.content_type == "application/json"
    return dict(heard.json["Body"]["stkCallback"])


def items(callback: dict[str, Any]) -> dict[str, Any]:
    return {item["Name"]: item.get("Value") for item in callback["CallbackMetadata"]["Item"]}
