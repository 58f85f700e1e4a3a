"""The wire table of a gateway of Hubtel's shape."""

import json
from typing import Any

import pytest

from channels.hubtel.ussd import HOPS_MAX, TYPED_MAX, read, show
from channels.ussd import Heard, UssdRequest
from core.ports.calls import Reply, SessionEnd, UssdPart
from core.ports.providers import BadCallback

CODE = "*384*7781#"
SAID: dict[str, Any] = {
    "Mobile": "254700000001",
    "SessionId": "3c796dac28174f739de4262d08409c51",
    "ServiceCode": "384*7781",
    "Type": "Initiation",
    "Message": "*384*7781#",
    "Operator": "Safaricom",
    "Sequence": 1,
    "ClientState": "",
}


def hear(**over: Any) -> Heard:
    said = {name: value for name, value in (SAID | over).items() if value is not None}
    return read(UssdRequest(b"", json.dumps(said).encode()), CODE)


def part(typed: str, *, begins: bool, number: int | None, network: str = "63902") -> UssdPart:
    session = SAID["SessionId"]
    return UssdPart("hubtel", session, "+254700000001", CODE, typed, begins, number, network)


@pytest.mark.parametrize(
    ("over", "heard"),
    [
        ({}, part("", begins=True, number=1)),
        ({"Message": "*384*7781*4507#"}, part("4507", begins=True, number=1)),
        ({"Message": "384*7781*4507*25/12"}, part("4507*25/12", begins=True, number=1)),
        ({"Type": "Response", "Message": "1", "Sequence": 2}, part("1", begins=False, number=2)),
        ({"Type": "RESPONSE", "Message": "", "Sequence": "3"}, part("", begins=False, number=3)),
        (
            {"Type": "Response", "Message": "2*3", "Sequence": 4, "Operator": "AIRTEL"},
            part("2*3", begins=False, number=4, network="63903"),
        ),
        (
            {"Type": "Response", "Message": "1", "Sequence": None, "Operator": "vodafone"},
            part("1", begins=False, number=None, network=""),
        ),
    ],
)
def test_a_hop_is_the_last_key_and_its_number(over: dict[str, Any], heard: UssdPart) -> None:
    assert hear(**over) == heard


@pytest.mark.parametrize("word", ["Release", "Timeout", "release"])
def test_the_end_comes_to_the_same_address(word: str) -> None:
    end = hear(Type=word, Message="", Sequence=5)
    session = SAID["SessionId"]
    assert end == SessionEnd(
        "hubtel", session, "+254700000001", word.lower(), hops=5, network="63902"
    )


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"Mobile": None}, "Mobile"),
        ({"Mobile": "somebody"}, "Mobile"),
        ({"SessionId": ""}, "SessionId"),
        ({"SessionId": "x" * 101}, "SessionId"),
        ({"Type": "Hijack"}, "Type"),
        ({"Type": None}, "Type"),
        ({"Message": "*384*9999#"}, "Message"),
        ({"Message": "*384*77812#"}, "Message"),
        ({"Type": "Response", "Message": "1" * (TYPED_MAX + 1)}, "Message"),
        ({"Type": "Response", "Message": "\x00"}, "Message"),
        ({"Sequence": 0}, "Sequence"),
        ({"Sequence": HOPS_MAX + 1}, "Sequence"),
        ({"Sequence": "-1"}, "Sequence"),
        ({"Sequence": "two"}, "Sequence"),
    ],
)
def test_rubbish_is_refused_by_name(over: dict[str, Any], field: str) -> None:
    with pytest.raises(BadCallback) as refused:
        hear(**over)
    assert refused.value.data["field"] == field


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 5_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadCallback):
        read(UssdRequest(b"", body), CODE)


def test_a_screen_goes_back_as_json() -> None:
    going_on = show(Reply("Where?\n1. Nairobi", final=False))
    last = show(Reply("Booked.", final=True))
    assert going_on.content_type == last.content_type == "application/json"
    assert json.loads(going_on.body) == {"Type": "Response", "Message": "Where?\n1. Nairobi"}
    assert json.loads(last.body) == {"Type": "Release", "Message": "Booked."}
