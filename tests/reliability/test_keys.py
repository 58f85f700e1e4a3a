"""R15: what a key that comes again is answered with, whoever brings it and whatever went wrong."""

from uuid import UUID

import pytest

from core.db.tx import Tx
from core.errors import KeyReused, Refused
from core.escrow import ledger
from tests.core.booking.world import World
from tests.core.escrow.tools import move, number, together

CALLERS = 50
TRANSFERS = "SELECT count(*) FROM ledger_transfers"


def post(world: World, shillings: int = 100) -> UUID:
    transfer = move("same", "float:daraja", "escrow:A2", shillings)
    return world.run(lambda tx: ledger.post(tx, transfer))


def test_a_key_that_comes_again_is_answered_as_the_first_time(world: World) -> None:
    assert post(world) == post(world)
    assert number(world.database, TRANSFERS) == 1


def test_a_key_with_another_content_is_refused_and_says_which(world: World) -> None:
    post(world)

    with pytest.raises(KeyReused) as refused:
        post(world, 200)

    assert isinstance(refused.value, Refused), "a rule says no; it is no fault of ours"
    assert (refused.value.code, refused.value.data) == ("key_reused", {"key": "same"})
    assert number(world.database, TRANSFERS) == 1


def test_fifty_callers_with_one_key_are_one_and_are_told_the_same(world: World) -> None:
    answers = together(CALLERS, lambda _: post(world))

    assert set(answers) == {answers[0]}
    assert isinstance(answers[0], UUID)
    assert number(world.database, TRANSFERS) == 1


def test_a_request_that_died_midway_is_done_by_the_next(world: World) -> None:
    def die(tx: Tx) -> None:
        ledger.post(tx, move("same", "float:daraja", "escrow:A2"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        world.run(die)
    assert number(world.database, TRANSFERS) == 0

    post(world)
    assert number(world.database, TRANSFERS) == 1


def test_a_key_is_known_as_long_as_there_is_a_ledger(world: World) -> None:
    """Ninety days would do; nothing forgets it at all."""
    first = post(world)
    world.clock.advance(days=91)

    assert post(world) == first
