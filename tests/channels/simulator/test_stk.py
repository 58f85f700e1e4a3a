"""M-Pesa Express: pushes, prompts, their ends, and asking about them."""

import re
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from core.clock import ManualClock
from tests.channels.simulator.conftest import Start
from tests.channels.simulator.rig import MSISDN, PHONE, Simulator
from tests.support.serving import eventually

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


def test_a_token_comes_with_its_life_as_text_and_as_number(simulator: Simulator) -> None:
    first, second = simulator.oauth(), simulator.oauth()

    assert set(first.json()) == {"access_token", "expires_in"}
    assert [first.json()["expires_in"], second.json()["expires_in"]] == ["3599", 3599]


def test_wrong_token_requests(simulator: Simulator) -> None:
    url = f"{simulator.base}/daraja/oauth/v1/generate"
    key = (simulator.config.consumer_key, simulator.config.consumer_secret)

    assert error(simulator.http.get(url))[:2] == (400, "400.008.01")
    assert error(simulator.http.get(url, auth=key))[:2] == (400, "400.008.02")
    stranger = simulator.http.get(
        url, params={"grant_type": "client_credentials"}, auth=("who", "else")
    )
    assert (stranger.status_code, stranger.content) == (400, b"")


def test_a_newer_token_makes_the_older_worthless(simulator: Simulator) -> None:
    old = simulator.token()
    new = simulator.token()

    assert error(simulator.push(old)) == (404, "404.001.03", "Invalid Access Token")
    assert simulator.push(new).status_code == 200


def test_a_token_grows_old(simulator: Simulator, clock: ManualClock) -> None:
    token = simulator.token()
    clock.advance(seconds=3598)
    assert simulator.push(token).status_code == 200
    clock.advance(seconds=1)
    assert error(simulator.push(token))[1] == "404.001.03"


def test_wrong_ways_to_call(simulator: Simulator) -> None:
    url = f"{simulator.base}/daraja/mpesa/stkpush/v1/processrequest"
    bearer = {"Authorization": f"Bearer {simulator.token()}"}

    assert error(simulator.http.post(url, json={}))[:2] == (404, "404.001.04")
    assert error(simulator.http.get(url, headers=bearer))[:2] == (405, "405.001")
    form = simulator.http.post(url, data={"Amount": "1"}, headers=bearer)
    assert error(form)[1:] == ("400.002.02", "Bad Request - Invalid Content-Type")
    json = bearer | {"Content-Type": "application/json"}
    assert error(simulator.http.post(url, content=b"{", headers=json))[1] == "400.002.05"
    assert error(simulator.http.post(url, content=b"[]", headers=json))[1] == "400.002.05"
    nowhere = simulator.http.post(f"{simulator.base}/daraja/mpesa/stkpush/v9/x", headers=bearer)
    assert error(nowhere)[:2] == (404, "404.001.01")


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


def test_types_vary_from_callback_to_callback(simulator: Simulator, clock: ManualClock) -> None:
    seen = []
    for count in (1, 2, 3):
        simulator.push(Amount=count)
        simulator.settle("paid")
        seen.append(result(simulator, count))

    assert [callback["ResultCode"] for callback in seen] == [0, "0", 0]
    names = [[item["Name"] for item in seen[i]["CallbackMetadata"]["Item"]] for i in range(3)]
    assert ["Balance" in row for row in names] == [True, False, True]
    assert items(seen[2])["Balance"].startswith("{Amount={CurrencyCode=KES,")


def test_an_unanswered_prompt_is_given_up(simulator: Simulator) -> None:
    simulator.control("/settings", {"prompt_seconds": 0.02})
    simulator.push()

    assert str(result(simulator)["ResultCode"]) == "1037"


def test_prompts_can_be_paid_by_themselves(simulator: Simulator) -> None:
    assert simulator.control("/settings", {"stk": "paid"})["stk"] == "paid"
    simulator.push()

    assert str(result(simulator)["ResultCode"]) == "0"


