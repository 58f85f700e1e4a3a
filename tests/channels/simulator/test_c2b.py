"""Paying the paybill by hand."""

from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from tests.channels.simulator.conftest import Start
from tests.channels.simulator.rig import PHONE, Simulator

OPENING_CENTS = 20_000_000


def pay(simulator: Simulator, **changes: Any) -> dict[str, Any]:
    order = {"phone": PHONE, "account": "k7p4q", "amount": 1500} | changes
    return dict(simulator.control("/paybill", order))


def register(simulator: Simulator, **changes: Any) -> httpx.Response:
    fields = {
        "ShortCode": simulator.config.shortcode,
        "ResponseType": "Completed",
        "ConfirmationURL": f"{simulator.ours.base}/mine/confirmation",
        "ValidationURL": f"{simulator.ours.base}/mine/validation",
    } | changes
    return simulator.daraja("/mpesa/c2b/v2/registerurl", fields)


def test_validation_asks_and_confirmation_tells(simulator: Simulator) -> None:
    done = pay(simulator)

    assert done["status"] == "completed"
    (asked,) = simulator.ours.at("/hooks/daraja/s3cret/c2b/validation")
    (told,) = simulator.ours.wait("/hooks/daraja/s3cret/c2b/confirmation")
    assert asked.json == told.json | {"OrgAccountBalance": ""}
    assert told.json == {
        "TransactionType": "Pay Bill",
        "TransID": done["receipt"],
        "TransTime": "20260115093000",
        "TransAmount": "1500.00",
        "BusinessShortCode": simulator.config.shortcode,
        "BillRefNumber": "k7p4q",
        "InvoiceNumber": "",
        "OrgAccountBalance": "1500.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 001",
        "FirstName": "AMINA",
        "MiddleName": "",
        "LastName": "",
    }
    assert simulator.balance_cents() == OPENING_CENTS - 150_000


def test_validation_can_refuse(simulator: Simulator) -> None:
    simulator.ours.says("/validation", JSONResponse({"ResultCode": "C2B00012"}))

    assert pay(simulator) == {"status": "rejected", "code": "C2B00012"}
    assert simulator.balance_cents() == OPENING_CENTS
    assert simulator.ours.at("/confirmation") == []


@pytest.mark.parametrize(
    ("default", "status"), [("Completed", "completed"), ("Cancelled", "rejected")]
)
@pytest.mark.parametrize("broken", [Response("?"), Response("{}"), Response(status_code=500)])
def test_without_an_answer_the_registered_default_applies(
    simulator: Simulator, default: str, status: str, broken: Response
) -> None:
    register(simulator, ResponseType=default)
    simulator.ours.says("/mine/validation", broken)

    assert pay(simulator)["status"] == status


def test_registering_moves_the_addresses(simulator: Simulator) -> None:
    answer = register(simulator)

    assert answer.status_code == 200
    assert set(answer.json()) == {
        "OriginatorCoversationID",
        "ResponseCode",
        "ResponseDescription",
    }
    pay(simulator)
    assert simulator.ours.wait("/mine/confirmation")
    assert simulator.ours.at("/c2b/confirmation") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("ShortCode", "1"), ("ResponseType", "Maybe"), ("ConfirmationURL", "https://a.ke/sql")],
)
def test_a_bad_field_is_named(simulator: Simulator, field: str, value: str) -> None:
    answer = register(simulator, **{field: value})

    assert answer.status_code == 400
    assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field}"


def test_production_registers_once(start: Start) -> None:
    simulator = start(register_urls_once=True)
    register(simulator)

    again = register(simulator)

    assert (again.status_code, again.json()["errorCode"]) == (500, "500.003.1001")
    assert again.json()["errorMessage"] == "Urls are already registered"


def test_validation_is_off_until_it_is_asked_for(start: Start) -> None:
    simulator = start(c2b_validation=False)
    pay(simulator)

    simulator.ours.wait("/c2b/confirmation")
    assert simulator.ours.at("/c2b/validation") == []


def test_an_empty_wallet_asks_nobody(simulator: Simulator) -> None:
    simulator.control("/phones", {"phone": PHONE, "balance_cents": 149_999})

    assert pay(simulator) == {"status": "refused", "code": "1"}
    assert simulator.ours.heard == []


def test_a_confirmation_may_come_twice_or_never(simulator: Simulator) -> None:
    simulator.fault("c2b", "callback_never")
    simulator.fault("c2b", "callback_twice", seconds=0)
    lost, doubled = pay(simulator)["receipt"], pay(simulator, amount=2)["receipt"]

    told = [heard.json["TransID"] for heard in simulator.ours.wait("/c2b/confirmation", 2)]

    assert told == [doubled, doubled]
    assert lost != doubled


def test_the_sandbox_call_pays_too(simulator: Simulator) -> None:
    answer = simulator.daraja(
        "/mpesa/c2b/v2/simulate",
        {
            "ShortCode": simulator.config.shortcode,
            "CommandID": "CustomerPayBillOnline",
            "Amount": "10",
            "Msisdn": "254700000001",
            "BillRefNumber": "K7P4Q",
        },
    )

    assert answer.json()["ResponseCode"] == "0"
    (told,) = simulator.ours.wait("/c2b/confirmation")
    assert told.json["TransAmount"] == "10.00"
