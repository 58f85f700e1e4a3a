"""Counting units: claims, releases and blocked days, alone and many at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from core.catalog import calendar
from core.catalog.calendar import Day
from core.catalog.model import ListingDay
from core.db.tx import Database, Tx
from core.errors import BadInput, NotFound, NoUnits
from tests.core.catalog.market import MONDAY, SATURDAY, SUNDAY, Market
from tests.support.blind import without_looking

CLIENTS = 32


def booked(database: Database, listing_id: UUID) -> dict[date, int]:
    with database.transaction() as tx:
        rows = tx.db.execute(
            select(ListingDay.day, ListingDay.booked).where(ListingDay.listing_id == listing_id)
        )
        return {day: count for day, count in rows if count}


def test_a_claim_takes_every_night_and_a_release_gives_them_back(market: Market) -> None:
    rooms = market.listing(units=3)
    with market.database.transaction() as tx:
        calendar.claim(tx, rooms.id, SATURDAY, MONDAY, 2)
    assert booked(market.database, rooms.id) == {SATURDAY: 2, SUNDAY: 2}

    with market.database.transaction() as tx:
        calendar.release(tx, rooms.id, SATURDAY, MONDAY, 2)
    assert booked(market.database, rooms.id) == {}


def test_a_claim_that_fails_on_its_last_night_takes_none(market: Market) -> None:
    rooms = market.listing(units=2)
    with market.database.transaction() as tx:
        calendar.claim(tx, rooms.id, SUNDAY, MONDAY, 1)

    with market.database.transaction() as tx:
        with pytest.raises(NoUnits) as refused:
            calendar.claim(tx, rooms.id, SATURDAY, MONDAY, 2)
        # The caller goes on in the same transaction: the counters must be as before.
        calendar.claim(tx, rooms.id, SATURDAY, SUNDAY, 1)

    assert refused.value.data == {"day": SUNDAY, "left": 1}
    assert booked(market.database, rooms.id) == {SATURDAY: 1, SUNDAY: 1}


def test_more_than_exist_is_refused_on_a_day_nobody_has_touched(market: Market) -> None:
    plates = market.listing(units=100)
    with market.database.transaction() as tx, pytest.raises(NoUnits) as refused:
        calendar.claim(tx, plates.id, SATURDAY, SUNDAY, 101)
    assert refused.value.data == {"day": SATURDAY, "left": 100}


def test_a_listing_that_is_not_there(market: Market) -> None:
    nobody = UUID(int=7)
    with market.database.transaction() as tx:
        with pytest.raises(NotFound):
            calendar.claim(tx, nobody, SATURDAY, SUNDAY, 1)
        with pytest.raises(NotFound):
            calendar.availability(tx, nobody, SATURDAY, SUNDAY)
        with pytest.raises(NotFound):
            calendar.block(tx, nobody, [SATURDAY], vendor_id=market.vendor_id)


def test_a_claim_of_no_night_or_too_many_is_refused(market: Market) -> None:
    rooms = market.listing()
    for nights in (0, -1, 31):
        with market.database.transaction() as tx, pytest.raises(BadInput) as refused:
            calendar.claim(tx, rooms.id, SATURDAY, SATURDAY + timedelta(days=nights), 1)
        assert refused.value.code == "days_bad"


def test_a_blocked_day_keeps_its_bookings_and_takes_no_more(market: Market) -> None:
    rooms = market.listing(units=2)
    with market.database.transaction() as tx:
        calendar.claim(tx, rooms.id, SATURDAY, SUNDAY, 1)
        now = calendar.block(tx, rooms.id, [SUNDAY, SATURDAY], vendor_id=market.vendor_id)
    assert now == [Day(SATURDAY, 2, 1, blocked=True), Day(SUNDAY, 2, 0, blocked=True)]

    with market.database.transaction() as tx:
        with pytest.raises(NoUnits) as refused:
            calendar.claim(tx, rooms.id, SATURDAY, SUNDAY, 1)
        assert refused.value.data == {"day": SATURDAY, "left": 0}
        calendar.free(tx, rooms.id, [SATURDAY], vendor_id=market.vendor_id)
        calendar.claim(tx, rooms.id, SATURDAY, SUNDAY, 1)
    assert booked(market.database, rooms.id) == {SATURDAY: 2}


def test_a_vendor_blocks_only_what_is_theirs(market: Market) -> None:
    rooms = market.listing()
    stranger = market.vendor(name="Somebody else")
    with market.database.transaction() as tx:
        with pytest.raises(NotFound):
            calendar.block(tx, rooms.id, [SATURDAY], vendor_id=stranger)
        assert calendar.min_free(tx, rooms.id, SATURDAY, SUNDAY) == 1


def test_days_that_cannot_be_blocked(market: Market) -> None:
    rooms = market.listing()
    yesterday, today = date(2026, 11, 19), date(2026, 11, 20)
    cases: list[tuple[list[date], str]] = [
        ([], "days_bad"),
        ([yesterday], "date_past"),
        ([today, date(2029, 1, 1)], "date_too_far"),
        ([SATURDAY + timedelta(days=n) for n in range(101)], "days_bad"),
    ]
    for days, code in cases:
        with market.database.transaction() as tx, pytest.raises(BadInput) as refused:
            calendar.block(tx, rooms.id, days, vendor_id=market.vendor_id)
        assert refused.value.code == code


def test_availability_shows_every_day_also_the_untouched(market: Market) -> None:
    rooms = market.listing(units=4)
    with market.database.transaction() as tx:
        calendar.claim(tx, rooms.id, SUNDAY, MONDAY, 3)
        days = calendar.availability(tx, rooms.id, SATURDAY, MONDAY)
        assert [(day.day, day.left) for day in days] == [(SATURDAY, 4), (SUNDAY, 1)]
        assert calendar.min_free(tx, rooms.id, SATURDAY, MONDAY) == 1


def test_giving_back_what_was_never_taken_is_refused_by_the_database(market: Market) -> None:
    rooms = market.listing()
    with (
        pytest.raises(IntegrityError, match="ck_listing_days_booked"),
        market.database.transaction() as tx,
    ):
        calendar.release(tx, rooms.id, SATURDAY, SUNDAY, 1)


def race(database: Database, effort: Callable[[Tx], None]) -> list[str]:
    """Run one effort in many threads at once; return what became of each."""
    start = threading.Barrier(CLIENTS)

    def one(_: int) -> str:
        start.wait()
        try:
            database.run(effort)
        except NoUnits:
            return "refused"
        except IntegrityError:
            return "refused by the database"
        return "won"

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(one, range(CLIENTS)))


def test_of_many_who_want_the_last_unit_one_gets_it(market: Market) -> None:
    room = market.listing(units=1)

    outcomes = race(market.database, lambda tx: calendar.claim(tx, room.id, SATURDAY, MONDAY, 1))

    assert outcomes.count("won") == 1
    assert outcomes.count("refused") == CLIENTS - 1
    assert booked(market.database, room.id) == {SATURDAY: 1, SUNDAY: 1}


def test_a_claim_that_does_not_look_is_refused_by_the_database(market: Market) -> None:
    room = market.listing(units=1)
    with without_looking(market.database):
        outcomes = race(
            market.database, lambda tx: calendar.claim(tx, room.id, SATURDAY, SUNDAY, 1)
        )
    assert outcomes.count("won") == 1
    assert outcomes.count("refused by the database") == CLIENTS - 1
    assert booked(market.database, room.id) == {SATURDAY: 1}


def test_without_look_and_check_the_room_is_oversold(market: Market) -> None:
    """Shows that the two tests above would notice if either guard were gone."""
    room = market.listing(units=1)
    with market.database.transaction() as tx:
        tx.db.execute(text("ALTER TABLE listing_days DROP CONSTRAINT ck_listing_days_booked"))
    with without_looking(market.database):
        outcomes = race(
            market.database, lambda tx: calendar.claim(tx, room.id, SATURDAY, SUNDAY, 1)
        )
    assert outcomes.count("won") == CLIENTS
    assert booked(market.database, room.id) == {SATURDAY: CLIENTS}


def test_ranges_that_overlap_crosswise_do_not_deadlock(market: Market) -> None:
    rooms = market.listing(units=CLIENTS * 2)
    starts = iter([SATURDAY + timedelta(days=n % 4) for n in range(CLIENTS)])
    guard = threading.Lock()

    def three_nights(tx: Tx) -> None:
        with guard:
            start = next(starts)
        calendar.claim(tx, rooms.id, start, start + timedelta(days=3), 1)

    # A deadlock would be retried by ``run`` and ask for a start too many.
    assert race(market.database, three_nights) == ["won"] * CLIENTS
    assert sum(booked(market.database, rooms.id).values()) == CLIENTS * 3


RANGES = st.tuples(st.integers(0, 6), st.integers(1, 4), st.integers(1, 3))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), RANGES),
        st.tuples(st.just("release"), st.integers(0, 30)),
        st.tuples(st.just("block"), st.integers(0, 9)),
        st.tuples(st.just("free"), st.integers(0, 9)),
    ),
    max_size=25,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_counters_are_the_sum_of_live_claims(market: Market, steps: list[Any]) -> None:
    units = 3
    rooms = market.listing(units=units)
    live: list[tuple[date, date, int]] = []
    blocked: set[date] = set()

    def taken(day: date) -> int:
        return sum(many for first, end, many in live if first <= day < end)

    for name, what in steps:
        with market.database.transaction() as tx:
            if name == "claim":
                first = SATURDAY + timedelta(days=what[0])
                end = first + timedelta(days=what[1])
                nights = [first + timedelta(days=n) for n in range(what[1])]
                fits = all(taken(d) + what[2] <= units and d not in blocked for d in nights)
                if fits:
                    calendar.claim(tx, rooms.id, first, end, what[2])
                    live.append((first, end, what[2]))
                else:
                    with pytest.raises(NoUnits):
                        calendar.claim(tx, rooms.id, first, end, what[2])
            elif name == "release" and live:
                calendar.release(tx, rooms.id, *live.pop(what % len(live)))
            elif name == "block":
                day = SATURDAY + timedelta(days=what)
                calendar.block(tx, rooms.id, [day], vendor_id=market.vendor_id)
                blocked.add(day)
            elif name == "free":
                day = SATURDAY + timedelta(days=what)
                calendar.free(tx, rooms.id, [day], vendor_id=market.vendor_id)
                blocked.discard(day)

    all_days = [SATURDAY + timedelta(days=n) for n in range(12)]
    assert booked(market.database, rooms.id) == {d: taken(d) for d in all_days if taken(d)}


def exchange(
    market: Market, listing_id: UUID, held: calendar.Units, wanted: calendar.Units
) -> None:
    with market.database.transaction() as tx:
        calendar.exchange(tx, listing_id, held, wanted)


def test_an_exchange_takes_and_gives_only_what_is_different(market: Market) -> None:
    rooms = market.listing(units=3)
    held = calendar.units_by_day(SATURDAY, MONDAY, 2)
    wanted = calendar.units_by_day(SUNDAY, MONDAY + timedelta(days=1), 3)
    exchange(market, rooms.id, {}, held)

    exchange(market, rooms.id, held, calendar.either(held, wanted))
    assert booked(market.database, rooms.id) == {SATURDAY: 2, SUNDAY: 3, MONDAY: 3}

    exchange(market, rooms.id, calendar.either(held, wanted), wanted)
    assert booked(market.database, rooms.id) == {SUNDAY: 3, MONDAY: 3}
    exchange(market, rooms.id, wanted, wanted)
    exchange(market, rooms.id, wanted, {})
    assert booked(market.database, rooms.id) == {}


def test_an_exchange_that_fails_changes_nothing_and_is_refused_when_looked_at(
    market: Market,
) -> None:
    rooms = market.listing(units=2)
    held = calendar.units_by_day(SATURDAY, SUNDAY, 2)
    exchange(market, rooms.id, {}, held)
    exchange(market, rooms.id, {}, calendar.units_by_day(MONDAY, MONDAY + timedelta(days=1), 1))
    wanted = calendar.units_by_day(SUNDAY, MONDAY + timedelta(days=1), 2)

    with market.database.transaction() as tx:
        for asked in (calendar.check_exchange, calendar.exchange):
            with pytest.raises(NoUnits) as refused:
                asked(tx, rooms.id, held, wanted)
            assert refused.value.data == {"day": MONDAY, "left": 1}

    assert booked(market.database, rooms.id) == {SATURDAY: 2, MONDAY: 1}


def test_on_a_closed_day_an_exchange_can_give_but_not_take(market: Market) -> None:
    rooms = market.listing(units=5)
    three, two, four = (calendar.units_by_day(SATURDAY, SUNDAY, count) for count in (3, 2, 4))
    exchange(market, rooms.id, {}, three)
    with market.database.transaction() as tx:
        calendar.block(tx, rooms.id, [SATURDAY], vendor_id=market.vendor_id)

    with pytest.raises(NoUnits):
        exchange(market, rooms.id, three, four)
    exchange(market, rooms.id, three, two)

    assert booked(market.database, rooms.id) == {SATURDAY: 2}


def test_exchanges_crosswise_do_not_wait_for_each_other_in_a_ring(market: Market) -> None:
    """Two bookings that change places, again and again: the days are locked in one order."""
    rooms = market.listing(units=4)
    first = calendar.units_by_day(SATURDAY, SUNDAY, 1)
    second = calendar.units_by_day(MONDAY, MONDAY + timedelta(days=1), 1)
    for held in (first, second):
        exchange(market, rooms.id, {}, held)

    def to_and_fro(ways: tuple[calendar.Units, calendar.Units]) -> None:
        for _ in range(10):
            exchange(market, rooms.id, *ways)
            exchange(market, rooms.id, *ways[::-1])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(to_and_fro, [(first, second), (second, first)]))

    assert booked(market.database, rooms.id) == {SATURDAY: 1, MONDAY: 1}
