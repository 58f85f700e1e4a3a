"""M-Pesa Express: prompts, their ends, and asking about them."""

import re

import pytest

from tests.channels.simulator.conftest import Start
from tests.channels.simulator.prompts import OPENING_CENTS, error, items, result
from tests.channels.simulator.rig import MSISDN, PHONE, Simulator


def test_a_paid_prompt(simulator: Simulator) -> None:
    accepted = simulator.push()

    assert (accepted.status_code, accepted.headers["content-type"]) == (200, "application/json")
    body = accepted.json()
    assert set(body) == {
        "MerchantRequestID",
        "CheckoutRequestID",
        "ResponseCode",
        "ResponseDescription",
        "CustomerMessage",
    }
    assert body["ResponseCode"] == "0"
    assert body["CheckoutRequestID"].startswith("ws_CO_15012026093000")
    prompt = simulator.prompt()
    assert prompt["id"] == body["CheckoutRequestID"]
    assert (prompt["amount"], prompt["account_reference"]) == (1500, "K7P4Q")
    assert simulator.ours.heard == []

    paid = simulator.settle("paid")

    callback = result(simulator)
    assert callback["MerchantRequestID"] == body["MerchantRequestID"]
    assert callback["CheckoutRequestID"] == body["CheckoutRequestID"]
    assert callback["ResultCode"] == 0
    assert "AccountReference" not in items(callback)
    assert items(callback) == {
        "Amount": 1500.0,
        "MpesaReceiptNumber": paid["receipt"],
        "Balance": None,
        "TransactionDate": 20260115093000,
        "PhoneNumber": int(MSISDN),
    }
    assert re.fullmatch("UAF[A-Z0-9]{7}", paid["receipt"])
    assert simulator.balance_cents() == OPENING_CENTS - 150_000
    accounts = simulator.control("/wallets")["organisations"]
    assert accounts[simulator.config.shortcode]["utility_cents"] == 150_000
    assert simulator.control(f"/stk?phone={PHONE}")["stk"] == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("cancelled", "1032"), ("wrong_pin", "2001"), ("insufficient", "1"), ("timeout", "1037")],
)
def test_a_prompt_that_is_not_paid(simulator: Simulator, outcome: str, code: str) -> None:
    simulator.push()
    simulator.settle(outcome)

    callback = result(simulator)

    assert str(callback["ResultCode"]) == code
    assert "CallbackMetadata" not in callback
    assert simulator.balance_cents() == OPENING_CENTS


def test_an_unanswered_prompt_is_given_up(simulator: Simulator) -> None:
    simulator.control("/settings", {"prompt_seconds": 0.02})
    simulator.push()

    assert str(result(simulator)["ResultCode"]) == "1037"


def test_prompts_can_be_paid_by_themselves(simulator: Simulator) -> None:
    assert simulator.control("/settings", {"stk": "paid"})["stk"] == "paid"
    simulator.push()

    assert str(result(simulator)["ResultCode"]) == "0"


def test_the_query_while_pending_and_after(simulator: Simulator) -> None:
    checkout = simulator.push().json()["CheckoutRequestID"]
    pending = error(simulator.query(checkout))
    assert pending == (500, "500.001.1001", "The transaction is being processed")

    simulator.settle("paid")
    done = simulator.query(checkout)
    assert done.status_code == 200
    assert set(done.json()) == {
        "ResponseCode",
        "ResponseDescription",
        "MerchantRequestID",
        "CheckoutRequestID",
        "ResultCode",
        "ResultDesc",
    }
    assert done.json()["ResultCode"] == "0"
    assert error(simulator.query("ws_CO_0"))[2] == "Bad Request - Invalid CheckoutRequestID"


def test_the_query_can_say_what_it_is_told(simulator: Simulator) -> None:
    checkout = simulator.push().json()["CheckoutRequestID"]
    simulator.fault("query", "insider_code:4999")

    answer = simulator.query(checkout)

    assert (answer.status_code, answer.json()["ResultCode"]) == (200, "4999")


def test_a_prompt_takes_one_answer(simulator: Simulator) -> None:
    checkout = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("paid")
    url = f"{simulator.base}/simulator/api/stk"

    again = simulator.http.post(f"{url}/{checkout}", json={"outcome": "paid"})
    late = simulator.http.post(f"{url}/{checkout}", json={"outcome": "late_paid"})
    senseless = simulator.http.post(f"{url}/{checkout}", json={"outcome": "maybe"})
    unknown = simulator.http.post(f"{url}/ws_CO_0", json={"outcome": "paid"})

    codes = [answer.status_code for answer in (again, late, senseless, unknown)]
    assert codes == [409, 409, 400, 404]
    assert simulator.balance_cents() == OPENING_CENTS - 150_000


def test_a_till_takes_the_other_kind(start: Start) -> None:
    simulator = start(till_number="700001")
    simulator.push(TransactionType="CustomerBuyGoodsOnline", PartyB="700001")

    assert simulator.settle("paid")["result_code"] == "0"
