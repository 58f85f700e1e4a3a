import json
from collections.abc import Iterator
from typing import Any

import pytest

from channels.africastalking.sms import AfricasTalkingSms
from channels.http import Breaker
from core.ports.messages import SmsOut, SmsSender, SmsSent
from core.ports.providers import ProviderError
from tests.support.provider import Provider, free_port, serving

MESSAGE = SmsOut("+254700000001", "Booking K7P4Q is confirmed.")
ROW = {
    "statusCode": 101,
    "number": "+254700000001",
    "status": "Success",
    "cost": "KES 0.8000",
    "messageId": "ATXid_0f3",
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def sender(provider: Provider) -> Iterator[AfricasTalkingSms]:
    made = sender_of(provider.url)
    yield made
    made.close()


def sender_of(url: str, **options: Any) -> AfricasTalkingSms:
    return AfricasTalkingSms("nafasi", "key-for-tests", url, "NAFASI", **options)


def answer(*rows: dict[str, Any], message: str = "Sent to 1/1 Total Cost: KES 0.8000") -> bytes:
    return json.dumps({"SMSMessageData": {"Message": message, "Recipients": list(rows)}}).encode()


def test_a_message_goes_out_as_the_provider_wants_it(
    provider: Provider, sender: AfricasTalkingSms
) -> None:
    provider.body = answer(ROW)
    port: SmsSender = sender

    assert port.send(MESSAGE) == SmsSent("ATXid_0f3", 80)

    assert provider.paths == ["/africastalking/version1/messaging"]
    assert provider.forms == [
        {
            "username": ["nafasi"],
            "to": ["+254700000001"],
            "message": ["Booking K7P4Q is confirmed."],
            "bulkSMSMode": ["1"],
            "from": ["NAFASI"],
        }
    ]
    headers = provider.headers[0]
    assert headers["apikey"] == "key-for-tests"
    assert headers["accept"] == "application/json"
    assert headers["content-type"] == "application/x-www-form-urlencoded"


def test_without_a_sender_id_the_shared_one_is_used(provider: Provider) -> None:
    provider.body = answer(ROW)
    sender = AfricasTalkingSms("nafasi", "key-for-tests", provider.url, "")
    sender.send(MESSAGE)
    sender.close()

    assert "from" not in provider.forms[0]


@pytest.mark.parametrize(
    ("label", "row", "sent"),
    [
        ("processed", {**ROW, "statusCode": 100}, SmsSent("ATXid_0f3", 80)),
        ("queued", {**ROW, "statusCode": 102}, SmsSent("ATXid_0f3", 80)),
        ("code as text", {**ROW, "statusCode": "101"}, SmsSent("ATXid_0f3", 80)),
        ("free", {**ROW, "cost": "0"}, SmsSent("ATXid_0f3", 0)),
        ("dollars", {**ROW, "cost": "USD 0.0079"}, SmsSent("ATXid_0f3", None)),
        ("no cost", {k: v for k, v in ROW.items() if k != "cost"}, SmsSent("ATXid_0f3", None)),
    ],
)
def test_a_taken_message(
    provider: Provider, sender: AfricasTalkingSms, label: str, row: dict[str, Any], sent: SmsSent
) -> None:
    provider.body = answer(row)
    assert sender.send(MESSAGE) == sent, label


def test_json_is_read_under_any_content_type(
    provider: Provider, sender: AfricasTalkingSms
) -> None:
    provider.body = answer(ROW)
    for content_type in ("application/json; charset=utf-8", "text/html", ""):
        provider.content_type = content_type
        assert sender.send(MESSAGE).message_id == "ATXid_0f3"


def failed(status_code: object, status: str) -> bytes:
    return answer(
        {
            "statusCode": status_code,
            "number": "+254700000001",
            "status": status,
            "cost": "0",
            "messageId": "None",
        }
    )


RETRY, STOP, UNKNOWN = "retryable", "stop", "unknown"


@pytest.mark.parametrize(
    ("label", "status", "body", "code", "flags"),
    [
        ("risk", 201, failed(401, "RiskHold"), "held", set()),
        ("sender", 201, failed(402, "InvalidSenderId"), "bad_sender", {STOP}),
        ("number", 201, failed(403, "InvalidPhoneNumber"), "bad_number", set()),
        ("landline", 201, failed(404, "UnsupportedNumberType"), "bad_number", set()),
        ("wallet", 201, failed(405, "InsufficientBalance"), "no_balance", {RETRY, STOP}),
        ("blacklist", 201, failed(406, "UserInBlacklist"), "opted_out", set()),
        ("route", 201, failed(407, "CouldNotRoute"), "no_route", {RETRY}),
        ("disturbed", 201, failed(409, "DoNotDisturbRejection"), "opted_out", set()),
        ("internal", 201, failed(500, "InternalServerError"), "unavailable", {RETRY}),
        ("gateway", 201, failed(501, "GatewayError"), "no_route", {RETRY}),
        ("rejected", 201, failed("502", "RejectedByGateway"), "no_route", {RETRY}),
        ("a code to come", 201, failed(777, "Surprise"), "bad_answer", {UNKNOWN}),
        ("no sender, no rows", 201, answer(message="InvalidSenderId"), "bad_sender", {STOP}),
        ("no rows, no word", 201, answer(message="Sent to 0/1"), "bad_answer", set()),
        ("no id", 201, answer({**ROW, "messageId": ""}), "bad_answer", {UNKNOWN}),
        ("two rows", 201, answer(ROW, ROW), "bad_answer", {UNKNOWN}),
        (
            "another's row",
            201,
            answer({**ROW, "number": "+254700000099"}),
            "bad_answer",
            {UNKNOWN},
        ),
        ("row of text", 201, b'{"SMSMessageData":{"Recipients":["x"]}}', "bad_answer", {UNKNOWN}),
        ("empty", 201, b"", "bad_answer", {UNKNOWN}),
        ("HTML", 200, b"<html>Welcome</html>", "bad_answer", {UNKNOWN}),
        ("a list", 201, b"[]", "bad_answer", {UNKNOWN}),
        ("nested", 201, b"[" * 100_000, "bad_answer", {UNKNOWN}),
        ("endless", 201, b" " * 300_000, "bad_answer", {UNKNOWN}),
        (
            "wrong key",
            401,
            b"The supplied authentication is invalid",
            "bad_credentials",
            {RETRY, STOP},
        ),
        ("too fast", 429, b"", "unavailable", {RETRY}),
        ("bad request", 400, b"Bad", "bad_answer", set()),
        ("moved", 302, b"", "bad_answer", set()),
        ("down", 503, b"<html>503</html>", "unavailable", {UNKNOWN}),
    ],
)
def test_what_a_refusal_means(
    provider: Provider,
    sender: AfricasTalkingSms,
    label: str,
    status: int,
    body: bytes,
    code: str,
    flags: set[str],
) -> None:
    provider.status, provider.body, provider.content_type = status, body, "text/plain"

    with pytest.raises(ProviderError) as refused:
        sender.send(MESSAGE)

    error = refused.value
    assert error.code == code, label
    assert {flag for flag in (RETRY, STOP, UNKNOWN) if getattr(error, flag)} == flags, label
    assert "700000001" not in str(error), label
    assert provider.paths == ["/africastalking/version1/messaging"], label


def test_a_number_that_is_none_is_never_sent(
    provider: Provider, sender: AfricasTalkingSms
) -> None:
    with pytest.raises(ProviderError, match="bad_number"):
        sender.send(SmsOut("0700000001", "x"))
    assert provider.forms == []


def test_a_late_answer_leaves_open_whether_it_was_sent(provider: Provider) -> None:
    provider.delay_seconds = 30
    sender = sender_of(provider.url, read_seconds=0.1)

    with pytest.raises(ProviderError, match="timeout") as late:
        sender.send(MESSAGE)
    sender.close()

    assert (late.value.unknown, late.value.retryable) == (True, False)
    assert len(provider.forms) == 1


def test_a_lost_connection_leaves_open_whether_it_was_sent(
    provider: Provider, sender: AfricasTalkingSms
) -> None:
    provider.hang_up = True

    with pytest.raises(ProviderError, match="unavailable") as lost:
        sender.send(MESSAGE)

    assert (lost.value.unknown, lost.value.retryable) == (True, False)
    assert len(provider.forms) == 1


def test_a_refused_connection_has_sent_nothing() -> None:
    sender = sender_of(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(ProviderError, match="unavailable") as refused:
        sender.send(MESSAGE)
    sender.close()

    assert (refused.value.unknown, refused.value.retryable) == (False, True)


def test_a_provider_that_is_down_is_left_alone_for_a_while(provider: Provider) -> None:
    provider.status = 503
    sender = sender_of(provider.url, breaker=Breaker(failures_max=3))

    for _ in range(5):
        with pytest.raises(ProviderError, match="unavailable"):
            sender.send(MESSAGE)
    sender.close()

    assert len(provider.forms) == 3
