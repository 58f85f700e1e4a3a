from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.africastalking.ussd import TRANSCRIPT_MAX, parse_event, parse_hop
from channels.form import FIELDS_MAX
from channels.ussd import marked
from core.ports.calls import Reply, SessionEnd, UssdTurn
from core.ports.providers import BadCallback

HOP = {
    "sessionId": "ATUid_5b1f0a9c8d7e",
    "phoneNumber": "+254700000001",
    "networkCode": "63902",
    "serviceCode": "*384*7781#",
    "text": "",
}
EVENT = {
    "date": "2026-11-20 06:00:00",
    "sessionId": "ATUid_5b1f0a9c8d7e",
    "serviceCode": "*384*7781#",
    "networkCode": "63902",
    "phoneNumber": "+254700000001",
    "status": "Success",
    "cost": "KES 0.10",
    "durationInMillis": "48211",
    "hopsCount": "9",
    "input": "1*2*Kilifi",
    "lastAppResponse": "END Booked.",
    "errorMessage": "",
}


def form(fields: dict[str, str], **changes: str | None) -> bytes:
    merged = {**fields, **changes}
    return urlencode({name: value for name, value in merged.items() if value is not None}).encode()


def turn(transcript: str = "", **changes: str) -> UssdTurn:
    values = {
        "provider": "africastalking",
        "session_id": "ATUid_5b1f0a9c8d7e",
        "msisdn": "+254700000001",
        "service_code": "*384*7781#",
        "transcript": transcript,
        "network": "63902",
    }
    return UssdTurn(**{**values, **changes})


@pytest.mark.parametrize(
    ("label", "body", "expected"),
    [
        ("first hop, nothing typed", form(HOP), turn()),
        ("the whole history", form(HOP, text="1*2*Kilifi"), turn("1*2*Kilifi")),
        ("dialled with input", form(HOP, text="4507"), turn("4507")),
        ("spaces and accents", form(HOP, text="1*Café Ya Pwani"), turn("1*Café Ya Pwani")),
        ("stars and hashes stay as typed", form(HOP, text="1**#*"), turn("1**#*")),
        ("no network code", form(HOP, networkCode=None), turn(network="")),
        ("an empty network code", form(HOP, networkCode=""), turn(network="")),
        ("sandbox network", form(HOP, networkCode="99999"), turn(network="99999")),
        ("a foreign number", form(HOP, phoneNumber="+255700000001"), turn(msisdn="+255700000001")),
        ("local form", form(HOP, phoneNumber="0700000001"), turn()),
        ("an unescaped plus is a space", form(HOP).replace(b"%2B", b"+"), turn()),
        ("fields that we do not know", form({**HOP, "extra": "1"}), turn()),
    ],
)
def test_a_hop_becomes_a_turn(label: str, body: bytes, expected: UssdTurn) -> None:
    assert parse_hop(body) == expected, label


@pytest.mark.parametrize(
    ("label", "body", "field"),
    [
        ("no session", form(HOP, sessionId=None), "sessionId"),
        ("empty session", form(HOP, sessionId=""), "sessionId"),
        ("endless session", form(HOP, sessionId="x" * 101), "sessionId"),
        ("line break in session", form(HOP, sessionId="a\nb"), "sessionId"),
        ("no number", form(HOP, phoneNumber=None), "phoneNumber"),
        ("a name for a number", form(HOP, phoneNumber="Amina"), "phoneNumber"),
        ("an impossible number", form(HOP, phoneNumber="+25470"), "phoneNumber"),
        ("other digits than ours", form(HOP, phoneNumber="+254" + "x" * 9), "phoneNumber"),
        ("no code", form(HOP, serviceCode=None), "serviceCode"),
        ("no text field", form(HOP, text=None), "text"),
        ("endless text", form(HOP, text="1" * (TRANSCRIPT_MAX + 1)), "text"),
        ("a NUL", form(HOP, text="1*\x00"), "text"),
        ("not UTF-8, escaped", form(HOP) + b"%ff", "text"),
        ("not UTF-8, raw", form(HOP) + b"\xff", "body"),
        ("text twice", form(HOP) + b"&text=1", "text"),
        ("session twice", form(HOP) + b"&sessionId=other", "sessionId"),
        ("endless network", form(HOP, networkCode="1" * 17), "networkCode"),
        ("JSON", b'{"sessionId": "x"}', "text"),
        ("nothing", b"", "text"),
        ("too many fields", b"&".join([form(HOP), *[b"x"] * FIELDS_MAX]), "body"),
        ("too long", form(HOP) + b"&a=" + b"1" * 65_536, "body"),
    ],
)
def test_what_is_no_hop_is_refused_by_the_name_of_the_field(
    label: str, body: bytes, field: str
) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_hop(body)
    assert refused.value.data["field"] == field, label


