from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.africastalking.messages import (
    SMS_TEXT_MAX,
    parse_delivery_report,
    parse_opt_out,
    parse_sms,
)
from core.ports.messages import Delivery, DeliveryReport, OptedOut, SmsIn
from core.ports.providers import BadCallback

SMS = {
    "id": "1d9f3c0a",
    "date": "2026-11-20T06:00:00Z",
    "from": "+254700000002",
    "to": "20384",
    "text": "K7P4Q 1",
    "linkId": "SampleLinkId123",
    "networkCode": "63902",
}


def form(fields: dict[str, str], **changes: str | None) -> bytes:
    merged = {**fields, **changes}
    return urlencode({name: value for name, value in merged.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("label", "body", "sender", "text"),
    [
        ("international", form(SMS), "+254700000002", "K7P4Q 1"),
        ("local", form(SMS, **{"from": "0700000002"}), "+254700000002", "K7P4Q 1"),
        ("no plus", form(SMS, **{"from": "254700000002"}), "+254700000002", "K7P4Q 1"),
        ("empty text", form(SMS, text=""), "+254700000002", ""),
        ("no text", form(SMS, text=None), "+254700000002", ""),
        ("Swahili and emoji", form(SMS, text="Ndiyo 👍"), "+254700000002", "Ndiyo 👍"),
        ("a NUL", form(SMS, text="1\x00"), "+254700000002", "1"),
        ("no link, no network", form(SMS, linkId=None, networkCode=None), "+254700000002", None),
    ],
)
def test_a_message_is_read(label: str, body: bytes, sender: str, text: str | None) -> None:
    said = "K7P4Q 1" if text is None else text
    assert parse_sms(body) == SmsIn("africastalking", "1d9f3c0a", sender, "20384", said), label


@pytest.mark.parametrize(
    ("label", "body", "field"),
    [
        ("no id", form(SMS, id=None), "id"),
        ("no sender", form(SMS, **{"from": None}), "from"),
        ("a shop's name", form(SMS, **{"from": "SHOP"}), "from"),
        ("a name as long as a number", form(SMS, **{"from": "MAMANGINA1"}), "from"),
        ("no receiver", form(SMS, to=None), "to"),
        ("endless", form(SMS, text="x" * (SMS_TEXT_MAX + 1)), "text"),
        ("id twice", form(SMS) + b"&id=2", "id"),
    ],
)
def test_what_is_no_message_is_refused(label: str, body: bytes, field: str) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_sms(body)
    assert refused.value.data == {"field": field}, label


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("Sent", Delivery.ACCEPTED),
        ("Submitted", Delivery.SUBMITTED),
        ("Buffered", Delivery.BUFFERED),
        ("Success", Delivery.DELIVERED),
        ("Failed", Delivery.FAILED),
        ("Rejected", Delivery.FAILED),
        ("Expired", Delivery.FAILED),
        ("AbsentSubscriber", Delivery.FAILED),
        ("Teleported", Delivery.UNCONFIRMED),
        ("success", Delivery.UNCONFIRMED),
    ],
)
def test_a_delivery_report_keeps_the_word_it_came_with(status: str, delivery: Delivery) -> None:
    body = form({"id": "ATXid_0f3", "status": status, "phoneNumber": "+254700000002"})

    assert parse_delivery_report(body) == DeliveryReport(
        "africastalking", "ATXid_0f3", delivery, status, None
    )


def test_a_failed_delivery_says_why() -> None:
    body = form({"id": "ATXid_0f3", "status": "Failed", "failureReason": "UserInBlackList"})

    assert parse_delivery_report(body).reason == "UserInBlackList"


def test_a_report_of_nothing_is_refused() -> None:
    with pytest.raises(BadCallback):
        parse_delivery_report(form({"status": "Success"}))
    with pytest.raises(BadCallback):
        parse_delivery_report(form({"id": "ATXid_0f3"}))


def test_an_opt_out_names_the_person() -> None:
    body = form({"senderId": "NAFASI", "phoneNumber": "0700000003"})

    assert parse_opt_out(body) == OptedOut("africastalking", "+254700000003")
    with pytest.raises(BadCallback):
        parse_opt_out(form({"senderId": "NAFASI"}))


@given(st.binary(max_size=300))
def test_bytes_of_strangers_are_refused_or_read(body: bytes) -> None:
    for parse in (parse_sms, parse_delivery_report, parse_opt_out):
        try:
            parse(body)
        except BadCallback:
            continue


@given(
    st.dictionaries(
        st.sampled_from(["id", "from", "to", "text", "status", "failureReason", "phoneNumber"]),
        st.text(max_size=40),
    )
)
def test_fields_of_strangers_are_refused_or_read(fields: dict[str, str]) -> None:
    for parse in (parse_sms, parse_delivery_report, parse_opt_out):
        try:
            parse(form(fields))
        except BadCallback:
            continue
