"""The wire table of Airtel's own gateway."""

from urllib.parse import urlencode

import pytest

from channels.airtel.ussd import TYPED_MAX, read, show
from channels.ussd import Heard, UssdRequest
from core.ports.calls import Reply, SessionEnd, UssdPart
from core.ports.providers import BadCallback

CODE = "*384*7781#"
QUERY = {"SessionID": "13697502734175597", "MSISDN": "254700000001", "MSC": "m1", "input": "1"}
CLEAN = {"SessionID": "13697502734175597", "msisdn": "254700000001", "clean": "clean-session"}
AGREED = {"user": "nafasi", "password": "agreed"}


def hear(query: dict[str, str], **agreed: str) -> Heard:
    return read(UssdRequest(urlencode(query).encode(), b""), CODE, **agreed)


@pytest.mark.parametrize(
    ("typed", "begins", "left"),
    [
        ("384*7781", True, ""),
        ("384*7781*4507", True, "4507"),
        ("*384*7781#", True, ""),
        ("1", False, "1"),
        ("", False, ""),
        ("Nairobi*2", False, "Nairobi*2"),
        ("384*77812", False, "384*77812"),
    ],
)
def test_a_hop_is_the_last_key_and_the_first_one_is_our_code(
    typed: str,
    begins: bool,  # noqa: FBT001 -- a column of the table.
    left: str,
) -> None:
    expected = UssdPart(
        "airtel", QUERY["SessionID"], "+254700000001", CODE, left, begins, None, "63903"
    )
    assert hear(QUERY | {"input": typed}) == expected


def test_a_clean_up_is_the_end() -> None:
    end = hear(CLEAN | {"error": "522"})
    assert end == SessionEnd(
        "airtel", CLEAN["SessionID"], "+254700000001", "cleaned", network="63903", error="522"
    )
    assert isinstance(hear(CLEAN), SessionEnd)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({**QUERY, "SessionID": ""}, "SessionID"),
        ({**QUERY, "MSISDN": "x"}, "MSISDN"),
        ({**QUERY, "input": "1" * (TYPED_MAX + 1)}, "input"),
        ({**QUERY, "input": "\x00"}, "input"),
        ({name: value for name, value in QUERY.items() if name != "input"}, "input"),
        ({**CLEAN, "msisdn": ""}, "msisdn"),
    ],
)
def test_rubbish_is_refused_by_name(query: dict[str, str], field: str) -> None:
    with pytest.raises(BadCallback) as refused:
        hear(query)
    assert refused.value.data["field"] == field


def test_an_agreed_password_is_asked_for() -> None:
    assert hear(QUERY | {"userid": "nafasi", "password": "agreed"}, **AGREED)
    for wrong in ({}, {"userid": "nafasi"}, {"userid": "nafasi", "password": "wrong"}):
        with pytest.raises(BadCallback):
            hear(QUERY | wrong, **AGREED)


def test_the_header_says_whether_it_goes_on() -> None:
    going_on, last = show(Reply("Where?", final=False)), show(Reply("Booked.", final=True))
    assert (going_on.body, last.body) == (b"Where?", b"Booked.")
    assert (b"freeflow", b"FC") in going_on.headers
    assert (b"freeflow", b"FB") in last.headers
    assert (b"charge", b"N") in last.headers
