"""Databases that tests borrow: whatever one leaves behind, the next finds nothing of it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import text

from core.clock import ManualClock
from core.db.tx import Database
from core.ids import CountedIds
from core.vault import Vault
from tests.support.factories import make_listing, make_vendor
from tests.support.recycling import Recycler
from tests.support.servers import Databases

# About the tests themselves: played by `make check`.
pytestmark = pytest.mark.proof

FACTS = """
SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM listings),
    (SELECT md5(string_agg(rates::text, ',' ORDER BY rates::text)) FROM rates)
"""


@pytest.fixture
def lender(databases: Databases) -> Iterator[Recycler]:
    made = Recycler(databases)
    yield made
    made.close()


class Borrower:
    """Borrows one after another."""

    def __init__(self, lender: Recycler, clock: ManualClock, vault: Vault) -> None:
        self._lender, self._clock, self._vault = lender, clock, vault

    def borrow(self) -> AbstractContextManager[Database]:
        return self._lender.lend(self._clock, CountedIds(), self._vault)


@pytest.fixture
def borrower(lender: Recycler, clock: ManualClock, vault: Vault) -> Borrower:
    return Borrower(lender, clock, vault)


def name_of(database: Database) -> str:
    return str(database.engine.url.database)


def facts(database: Database) -> tuple[object, ...]:
    with database.transaction() as tx:
        return tuple(tx.db.execute(text(FACTS)).one())


def numbered(database: Database) -> int | None:
    """The number that a new listing gets."""
    with database.transaction() as tx:
        listing = make_listing(tx, make_vendor(tx))
        tx.db.refresh(listing, ["number"])
        return listing.number


def test_rows_and_numbers_are_as_at_first(borrower: Borrower) -> None:
    with borrower.borrow() as first:
        before, name = facts(first), name_of(first)
        number = numbered(first)
        with first.transaction() as tx:
            tx.db.execute(text("SET LOCAL session_replication_role = replica"))
            tx.db.execute(text("DELETE FROM rates"))
        assert [then != now for then, now in zip(before, facts(first), strict=True)] == [True] * 3

    with borrower.borrow() as second:
        assert name_of(second) == name
        assert facts(second) == before
        assert numbered(second) == number


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE listing_days DISABLE TRIGGER ALL",
        "ALTER TABLE users ALTER COLUMN msisdn DROP NOT NULL",
        "ALTER TABLE users ADD COLUMN more text",
        "DROP INDEX ix_notices_due",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_a_changed_schema_is_not_lent_again(borrower: Borrower, change: str) -> None:
    with borrower.borrow() as first:
        name = name_of(first)
        with first.transaction() as tx:
            tx.db.execute(text(change))

    with borrower.borrow() as second:
        assert name_of(second) != name


def test_connections_that_died_or_were_kept_do_not_reach_the_next(borrower: Borrower) -> None:
    with borrower.borrow() as first:
        kept = first.engine.connect()
        kept.execute(text("SELECT pg_backend_pid()"))
        with first.transaction() as tx:
            tx.db.execute(text("LOCK TABLE users"))
        kept.execute(text("LOCK TABLE users"))

    with borrower.borrow() as second:
        assert facts(second)[0] == 0
    kept.invalidate()
    kept.close()


def test_whoever_kills_every_connection_harms_nobody_else(borrower: Borrower) -> None:
    with borrower.borrow() as first, first.transaction() as tx:
        tx.db.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    with borrower.borrow() as second:
        assert facts(second)[0] == 0
