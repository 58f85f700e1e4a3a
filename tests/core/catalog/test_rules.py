"""People, dates and prices of a listing, by table."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog import rules
from core.catalog.rules import Category, PriceUnit, Terms
from core.errors import BadInput

# Friday, 09:00 in Nairobi.
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
FRIDAY = date(2026, 11, 20)

ROOM = Terms(
    category=Category.STAY,
    price_unit=PriceUnit.NIGHT,
    price_cents=350_000,
    units=4,
    capacity=2,
    people_min=1,
    lead_hours=24,
    starts_at=time(14),
    ends_at=time(10),
)
HALL = replace(
    ROOM,
    category=Category.VENUE,
    price_unit=PriceUnit.EVENT,
    price_cents=5_000_000,
    units=1,
    capacity=300,
    people_min=30,
    starts_at=time(8),
    ends_at=time(18),
)
BUFFET = replace(
    HALL,
    category=Category.CATERING,
    price_unit=PriceUnit.PERSON,
    price_cents=95_000,
    units=500,
    capacity=500,
    people_min=50,
)


def plus(days: int) -> date:
    return FRIDAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("terms", "people", "units"),
    [
        (ROOM, 1, 1),
        (ROOM, 2, 1),
        (ROOM, 3, 2),
        (ROOM, 8, 4),
        (HALL, 300, 1),
        (BUFFET, 120, 120),
    ],
)
def test_how_many_units_people_need(terms: Terms, people: int, units: int) -> None:
    assert rules.quantity(terms, people) == units


@pytest.mark.parametrize(
    ("terms", "people", "days", "cents"),
    [
        (ROOM, 2, 1, 350_000),
        (ROOM, 3, 2, 1_400_000),
        (replace(ROOM, price_unit=PriceUnit.PERSON, price_cents=150_000), 3, 2, 900_000),
        (HALL, 250, 1, 5_000_000),
        (replace(HALL, price_unit=PriceUnit.DAY), 250, 3, 15_000_000),
        (BUFFET, 120, 1, 11_400_000),
        (BUFFET, 120, 2, 22_800_000),
    ],
)
def test_the_base_price(terms: Terms, people: int, days: int, cents: int) -> None:
    assert rules.base_cents(terms, plus(5), plus(5 + days), people) == cents


@pytest.mark.parametrize(
    ("terms", "first", "end", "people", "code", "data"),
    [
        (ROOM, 5, 6, 0, "people_zero", {}),
        (ROOM, 5, 6, -4, "people_zero", {}),
        (ROOM, 5, 6, 9, "too_many_people", {"capacity": 8}),
        (HALL, 5, 6, 301, "too_many_people", {"capacity": 300}),
        (HALL, 5, 6, 10**9, "too_many_people", {"capacity": 5_000}),
        (HALL, 5, 6, 29, "too_few_people", {"people_min": 30}),
        (ROOM, -1, 1, 2, "date_past", {"today": FRIDAY}),
        (ROOM, 0, 1, 2, "date_too_soon", {"earliest": plus(1)}),
        (HALL, 1, 2, 50, "date_too_soon", {"earliest": plus(2)}),
        (ROOM, 366, 367, 2, "date_too_far", {"latest": plus(365)}),
        (ROOM, 5, 5, 2, "nights_bad", {"nights_max": 30}),
        (ROOM, 5, 4, 2, "nights_bad", {"nights_max": 30}),
        (ROOM, 5, 36, 2, "nights_bad", {"nights_max": 30}),
        (HALL, 5, 7, 50, "one_day_only", {}),
    ],
)
def test_a_wish_that_cannot_be_met_says_why(
    terms: Terms, first: int, end: int, people: int, code: str, data: dict[str, object]
) -> None:
    with pytest.raises(BadInput) as refused:
        rules.check_wish(terms, plus(first), plus(end), people, NOW)
    assert (refused.value.code, refused.value.data) == (code, data)


@pytest.mark.parametrize(
    ("terms", "first", "end", "people"),
    [(ROOM, 1, 31, 8), (ROOM, 365, 366, 1), (HALL, 2, 3, 30), (BUFFET, 2, 4, 500)],
)
def test_a_wish_at_the_edge_is_met(terms: Terms, first: int, end: int, people: int) -> None:
    rules.check_wish(terms, plus(first), plus(end), people, NOW)


@pytest.mark.parametrize(
    ("lead_hours", "starts_at", "earliest"),
    [
        (24, time(14), plus(1)),
        (24, time(9), plus(1)),
        (24, time(8, 59), plus(2)),
        (72, time(8), plus(4)),
        (100, time(23), plus(4)),
    ],
)
def test_the_first_day_that_leaves_the_lead_time(
    lead_hours: int, starts_at: time, earliest: date
) -> None:
    terms = replace(ROOM, lead_hours=lead_hours, starts_at=starts_at)
    assert rules.earliest_date(terms, NOW) == earliest


def test_today_is_kenyas_today_not_greenwichs() -> None:
    just_after_midnight = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
    with pytest.raises(BadInput) as refused:
        rules.check_range(FRIDAY, plus(1), just_after_midnight)
    assert refused.value.data == {"today": plus(1)}


@pytest.mark.parametrize(
    ("terms", "end", "ends"),
    [
        (ROOM, plus(7), datetime(2026, 11, 27, 7, tzinfo=UTC)),
        (HALL, plus(6), datetime(2026, 11, 25, 15, tzinfo=UTC)),
        (
            replace(HALL, starts_at=time(17), ends_at=time(1)),
            plus(6),
            datetime(2026, 11, 25, 22, tzinfo=UTC),
        ),
    ],
)
def test_when_a_service_that_starts_on_the_25th_ends(
    terms: Terms, end: date, ends: datetime
) -> None:
    assert rules.ends_moment(terms, end) == ends
    assert rules.ends_moment(terms, end) > rules.starts_moment(terms, plus(5))


def test_other_dates_come_nearest_first_and_later_before_earlier() -> None:
    free = {plus(n) for n in (3, 4, 6, 7, 8, 10)}
    assert rules.nearest_starts(free, plus(5), 1, 4) == (plus(6), plus(4), plus(7), plus(3))
    assert rules.nearest_starts(free, plus(5), 2, 9) == (plus(6), plus(7), plus(3))
    assert rules.nearest_starts(set(), plus(5), 1, 3) == ()


@given(
    people=st.integers(1, 60),
    capacity=st.integers(1, 10),
    nights=st.integers(1, 30),
    price=st.integers(100, 10**9),
)
def test_rooms_hold_everybody_and_none_stays_empty(
    people: int, capacity: int, nights: int, price: int
) -> None:
    terms = replace(ROOM, capacity=capacity, units=60, price_cents=price)
    rooms = rules.quantity(terms, people)
    assert (rooms - 1) * capacity < people <= rooms * capacity
    assert rules.base_cents(terms, plus(3), plus(3 + nights), people) == rooms * nights * price
    assert len(rules.days_in(plus(3), plus(3 + nights))) == nights
