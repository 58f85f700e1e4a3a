from datetime import UTC, datetime

import httpx
import pytest
import respx

from channels.daraja.client import DarajaClient
from channels.daraja.stk import PUSH_PATH, QUERY_PATH, DarajaCollections, password, timestamp
from core.clock import ManualClock
from core.money import Money, kes
from core.ports.money import Accepted, CollectionGateway, MoneyEvent, Outcome, PushRequest, Reason
from core.ports.providers import ProviderError
from tests.channels.daraja.rig import ATTEMPT, CALLBACKS, config, error_answer, flags, sent

NOW = datetime(2026, 1, 15, 6, 30, tzinfo=UTC)  # 09:30 in Nairobi.
REQUEST = PushRequest(ATTEMPT, "+254700000001", kes(1_500), "K7P4Q")
TAKEN = {
    "MerchantRequestID": "29115-7",
    "CheckoutRequestID": "ws_CO_15012026093001",
    "ResponseCode": "0",
    "ResponseDescription": "Success. Request accepted for processing",
    "CustomerMessage": "Success. Request accepted for processing",
}


@pytest.fixture
def collections(client: DarajaClient) -> DarajaCollections:
    return DarajaCollections(client, ManualClock(NOW))


@pytest.mark.parametrize(
    ("shortcode", "passkey", "at", "expected"),
    [
        (
            "600123",
            "demo-passkey-0001",
            "20260115093000",
            "NjAwMTIzZGVtby1wYXNza2V5LTAwMDEyMDI2MDExNTA5MzAwMA==",
        ),
        (
            "174379",
            "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919",
            "20160216165627",
            (
                "MTc0Mzc5YmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJh"
                "ZGExZWQyYzkxOTIwMTYwMjE2MTY1NjI3"
            ),
        ),
    ],
)
def test_the_password_of_the_published_examples(
    shortcode: str, passkey: str, at: str, expected: str
) -> None:
    assert password(shortcode, passkey, at) == expected


def test_the_timestamp_is_nairobi_time() -> None:
    assert timestamp(datetime(2025, 12, 31, 21, 30, 5, tzinfo=UTC)) == "20260101003005"


def test_a_push_goes_out_as_daraja_wants_it(
    collections: DarajaCollections, daraja: respx.MockRouter
) -> None:
    asked = daraja.post(PUSH_PATH).respond(200, json=TAKEN)
    gateway: CollectionGateway = collections

    assert gateway.push(REQUEST) == Accepted("ws_CO_15012026093001")

    request = asked.calls.last.request
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["content-type"] == "application/json"
    assert sent(request) == {
        "BusinessShortCode": "600123",
        "Password": "NjAwMTIzZGVtby1wYXNza2V5LTAwMDEyMDI2MDExNTA5MzAwMA==",
        "Timestamp": "20260115093000",
        "TransactionType": "CustomerPayBillOnline",
        "Amount": 1500,
        "PartyA": "254700000001",
        "PartyB": "600123",
        "PhoneNumber": "254700000001",
        "CallBackURL": f"{CALLBACKS}/stk/{ATTEMPT}",
        "AccountReference": "K7P4Q",
        "TransactionDesc": "Booking",
    }


@pytest.mark.parametrize(
    ("label", "request_", "code"),
    [
        ("cents", PushRequest(ATTEMPT, "+254700000001", Money(150_050), "K7P4Q"), "bad_amount"),
        ("nothing", PushRequest(ATTEMPT, "+254700000001", kes(0), "K7P4Q"), "bad_amount"),
        ("too much", PushRequest(ATTEMPT, "+254700000001", kes(250_001), "K7P4Q"), "bad_amount"),
        ("dollars", PushRequest(ATTEMPT, "+254700000001", Money(100, "USD"), "K"), "bad_amount"),
        ("Tanzanian", PushRequest(ATTEMPT, "+255700000001", kes(1), "K7P4Q"), "bad_number"),
        ("landline", PushRequest(ATTEMPT, "+254200000001", kes(1), "K7P4Q"), "bad_number"),
        ("no plus", PushRequest(ATTEMPT, "254700000001", kes(1), "K7P4Q"), "bad_number"),
        ("long", PushRequest(ATTEMPT, "+254700000001", kes(1), "K7P4QK7P4QK7P"), "bad_reference"),
        ("a sign", PushRequest(ATTEMPT, "+254700000001", kes(1), "K7P4&"), "bad_reference"),
        ("empty", PushRequest(ATTEMPT, "+254700000001", kes(1), ""), "bad_reference"),
    ],
)
def test_what_daraja_would_refuse_is_never_sent(
    collections: DarajaCollections,
    daraja: respx.MockRouter,
    label: str,
    request_: PushRequest,
    code: str,
) -> None:
    with pytest.raises(ProviderError) as refused:
        collections.push(request_)
    assert refused.value.code == code, label
    assert flags(refused.value) == set(), label
    assert not daraja.calls, label


