"""R1: many clients want overlapping stays of one listing; no night is sold twice."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import pytest
from sqlalchemy import text

from core.catalog import calendar
from core.clock import nairobi_date
from core.db.tx import Tx
from core.errors import NoUnits
from tests.conftest import START
from tests.core.booking.world import World
from tests.core.escrow.tools import run_sql, together

CLIENTS = 32
DAYS = 40
# One is enough but for very bad luck.
CROWDS_MAX = 5
CROWD_SECONDS = 600
IN_FULL = [pytest.mark.slow, pytest.mark.timeout(3600)]
FIRST = nairobi_date(START) + timedelta(days=3)

Claim = Callable[[World, date, date, int], None]


def guarded(world: World, starts_on: date, ends_on: date, quantity: int) -> None:
    """As it ships."""
    world.run(lambda tx: calendar.claim(tx, world.listing.id, starts_on, ends_on, quantity))


def naive(world: World, starts_on: date, ends_on: date, quantity: int) -> None:
    """Look, then count; what is counted is not looked at again."""

    def work(tx: Tx) -> None:
        if calendar.min_free(tx, world.listing.id, starts_on, ends_on) < quantity:
            raise NoUnits
        tx.db.execute(
            text(
                "INSERT INTO listing_days (listing_id, day, units, booked)"
                " SELECT :listing, day, :units, :quantity"
                " FROM generate_series(:first, :last, interval '1 day') AS day"
                " ON CONFLICT (listing_id, day)"
                " DO UPDATE SET booked = listing_days.booked + excluded.booked"
            ),
            {
                "listing": world.listing.id,
                "units": world.listing.units,
                "quantity": quantity,
                "first": starts_on,
                "last": ends_on - timedelta(days=1),
            },
        )

    world.run(work)


def crowd(world: World, seed: int, attempts: int, claim: Claim) -> Counter[date]:
    """Let everybody claim stays of up to a week; return what was sold on each night."""

    def client(i: int) -> Counter[date]:
        chance, sold = Random(seed * CLIENTS + i), Counter[date]()
        for _ in range(attempts // CLIENTS):
            starts_on = FIRST + timedelta(days=chance.randrange(DAYS))
            nights = 1 + chance.randrange(7)
            quantity = 1 + chance.randrange(3)
            try:
                claim(world, starts_on, starts_on + timedelta(days=nights), quantity)
            except NoUnits:
                continue
            sold.update({starts_on + timedelta(days=n): quantity for n in range(nights)})
        return sold

    return sum(together(CLIENTS, client, CROWD_SECONDS), start=Counter())


def counted(world: World) -> Counter[date]:
    rows = "SELECT day, booked FROM listing_days WHERE booked > 0"
    found = world.run(lambda tx: tx.db.execute(text(rows)).all())
    return Counter({row.day: row.booked for row in found})


def clear(world: World) -> None:
    run_sql(world.database, "DELETE FROM listing_days")


@pytest.mark.parametrize(
    ("seeds", "attempts", "units"),
    [
        (range(1), 320, 12),
        *(
            pytest.param(range(first, first + 10), 10_000, 200, marks=IN_FULL, id=f"R1 {first}")
            for first in range(0, 100, 10)
        ),
    ],
)
def test_no_night_is_sold_twice(world: World, seeds: range, attempts: int, units: int) -> None:
    world.change_listing(units=units)
    for seed in seeds:
        sold = crowd(world, seed, attempts, guarded)

        assert max(sold.values()) <= units
        assert sold == counted(world), "what was sold is what the calendar counts"
        clear(world)


def test_without_the_guards_nights_are(world: World) -> None:
    """The negative control: the crowd does collide."""
    units = 4
    world.listing.units = units
    world.change_listing(units=units)
    run_sql(world.database, "ALTER TABLE listing_days DROP CONSTRAINT ck_listing_days_booked")

    def is_oversold(seed: int) -> bool:
        sold = crowd(world, seed, 320, naive)
        clear(world)
        return max(sold.values()) > units

    assert any(is_oversold(seed) for seed in range(CROWDS_MAX))
