"""Twilio's wire: what goes out, what each answer means, and what it calls back with."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from channels.http import ANSWER_MAX_BYTES
from channels.money import Forged
from channels.sms import SmsCall
from channels.twilio.messages import accept_report, accept_sms, read_report, read_sms, sign
from channels.twilio.sms import TwilioSms
from core.ports.messages import Delivery, DeliveryReport, SmsIn, SmsOut, SmsSent
from core.ports.providers import BadCallback, ProviderError
from core.settings import Settings
from tests.support.provider import Provider, serving

MESSAGE = SmsOut("+254700000001", "Booking K7P4Q is confirmed.", "n-1")
REPORTS = "https://nafasi.test/hooks/twilio/secret/delivery-reports"
SETTINGS = Settings(env="test", twilio_auth_token="token-for-tests", twilio_account_sid="AC1")
URL = "https://nafasi.test/hooks/twilio/secret/sms"
INBOUND = {"MessageSid": "SM1", "From": "+254700000001", "To": "+254700000020", "Body": "K7P4Q 1"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def sender(provider: Provider) -> Iterator[TwilioSms]:
    base = provider.url.rpartition("/")[0]
    made = TwilioSms("AC1", "token-for-tests", base, "NAFASI", REPORTS)
    yield made
    made.close()


def test_a_message_goes_out_as_a_signed_in_form(provider: Provider, sender: TwilioSms) -> None:
    provider.body = json.dumps({"sid": "SM9", "status": "queued", "price": None}).encode()

    assert sender.send(MESSAGE) == SmsSent("SM9", None)

    assert provider.paths == ["/2010-04-01/Accounts/AC1/Messages.json"]
    assert provider.forms == [
        {
            "To": ["+254700000001"],
            "From": ["NAFASI"],
            "Body": ["Booking K7P4Q is confirmed."],
            "StatusCallback": [REPORTS],
        }
    ]
    word = provider.headers[0]["authorization"].removeprefix("Basic ")
    assert base64.b64decode(word) == b"AC1:token-for-tests"


@pytest.mark.parametrize(
    ("status", "body", "code", "flags"),
    [
        (400, {"code": 21211, "message": "Invalid 'To' Phone Number"}, "bad_number", ""),
        (400, {"code": 21610, "message": "unsubscribed recipient"}, "opted_out", ""),
        (400, {"code": 21408, "message": "Permission to send"}, "no_route", ""),
        (400, {"code": 21606, "message": "From is not yours"}, "bad_sender", "stop"),
        (401, {"code": 20003, "message": "Authenticate"}, "bad_credentials", "retryable stop"),
        (401, {}, "bad_credentials", "retryable stop"),
        (400, {"code": 30002, "message": "Account suspended"}, "no_balance", "retryable stop"),
        (429, {"code": 20429, "message": "Too Many Requests"}, "unavailable", "retryable"),
        (500, {}, "unavailable", "unknown"),
        (400, {"code": 99999, "message": "New"}, "bad_answer", ""),
        (201, {}, "bad_answer", "unknown"),
        (200, {"sid": "SM1"}, "bad_answer", "unknown"),
    ],
)
def test_each_refusal_is_one_of_ours(
    provider: Provider,
    sender: TwilioSms,
    status: int,
    body: dict[str, object],
    code: str,
    flags: str,
) -> None:
    provider.status, provider.body = status, json.dumps(body).encode()
    with pytest.raises(ProviderError) as refused:
        sender.send(MESSAGE)
    error = refused.value
    said = [name for name in ("unknown", "retryable", "stop") if getattr(error, name)]
    assert (error.code, " ".join(said)) == (code, flags)


def test_an_answer_that_was_lost_is_unknown(provider: Provider, sender: TwilioSms) -> None:
    provider.hang_up = True
    with pytest.raises(ProviderError) as lost:
        sender.send(MESSAGE)
    assert lost.value.unknown
    provider.hang_up = False
    provider.body = b"x" * (ANSWER_MAX_BYTES + 1)
    with pytest.raises(ProviderError) as endless:
        sender.send(MESSAGE)
    assert endless.value.unknown


def call(form: dict[str, str], *, url: str = URL, signature: str | None = None) -> SmsCall:
    told = sign("token-for-tests", url, form) if signature is None else signature
    return SmsCall(url, b"", {"x-twilio-signature": told}, urlencode(form).encode())


def test_the_signature_is_the_published_one() -> None:
    """Worked through by hand: address, then name and value of each field by name."""
    said = f"{URL}BodyK7P4Q 1From+254700000001MessageSidSM1To+254700000020"
    digest = hmac.new(b"token-for-tests", said.encode(), hashlib.sha1).digest()
    assert sign("token-for-tests", URL, INBOUND) == base64.b64encode(digest).decode()


def test_a_message_is_kept_once_by_its_id() -> None:
    kept = accept_sms(SETTINGS, call(INBOUND))
    assert (kept.provider, kept.kind, kept.reference, kept.once) == ("twilio", "sms", "SM1", True)
    assert read_sms(kept.payload) == SmsIn(
        "twilio", "SM1", "+254700000001", "+254700000020", "K7P4Q 1"
    )


@pytest.mark.parametrize(
    ("word", "delivery"),
    [
        ("sent", Delivery.SUBMITTED),
        ("Delivered", Delivery.DELIVERED),
        ("undelivered", Delivery.FAILED),
        ("partially", Delivery.UNCONFIRMED),
    ],
)
def test_a_report_says_how_far_it_came(word: str, delivery: Delivery) -> None:
    form = {"MessageSid": "SM9", "MessageStatus": word, "ErrorCode": "30003"}
    kept = accept_report(SETTINGS, call(form))
    assert read_report(kept.payload) == DeliveryReport("twilio", "SM9", delivery, word, "30003")


def test_what_is_not_signed_by_the_token_is_forged() -> None:
    signed = call(INBOUND)
    changed = urlencode(INBOUND | {"Body": "K7P4Q 2"}).encode()
    for forged in (
        SmsCall(URL, b"", {}, signed.body),
        SmsCall(URL, b"", signed.headers, changed),
        SmsCall(f"{URL}x", b"", signed.headers, signed.body),
        call(INBOUND, signature="\u00e4"),
    ):
        with pytest.raises(Forged):
            accept_sms(SETTINGS, forged)
    with pytest.raises(Forged):
        accept_sms(Settings(env="test", twilio_auth_token=""), call(INBOUND))


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"MessageSid": ""}, "MessageSid"),
        ({"From": "NAFASI"}, "From"),
        ({"Body": "x" * 3000}, "Body"),
    ],
)
def test_rubbish_is_refused_by_name(over: dict[str, str], field: str) -> None:
    with pytest.raises(BadCallback) as refused:
        accept_sms(SETTINGS, call(INBOUND | over))
    assert refused.value.data["field"] == field
