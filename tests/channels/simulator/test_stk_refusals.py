"""M-Pesa Express refuses: wrong fields, wrong merchants, and faults as told."""

from typing import Any

import pytest

from tests.channels.simulator.prompts import error, result
from tests.channels.simulator.rig import Simulator


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Timestamp", "2026-01-15"),
        ("Timestamp", "20261315093000"),
        ("TransactionType", "Pay"),
        ("Amount", 0),
        ("Amount", "12.50"),
        ("Amount", 12.5),
        ("Amount", True),
        ("PartyA", "0700000001"),
        ("PhoneNumber", "+254700000001"),
        ("PhoneNumber", "254800000001"),
        ("CallBackURL", "not an address"),
        ("CallBackURL", "https://pay.example.co.ke/mpesa/cb"),
        ("AccountReference", ""),
        ("TransactionDesc", None),
        ("Password", None),
    ],
)
def test_a_bad_field_is_named(simulator: Simulator, field: str, value: Any) -> None:
    answer = error(simulator.push(**{field: value}))

    assert answer == (400, "400.002.02", f"Bad Request - Invalid {field}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"BusinessShortCode": "999999"}, "Merchant does not exist"),
        ({"Password": "bm90IGl0"}, "Wrong credentials"),
    ],
)
def test_a_wrong_merchant_shares_one_code(
    simulator: Simulator, changes: dict[str, str], message: str
) -> None:
    assert error(simulator.push(**changes)) == (500, "500.001.1001", message)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"AccountReference": "THIRTEENCHARS"}, "1025"),
        ({"TransactionDesc": "Booking & co"}, "1025"),
        ({"PartyB": "600999"}, "2028"),
        ({"TransactionType": "CustomerBuyGoodsOnline"}, "2028"),
    ],
)
def test_some_mistakes_are_accepted_and_fail_later(
    simulator: Simulator, changes: dict[str, str], code: str
) -> None:
    assert simulator.push(**changes).json()["ResponseCode"] == "0"

    assert str(result(simulator)["ResultCode"]) == code


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("error500", 500, "500.003.1001"),
        ("busy", 500, "500.003.02"),
        ("invalid_token", 404, "404.001.03"),
    ],
)
def test_refusals_as_told(simulator: Simulator, fault: str, status: int, code: str) -> None:
    simulator.fault("stk", fault, times=2)

    assert error(simulator.push())[:2] == (status, code)
    assert error(simulator.push())[:2] == (status, code)
    assert simulator.push().status_code == 200
    assert len(simulator.control("/stk?status=all")["stk"]) == 1


def test_the_gateway_words_a_spike_its_own_way(simulator: Simulator) -> None:
    simulator.fault("stk", "spike_arrest")

    answer = simulator.push()

    assert answer.status_code == 429
    detail = answer.json()["fault"]["detail"]
    assert detail == {"errorcode": "policies.ratelimit.SpikeArrestViolation"}


def test_a_failing_code_as_told(simulator: Simulator) -> None:
    simulator.fault("stk", "insider_code:SFC_IC0003")
    simulator.push()

    assert result(simulator)["ResultCode"] == "SFC_IC0003"


@pytest.mark.parametrize(("fault", "prompts"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_lost_answer_says_nothing_of_the_push(
    simulator: Simulator, fault: str, prompts: int
) -> None:
    simulator.fault("stk", fault, seconds=0.02)

    assert simulator.push().status_code == 504

    assert len(simulator.control("/stk?status=all")["stk"]) == prompts


def test_an_answer_may_be_slow(simulator: Simulator) -> None:
    simulator.fault("oauth", "delay", seconds=0.1)

    answer = simulator.oauth()

    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.1
