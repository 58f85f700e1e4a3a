"""Each day: what providers say that they hold, beside what our books say."""

import pytest
from sqlalchemy import select

from core.cases import usecases as cases
from core.cases.model import Case, CaseState
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.escrow import ledger, postings
from core.money import Money, kes
from core.payouts.balances import BalanceReading, answered, begin_round
from core.ports.money import Balance
from core.reconcile.balance import compare, last_held
from tests.core.booking.world import World

OWN = kes(5_000_000)
"""Ours, from before there were any books."""


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock)


def look(world: World, held: Money, *, charges: Money | None = None) -> int | None:
    """A day later the one account is asked, and answers; the number of a new case."""
    world.clock.advance(days=1)
    [reading] = world.run(lambda tx: begin_round(tx, "daraja", ["600124"]))
    return _answer(world, reading, held, charges)


def _answer(
    world: World, reading: BalanceReading, held: Money, charges: Money | None
) -> int | None:
    def note(tx: Tx) -> int | None:
        kept = answered(tx, reading.id, Balance("daraja", held, held, charges))
        assert kept is not None
        return compare(tx, kept)

    return world.run(note)


def open_cases(world: World) -> list[Case]:
    query = select(Case).where(Case.state == CaseState.OPEN)
    return world.run(lambda tx: list(tx.db.scalars(query)))


def test_our_own_money_is_no_difference_and_neither_is_what_customers_pay(world: World) -> None:
    assert look(world, OWN) is None
    world.confirmed()
    assert look(world, OWN + kes(66_700)) is None
    assert open_cases(world) == []


def test_money_that_is_missing_is_a_case_until_it_is_back(world: World) -> None:
    look(world, OWN)

    assert look(world, OWN - kes(700)) is not None
    [case] = open_cases(world)
    assert (case.kind, case.subject, case.amount_cents) == ("difference", "float:daraja", 70_000)
    assert case.facts["theirs_cents"] - case.facts["ours_cents"] == -70_000
    assert look(world, OWN - kes(700)) is None, "the same one, still open"
    assert len(open_cases(world)) == 1
    look(world, OWN)
    assert open_cases(world) == []


def test_what_a_person_has_explained_is_what_the_next_day_is_measured_by(world: World) -> None:
    look(world, OWN)
    number = look(world, OWN + kes(90_000))
    assert number is not None
    world.run(lambda tx: cases.close(tx, number, "We topped the account up."))

    assert look(world, OWN + kes(90_000)) is None
    assert look(world, OWN) is not None


def test_what_is_under_way_explains_what_it_may_and_no_more(world: World) -> None:
    look(world, OWN)
    world.prompt(world.hold())

    assert look(world, OWN + kes(66_700)) is None, "paid, and we have not heard of it"
    assert look(world, OWN + kes(66_701)) is not None


def test_charges_that_are_taken_elsewhere_are_not_missing_here(world: World) -> None:
    look(world, OWN, charges=Money(0))
    taken = postings.charged("daraja", kes(13), reference="charge:SFG1")
    world.run(lambda tx: ledger.post(tx, taken))

    assert look(world, OWN, charges=-kes(13)) is None
    assert look(world, OWN - kes(13), charges=-kes(13)) is not None


def test_a_round_counts_when_every_account_has_answered(world: World) -> None:
    def begin() -> list[BalanceReading]:
        world.clock.advance(days=1)
        return world.run(lambda tx: begin_round(tx, "daraja", ["600124", "600123"]))

    for share in (kes(0), kes(1)):
        paying, collecting = begin()
        assert _answer(world, paying, OWN, None) is None
        _answer(world, collecting, share, None)
    [case] = open_cases(world)
    assert case.amount_cents == 100
    [last] = world.run(last_held)
    assert (last.provider, last.held_cents) == ("daraja", OWN.cents + 100)
    assert (last.gap_cents, last.difference_cents) == (OWN.cents + 100, 100)
