"""A database of which nothing stays: every transaction is a savepoint of one that is undone.

Two things follow. Undoing costs a millisecond, so that hundreds of short lives can be played; and
the schema can be changed within it (PostgreSQL undoes that too), so that a story can be told with
a constraint, a trigger or a function taken away. It is one connection: whoever wants two callers
to meet needs a ``Database`` and ``tests.support.races``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from core.clock import Clock
from core.db.tx import Database, Tx
from core.ids import Ids
from core.vault import Vault

# What a commit would ask at its end, asked at the end of each savepoint.
ASK_DEFERRED = text("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


class Rehearsal(Database):
    """A ``Database`` whose transactions count for the rest of one life only."""

    def __init__(self, url: str, clock: Clock, ids: Ids, vault: Vault) -> None:
        super().__init__(url, clock, ids, vault, pool_size=1)
        self._connection: Connection = self.engine.connect()

    @contextmanager
    def life(self) -> Iterator[None]:
        """Undo at the end of the block what was done in it, the schema included."""
        undo = self._connection.begin()
        try:
            yield
        finally:
            undo.rollback()

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open what looks like a transaction; deferred constraints are asked at its end."""
        with (
            Session(
                self._connection,
                expire_on_commit=False,
                join_transaction_mode="create_savepoint",
            ) as db,
            db.begin(),
        ):
            yield Tx(db, self.clock.now(), self.ids, self.vault, self.routes)
            db.flush()
            self._connection.execute(ASK_DEFERRED)

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """Open what looks like a reading connection."""
        with self.transaction() as tx:
            yield tx

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
        super().close()
