"""The database: what a reading connection refuses, and how a dead connection is noticed."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db import tx as module
from core.db.tx import Database
from core.people.model import User
from core.people.usecases import ensure_user

IDLE_ONE = """
SELECT state FROM pg_stat_activity WHERE query = 'SELECT 1' AND pid <> pg_backend_pid()
"""


def test_a_reading_connection_writes_nothing(database: Database) -> None:
    with database.transaction() as tx:
        user = ensure_user(tx, "+254700000001")

    with database.reading() as tx:
        known = tx.db.get_one(User, user.id)
        known.name = "Amina"
        with pytest.raises(RuntimeError, match="writes nothing"):
            tx.db.flush()

    with database.reading() as tx:
        assert tx.db.get_one(User, user.id).name is None


def test_a_reading_connection_opens_no_transaction(database: Database) -> None:
    with database.reading() as tx:
        tx.db.execute(text("SELECT 1"))
        with database.transaction() as other:
            state = other.db.scalar(text(IDLE_ONE))
    assert state == "idle", "not 'idle in transaction'"


def kill_all_but_ours(database: Database) -> None:
    url = database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_connection_that_died_while_it_rested_is_replaced(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    database.ping()
    kill_all_but_ours(database)

    database.ping()


def test_a_connection_just_used_is_not_asked_and_its_death_is_seen_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 60.0)
    database.ping()
    kill_all_but_ours(database)

    with pytest.raises(DBAPIError):
        database.ping()
    database.ping()