def test_a_poor_wallet_and_a_spent_day(simulator: Simulator, clock: ManualClock) -> None:
    simulator.control("/phones", {"phone": PHONE, "balance_cents": 149_999})
    simulator.push()
    assert simulator.settle("paid")["result_code"] == "1"
    for amount, code in ((250_001, "3"), (250_000, "0"), (249_999, "0"), (2, "4"), (1, "0")):
        simulator.control("/phones", {"phone": PHONE, "balance_cents": 50_000_000})
        simulator.push(Amount=amount)
        assert simulator.settle("paid")["result_code"] == code
    clock.advance(hours=24)
    simulator.control("/phones", {"phone": PHONE, "balance_cents": 50_000_000})
    simulator.push(Amount=2)
    assert simulator.settle("paid")["result_code"] == "0"


def test_a_subscriber_is_locked_while_a_prompt_is_open(
    simulator: Simulator, clock: ManualClock
) -> None:
    simulator.push()
    simulator.prompt()
    clock.advance(seconds=59)
    status, code, message = error(simulator.push(Amount=2))
    assert (status, code) == (500, "500.001.1001")
    assert message.startswith("Unable to lock subscriber")

    clock.advance(seconds=1)
    assert simulator.push(Amount=2).status_code == 200


def test_an_ended_prompt_unlocks(simulator: Simulator) -> None:
    simulator.push()
    simulator.settle("cancelled")

    assert simulator.push().status_code == 200


def test_the_same_amount_within_two_minutes_is_refused(
    simulator: Simulator, clock: ManualClock
) -> None:
    simulator.push()
    simulator.settle("paid")
    result(simulator)
    clock.advance(seconds=119)

    simulator.push()
    assert str(result(simulator, 2)["ResultCode"]) == "17"
    simulator.push(Amount=1501)
    assert simulator.settle("paid")["result_code"] == "0"

    clock.advance(seconds=1)
    simulator.push()
    assert simulator.settle("paid")["result_code"] == "0"


def test_no_prompt_reaches_a_phone_in_a_ussd_session(simulator: Simulator) -> None:
    simulator.ours.screens("CON Karibu")
    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781#"})
    simulator.push()
    assert str(result(simulator)["ResultCode"]) == "1037"

    simulator.control("/hangup", {"phone": PHONE})
    simulator.push()
    assert simulator.settle("paid")["result_code"] == "0"


def test_a_session_that_is_open_at_the_push_spoils_the_prompt(simulator: Simulator) -> None:
    simulator.control("/settings", {"prompt_delivery_seconds": 0.2})
    simulator.ours.screens("CON Karibu")
    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781#"})
    simulator.push()
    simulator.control("/hangup", {"phone": PHONE})

    assert str(result(simulator)["ResultCode"]) == "1037"


def test_a_session_that_opens_before_the_prompt_comes_spoils_it(simulator: Simulator) -> None:
    simulator.control("/settings", {"prompt_delivery_seconds": 0.2})
    simulator.ours.screens("CON Karibu")
    simulator.push()
    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781#"})

    assert str(result(simulator)["ResultCode"]) == "1037"


def test_the_radio_session_outlives_the_last_screen(
    simulator: Simulator, clock: ManualClock
) -> None:
    simulator.control("/settings", {"ussd_release_seconds": 1})
    simulator.ours.screens("END Asante")
    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781#"})
    simulator.push()
    assert str(result(simulator)["ResultCode"]) == "1037"

    clock.advance(seconds=1)
    simulator.push()
    assert simulator.prompt()


@pytest.mark.parametrize("state", [{"reachable": False}, {"on_mpesa": False}])
def test_a_phone_that_cannot_be_reached(simulator: Simulator, state: dict[str, bool]) -> None:
    simulator.control("/phones", {"phone": PHONE, **state})
    simulator.push()

    assert str(result(simulator)["ResultCode"]) == "1037"


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


