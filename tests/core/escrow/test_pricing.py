"""What a booking costs, to the cent."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from core.db.tx import Database
from core.limits import PRICE_MAX_CENTS
from core.money import Money, kes
from core.pricing.model import RateRow
from core.pricing.queries import RatesMissing, rates_on
from core.pricing.rules import RateBase, RateName, Rates, quote
from tests.core.escrow.tools import RATES

DAY = date(2026, 11, 20)
basis_points = st.integers(0, 10_000)


def test_the_worked_example_to_the_cent() -> None:
    price = quote(kes(50_000), RATES)

    assert price.service_fee == kes(7_500)
    assert price.vat == kes(9_200)
    assert price.total == kes(66_700)
    assert price.vendor_net == kes(40_000)
    assert price.withholding == kes(2_500)
    assert price.service_fee + price.commission == kes(15_000)
    assert price.rounding == kes(0)


@pytest.mark.parametrize(
    ("base", "fee", "vat", "rounding", "total"),
    [
        (Money(0), 0, 0, 0, 0),
        (Money(1), 0, 0, 99, 100),
        # 15 % of 3.30 is 0.495 and 16 % of 3.80 is 0.608: both go up.
        (Money(330), 50, 61, 59, 500),
        (kes(1_999), 29_985, 36_782, 33, 266_700),
        (kes(100), 1_500, 1_840, 60, 13_400),
    ],
)
def test_parts_are_rounded_half_up_and_the_total_up_to_a_shilling(
    base: Money, fee: int, vat: int, rounding: int, total: int
) -> None:
    price = quote(base, RATES)

    assert [price.service_fee.cents, price.vat.cents] == [fee, vat]
    assert [price.rounding.cents, price.total.cents] == [rounding, total]


@given(st.integers(0, PRICE_MAX_CENTS), basis_points, basis_points, basis_points, basis_points)
def test_every_cent_of_every_price_is_somebodys(
    cents: int, service_fee: int, commission: int, vat: int, withholding: int
) -> None:
    assume(commission + withholding < 10_000)
    price = quote(Money(cents), Rates(service_fee, commission, vat, withholding))

    shares = (
        price.vendor_net,
        price.commission,
        price.withholding,
        price.service_fee,
        price.vat,
        price.rounding,
    )
    assert sum(share.cents for share in shares) == price.total.cents
    assert all(share.cents >= 0 for share in shares)
    assert price.total.cents % 100 == 0
    assert price.rounding.cents < 100


def test_prices_below_zero_and_rates_beyond_all_are_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        quote(Money(-1), RATES)
    with pytest.raises(ValueError, match="vat"):
        Rates(service_fee=0, commission=0, vat=10_001, withholding=0)
    with pytest.raises(ValueError, match="nothing for the vendor"):
        Rates(service_fee=0, commission=5_000, vat=0, withholding=5_000)


def test_a_new_database_has_the_rates_of_the_worked_example(database: Database) -> None:
    with database.transaction() as tx:
        assert rates_on(tx, DAY) == RATES
        assert rates_on(tx, DAY, "stays") == RATES


def test_a_category_beats_the_general_rate_and_the_latest_day_counts(database: Database) -> None:
    tomorrow = DAY + timedelta(days=1)
    with database.transaction() as tx:
        for category, points, since in (
            (None, 1_700, DAY),
            (None, 1_800, tomorrow),
            ("stays", 1_200, date(2025, 1, 1)),
        ):
            tx.db.add(
                RateRow(
                    name=RateName.COMMISSION,
                    category=category,
                    basis_points=points,
                    effective_from=since,
                )
            )

    with database.transaction() as tx:
        assert rates_on(tx, DAY - timedelta(days=1)).commission == 1_500
        assert rates_on(tx, DAY, "venues").commission == 1_700
        assert rates_on(tx, tomorrow).commission == 1_800
        assert rates_on(tx, tomorrow, "stays").commission == 1_200
        assert rates_on(tx, tomorrow, "stays").vat == 1_600


def test_a_day_without_rates_prices_nothing(database: Database) -> None:
    with database.transaction() as tx, pytest.raises(RatesMissing) as missing:
        rates_on(tx, date(2024, 12, 26))
    assert missing.value.data["names"] == ["service_fee", "commission", "vat", "withholding"]


def test_one_rate_a_day_also_where_no_category_is_named(database: Database) -> None:
    twice = RateRow(
        name=RateName.VAT, category=None, basis_points=1, effective_from=date(2024, 12, 27)
    )
    with pytest.raises(IntegrityError, match="uq_rates"), database.transaction() as tx:
        tx.db.add(twice)


def test_vat_may_be_of_our_fee_alone() -> None:
    price = quote(kes(50_000), replace(RATES, vat_base=RateBase.FEE))

    assert price.vat == kes(1_200)
    assert price.total == kes(58_700)
    assert price.vendor_net == kes(40_000)


def test_withholding_may_be_of_what_the_commission_leaves() -> None:
    price = quote(kes(50_000), replace(RATES, withholding_base=RateBase.AFTER_COMMISSION))

    assert price.withholding == kes(2_125)
    assert price.vendor_net == kes(40_375)
    assert price.total == kes(66_700)


def test_a_tax_is_not_of_what_it_cannot_be_of() -> None:
    with pytest.raises(ValueError, match="cannot be of"):
        replace(RATES, vat_base=RateBase.PRICE)
    with pytest.raises(ValueError, match="cannot be of"):
        replace(RATES, withholding_base=RateBase.FEE)


def test_what_a_tax_is_of_is_dated_as_its_rate(database: Database) -> None:
    tomorrow = DAY + timedelta(days=1)

    def add(name: RateName) -> None:
        of_fee = RateRow(name=name, basis_points=1600, effective_from=tomorrow, base=RateBase.FEE)
        database.run(lambda tx: tx.db.add(of_fee))

    add(RateName.VAT)

    with database.transaction() as tx:
        assert rates_on(tx, DAY).vat_base is RateBase.PRICE_AND_FEE
        assert rates_on(tx, tomorrow).vat_base is RateBase.FEE
    with pytest.raises(IntegrityError, match="ck_rates_base_of_name"):
        add(RateName.COMMISSION)
