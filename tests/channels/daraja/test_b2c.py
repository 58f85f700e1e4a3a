import base64
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import redis
import respx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from channels.daraja.b2c import PAY_PATH, STATUS_PATH, DarajaPayouts
from channels.daraja.client import DarajaClient
from channels.daraja.credential import security_credential
from channels.daraja.urls import PATH as REGISTER_PATH
from channels.daraja.urls import register_c2b_urls
from core.money import Money, kes
from core.ports.money import Accepted, PayoutGateway, PayRequest
from core.ports.providers import ProviderError
from tests.channels.daraja.rig import ATTEMPT, CALLBACKS, config, error_answer, flags, sent

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
REQUEST = PayRequest(ATTEMPT, "+254700000002", kes(1_350), "K7P4Q")
TAKEN = {
    "ConversationID": "AG_20260115_2010",
    "OriginatorConversationID": str(ATTEMPT),
    "ResponseCode": "0",
    "ResponseDescription": "Accept the service request successfully.",
}


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apicrypt.test")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=3_650))
        .sign(key, hashes.SHA256())
    )


PEM = certificate().public_bytes(Encoding.PEM).decode()
DER = base64.b64encode(certificate().public_bytes(Encoding.DER)).decode()


def opened(credential: object) -> str:
    assert isinstance(credential, str)
    return KEY.decrypt(base64.b64decode(credential), padding.PKCS1v15()).decode()


@pytest.fixture
def payouts(store: redis.Redis, daraja: respx.MockRouter) -> DarajaPayouts:
    return DarajaPayouts(DarajaClient(config(certificate=PEM), store))


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("PEM", PEM),
        ("PEM on one line", PEM.replace("\n", "\\n")),
        ("PEM with a blank line", f"\n{PEM}\n\n"),
        ("DER in base64", DER),
    ],
)
def test_only_safaricom_can_read_the_password(label: str, written: str) -> None:
    first = security_credential(written, "Password-2026")
    second = security_credential(written, "Password-2026")

    assert opened(first) == opened(second) == "Password-2026", label
    assert first != second, label


@pytest.mark.parametrize(
    ("label", "written", "password"),
    [
        ("none", "", "x"),
        ("words", "certificate", "x"),
        ("a broken PEM", PEM[:200], "x"),
        ("another curve", "", "x"),
        ("too long a password", PEM, "x" * 300),
    ],
)
def test_a_certificate_that_cannot_be_used_stops_payouts(
    label: str, written: str, password: str
) -> None:
    if label == "another curve":
        elliptic = certificate(ec.generate_private_key(ec.SECP256R1()))
        written = elliptic.public_bytes(Encoding.PEM).decode()
    with pytest.raises(ProviderError, match="misconfigured") as refused:
        security_credential(written, password)
    assert flags(refused.value) == {"stop"}, label


def test_a_payout_goes_out_as_daraja_wants_it(
    payouts: DarajaPayouts, daraja: respx.MockRouter
) -> None:
    asked = daraja.post(PAY_PATH).respond(200, json=TAKEN)
    gateway: PayoutGateway = payouts

    assert gateway.pay(REQUEST) == Accepted("AG_20260115_2010")

    body = sent(asked.calls.last.request)
    assert opened(body.pop("SecurityCredential")) == "Password-2026"
    assert body == {
        "OriginatorConversationID": str(ATTEMPT),
        "InitiatorName": "payoutapi",
        "CommandID": "BusinessPayment",
        "Amount": 1350,
        "PartyA": "600124",
        "PartyB": "254700000002",
        "Remarks": "Booking payout",
        "QueueTimeOutURL": f"{CALLBACKS}/b2c/{ATTEMPT}/timeout",
        "ResultURL": f"{CALLBACKS}/b2c/{ATTEMPT}/result",
        "Occassion": "K7P4Q",
    }


def test_the_same_payout_again_is_there_already(
    payouts: DarajaPayouts, daraja: respx.MockRouter
) -> None:
    daraja.post(PAY_PATH).mock(
        return_value=error_answer(500, "500.002.1001", "Duplicate OriginatorConversationID.")
    )

    assert payouts.pay(REQUEST) == Accepted(str(ATTEMPT))


@pytest.mark.parametrize(
    ("label", "request_", "code"),
    [
        ("too little", PayRequest(ATTEMPT, "+254700000002", kes(9), "K7P4Q"), "bad_amount"),
        ("too much", PayRequest(ATTEMPT, "+254700000002", kes(250_001), "K7P4Q"), "bad_amount"),
        ("cents", PayRequest(ATTEMPT, "+254700000002", Money(135_001), "K7P4Q"), "bad_amount"),
        ("abroad", PayRequest(ATTEMPT, "+255700000002", kes(1_350), "K7P4Q"), "bad_number"),
    ],
)
def test_what_daraja_would_refuse_is_never_sent(
    payouts: DarajaPayouts,
    daraja: respx.MockRouter,
    label: str,
    request_: PayRequest,
    code: str,
) -> None:
    with pytest.raises(ProviderError) as refused:
        payouts.pay(request_)
    assert refused.value.code == code, label
    assert not daraja.calls, label