@pytest.mark.parametrize(
    ("msisdn", "amount"), [("+254110000001", kes(1)), ("+254700000001", kes(250_000))]
)
def test_new_prefixes_and_the_bounds_themselves_are_sent(
    collections: DarajaCollections, daraja: respx.MockRouter, msisdn: str, amount: Money
) -> None:
    daraja.post(PUSH_PATH).respond(200, json=TAKEN)

    assert collections.push(PushRequest(ATTEMPT, msisdn, amount, "K7P4Q")).reference


SPIKE = {
    "fault": {
        "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=1}",
        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
    }
}
NO_PRODUCT = {
    "fault": {
        "faultstring": "Invalid API call as no apiproduct match found",
        "detail": {"errorcode": "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound"},
    }
}
SOAP = {"Envelope": {"Body": {"Fault": {"faultstring": "x"}}}}


@pytest.mark.parametrize(
    ("label", "answer", "code", "expected"),
    [
        ("amount", error_answer(400, "400.002.02", "Invalid Amount"), "bad_amount", set()),
        ("number", error_answer(400, "400.002.02", "Invalid PhoneNumber"), "bad_number", set()),
        ("field", error_answer(400, "400.002.02", "Invalid CallBackURL"), "bad_request", set()),
        ("payload", error_answer(400, "400.002.05", "Invalid Request Payload"), "bad_request", {}),
        ("path", error_answer(404, "404.001.01", "Not found"), "misconfigured", {"stop"}),
        ("method", error_answer(405, "405.001", "Not allowed"), "misconfigured", {"stop"}),
        (
            "merchant",
            error_answer(500, "500.001.1001", "[MerchantValidate] - Merchant does not exist"),
            "misconfigured",
            {"stop"},
        ),
        (
            "passkey",
            error_answer(500, "500.001.1001", "Wrong credentials"),
            "bad_credentials",
            {"stop"},
        ),
        (
            "locked",
            error_answer(500, "500.001.1001", "Unable to lock subscriber, a transaction is..."),
            "subscriber_busy",
            {"retryable"},
        ),
        (
            "half way",
            error_answer(500, "500.001.1001", "The transaction is being processed"),
            "pending",
            {"unknown"},
        ),
        (
            "same code, new words",
            error_answer(500, "500.001.1001", "Surprise"),
            "unavailable",
            {"unknown"},
        ),
        ("busy", error_answer(500, "500.003.02", "System is busy"), "busy", {"retryable"}),
        ("quota", error_answer(500, "500.003.03", "Quota Violation"), "busy", {"retryable"}),
        ("internal", error_answer(500, "500.003.1001", "Internal"), "unavailable", {"unknown"}),
        ("upkeep", error_answer(503, "00.002.1001", "x"), "unavailable", {"retryable"}),
        ("gateway", httpx.Response(500, json=SPIKE), "busy", {"retryable"}),
        ("gateway 429", httpx.Response(429, json=SPIKE), "busy", {"retryable"}),
        ("product", httpx.Response(401, json=NO_PRODUCT), "misconfigured", {"stop"}),
        ("SOAP", httpx.Response(500, json=SOAP), "unavailable", {"unknown"}),
        ("SOAP, 200", httpx.Response(200, json=SOAP), "bad_answer", {"unknown"}),
        ("HTML", httpx.Response(502, text="<html>"), "unavailable", {"unknown"}),
        ("HTML, 200", httpx.Response(200, text="<html>"), "bad_answer", {"unknown"}),
        ("empty", httpx.Response(200), "bad_answer", {"unknown"}),
        ("empty 400", httpx.Response(400), "rejected", set()),
        ("firewall", httpx.Response(403, text="<html>"), "rejected", set()),
        ("gone slow", httpx.Response(408), "timeout", {"unknown"}),
        ("moved", httpx.Response(301), "misconfigured", {"stop"}),
        ("a list", httpx.Response(200, json=[]), "bad_answer", {"unknown"}),
        ("error under 200", error_answer(200, "500.003.02", "Busy"), "busy", {"retryable"}),
        ("not taken", httpx.Response(200, json={"ResponseCode": "1"}), "rejected", set()),
        ("no code", httpx.Response(200, json={"Hello": "1"}), "rejected", {"unknown"}),
        ("no id", httpx.Response(200, json={"ResponseCode": "0"}), "bad_answer", {"unknown"}),
        (
            "nested code",
            httpx.Response(500, json={"errorCode": {"a": []}, "errorMessage": 5}),
            "unavailable",
            {"unknown"},
        ),
    ],
)
def test_what_an_immediate_answer_means(
    collections: DarajaCollections,
    daraja: respx.MockRouter,
    label: str,
    answer: httpx.Response,
    code: str,
    expected: set[str],
) -> None:
    asked = daraja.post(PUSH_PATH).mock(return_value=answer)

    with pytest.raises(ProviderError) as refused:
        collections.push(REQUEST)

    assert refused.value.code == code, label
    assert flags(refused.value) == set(expected), label
    assert asked.call_count == 1, label


