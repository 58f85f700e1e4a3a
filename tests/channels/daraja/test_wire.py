import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.daraja.wire import amount, load, moment, redact
from core.money import Money, kes
from core.ports.providers import BadCallback
from tests.channels.daraja.rig import ATTEMPT, ECHO


def test_what_is_stored_holds_no_credentials() -> None:
    body = {
        **ECHO,
        "Initiator": "payoutapi",
        "Password": "Password-2026",
        "Deep": [{"Security Credential": "c2VhbGVk", "Kept": Decimal("1350.00")}],
        "Listed": [{"Key": "InitiatorName", "Value": "payoutapi"}, {"Key": "Amount", "Value": 1}],
        "Text": "a\x00b\ud800",
    }

    stored = json.dumps(redact(body))

    for secret in ("payoutapi", "c2VhbGVk", "Password-2026", "\\u0000", "\\ud800"):
        assert secret not in stored
    assert json.loads(stored)["OriginatorConversationID"] == str(ATTEMPT)
    assert json.loads(stored)["Deep"] == [{"Kept": "1350.00"}]
    assert json.loads(stored)["Listed"] == [{}, {"Key": "Amount", "Value": 1}]


def test_what_lies_too_deep_is_not_stored() -> None:
    body: dict[str, Any] = {"Password": "Password-2026"}
    for _ in range(100):
        body = {"a": body}

    assert "Password-2026" not in json.dumps(redact(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"text"',
        b'{"a": NaN}',
        b'{"a": 1e99999999999999999999}',
        b'{"a": ' + b"9" * 5_000 + b"}",
        b"[" * 50_000,
        b'{"a": "\xff"}',
        b'{"a": "' + b"x" * 65_536 + b'"}',
    ],
    ids=range(10),
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadCallback) as refused:
        load(body)
    assert refused.value.data == {"field": "body"}


@pytest.mark.parametrize(
    ("written", "money"),
    [
        (b"1500", kes(1_500)),
        (b"1500.00", kes(1_500)),
        (b'"1500.00"', kes(1_500)),
        (b"0.1", Money(10)),
        (b"1.5e3", kes(1_500)),
        (b"null", None),
        (b'""', None),
    ],
)
def test_an_amount_is_exact(written: bytes, money: Money | None) -> None:
    assert amount(load(b'{"Amount": ' + written + b"}")["Amount"], "Amount") == money


@given(st.integers(min_value=0, max_value=25_000_000))
def test_every_amount_survives_the_wire(cents: int) -> None:
    written = f"{cents // 100}.{cents % 100:02d}"

    for body in (f'{{"Amount": {written}}}', f'{{"Amount": "{written}"}}'):
        assert amount(load(body.encode())["Amount"], "Amount") == Money(cents)
        assert amount(redact(load(body.encode()))["Amount"], "Amount") == Money(cents)


def test_a_time_is_read_in_both_forms_and_in_none() -> None:
    expected = datetime(2026, 1, 15, 7, 5, 7, tzinfo=UTC)

    for told in (20260115100507, "20260115100507", "15.01.2026 10:05:07"):
        assert moment(told) == expected
    rubbish: tuple[object, ...] = ("yesterday", "", None, True, 10**5_000, "00010101000000", {})
    for written in rubbish:
        assert moment(written) is None


@given(st.binary(max_size=200))
def test_bytes_of_strangers_are_refused_or_read(body: bytes) -> None:
    try:
        json.dumps(redact(load(body)))
    except BadCallback:
        return
