"""The list of crash points: long enough, true to the workers, and deadly on either side."""

import ast
import random
from pathlib import Path

import pytest
from sqlalchemy import func, select

import workers
from core import outbox
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.ids import CountedIds
from core.outbox import Notice
from core.ports.providers import Routes
from core.vault import Vault
from tests.conftest import START, VAULT_KEY
from workers.simulate.agenda import TickingClock
from workers.simulate.databases import SimulatedDatabase
from workers.simulate.points import POINTS, WORKER_STEPS, Crashes, Died, Step, When


class DiesAt(Crashes):
    """Dies at one point, each time."""

    def __init__(self, step: Step, when: When) -> None:
        super().__init__(random.Random(0))
        self.point = step, when

    def reach(self, step: Step, when: When) -> None:
        if (step, when) == self.point:
            raise Died(step, when)


def test_there_are_more_than_forty_points_and_each_has_one_name() -> None:
    assert len(POINTS) >= 40
    assert len({f"{when} {step}" for step, when in POINTS}) == len(POINTS)


def test_every_listed_step_of_a_worker_is_in_the_workers() -> None:
    """Who renames a function or moves a transaction finds out here."""
    functions: dict[str, str] = {}
    for file in Path(workers.__file__).parent.glob("*.py"):
        source = file.read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                # What a function runs may stand in a table of its file.
                functions[node.name] = functions.get(node.name, "") + source

    for caller, called in WORKER_STEPS:
        assert caller in functions, caller
        assert called in functions[caller], f"{caller} runs {called}"


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


@pytest.mark.parametrize(("when", "notices"), [(When.BEFORE, 0), (When.AFTER, 1)])
def test_who_dies_before_the_commit_did_nothing_and_after_it_everything(
    database: Database, when: When, notices: int
) -> None:
    simulated = SimulatedDatabase(
        url_of(database), TickingClock(START), CountedIds(), Vault([VAULT_KEY]),
        DiesAt(Step.BOOK, when), Routes(),
    )  # fmt: skip

    def owe(tx: Tx) -> None:
        outbox.add(tx, "answer", "+254700000001", {})

    with pytest.raises(Died):
        simulated.run_as(Step.BOOK, owe)
    with simulated.transaction() as tx:
        assert tx.db.scalar(select(func.count()).select_from(Notice)) == notices
    simulated.close()


def test_each_transaction_is_at_a_moment_of_its_own(database: Database) -> None:
    clock: ManualClock = TickingClock(START)
    assert isinstance(clock, TickingClock)
    simulated = SimulatedDatabase(
        url_of(database), clock, CountedIds(), Vault([VAULT_KEY]),
        Crashes(random.Random(0), armed=False), Routes(),
    )  # fmt: skip
    moments = []
    for _ in range(3):
        with simulated.transaction() as tx:
            moments.append(tx.now)
    assert len(set(moments)) == 3
    simulated.close()
