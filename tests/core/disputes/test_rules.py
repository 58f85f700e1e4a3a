"""What a decision gives to whom, for any price and any percentage."""

from hypothesis import given
from hypothesis import strategies as st

from core.disputes.rules import decide
from core.money import Money
from core.pricing.rules import Rates, quote
from core.pricing.shares import left_after

rates = st.builds(
    Rates,
    service_fee=st.integers(0, 3_000),
    commission=st.integers(0, 3_000),
    vat=st.integers(0, 2_000),
    withholding=st.integers(0, 2_000),
)


@given(st.integers(1, 100_000_00), rates, st.integers(0, 100))
def test_both_parts_are_all_and_the_kept_legs_are_exact(
    base_cents: int, at: Rates, percent: int
) -> None:
    price = quote(Money(base_cents), at)

    found = decide(price.total, percent)

    assert found.refund + found.kept == price.total
    assert found.refund.cents % 100 == 0
    assert 0 <= found.refund.cents * 100 - price.total.cents * percent < 100 * 100
    kept = left_after(price, [found.refund])
    assert kept.total == found.kept
    assert all(part.cents >= 0 for part in kept.parts)
