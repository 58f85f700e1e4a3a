"""Refunds reverse the legs of a release exactly: golden figures, and any price in any parts."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.booking.policy import POLICIES, refund_of
from core.clock import NAIROBI
from core.db.base import Json
from core.money import BASIS_POINTS, Money, kes
from core.pricing.rules import Price, Rates, quote
from core.pricing.shares import Shares, grown, left_after, reversal, shares_of

SEED = 20261120
RATES = Rates(service_fee=1_500, commission=1_500, vat=1_600, withholding=500)
GOLDEN = quote(kes(50_000), RATES)

# What is kept of 66,700 when 80 %, 50 % and nothing goes back: vendor, fee, commission, VAT,
# withholding, rounding.
KEPT = (
    (53_360, (8_000, 1_500, 1_500, 1_840, 500, 0)),
    (33_350, (20_000, 3_750, 3_750, 4_600, 1_250, 0)),
    (0, (40_000, 7_500, 7_500, 9_200, 2_500, 0)),
    (66_700, (0, 0, 0, 0, 0, 0)),
)


@pytest.mark.parametrize(("refund", "kept"), KEPT)
def test_the_golden_booking_cancelled(refund: int, kept: tuple[int, ...]) -> None:
    left = left_after(GOLDEN, [kes(refund)])

    assert [part.cents for part in left.parts] == [kes(each).cents for each in kept]


def test_a_cent_that_does_not_divide_goes_to_the_largest_remainder() -> None:
    back = reversal(shares_of(GOLDEN), Money(1))

    assert [part.cents for part in back.parts] == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("cents", [-1, GOLDEN.total.cents + 1])
def test_nothing_beyond_what_is_left_is_reversed(cents: int) -> None:
    with pytest.raises(ValueError, match="between"):
        reversal(shares_of(GOLDEN), Money(cents))


def test_a_refund_is_taken_from_what_the_one_before_has_left() -> None:
    """Taken from the whole price each time, two halves of an odd share would be too much."""
    left = left_after(GOLDEN, [kes(66_699)])

    assert left.total == kes(1)
    with pytest.raises(ValueError, match="between"):
        left_after(GOLDEN, [kes(66_699), kes(2)])


@st.composite
def rates(draw: st.DrawFn) -> Rates:
    commission = draw(st.integers(0, BASIS_POINTS - 1))
    withholding = draw(st.integers(0, BASIS_POINTS - 1 - commission))
    fee, vat = draw(st.integers(0, BASIS_POINTS)), draw(st.integers(0, BASIS_POINTS))
    return Rates(service_fee=fee, commission=commission, vat=vat, withholding=withholding)


@given(
    st.integers(1, 100_000_000_00),
    rates(),
    st.lists(st.integers(0, 1_000_000), min_size=1, max_size=8),
)
def test_partial_refunds_add_up_to_the_full_one_in_every_share(
    base: int, chosen: Rates, weights: list[int]
) -> None:
    price = quote(Money(base), chosen)
    whole = shares_of(price)
    assert whole.total == price.total
    scale = sum(weights) + 1
    parts = [Money(price.total.cents * weight // scale) for weight in weights]
    rest = price.total - sum(parts, start=Money(0))

    reversed_, left = Shares(*[Money(0)] * 6), whole
    for part in [*parts, rest]:
        back = reversal(left, part)
        assert back.total == part
        left = left - back
        assert min(each.cents for each in left.parts) >= 0
        reversed_ = Shares(*(a + b for a, b in zip(reversed_.parts, back.parts, strict=True)))

    assert reversed_ == whole == reversal(whole, price.total)
    assert left.total == Money(0)
    assert left_after(price, [*parts, rest]) == left


@given(st.integers(1, 100_000_000_00), rates(), st.integers(0, 100_000_000_00))
def test_a_price_grows_by_an_amount_in_its_own_proportions(
    base: int, chosen: Rates, more: int
) -> None:
    price = quote(Money(base), chosen)

    bigger = grown(price, Money(more))

    assert bigger.total == price.total + Money(more)
    assert bigger.base + bigger.service_fee + bigger.vat + bigger.rounding == bigger.total
    assert bigger.commission + bigger.withholding + bigger.vendor_net == bigger.base
    for part, whole in zip(shares_of(bigger).parts, shares_of(price).parts, strict=True):
        added = (part - whole).cents
        assert added >= 0
        assert abs(added * price.total.cents - whole.cents * more) < price.total.cents


def any_price(chance: Random) -> Price:
    commission = chance.randrange(BASIS_POINTS)
    drawn = Rates(
        service_fee=chance.randrange(BASIS_POINTS + 1),
        commission=commission,
        vat=chance.randrange(BASIS_POINTS + 1),
        withholding=chance.randrange(BASIS_POINTS - commission),
    )
    return quote(Money(chance.randrange(1, 10 ** chance.randrange(2, 11))), drawn)


def any_policy(chance: Random) -> Json:
    """Up to five steps, each of which gives back no more than the one before."""
    steps = 1 + chance.randrange(5)
    when = chance.choice(["hours_before", "days_before"])
    before = [*sorted(chance.sample(range(1, 365), steps - 1), reverse=True), 0]
    percents = sorted((chance.randrange(101) for _ in range(steps)), reverse=True)
    kept_cents = sorted(
        chance.choice([0, 0, 100 * chance.randrange(10_000)]) for _ in range(steps)
    )
    return {
        "tiers": [
            {when: at, "refund_percent": percent, "keep_min_cents": kept}
            for at, percent, kept in zip(before, percents, kept_cents, strict=True)
        ]
    }


def in_parts(total: Money, chance: Random) -> list[Money]:
    """Cut an amount into up to four parts, some of them nothing."""
    cuts = sorted(chance.randrange(total.cents + 1) for _ in range(chance.randrange(4)))
    return [Money(b - a) for a, b in pairwise([0, *cuts, total.cents])]


@pytest.mark.parametrize(
    "rounds",
    [
        2_000,
        pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)], id="R11"),
    ],
)
def test_random_prices_policies_and_splits_lose_no_cent(rounds: int) -> None:
    """I10 and I6 over whatever is drawn: what goes back and each share of what is kept."""
    chance, named = Random(SEED), sorted(POLICIES)
    print(f"seed {SEED}")  # noqa: T201 -- shown when it fails.
    starts_at = datetime(2026, 12, 5, 9, 0, tzinfo=NAIROBI)
    for i in range(rounds):
        price = any_price(chance)
        policy = POLICIES[chance.choice(named)] if i % 2 else any_policy(chance)
        now = starts_at - timedelta(minutes=chance.randrange(21 * 24 * 60))
        found = refund_of(policy, price.total, starts_at, now)
        parts = in_parts(found.refund, chance)
        left = left_after(price, parts)

        assert found.refund + found.kept == price.total
        assert left.total == found.kept
        assert price.base + price.service_fee + price.vat + price.rounding == price.total
        assert price.commission + price.withholding + price.vendor_net == price.base
        for part, whole in zip(left.parts, shares_of(price).parts, strict=True):
            assert 0 <= part.cents <= whole.cents
            # In proportion: each refund rounds once, by less than a cent a share.
            assert abs(part.cents * price.total.cents - whole.cents * found.kept.cents) < (
                len(parts) * price.total.cents
            )
        # And when the rest goes back too, nothing of any share is left.
        assert left - reversal(left, left.total) == left_after(price, [price.total])
