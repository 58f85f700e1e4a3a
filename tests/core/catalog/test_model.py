"""What the database refuses by itself."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from core.catalog.rules import PRICE_UNITS, Category, PriceUnit
from tests.core.catalog.market import AREA_IDS, TOWN_IDS, Market


def taken(write: Callable[[], Any]) -> bool:
    try:
        write()
    except IntegrityError:
        return False
    return True


def test_price_units_fit_categories_in_the_rules_and_in_the_database(market: Market) -> None:
    allowed = {
        category: {
            unit
            for unit in PriceUnit
            if taken(lambda c=category, u=unit: market.listing(c, price_unit=u))  # type: ignore[misc]
        }
        for category in Category
    }
    assert allowed == PRICE_UNITS


IMPOSSIBLE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"area_id": AREA_IDS["mombasa", "nyali"]}, "fk_listings_town_id_areas"),
    ({"lead_hours": 23}, "ck_listings_lead_hours"),
    ({"price_cents": 0}, "ck_listings_price"),
    ({"units": 0}, "ck_listings_units"),
    ({"capacity": 0}, "ck_listings_capacity"),
    ({"people_min": 3}, "ck_listings_people_min"),
    ({"number": 999}, "ck_listings_number"),
    ({"number": 100_000}, "ck_listings_number"),
    ({"amenities": ["a"] * 13}, "ck_listings_amenities"),
    ({"description": "x" * 501}, "ck_listings_description"),
)


def test_a_listing_that_cannot_be_is_refused(market: Market) -> None:
    for wrong, constraint in IMPOSSIBLE:
        with pytest.raises(IntegrityError, match=constraint):
            market.listing(**wrong)


def test_a_number_is_given_once_and_new_ones_come_by_themselves(market: Market) -> None:
    market.listing(number=4507)
    with pytest.raises(IntegrityError, match="uq_listings_number"):
        market.listing(number=4507)
    unnumbered = market.listing(number=None)
    assert unnumbered.number == 10_000


def test_an_area_may_be_left_out(market: Market) -> None:
    assert market.listing(town_id=TOWN_IDS["lamu"], area_id=None).area_id is None
