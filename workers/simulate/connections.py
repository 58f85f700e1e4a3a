"""Connections to PostgreSQL that do the same as any other with fewer round trips.

A year is some four hundred thousand of them, one after another.
"""

import re
from typing import Any, ClassVar, Self

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus

WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


class WatchingCursor(psycopg.Cursor[Any]):
    """A cursor that tells which tables are written, and describes columns once a statement.

    Both follow from the words of a statement; a year says the same few hundred over and over.
    """

    written: ClassVar[set[str]] = set()
    _tables: ClassVar[dict[str, frozenset[str]]] = {}
    _columns: ClassVar[dict[str, list[psycopg.Column] | None]] = {}
    _said = ""

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Self:
        """Run a statement and note the tables that it writes."""
        self._note(query)
        return super().execute(query, *args, **kwargs)

    def executemany(self, query: Any, *args: Any, **kwargs: Any) -> None:
        """Run a statement for many rows; see ``execute``."""
        self._note(query)
        super().executemany(query, *args, **kwargs)

    def _note(self, query: str) -> None:
        tables = self._tables.get(query)
        if tables is None:
            tables = self._tables[query] = frozenset(WRITES.findall(query))
        self.written.update(tables)
        self._said = query
        if isinstance(self.connection, ChainedConnection):
            self.connection.used = True

    @property
    def description(self) -> list[psycopg.Column] | None:
        """What a result's columns are."""
        if self._said not in self._columns:
            self._columns[self._said] = super().description
        return self._columns[self._said]


class ChainedConnection(psycopg.Connection[Any]):
    """A connection whose next transaction is open as soon as the last one has ended.

    An open transaction that has done nothing holds neither snapshot nor lock; each statement of a
    read-committed one sees its own moment.

    Attributes:
        used: the open transaction has done something.
    """

    used = False

    def commit(self) -> None:
        """Commit, and open the next transaction."""
        self._end(b"COMMIT AND CHAIN")

    def rollback(self) -> None:
        """Roll back what was done, if anything was, and open the next transaction.

        What was prepared stays so, as it does in PostgreSQL itself.
        """
        self._end(b"ROLLBACK AND CHAIN")

    def _end(self, command: bytes) -> None:
        if not self.used or self.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        self.used = False
        ended = self.pgconn.exec_(command)
        if ended.status != ExecStatus.COMMAND_OK:
            raise error_from_result(ended)


def watch(connection: Any, _record: object) -> None:
    """Let cursors of a new connection tell what is written."""
    connection.cursor_factory = WatchingCursor


def connect_chained(
    _dialect: object, _record: object, args: Any, kwargs: Any
) -> ChainedConnection:
    """Return a new connection to SQLAlchemy that chains its transactions."""
    return ChainedConnection.connect(*args, **kwargs)