@pytest.mark.parametrize(
    ("label", "answer", "code", "expected"),
    [
        ("late", httpx.ReadTimeout("late"), "timeout", {"unknown"}),
        ("lost", httpx.ReadError("reset"), "unavailable", {"unknown"}),
        ("refused", httpx.ConnectError("refused"), "unavailable", {"retryable"}),
        ("unclear", httpx.Response(500, text="<html>"), "unavailable", {"unknown"}),
        ("empty", httpx.Response(200), "bad_answer", {"unknown"}),
        ("not taken", httpx.Response(200, json={"ResponseCode": "9"}), "rejected", {"unknown"}),
        (
            "operator",
            httpx.Response(200, json={"ResponseCode": "2001"}),
            "bad_credentials",
            {"stop"},
        ),
        ("locked", error_answer(500, "8006", "Locked"), "bad_credentials", {"stop"}),
        ("busy", error_answer(500, "500.003.02", "System is busy"), "busy", {"retryable"}),
        ("field", error_answer(400, "400.002.02", "Invalid PartyB"), "bad_request", set()),
    ],
)
def test_a_payout_is_sent_once_and_what_is_open_is_unknown(
    payouts: DarajaPayouts,
    daraja: respx.MockRouter,
    label: str,
    answer: httpx.Response | Exception,
    code: str,
    expected: set[str],
) -> None:
    asked = daraja.post(PAY_PATH)
    asked.side_effect = [answer]

    with pytest.raises(ProviderError) as failed:
        payouts.pay(REQUEST)

    assert (failed.value.code, flags(failed.value)) == (code, expected), label
    assert asked.call_count == 1, label


def test_a_payout_is_asked_about_by_our_own_id(
    payouts: DarajaPayouts, daraja: respx.MockRouter
) -> None:
    asked = daraja.post(STATUS_PATH).respond(200, json=TAKEN)

    payouts.ask_payout(ATTEMPT)

    body = sent(asked.calls.last.request)
    assert opened(body.pop("SecurityCredential")) == "Password-2026"
    assert body == {
        "Initiator": "payoutapi",
        "CommandID": "TransactionStatusQuery",
        "OriginalConversationID": str(ATTEMPT),
        "PartyA": "600124",
        "IdentifierType": "4",
        "ResultURL": f"{CALLBACKS}/status/{ATTEMPT}/result",
        "QueueTimeOutURL": f"{CALLBACKS}/status/{ATTEMPT}/timeout",
        "Remarks": "Booking payout",
        "Occasion": "Booking payout",
    }


def test_a_question_without_an_answer_can_be_asked_again(
    payouts: DarajaPayouts, daraja: respx.MockRouter
) -> None:
    daraja.post(STATUS_PATH).side_effect = [httpx.ReadTimeout("late")]

    with pytest.raises(ProviderError, match="timeout") as late:
        payouts.ask_payout(ATTEMPT)

    assert flags(late.value) == {"retryable"}


def test_a_question_that_was_not_taken_is_no_answer(
    payouts: DarajaPayouts, daraja: respx.MockRouter
) -> None:
    daraja.post(STATUS_PATH).respond(200, json={"ResponseCode": "1"})

    with pytest.raises(ProviderError, match="rejected") as refused:
        payouts.ask_payout(ATTEMPT)

    assert flags(refused.value) == set()


def test_the_paybill_is_told_where_payments_are_reported(
    client: DarajaClient, daraja: respx.MockRouter
) -> None:
    asked = daraja.post(REGISTER_PATH).respond(
        200, json={"OriginatorCoversationID": "6f1b-1", "ResponseCode": "0"}
    )

    assert register_c2b_urls(client) is True

    assert sent(asked.calls.last.request) == {
        "ShortCode": "600123",
        "ResponseType": "Completed",
        "ConfirmationURL": f"{CALLBACKS}/c2b/confirmation",
        "ValidationURL": f"{CALLBACKS}/c2b/validation",
    }


def test_a_paybill_that_is_registered_stays_so(
    client: DarajaClient, daraja: respx.MockRouter
) -> None:
    asked = daraja.post(REGISTER_PATH)
    asked.mock(return_value=error_answer(500, "500.003.1001", "Urls are already registered"))
    assert register_c2b_urls(client) is False

    asked.mock(return_value=httpx.Response(200, json={"ResponseCode": "1"}))
    with pytest.raises(ProviderError, match="rejected"):
        register_c2b_urls(client)
