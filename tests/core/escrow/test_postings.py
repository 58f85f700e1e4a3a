"""The money plans, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Unposted
from core.escrow import postings
from core.escrow.accounts import NORMAL_SIDE, AccountKind, kind_of
from core.escrow.transfer import LEGS_MAX, Leg, Transfer, TransferKind
from core.limits import PRICE_MAX_CENTS
from core.money import Money, kes
from core.pricing.rules import Rates, quote
from tests.core.escrow.tools import BOOKING, CODE, PRICE, VENDOR, move


def amounts(transfer: Transfer) -> list[tuple[str, int]]:
    return [(leg.account, leg.amount.shillings) for leg in transfer.legs]


def test_a_release_shares_out_the_worked_example() -> None:
    assert amounts(postings.released(CODE, VENDOR, PRICE, booking_id=BOOKING)) == [
        ("escrow:K7P4Q", 66_700),
        ("payable:12", -40_000),
        ("revenue:service_fee", -7_500),
        ("revenue:commission", -7_500),
        ("tax:vat", -9_200),
        ("tax:withholding", -2_500),
    ]


def test_what_rounding_added_is_booked_by_its_name() -> None:
    price = quote(kes(100), Rates(service_fee=1500, commission=1500, vat=1600, withholding=500))
    legs = postings.released(CODE, VENDOR, price, booking_id=BOOKING).legs

    assert Leg("revenue:rounding", Money(-60)) in legs


def test_a_payout_books_the_providers_charge_beside_it() -> None:
    sent = postings.paid_out(
        VENDOR, "daraja", kes(40_000), reference="b2c-1", provider_fee=kes(13)
    )

    assert amounts(sent) == [
        ("payable:12", 40_000),
        ("float:daraja", -40_000),
        ("expense:provider_fees", 13),
        ("float:daraja", -13),
    ]


def test_a_receipt_counts_once_wherever_it_goes() -> None:
    to_booking = postings.paid(CODE, "daraja", kes(10), reference="SFF6", booking_id=BOOKING)
    to_nobody = postings.suspended("daraja", kes(10), "SFF6")

    assert to_booking.key == to_nobody.key == "in:daraja:SFF6"
    assert to_booking.digest != to_nobody.digest


@given(
    st.integers(1, PRICE_MAX_CENTS),
    st.tuples(*[st.integers(0, 4_999)] * 4),
)
def test_every_price_can_be_released(cents: int, points: tuple[int, int, int, int]) -> None:
    price = quote(Money(cents), Rates(*points))
    legs = postings.released(CODE, VENDOR, price, booking_id=BOOKING).legs

    assert sum(leg.amount.cents for leg in legs) == 0
    assert legs[0] == Leg("escrow:K7P4Q", price.total)


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        ((), "legs"),
        ((Leg("float:daraja", kes(1)),), "legs"),
        ((Leg("float:daraja", kes(1)),) * (LEGS_MAX + 1), "legs"),
        ((Leg("float:daraja", kes(1)), Leg("escrow:A2", kes(-2))), "unbalanced"),
        ((Leg("float:daraja", kes(1)), Leg("escrow:A2", Money(-100, "USD"))), "unbalanced"),
        ((Leg("float:daraja", kes(0)), Leg("escrow:A2", kes(0))), "empty_leg"),
        ((Leg("gold:daraja", kes(1)), Leg("escrow:A2", kes(-1))), "unknown_account"),
    ],
)
def test_a_transfer_that_cannot_be_is_never_made(legs: tuple[Leg, ...], reason: str) -> None:
    with pytest.raises(Unposted) as refused:
        Transfer("key", TransferKind.PAID, legs)
    assert refused.value.data["reason"] == reason


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_has_a_length(key: str) -> None:
    with pytest.raises(Unposted, match="key_length"):
        move(key, "float:daraja", "escrow:A2")


@pytest.mark.parametrize("shillings", [0, -5])
def test_only_a_positive_amount_moves(shillings: int) -> None:
    with pytest.raises(Unposted, match="not_positive"):
        postings.suspended("daraja", kes(shillings), "SFF6")


def test_the_digest_tells_contents_apart_but_not_orders_of_legs() -> None:
    forth = move("a", "float:daraja", "escrow:A2")
    back = Transfer("b", forth.kind, forth.legs[::-1])

    assert forth.digest == back.digest
    assert forth.digest != move("a", "float:daraja", "escrow:A3").digest
    assert forth.digest != move("a", "float:daraja", "escrow:A2", shillings=101).digest
    assert forth.digest != Transfer("a", forth.kind, forth.legs, BOOKING).digest
    assert forth.digest != Transfer("a", TransferKind.MATCHED, forth.legs).digest


def test_every_kind_of_account_has_a_side() -> None:
    assert set(NORMAL_SIDE) == set(AccountKind)
    assert kind_of("escrow:K7P4Q") is AccountKind.ESCROW
    with pytest.raises(ValueError, match="gold"):
        kind_of("gold:1")
