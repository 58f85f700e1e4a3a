"""Chained transactions keep and forget what others would; what is written is known."""

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import outbox
from core.db.tx import Database, Tx
from core.ids import CountedIds
from core.ports.providers import Routes
from core.vault import Vault
from tests.conftest import START, VAULT_KEY
from workers.simulate.agenda import TickingClock
from workers.simulate.databases import SimulatedDatabase
from workers.simulate.points import Crashes

TOO_MUCH = (
    "CREATE TABLE kept (at int)",
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'too much'; END$$",
    (
        "CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON kept DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    ),
    "INSERT INTO kept VALUES (1)",
)
COUNT = text("SELECT count(*) FROM notices")


@pytest.fixture
def simulated(database: Database) -> Iterator[SimulatedDatabase]:
    made = SimulatedDatabase(
        database.engine.url.render_as_string(hide_password=False), TickingClock(START),
        CountedIds(), Vault([VAULT_KEY]), Crashes(random.Random(0), armed=False), Routes(),
    )  # fmt: skip
    yield made
    made.close()


def owe(tx: Tx) -> None:
    outbox.add(tx, "answer", "+254700000001", {})


def owe_and_fail(tx: Tx) -> None:
    owe(tx)
    raise LookupError


def write_too_much(tx: Tx) -> None:
    for statement in TOO_MUCH:
        tx.db.execute(text(statement))


def owed(database: Database) -> int:
    return database.look(lambda tx: int(tx.db.execute(COUNT).scalar_one()))


def test_each_transaction_is_kept_or_forgotten_by_itself(
    simulated: SimulatedDatabase, database: Database
) -> None:
    with simulated.transaction() as tx:
        owe(tx)
    assert owed(database) == 1, "others see it as soon as it is committed"

    with pytest.raises(LookupError):
        simulated.run(owe_and_fail)
    assert owed(database) == owed(simulated) == 1

    with simulated.transaction() as tx:
        owe(tx)
    assert owed(database) == 2


def test_what_only_the_commit_refuses_is_refused(simulated: SimulatedDatabase) -> None:
    """As the ledger does where a transfer is not zero: a deferred constraint speaks last."""
    with pytest.raises(DBAPIError, match="too much"):
        simulated.run(write_too_much)

    with simulated.transaction() as tx:
        assert tx.db.execute(text("SELECT to_regclass('kept')")).scalar_one() is None


def test_it_is_known_which_tables_were_written(simulated: SimulatedDatabase) -> None:
    simulated.written()
    owed(simulated)
    assert simulated.written() == frozenset()

    with simulated.transaction() as tx:
        owe(tx)
        tx.db.execute(text("UPDATE users SET name = :name"), [{"name": "A"}, {"name": "B"}])
    assert simulated.written() == {"notices", "users"}
    assert simulated.written() == frozenset()