def test_a_text_of_the_greatest_length_is_read() -> None:
    assert parse_hop(form(HOP, text="1" * TRANSCRIPT_MAX)).transcript == "1" * TRANSCRIPT_MAX


@given(st.text(max_size=300).filter(lambda typed: "\x00" not in typed))
def test_whatever_is_typed_arrives_unchanged(typed: str) -> None:
    assert parse_hop(form(HOP, text=typed)).transcript == typed


@given(st.binary(max_size=400))
def test_bytes_of_strangers_are_refused_or_read(body: bytes) -> None:
    for parse in (parse_hop, parse_event):
        try:
            parse(body)
        except BadCallback:
            continue


@given(st.dictionaries(st.sampled_from(sorted(EVENT)), st.text(max_size=40)))
def test_fields_of_strangers_are_refused_or_read(changes: dict[str, str]) -> None:
    for parse, fields in ((parse_hop, HOP), (parse_event, EVENT)):
        try:
            parse(form(fields, **changes))
        except BadCallback as refused:
            assert refused.data["field"] in {*HOP, *EVENT}  # noqa: PT017 -- both ways are right.


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (Reply("Karibu Nafasi\n1. Find\n2. My bookings", final=False), b"CON Karibu Nafasi\n1."),
        (Reply("Booked.", final=True), b"END Booked."),
        (Reply("Café", final=True), "END Café".encode()),
    ],
)
def test_a_reply_begins_with_whether_the_conversation_goes_on(reply: Reply, body: bytes) -> None:
    assert marked(reply).body.startswith(body)
    assert marked(reply).body[4:].decode() == reply.text


def test_the_end_of_a_conversation_is_read_without_what_was_typed_and_shown() -> None:
    end = parse_event(form(EVENT))

    assert end == SessionEnd(
        provider="africastalking",
        session_id="ATUid_5b1f0a9c8d7e",
        msisdn="+254700000001",
        status="Success",
        hops=9,
        cost_cents=10,
        service_code="*384*7781#",
        network="63902",
        duration_ms=48_211,
        error="",
    )


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("0.10", 10),
        ("KES 0.10", 10),
        ("KES 0.8000", 80),
        ("KES 0.0050", 1),
        ("0", 0),
        ("USD 0.0079", None),
        ("None", None),
        ("", None),
        ("KES 1e9", None),
    ],
)
def test_a_cost_is_read_in_kenyan_cents(written: str, cents: int | None) -> None:
    assert parse_event(form(EVENT, cost=written)).cost_cents == cents


def test_an_event_needs_only_who_and_what() -> None:
    end = parse_event(
        form(EVENT, cost=None, hopsCount="many", durationInMillis="-1", errorMessage="x" * 500)
    )

    assert (end.hops, end.duration_ms, end.cost_cents, len(end.error)) == (None, None, None, 100)
    for name in ("sessionId", "phoneNumber", "status"):
        with pytest.raises(BadCallback) as refused:
            parse_event(form(EVENT, **{name: None}))
        assert refused.value.data == {"field": name}
