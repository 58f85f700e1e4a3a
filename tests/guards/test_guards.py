"""Each guard alone: its story passes with it and fails without it."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Enum, text

from core.clock import ManualClock
from core.db.models import metadata
from core.db.tx import Database
from tests.conftest import START
from tests.core.booking.world import World
from tests.guards.catalog import ALONE, MEETING, PAGE, page
from tests.guards.guard import Guard
from tests.support.rehearsal import Rehearsal

ONE_IN = 10
REFUSALS = """
SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE connamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    AND (contype IN ('c', 'u', 'x')
        -- Ids of one column are drawn by chance or counted by the database.
        OR contype = 'p' AND pg_get_constraintdef(pg_constraint.oid)
            NOT IN ('PRIMARY KEY (id)', 'PRIMARY KEY (token)'))
UNION ALL SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = 'public'::regnamespace AND indisunique AND indpred IS NOT NULL
UNION ALL SELECT tgname || ' on ' || relname
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal
"""
"""What a row can run into; of foreign keys those have a story that hold money or a promise."""
DRAWN = "its value is drawn by chance, from more than anybody can guess"
PLACES = "towns and areas are written from one list of ours, whose tests know no name twice"
WITHOUT = {
    "pk_ledger_postings": "half of it is a number that the database counts",
    "uq_listing_photos_token": DRAWN,
    "uq_talks_token": DRAWN,
    "uq_towns_slug": PLACES,
    "uq_areas_town_id_slug": PLACES,
    "uq_areas_town_id_id": "an area's id is enough; a foreign key needs this one to point at",
}


def shared_out(guards: Sequence[Guard]) -> list[Any]:
    """Some guards are taken away in each run of the tests, all of them in a check."""
    return [
        pytest.param(guard, id=guard.id, marks=[pytest.mark.proof] if at % ONE_IN else [])
        for at, guard in enumerate(guards)
    ]


def opened(rehearsal: Rehearsal) -> World:
    """A hall whose vendor is asked first, on the morning on which all stories begin."""
    clock = ManualClock(START)
    rehearsal.clock = clock
    return World.open(rehearsal, clock)


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock)


@pytest.mark.parametrize("guard", shared_out(ALONE))
def test_a_guard_keeps_harm_away_and_nothing_else_does(rehearsal: Rehearsal, guard: Guard) -> None:
    with rehearsal.life():
        guard.story(opened(rehearsal))

    with rehearsal.life():
        world = opened(rehearsal)
        with guard.removal(world), pytest.raises(AssertionError):
            guard.story(world)


@pytest.mark.parametrize("guard", shared_out(MEETING))
def test_with_a_lock_the_second_waits_and_all_is_well(world: World, guard: Guard) -> None:
    guard.story(world)


@pytest.mark.parametrize("guard", shared_out(MEETING))
def test_without_it_the_second_does_not_wait_and_all_is_not(world: World, guard: Guard) -> None:
    with guard.removal(world), pytest.raises(AssertionError):
        guard.story(world)


def test_whatever_the_database_refuses_has_its_story(database: Database) -> None:
    """Or stands in ``WITHOUT``, with a word on why nobody would miss it."""
    found = set(database.run(lambda tx: tx.db.scalars(text(REFUSALS)).all()))
    told = {guard.removal.name for guard in (*ALONE, *MEETING)}
    lists = {
        f"ck_{table.name}_{column.type.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Enum)
    }

    assert lists <= found
    assert found - told - lists - WITHOUT.keys() == set()
    assert WITHOUT.keys() <= found - told, "it has one"


def test_the_list_of_guards_is_up_to_date() -> None:
    assert len({guard.id for guard in (*ALONE, *MEETING)}) == len(ALONE) + len(MEETING)
    assert PAGE.read_text() == page(), "run: python -m tests.guards"
