"""What else could be had: near in place and price, or on other dates."""

from datetime import timedelta
from typing import Any

from core.catalog import calendar
from core.catalog.queries import alternatives, free_dates_near
from tests.core.catalog.market import AREA_IDS, SATURDAY, SUNDAY, TOWN_IDS, Market


def test_alternatives_are_near_in_place_and_price_then_other_dates(market: Market) -> None:
    wanted = market.listing(title="Wanted", price_cents=300_000)
    karen: dict[str, Any] = {
        "area_id": AREA_IDS["nairobi", "karen"],
        "latitude": -1.3197,
        "longitude": 36.7073,
    }
    thika: dict[str, Any] = {
        "town_id": TOWN_IDS["thika"],
        "area_id": None,
        "latitude": -1.0333,
        "longitude": 37.0693,
    }
    mombasa: dict[str, Any] = {
        "town_id": TOWN_IDS["mombasa"],
        "area_id": None,
        "latitude": -4.05,
        "longitude": 39.66,
    }
    market.listing(title="Too far", **mombasa)
    full = market.listing(title="Full")
    with market.database.transaction() as tx:
        calendar.claim(tx, full.id, SATURDAY, SUNDAY, 1)
        calendar.claim(tx, wanted.id, SATURDAY, SUNDAY, 1)

    def offered() -> list[tuple[str, int]]:
        with market.database.transaction() as tx:
            found = alternatives(tx, wanted, SATURDAY, SUNDAY, 2)
        return [(one.title, (one.starts_on - SATURDAY).days) for one in found]

    assert offered() == [("Wanted", 1), ("Wanted", -1), ("Wanted", 2)]
    market.listing(title="Thika", **thika)
    assert offered() == [("Thika", 0), ("Wanted", 1), ("Wanted", -1)]
    market.listing(title="Karen", price_cents=310_000, **karen)
    market.listing(title="Next door, dear", price_cents=900_000)
    market.listing(title="Next door, alike", price_cents=320_000)
    assert offered() == [("Next door, alike", 0), ("Next door, dear", 0), ("Karen", 0)]


def test_other_dates_keep_the_lead_time_and_the_length(market: Market) -> None:
    room = market.listing()
    tomorrow = SATURDAY - timedelta(days=14)
    with market.database.transaction() as tx:
        calendar.claim(tx, room.id, tomorrow + timedelta(days=1), tomorrow + timedelta(days=2), 1)
        length = timedelta(days=2)
        found = free_dates_near(tx, room, tomorrow, tomorrow + length, people=2, limit=2)
        assert [(day - tomorrow).days for day in found] == [2, 3]
        too_many = free_dates_near(tx, room, tomorrow, tomorrow + length, people=3, limit=2)
        assert too_many == []
