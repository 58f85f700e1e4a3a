"""What AccountBalance answers."""

from typing import Any

import pytest

from channels.daraja.balance import parse_balance
from core.money import Money, kes
from core.ports.money import Balance
from core.ports.providers import BadCallback, ProviderError
from tests.channels.daraja.rig import flags

TOLD = (
    "Working Account|KES|700.00|700.00|0.00|0.00&Float Account|KES|0.00|0.00|0.00|0.00"
    "&Utility Account|KES|228037.00|228000.00|37.00|0.00"
    "&Charges Paid Account|KES|-1540.50|-1540.50|0.00|0.00"
)


def body(told: Any = TOLD, code: Any = 0) -> dict[str, Any]:
    parameter = [
        {"Key": "AccountBalance", "Value": told},
        {"Key": "BOCompletedTime", "Value": 20261123053004},
    ]
    result: dict[str, Any] = {"ResultCode": code, "ResultDesc": "said"}
    return {"Result": {**result, "ResultParameters": {"ResultParameter": parameter}}}


def test_all_accounts_of_a_shortcode_are_one_text() -> None:
    """What can be sent is the utility account's; charges are taken from elsewhere."""
    assert parse_balance(body()) == Balance(
        "daraja", kes(228_000), kes(228_737), charges=Money(-154_050)
    )


def test_one_account_alone_has_no_charges() -> None:
    one = body("Utility Account|KES|1.50|1.50|0.00|0.00")
    assert parse_balance(one) == Balance("daraja", Money(150), Money(150), charges=Money(0))


@pytest.mark.parametrize(("code", "stops"), [("2001", {"stop"}), (8006, {"stop"}), (15, set())])
def test_a_question_that_was_refused_is_no_balance(code: Any, stops: set[str]) -> None:
    with pytest.raises(ProviderError) as refused:
        parse_balance(body(code=code))
    assert flags(refused.value) == stops


@pytest.mark.parametrize(
    "told",
    [
        "", None, 5, [], "Utility Account", "Utility Account|USD|1.00|1.00|0|0",
        "Utility Account|KES|one|1.00|0|0", "Utility Account|KES||1.00|0|0",
        "Working Account|KES|1.00|1.00|0|0", "Utility Account|KES|1.005|1.00|0|0",
        "Utility Account|KES|1.00|1.00|0|0&" + "x" * 2_000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(told: Any) -> None:
    with pytest.raises(BadCallback):
        parse_balance(body(told))


@pytest.mark.parametrize("broken", [{}, {"Result": []}, {"Result": {"ResultDesc": "?"}}])
def test_a_body_without_a_result_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(BadCallback):
        parse_balance(broken)