def test_money_may_move_without_a_callback(simulator: Simulator) -> None:
    checkout = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("no_callback")

    assert simulator.query(checkout).json()["ResultCode"] == "0"
    assert simulator.balance_cents() == OPENING_CENTS - 150_000
    eventually(lambda: any(entry["note"] for entry in simulator.control("/log")["log"]))
    assert simulator.ours.heard == []


def test_one_payment_may_call_back_twice(simulator: Simulator) -> None:
    simulator.push()
    simulator.settle("duplicate")

    first, second = simulator.ours.wait("/stk/a1", 2)

    assert first.body == second.body
    assert simulator.balance_cents() == OPENING_CENTS - 150_000


def test_a_failure_may_turn_into_a_late_success(simulator: Simulator) -> None:
    checkout = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("timeout")
    result(simulator)

    simulator.control(f"/stk/{checkout}", {"outcome": "late_paid"})

    assert items(result(simulator, 2))["Amount"] == 1500
    assert simulator.query(checkout).json()["ResultCode"] == "0"


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


def test_the_callback_may_come_before_the_answer(simulator: Simulator) -> None:
    simulator.fault("stk", "callback_before_answer")

    answer = simulator.push()

    heard = simulator.ours.at("/stk/a1")
    assert len(heard) == 1
    callback = heard[0].json["Body"]["stkCallback"]
    assert callback["CheckoutRequestID"] == answer.json()["CheckoutRequestID"]


def test_callbacks_may_overtake_each_other(simulator: Simulator) -> None:
    simulator.fault("stk", "callback_reordered", seconds=5, phone=PHONE)
    first = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("paid")
    other = {"PartyA": "254700000002", "PhoneNumber": "254700000002"}
    second = simulator.push(**other).json()["CheckoutRequestID"]
    simulator.prompt("+254700000002")
    simulator.control(f"/stk/{second}", {"outcome": "paid"})

    heard = simulator.ours.wait("/stk/a1", 2)

    order = [item.json["Body"]["stkCallback"]["CheckoutRequestID"] for item in heard]
    assert order == [second, first]


def test_a_callback_may_be_late(simulator: Simulator) -> None:
    simulator.fault("stk", "callback_late", seconds=0.2)
    checkout = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("paid")

    assert simulator.query(checkout).json()["ResultCode"] == "0"
    assert simulator.ours.heard == []
    assert str(result(simulator)["ResultCode"]) == "0"


def test_a_daraja_callback_is_not_repeated(simulator: Simulator) -> None:
    simulator.ours.says("/stk/a1", Response(status_code=500))
    simulator.push()
    simulator.settle("paid")
    result(simulator)

    eventually(
        lambda: [
            entry
            for entry in simulator.control("/log?service=stk")["log"]
            if entry["status"] == 500
        ]
    )
    simulator.push(Amount=2)
    simulator.settle("paid")
    amounts = [
        items(heard.json["Body"]["stkCallback"])["Amount"]
        for heard in simulator.ours.wait("/stk/a1", 2)
    ]
    assert amounts == [1500, 2]


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


def test_a_registered_paybill_may_confirm_the_payment_again(start: Start) -> None:
    simulator = start(stk_raises_c2b=True)
    simulator.push()
    receipt = simulator.settle("paid")["receipt"]

    (heard,) = simulator.ours.wait("/c2b/confirmation")

    assert heard.json["TransID"] == receipt == items(result(simulator))["MpesaReceiptNumber"]
    assert heard.json["BillRefNumber"] == "K7P4Q"


def test_a_till_takes_the_other_kind(start: Start) -> None:
    simulator = start(till_number="700001")
    simulator.push(TransactionType="CustomerBuyGoodsOnline", PartyB="700001")

    assert simulator.settle("paid")["result_code"] == "0"
