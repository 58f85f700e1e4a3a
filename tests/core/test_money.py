"""Money adds up to the cent, whatever is rounded or split."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.ids import CountedIds
from core.money import CurrencyMismatch, Money, half_up, kes, split

CENTS = st.integers(-(10**12), 10**12)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=12)


@given(CENTS, st.integers(0, 10_000))
def test_a_share_is_what_decimal_arithmetic_says(cents: int, basis_points: int) -> None:
    exact = Decimal(cents) * basis_points / 10_000
    rounded = int(exact.quantize(Decimal(1), ROUND_HALF_UP))

    assert Money(cents).share(basis_points) == Money(rounded)


@given(CENTS, st.integers(1, 10**6))
def test_rounding_is_off_by_a_half_at_most_and_the_same_on_both_sides_of_zero(
    numerator: int, denominator: int
) -> None:
    rounded = half_up(numerator, denominator)

    assert 2 * abs(rounded * denominator - numerator) <= denominator
    assert half_up(-numerator, denominator) == -rounded


def test_halves_go_away_from_zero() -> None:
    assert [half_up(n, 2) for n in (-3, -1, 1, 3)] == [-2, -1, 1, 2]


@given(st.integers(0, 10**12), WEIGHTS)
def test_parts_add_up_and_none_is_a_cent_away_from_its_due(total: int, weights: list[int]) -> None:
    assume(sum(weights))
    parts = split(total, weights)

    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total * weight) < whole
        assert weight or part == 0


def test_left_over_cents_go_to_the_largest_remainders_the_earlier_first() -> None:
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(5, [3, 1, 1]) == [3, 1, 1]
    assert split(10, [5, 3, 3]) == [4, 3, 3]
    assert split(0, [1, 2]) == [0, 0]


@pytest.mark.parametrize(
    ("total", "weights"), [(-1, [1]), (1, [0]), (1, [0, 0]), (1, [2, -1]), (1, [])]
)
def test_what_cannot_be_split_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"split takes|min\(\)"):
        split(total, weights)


@given(st.integers(0, 10**12))
def test_whole_shillings_lie_around_an_amount(cents: int) -> None:
    up, down = Money(cents).up_to_shilling(), Money(cents).down_to_shilling()

    assert down.cents <= cents <= up.cents
    assert up.cents - down.cents == (0 if cents % 100 == 0 else 100)
    assert up.shillings * 100 == up.cents


def test_odd_cents_are_never_lost_silently() -> None:
    with pytest.raises(ValueError, match="whole number of shillings"):
        _ = Money(150).shillings


@pytest.mark.parametrize("amount", [1.0, "1", True, Decimal(1)])
def test_money_is_whole_cents_and_nothing_else(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount)  # type: ignore[arg-type]


def test_a_float_cannot_come_in_by_multiplying() -> None:
    with pytest.raises(TypeError):
        _ = kes(1) * 1.5  # type: ignore[operator]


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        _ = kes(1) + Money(1, "UGX")


def test_counted_ids_are_all_different_and_sort_as_they_were_made() -> None:
    ids = CountedIds()
    made = [ids.uuid() for _ in range(20_000)]

    assert len(set(made)) == 20_000
    assert made == sorted(made)
    assert {each.version for each in made} == {7}
