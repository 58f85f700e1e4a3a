"""What comes back when: tables of moments and shillings, and policies that are refused."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.booking.policy import POLICIES, check_policy, forecast, refund_of, refund_of_less
from core.clock import NAIROBI
from core.errors import BadInput
from core.limits import POLICY_TIERS_MAX
from core.money import Money, kes

# A Saturday, nine in the morning in Nairobi.
STARTS_AT = datetime(2026, 12, 5, 9, 0, tzinfo=NAIROBI)
GOLDEN = kes(66_700)
SECOND = timedelta(seconds=1)


def before(**length: float) -> datetime:
    return STARTS_AT - timedelta(**length)


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 12, number, hour, minute, tzinfo=NAIROBI)


# policy, moment, comes back of 66,700, until, then
TABLE = (
    ("standard", before(days=30), 53_360, before(hours=48), 33_350),
    ("standard", before(hours=49), 53_360, before(hours=48), 33_350),
    ("standard", before(hours=48), 53_360, before(hours=48), 33_350),
    ("standard", before(hours=48) + SECOND, 33_350, before(hours=24), 0),
    ("standard", before(hours=47), 33_350, before(hours=24), 0),
    ("standard", before(hours=24), 33_350, before(hours=24), 0),
    ("standard", before(hours=23), 0, None, None),
    ("standard", STARTS_AT + SECOND, 0, None, None),
    ("flexible", before(hours=25), 66_700, before(hours=24), 33_350),
    ("flexible", before(hours=1), 33_350, None, None),
    # In days: by the calendar, whatever the hour of the start.
    ("meetings", datetime(2026, 11, 21, 23, 59, tzinfo=NAIROBI), 66_700, None, 53_360),
    ("meetings", datetime(2026, 11, 22, 0, 1, tzinfo=NAIROBI), 53_360, None, 33_350),
    ("meetings", datetime(2026, 11, 28, 12, 0, tzinfo=NAIROBI), 53_360, None, 33_350),
    ("meetings", datetime(2026, 11, 29, 12, 0, tzinfo=NAIROBI), 33_350, day(2), 0),
    ("meetings", day(1, 23, 59), 33_350, day(2), 0),
    ("meetings", day(2, 0, 1), 0, None, None),
    # What is kept, and never less than 10,000, 12,000, 20,000.
    ("catering", before(hours=97), 66_700, before(hours=96), 50_025),
    ("catering", before(hours=80), 50_025, before(hours=72), 33_350),
    ("catering", before(hours=30), 33_350, before(hours=24), 16_675),
    ("catering", before(hours=2), 16_675, None, None),
    ("holiday", day(1) - timedelta(days=10), 66_700, None, 50_025),
    ("holiday", day(1), 33_350, day(4), 0),
    ("holiday", day(4, 1), 0, None, None),
)


@pytest.mark.parametrize(("name", "now", "back", "until", "then"), TABLE)
def test_what_comes_back_of_the_golden_booking(
    name: str, now: datetime, back: int, until: datetime | None, then: int | None
) -> None:
    found = refund_of(POLICIES[name], GOLDEN, STARTS_AT, now)

    assert found.refund == kes(back)
    assert found.refund + found.kept == GOLDEN
    assert found.then == (None if then is None else kes(then))
    if until is not None:
        assert found.drops_at == until


def test_strict_gives_half_back_for_a_fortnight_and_then_nothing() -> None:
    last_day = datetime(2026, 11, 21, 23, 59, tzinfo=NAIROBI)

    early = refund_of(POLICIES["strict"], GOLDEN, STARTS_AT, last_day)
    late = refund_of(POLICIES["strict"], GOLDEN, STARTS_AT, last_day + 2 * 60 * SECOND)

    assert (early.refund, early.then) == (kes(33_350), kes(0))
    assert early.drops_at == datetime(2026, 11, 22, tzinfo=NAIROBI)
    assert (late.refund, late.drops_at) == (kes(0), None)


@pytest.mark.parametrize(
    ("total", "hours", "back"),
    [
        (30_000, 80, 20_000),  # A quarter would be 7,500; 10,000 is kept.
        (48_000, 80, 36_000),
        (20_000, 30, 8_000),  # Half would be 10,000; 12,000 is kept.
        (15_000, 2, 0),  # Less than the least that is kept.
    ],
)
def test_the_least_amount_is_kept_where_the_percentage_is_less(
    total: int, hours: int, back: int
) -> None:
    found = refund_of(POLICIES["catering"], kes(total), STARTS_AT, before(hours=hours))

    assert found.refund == kes(back)


def test_a_share_that_is_no_whole_shilling_is_raised_for_the_customer() -> None:
    found = refund_of(POLICIES["standard"], kes(1_001), STARTS_AT, before(hours=47))

    assert (found.refund, found.kept) == (kes(501), kes(500))


def test_a_forecast_names_every_moment_at_which_it_gets_worse() -> None:
    found = forecast(POLICIES["catering"], GOLDEN, STARTS_AT, before(days=9))

    assert [(each.refund, each.drops_at) for each in found] == [
        (kes(66_700), before(hours=96)),
        (kes(50_025), before(hours=72)),
        (kes(33_350), before(hours=24)),
        (kes(16_675), None),
    ]


def test_every_named_policy_is_sound_and_knows_its_name() -> None:
    assert set(POLICIES) == {"standard", "flexible", "strict", "meetings", "catering", "holiday"}
    for name, policy in POLICIES.items():
        assert policy["name"] == name
        assert check_policy(policy)[-1].before == 0


def tiers(*raw: dict[str, Any]) -> dict[str, Any]:
    return {"name": "own", "tiers": list(raw)}


END = {"hours_before": 0, "refund_percent": 0}
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "none at all": ({"name": "own"}, "tiers", "missing"),
    "no tier": (tiers(), "tiers", "missing"),
    "too many": (
        tiers(
            *({"hours_before": 100 - i, "refund_percent": 50} for i in range(POLICY_TIERS_MAX + 1))
        ),
        "tiers",
        "too_many",
    ),
    "a gap before the start": (
        tiers({"hours_before": 24, "refund_percent": 50}),
        "tiers.0.hours_before",
        "gap",
    ),
    "two at once": (
        tiers({"days_before": 2, "keep_percent": 5}, {"days_before": 2, "keep_percent": 9}, END),
        "tiers.1.days_before",
        "overlap",
    ),
    "the wrong way round": (
        tiers({"hours_before": 24, "keep_percent": 0}, {"hours_before": 48, "keep_percent": 0}),
        "tiers.1.hours_before",
        "overlap",
    ),
    "hours beside days": (
        tiers({"days_before": 2, "keep_percent": 0}, {"hours_before": 5, "keep_percent": 9}, END),
        "tiers.1.hours_before",
        "mixed",
    ),
    "more than all": (
        tiers({"hours_before": 0, "refund_percent": 101}),
        "tiers.0.refund_percent",
        "too_big",
    ),
    "more than all kept": (
        tiers({"hours_before": 0, "keep_percent": 101}),
        "tiers.0.keep_percent",
        "too_big",
    ),
    "a negative minimum": (
        tiers({"hours_before": 0, "keep_percent": 5, "keep_min_cents": -100}),
        "tiers.0.keep_min_cents",
        "negative",
    ),
    "cents": (
        tiers({"hours_before": 0, "keep_percent": 5, "keep_min_cents": 150}),
        "tiers.0.keep_min_cents",
        "not_shillings",
    ),
    "half a percent": (
        tiers({"hours_before": 0, "keep_percent": 0.5}),
        "tiers.0.keep_percent",
        "not_whole",
    ),
    "true": (
        tiers({"hours_before": True, "keep_percent": 5}),
        "tiers.0.hours_before",
        "not_whole",
    ),
    "after the start": (
        tiers({"hours_before": -1, "keep_percent": 5}),
        "tiers.0.hours_before",
        "negative",
    ),
    "both at once": (
        tiers({"hours_before": 0, "keep_percent": 5, "refund_percent": 95}),
        "tiers.0.keep_percent",
        "both",
    ),
    "no percentage": (tiers({"hours_before": 0}), "tiers.0.refund_percent", "missing"),
    "no time": (tiers({"refund_percent": 5}), "tiers.0.hours_before", "missing"),
    "another word": (tiers({**END, "refund": 5}), "tiers.0.refund", "unknown"),
    "better later": (
        tiers({"hours_before": 48, "refund_percent": 50}, {"hours_before": 0, "keep_percent": 0}),
        "tiers.1",
        "grows",
    ),
    "no tier but a word": (tiers("all"), "tiers.0", "missing"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", WRONG)
def test_a_policy_that_leaves_something_open_is_refused_by_field(case: str) -> None:
    policy, field, problem = WRONG[case]

    with pytest.raises(BadInput, match="bad_policy") as refused:
        check_policy(policy)

    assert refused.value.data == {"field": field, "problem": problem}


@given(
    st.sampled_from(sorted(POLICIES)),
    st.integers(1, 10_000_000),
    st.integers(0, 40 * 24 * 3600),
    st.integers(1, 40 * 24 * 3600),
)
def test_waiting_never_brings_more_and_the_forecast_comes_true(
    name: str, shillings: int, seconds: int, later: int
) -> None:
    total, now = kes(shillings), before(seconds=seconds)
    found = refund_of(POLICIES[name], total, STARTS_AT, now)

    assert Money(0) <= found.refund <= total
    assert found.refund.cents % 100 == 0
    assert found.refund + found.kept == total
    afterwards = refund_of(POLICIES[name], total, STARTS_AT, now + timedelta(seconds=later))
    assert afterwards.refund <= found.refund
    if found.drops_at is None:
        assert refund_of(POLICIES[name], total, STARTS_AT, STARTS_AT).refund == found.refund
        return
    assert now <= found.drops_at
    assert refund_of(POLICIES[name], total, STARTS_AT, found.drops_at).refund == found.refund
    just_after = refund_of(POLICIES[name], total, STARTS_AT, found.drops_at + SECOND)
    assert just_after.refund == found.then
    assert just_after.refund < found.refund


@given(
    st.sampled_from(sorted(POLICIES)),
    st.lists(st.integers(1, 1_000_000), min_size=2, max_size=6),
    st.integers(0, 40 * 24 * 3600),
)
def test_smaller_in_steps_and_then_cancelled_gives_what_cancelling_gives(
    name: str, prices: list[int], seconds: int
) -> None:
    policy, now = POLICIES[name], before(seconds=seconds)
    falling = [kes(price) for price in sorted(prices, reverse=True)]
    given_back = Money(0)
    for price, lower in pairwise(falling):
        back = refund_of_less(policy, price, lower, STARTS_AT, now)
        assert Money(0) <= back <= price - lower
        assert back.cents % 100 == 0
        given_back += back

    rest = refund_of(policy, falling[-1], STARTS_AT, now).refund
    assert given_back + rest == refund_of(policy, falling[0], STARTS_AT, now).refund


def test_what_has_become_dearer_gives_nothing_back() -> None:
    with pytest.raises(ValueError, match="not become lower"):
        refund_of_less(POLICIES["standard"], kes(1), kes(2), STARTS_AT, STARTS_AT)
