"""Each guard alone: its story passes with it and fails without it."""

from collections.abc import Iterator

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from core.ids import CountedIds
from core.vault import Vault
from tests.conftest import START, VAULT_KEY
from tests.core.booking.world import World
from tests.guards.catalog import ALONE, MEETING, PAGE, page
from tests.guards.guard import Guard
from tests.support.recycling import Recycler
from tests.support.rehearsal import Rehearsal


@pytest.fixture(scope="module")
def rehearsal(recycler: Recycler) -> Iterator[Rehearsal]:
    clock, ids, vault = ManualClock(START), CountedIds(), Vault([VAULT_KEY])
    with recycler.lend(clock, ids, vault) as lent:
        made = Rehearsal(lent.engine.url, clock, ids, vault)
        yield made
        made.close()


def opened(rehearsal: Rehearsal) -> World:
    """A hall whose vendor is asked first, on the morning on which all stories begin."""
    clock = ManualClock(START)
    rehearsal.clock = clock
    return World.open(rehearsal, clock)


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock)


@pytest.mark.parametrize("guard", ALONE, ids=lambda guard: guard.id)
def test_a_guard_keeps_harm_away_and_nothing_else_does(rehearsal: Rehearsal, guard: Guard) -> None:
    with rehearsal.life():
        guard.story(opened(rehearsal))

    with rehearsal.life():
        world = opened(rehearsal)
        with guard.removal(world), pytest.raises(AssertionError):
            guard.story(world)


@pytest.mark.parametrize("guard", MEETING, ids=lambda guard: guard.id)
def test_with_a_lock_the_second_waits_and_all_is_well(world: World, guard: Guard) -> None:
    guard.story(world)


@pytest.mark.parametrize("guard", MEETING, ids=lambda guard: guard.id)
def test_without_it_the_second_does_not_wait_and_all_is_not(world: World, guard: Guard) -> None:
    with guard.removal(world), pytest.raises(AssertionError):
        guard.story(world)


def test_the_list_of_guards_is_up_to_date() -> None:
    assert len({guard.id for guard in (*ALONE, *MEETING)}) == len(ALONE) + len(MEETING)
    assert PAGE.read_text() == page(), "run: python -m tests.guards"
