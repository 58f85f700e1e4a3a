"""Kannel's wire: what goes out, what each answer means, and what it calls back with."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from channels.kannel.messages import accept_report, accept_sms, read_report, read_sms
from channels.kannel.sms import KannelSms
from channels.sms import SmsCall
from core.ports.messages import Delivery, SmsIn, SmsOut, SmsSent
from core.ports.providers import BadCallback, ProviderError
from core.settings import Settings
from tests.support.provider import Provider, free_port, serving

MESSAGE = SmsOut("+254700000001", "Booking K7P4Q is confirmed.", "n-1")
REPORTS = "https://nafasi.test/hooks/kannel/secret/delivery-reports"
SETTINGS = Settings(env="test")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


def sender_of(base: str) -> KannelSms:
    return KannelSms("nafasi", "password-for-tests", base, "NAFASI", REPORTS)


@pytest.fixture
def sender(provider: Provider) -> Iterator[KannelSms]:
    made = sender_of(provider.url.rpartition("/")[0])
    yield made
    made.close()


def test_a_message_goes_out_with_the_address_of_its_report(
    provider: Provider, sender: KannelSms
) -> None:
    provider.status, provider.body = 202, b"0: Accepted for delivery"

    assert sender.send(MESSAGE) == SmsSent("n-1", None), "it has no name there but ours"

    assert provider.paths == ["/cgi-bin/sendsms"]
    [query] = provider.forms
    assert query["to"] == ["+254700000001"]
    assert query["text"] == ["Booking K7P4Q is confirmed."]
    assert (query["username"], query["from"]) == (["nafasi"], ["NAFASI"])
    told = urlsplit(query["dlr-url"][0])
    assert told.geturl().startswith(REPORTS)
    assert parse_qs(told.query.replace("%d", "8")) == {"id": ["n-1"], "status": ["8"]}


@pytest.mark.parametrize(
    ("status", "code", "flags"),
    [
        (403, "bad_credentials", "retryable stop"),
        (503, "no_route", "retryable"),
        (500, "unavailable", "unknown"),
        (400, "bad_number", ""),
        (200, "bad_answer", "unknown"),
    ],
)
def test_each_refusal_is_one_of_ours(
    provider: Provider, sender: KannelSms, status: int, code: str, flags: str
) -> None:
    provider.status = status
    with pytest.raises(ProviderError) as refused:
        sender.send(MESSAGE)
    error = refused.value
    said = [name for name in ("unknown", "retryable", "stop") if getattr(error, name)]
    assert (error.code, " ".join(said)) == (code, flags)


def test_a_gateway_that_is_not_there_has_sent_nothing() -> None:
    sender = sender_of(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ProviderError) as away:
        sender.send(MESSAGE)
    sender.close()
    assert (away.value.code, away.value.unknown) == ("unavailable", False)


def call(**query: str) -> SmsCall:
    return SmsCall("https://nafasi.test/hooks", urlencode(query).encode(), {}, b"")


def test_a_message_is_kept_once_by_its_id() -> None:
    kept = accept_sms(SETTINGS, call(id="m-1", **{"from": "0700000001"}, to="20384", text="HELP"))
    assert (kept.kind, kept.reference, kept.once) == ("sms", "m-1", True)
    assert read_sms(kept.payload) == SmsIn("kannel", "m-1", "+254700000001", "20384", "HELP")


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("1", Delivery.DELIVERED),
        ("2", Delivery.FAILED),
        ("4", Delivery.BUFFERED),
        ("8", Delivery.SUBMITTED),
        ("16", Delivery.FAILED),
        ("32", Delivery.UNCONFIRMED),
    ],
)
def test_a_report_says_how_far_it_came(status: str, delivery: Delivery) -> None:
    report = read_report(accept_report(SETTINGS, call(id="n-1", status=status)).payload)
    assert (report.message_id, report.delivery, report.status) == ("n-1", delivery, status)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "0700000001", "to": "20384", "text": "x"}, "id"),
        ({"id": "m-1", "from": "NAFASI", "to": "20384", "text": "x"}, "from"),
        ({"id": "m-1", "from": "0700000001", "to": "", "text": "x"}, "to"),
        ({"id": "m-1", "from": "0700000001", "to": "20384", "text": "x" * 3000}, "text"),
    ],
)
def test_rubbish_is_refused_by_name(query: dict[str, str], field: str) -> None:
    with pytest.raises(BadCallback) as refused:
        accept_sms(SETTINGS, call(**query))
    assert refused.value.data["field"] == field
