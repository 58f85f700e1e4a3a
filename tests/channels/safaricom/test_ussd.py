"""The wire table of Safaricom's own gateway."""

from urllib.parse import urlencode

import pytest

from channels.safaricom.ussd import TRANSCRIPT_MAX, read
from channels.ussd import UssdRequest
from core.ports.calls import UssdTurn
from core.ports.providers import BadCallback

CODE = "*384*7781#"
QUERY = {"ORIG": "254700000001", "DEST": "384", "SESSION_ID": "s1", "USSD_PARAMS": "7781"}


def hear(**over: str | None) -> UssdTurn:
    query = {name: value for name, value in (QUERY | over).items() if value is not None}
    return read(UssdRequest(urlencode(query).encode(), b""), CODE)


@pytest.mark.parametrize(
    ("dest", "params", "transcript"),
    [
        ("384", "7781", ""),
        ("*384#", "7781#", ""),
        ("384", "7781*4507", "4507"),
        ("384", "7781*1*2*", "1*2*"),
        ("*384*7781#", "", ""),
        ("*384*7781#", "1*2", "1*2"),
        ("*384*7781*4507#", "1", "4507*1"),
        ("384*7781", "384*7781*1", "1"),
        ("384*7781", "7781*1", "7781*1"),
    ],
)
def test_what_was_typed_is_what_stands_after_our_code(
    dest: str, params: str, transcript: str
) -> None:
    turn = hear(DEST=dest, USSD_PARAMS=params)
    assert turn == UssdTurn("safaricom", "s1", "+254700000001", CODE, transcript, "63902")


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"ORIG": None}, "ORIG"),
        ({"ORIG": "Safaricom"}, "ORIG"),
        ({"SESSION_ID": ""}, "SESSION_ID"),
        ({"DEST": None}, "DEST"),
        ({"DEST": "*385#"}, "DEST"),
        ({"USSD_PARAMS": "77812*1"}, "DEST"),
        ({"USSD_PARAMS": None}, "USSD_PARAMS"),
        ({"USSD_PARAMS": "1" * (TRANSCRIPT_MAX + 1)}, "USSD_PARAMS"),
        ({"USSD_PARAMS": "7781\x00"}, "USSD_PARAMS"),
    ],
)
def test_rubbish_is_refused_by_name(over: dict[str, str | None], field: str) -> None:
    with pytest.raises(BadCallback) as refused:
        hear(**over)
    assert refused.value.data["field"] == field
