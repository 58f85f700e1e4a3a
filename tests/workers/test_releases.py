"""Many bookings' money becomes their vendors' at once: each exactly once, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.booking.release import due_releases, release_many
from core.booking.timers import fire
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.escrow import ledger
from core.limits import RELEASES_BATCH_MAX
from core.money import Money, kes
from core.payments.refunds import plan_refund
from tests.core.booking.world import World
from tests.core.escrow.tools import move, number
from tests.support.factories import make_paid
from tests.support.races import meet
from tests.workers.conftest import Crew
from workers.timers import run_timers

NET = kes(40_000)


class Died(Exception):
    """The process is gone."""


def completed(world: World, many: int) -> list[Booking]:
    """Bookings whose service is long over: all of their money is due now."""

    def sell(n: int) -> Booking:
        return world.run(
            lambda tx: make_paid(
                tx, world.listing, f"+2547000000{n + 20:02}", f"SFF6XYQ{n:02}", in_days=10
            )
        )

    sold = [sell(n) for n in range(many)]
    world.clock.set(world.due(sold[0]))
    assert len(world.fire()) == many
    world.clock.set(world.due(sold[0]))
    return sold


@contextmanager
def statements(database: Database, dies_after: int = 0) -> Iterator[list[str]]:
    """What is asked of the database; with ``dies_after`` nothing comes after so many."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)
        if len(seen) == dies_after:
            raise Died

    event.listen(database.engine, "after_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "after_cursor_execute", note)


def dies(world: World, ids: list[UUID], after: int) -> bool:
    """Release bookings; tell whether that died after so many statements."""
    try:
        with statements(world.database, dies_after=after):
            world.run(lambda tx: release_many(tx, ids))
    except Died:
        return True
    return False


@pytest.fixture
def world(crew: Crew, clock: ManualClock) -> World:
    return World.open(crew.database, clock, units=50)


def give_back(tx: Tx, booking_id: UUID, amount: Money) -> None:
    plan_refund(tx, lock_booking(tx, booking_id), amount)


def owed(world: World) -> int:
    """How many bookings' money the vendor has got."""
    return world.balance(f"payable:{world.vendor.number}").cents // NET.cents


def test_many_are_released_with_the_statements_of_one(crew: Crew, world: World) -> None:
    sold = completed(world, 6)

    with statements(crew.database) as for_one:
        assert world.run(lambda tx: release_many(tx, [sold[0].id])) == 1
    with statements(crew.database) as for_five:
        assert run_timers(crew.parts) == 5

    assert owed(world) == 6
    posts = [each for each in for_five if "ledger_post" in each]
    assert len(posts) == 1, "one call of the ledger for all of them"
    # The worker looks what is due before and after, and for the timers of other kinds.
    assert len(for_five) <= len(for_one) + 3
    assert all(world.read(booking).released_at for booking in sold)
    assert world.moves(sold[3])[-1] == ("release", "completed", "completed", "time")
    world.assert_sound()


def test_what_was_given_back_is_not_shared_out(crew: Crew, world: World) -> None:
    first, second, *_ = completed(world, 3)
    for booking, back in ((first, kes(16_675)), (second, kes(66_700))):
        world.run(partial(give_back, booking_id=booking.id, amount=back))

    assert run_timers(crew.parts) == 3

    assert world.read(first).released_net_cents == kes(30_000).cents, "a quarter went back"
    assert world.balance(f"payable:{world.vendor.number}") == kes(70_000)
    assert world.balance(f"escrow:{second.code}") == kes(66_700), "all of it is on its way back"


def test_one_that_refuses_keeps_none_of_the_others_waiting(crew: Crew, world: World) -> None:
    sold = completed(world, 7)
    bad = sold[4]
    # Its escrow is empty, for whatever reason: the ledger will not share out what is not there.
    gone = move("out:daraja:lost", f"escrow:{bad.code}", "float:daraja", 66_700)
    world.run(lambda tx: ledger.post(tx, gone))

    assert run_timers(crew.parts) == 6
    assert run_timers(crew.parts) == 0, "and it is asked again, and again in vain"

    assert owed(world) == 6
    assert world.read(bad).released_at is None
    assert world.run(lambda tx: due_releases(tx, RELEASES_BATCH_MAX)) == [bad.id]


def test_wherever_it_dies_all_is_released_again_and_once(crew: Crew, world: World) -> None:
    ids = [booking.id for booking in completed(world, 3)]

    deaths = 0
    while dies(world, ids, after=deaths + 1):
        deaths += 1
        assert owed(world) == 0, "nothing of it is there"

    assert deaths >= 6, "it died after each statement"
    assert owed(world) == 3
    assert run_timers(crew.parts) == 0
    assert number(crew.database, "SELECT count(*) FROM ledger_transfers") == 6


def test_a_worker_passes_over_what_another_is_releasing(crew: Crew, world: World) -> None:
    sold = completed(world, 4)
    ids = [booking.id for booking in sold]

    def one_by_one() -> int:
        return len([id_ for id_ in ids if world.run(partial(fire, booking_id=id_))])

    mine, others = meet(
        crew.database,
        lambda: world.run(lambda tx: release_many(tx, ids)),
        r"FROM bookings .*SKIP LOCKED",
        one_by_one,
    )

    assert (mine, others) == (4, 0)
    assert owed(world) == 4
    world.assert_sound()
