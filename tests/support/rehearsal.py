"""A database of which nothing stays: what commits is kept for the rest of one life only.

It is the ``Database`` that ships, on one connection whose commit is a savepoint and whose rollback
goes back to the last one; the end of a life undoes all of it. Two things follow. Undoing costs a
millisecond, so that hundreds of short lives can be played; and the schema can be changed within
one (PostgreSQL undoes that too), so that a story can be told with a constraint, a trigger or a
function taken away. Whoever wants two callers to meet needs a ``Database`` and
``tests.support.races``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg._preparing import PrepareManager
from sqlalchemy import URL, event

from core.clock import Clock
from core.db import tx
from core.db.tx import Database, Tx
from core.ids import Ids
from core.vault import Vault

BEGIN = "SAVEPOINT kept"
# What a commit would ask at its end is asked here too.
COMMIT = (
    "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;"
    " RELEASE SAVEPOINT kept; SAVEPOINT kept"
)
ROLLBACK = "ROLLBACK TO SAVEPOINT kept"
STATEMENTS_MAX = 1_000
# Anything but a look; the ledger's functions are called by one, and a look may begin with a write.
WRITES = re.compile(
    r"\A(?!\s*(SELECT|WITH)\b)|\b(INSERT INTO|DELETE FROM|UPDATE \w+ SET|ledger_(post|roll_up)\()"
)


class Prepared(PrepareManager):
    """Statements that stay prepared when something is rolled back.

    The driver forgets all of them then, as tables may have been made anew meanwhile. Here they
    are not, and PostgreSQL plans by itself again what a story's changed schema concerns. Planning
    costs it more than running what these short lives ask.
    """

    prepare_threshold = 0
    prepared_max = STATEMENTS_MAX

    def _should_discard(self, *_: object) -> bool:
        return False


class Rehearsal(Database):
    """A ``Database`` whose transactions count for the rest of one life only.

    Attributes:
        kept: how many transactions have written something that was kept.
    """

    def __init__(self, url: URL, clock: Clock, ids: Ids, vault: Vault) -> None:
        super().__init__(url.render_as_string(hide_password=False), clock, ids, vault, pool_size=1)
        with self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
        self._driver: psycopg.Connection[tuple[Any, ...]] = driver
        self._open = self._wrote = False
        self.kept = 0
        # It would roll back all of a life that has paused.
        event.remove(self.engine, "checkout", tx._ask_when_idle)
        event.listen(self.engine, "before_cursor_execute", self._note_write)
        dialect: Any = self.engine.dialect
        dialect.do_begin = self._begin
        dialect.do_commit = self._commit
        dialect.do_rollback = self._rollback

    @contextmanager
    def life(self) -> Iterator[None]:
        """Undo at the end of the block what was done in it, the schema included."""
        self._driver.execute(BEGIN)
        try:
            yield
        finally:
            self._driver.rollback()

    @contextmanager
    def branch(self) -> Iterator[None]:
        """Undo at the end of the block what was done in it; the life goes on as it was before."""
        self._driver.execute(f"SAVEPOINT branch; {BEGIN}")
        try:
            yield
        finally:
            self._driver.execute("ROLLBACK TO SAVEPOINT branch; RELEASE SAVEPOINT branch")

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """Open what looks like a reading connection."""
        with self.transaction() as reader:
            yield reader

    def ask(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        """Return the rows of a statement without values; PostgreSQL plans it the first time."""
        return self._driver.execute(statement, prepare=True).fetchall()

    def _note_write(self, _c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self._wrote = self._wrote or WRITES.search(statement) is not None

    def _begin(self, _connection: Any) -> None:
        self._open, self._wrote = True, False

    def _commit(self, _connection: Any) -> None:
        if self._wrote:
            self._driver.execute(COMMIT)
            self.kept += 1
        self._open = False

    def _rollback(self, _connection: Any) -> None:
        # The pool asks once more for what has been kept or undone already.
        if self._open:
            self._driver.execute(ROLLBACK)
            self._open = False
