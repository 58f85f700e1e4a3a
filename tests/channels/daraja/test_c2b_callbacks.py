"""What is told of a payment by paybill."""

from datetime import UTC, datetime

import pytest

from channels.daraja.callbacks import parse_c2b
from core.money import kes
from core.ports.money import MoneyEvent, Outcome
from core.ports.providers import BadCallback
from tests.channels.daraja.bodies import C2B


def test_a_payment_by_paybill_keeps_the_account_as_typed() -> None:
    assert parse_c2b(C2B, shortcode="600123") == MoneyEvent(
        provider="daraja",
        outcome=Outcome.SUCCEEDED,
        receipt="UAF9Q8W7E6",
        amount=kes(1_500),
        account="k7p4q",
        code="Pay Bill",
        at=datetime(2026, 1, 15, 6, 45, 10, tzinfo=UTC),
        payer_shown=C2B["MSISDN"],
    )


@pytest.mark.parametrize(
    ("written", "payer"),
    [
        ("2547 ***** 001", None),
        ("25470****001", None),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", None),
        ("", None),
        (None, None),
        ("254700000001", "+254700000001"),
        (254700000002, "+254700000002"),
    ],
)
def test_a_masked_or_hashed_number_is_no_number(written: object, payer: str | None) -> None:
    """What is shown in its place is kept: it may look like the customer's."""
    event = parse_c2b({**C2B, "MSISDN": written})

    assert event.payer == payer
    assert event.payer_shown == (None if payer else written or None)


@pytest.mark.parametrize(
    ("label", "changes", "field"),
    [
        ("another paybill", {"BusinessShortCode": "600999"}, "BusinessShortCode"),
        ("no receipt", {"TransID": ""}, "TransID"),
        ("a receipt in words", {"TransID": "paid, honest"}, "TransID"),
        ("no amount", {"TransAmount": ""}, "TransAmount"),
        ("a negative amount", {"TransAmount": "-5.00"}, "TransAmount"),
        ("an amount with an underscore", {"TransAmount": "1_500"}, "TransAmount"),
    ],
)
def test_what_is_no_payment_by_paybill_is_refused(
    label: str, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_c2b({**C2B, **changes}, shortcode="600123")
    assert refused.value.data == {"field": field}, label