@pytest.mark.parametrize(
    ("failure", "code", "expected"),
    [
        (httpx.ConnectError, "unavailable", {"retryable"}),
        (httpx.ReadTimeout, "timeout", {"unknown"}),
        (httpx.RemoteProtocolError, "unavailable", {"unknown"}),
    ],
)
def test_a_push_without_an_answer_is_never_repeated_by_itself(
    collections: DarajaCollections,
    daraja: respx.MockRouter,
    failure: type[Exception],
    code: str,
    expected: set[str],
) -> None:
    asked = daraja.post(PUSH_PATH).mock(side_effect=failure)

    with pytest.raises(ProviderError) as failed:
        collections.push(REQUEST)

    assert (failed.value.code, flags(failed.value)) == (code, expected)
    assert asked.call_count == 1


@pytest.mark.parametrize(
    ("result_code", "outcome", "reason"),
    [
        ("0", Outcome.SUCCEEDED, None),
        pytest.param(0, Outcome.SUCCEEDED, None, id="number"),
        ("4999", Outcome.PENDING, None),
        ("1", Outcome.FAILED, Reason.INSUFFICIENT),
        (1032, Outcome.FAILED, Reason.CANCELLED),
        ("1037", Outcome.FAILED, Reason.UNREACHABLE),
        ("1019", Outcome.FAILED, Reason.EXPIRED),
        ("2001", Outcome.FAILED, Reason.WRONG_PIN),
        ("17", Outcome.FAILED, Reason.BUSY),
        ("SFC_IC0003", Outcome.FAILED, Reason.CONFIGURATION),
        ("31337", Outcome.UNKNOWN, None),
    ],
)
def test_asking_tells_the_outcome_but_no_receipt(
    collections: DarajaCollections,
    daraja: respx.MockRouter,
    result_code: object,
    outcome: Outcome,
    reason: Reason | None,
) -> None:
    asked = daraja.post(QUERY_PATH).respond(
        200, json={**TAKEN, "ResultCode": result_code, "ResultDesc": "Whatever it says"}
    )

    event = collections.ask(ATTEMPT, "ws_CO_15012026093001")

    assert event == MoneyEvent(
        provider="daraja",
        outcome=outcome,
        attempt_id=ATTEMPT,
        reference="ws_CO_15012026093001",
        reason=reason,
        code=str(result_code),
        text="Whatever it says",
    )
    assert sent(asked.calls.last.request) == {
        "BusinessShortCode": "600123",
        "Password": "NjAwMTIzZGVtby1wYXNza2V5LTAwMDEyMDI2MDExNTA5MzAwMA==",
        "Timestamp": "20260115093000",
        "CheckoutRequestID": "ws_CO_15012026093001",
    }


def test_a_payment_under_way_is_pending(
    collections: DarajaCollections, daraja: respx.MockRouter
) -> None:
    daraja.post(QUERY_PATH).mock(
        return_value=error_answer(500, "500.001.1001", "The transaction is being processed")
    )

    assert collections.ask(ATTEMPT, "ws_CO_1").outcome is Outcome.PENDING


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="<html>"),
        httpx.Response(200, json={"ResponseCode": "0"}),
        httpx.Response(200, json={"ResponseCode": "0", "ResultCode": None}),
        httpx.Response(200, json={"ResponseCode": "0", "ResultCode": [1]}),
        error_answer(500, "500.003.02", "Spike Arrest Violation"),
        httpx.ReadTimeout("late"),
    ],
)
def test_a_question_without_an_answer_can_be_asked_again(
    collections: DarajaCollections,
    daraja: respx.MockRouter,
    answer: httpx.Response | httpx.ReadTimeout,
) -> None:
    daraja.post(QUERY_PATH).side_effect = [answer]

    with pytest.raises(ProviderError) as failed:
        collections.ask(ATTEMPT, "ws_CO_1")

    assert flags(failed.value) == {"retryable"}


@pytest.mark.parametrize(
    "changes",
    [{"public_url": "https://mpesa.example.test"}, {"callback_secret": "a1SQLb2"}],
)
def test_callback_addresses_that_daraja_drops_are_refused_at_the_start(
    changes: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match="callback addresses") as refused:
        config(**changes)
    assert "a1SQLb2" not in str(refused.value)


def test_secrets_are_not_shown() -> None:
    shown = repr(config(certificate="certificate-text"))

    for secret in ("key-for-tests", "secret-for-tests", "demo-passkey", "Password-2026", "0f1e2d"):
        assert secret not in shown
