"""The database and its transactions.

A use case is a function whose first argument is a ``Tx``; whoever answers for the whole effect
(a turn, a task, a callback) opens the transaction, so that an effect, its outbox rows and its
receipt commit together or not at all.
"""

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from psycopg import Error as PsycopgError
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from core.clock import Clock
from core.ids import Ids
from core.ports.providers import Routes
from core.vault import Vault

log = structlog.get_logger()
T = TypeVar("T")

POOL_TIMEOUT_SECONDS = 3
CONNECT_TIMEOUT_SECONDS = 5
# A turn has 4 s in all; a lock that is not ours by then would be answered too late.
LOCK_TIMEOUT_MS = 3_000
STATEMENT_TIMEOUT_MS = 15_000
RETRIES_MAX = 3
# A connection that has rested longer is asked whether it still lives.
IDLE_SECONDS = 1.0
LAST_USED = "last_used"
REMEMBERED_MAX = 100
# What the application says over and over, with room: psycopg's own limit of 100 is fewer, and then
# statements are prepared and thrown away in turns.
PREPARED_MAX = 500
RETRYABLE_SQLSTATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock


class Work(StrEnum):
    """What a worker can be woken for. Only a hint: the row is the truth."""

    NOTICES = "notices"
    INBOX = "inbox"
    ATTEMPTS = "attempts"


@dataclass(slots=True)
class Tx:
    """One transaction.

    Attributes:
        db: the SQLAlchemy session.
        now: the moment at which the transaction began.
        ids: where new ids come from.
        vault: seals and opens what is stored encrypted.
        routes: through which provider money moves.
    """

    db: Session
    now: datetime
    ids: Ids
    vault: Vault
    routes: Routes = field(default_factory=Routes)
    woken: set[Work] = field(default_factory=set)
    memory: "Memory | None" = None

    def remembered(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return what was read a moment ago, where that is allowed; else read it now.

        Only for what people change some times a year, and what is checked again when it counts.
        """
        return read() if self.memory is None else self.memory.recall(key, read)

    def wake(self, work: Work) -> None:
        """Ask for a worker once this transaction has committed."""
        self.woken.add(work)


class Memory:
    """What was read lately, by threads side by side; bounded by its few keys.

    Args:
        seconds: how old it may be.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    def recall(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return what is kept under a key while it is fresh, else what ``read`` returns."""
        now = time.monotonic()
        kept = self._kept.get(key)
        if kept is None or now - kept[0] >= self._seconds:
            if len(self._kept) >= REMEMBERED_MAX:
                self._kept.clear()
            kept = self._kept[key] = (now, read())
        value: T = kept[1]
        return value


class _ReadOnlySession(Session):
    """Refuses to write: it has no transaction that could be rolled back."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        if self.new or self.dirty or self.deleted:
            raise RuntimeError("a reading connection writes nothing")
        super().flush(objects)


class Database:
    """Opens transactions on one PostgreSQL.

    Args:
        url: SQLAlchemy URL (``postgresql+psycopg://``).
        clock: where ``tx.now`` comes from.
        ids: where ``tx.ids`` comes from.
        vault: where ``tx.vault`` comes from.
        wake: called after a commit with each kind of work that was asked for; must not raise.
        pool_size: connections kept; as many as threads that may use them.
        routes: where ``tx.routes`` comes from.
        memory_seconds: how long ``tx.remembered`` need not ask again; 0 asks each time.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        ids: Ids,
        vault: Vault,
        wake: Callable[[Work], None] = lambda _work: None,
        pool_size: int = 10,
        routes: Routes | None = None,
        memory_seconds: float = 0,
    ) -> None:
        self._memory = Memory(memory_seconds) if memory_seconds else None
        self.clock = clock
        self.ids = ids
        self.vault = vault
        self.routes = routes or Routes()
        self._wake = wake
        self.engine: Engine = open_engine(url, pool_size)
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open a read-committed transaction; leaving the block commits, an error rolls back."""
        with Session(self.engine, expire_on_commit=False) as db, db.begin():
            tx = self._tx(db)
            yield tx
        for work in tx.woken:
            self._wake(work)

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """Open a connection for reads that each stand alone: no BEGIN, no COMMIT.

        Half the round trips of a transaction, for screens. Each statement sees its own moment, and
        nothing that is set for a transaction lasts.

        Raises:
            RuntimeError: something was to be written.
        """
        with _ReadOnlySession(self._reader, expire_on_commit=False) as db:
            yield self._tx(db)

    def _tx(self, db: Session) -> Tx:
        return Tx(db, self.clock.now(), self.ids, self.vault, self.routes, memory=self._memory)

    def look(self, use_case: Callable[[Tx], T]) -> T:
        """Run a use case that only reads, see ``reading``: what a worker does most often."""
        with self.reading() as tx:
            return use_case(tx)

    def run(self, use_case: Callable[[Tx], T]) -> T:
        """Run a use case in its own transaction, again when PostgreSQL asks for a retry.

        Only deadlocks and serialization failures are retried, ``RETRIES_MAX`` times at the most.
        """
        for _ in range(RETRIES_MAX - 1):
            try:
                with self.transaction() as tx:
                    return use_case(tx)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) not in RETRYABLE_SQLSTATES:
                    raise
                log.info("database.retry", sqlstate=getattr(error.orig, "sqlstate", None))
        with self.transaction() as tx:
            return use_case(tx)

    def ping(self) -> None:
        """Ask the database for an answer; raises what the driver raises."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def open_engine(url: str, pool_size: int) -> Engine:
    """Return an engine whose connections give up before a turn is over; see ``Database``."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        # A failing statement is logged without what somebody typed.
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS}"
            f" -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
        },
    )
    event.listen(engine, "connect", _keep_prepared)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ask_when_idle)
    return engine


def _keep_prepared(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.prepared_max = PREPARED_MAX


def _note_use(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    record.info[LAST_USED] = time.monotonic()


def _ask_when_idle(
    connection: DBAPIConnection, record: ConnectionPoolEntry, _fairy: PoolProxiedConnection
) -> None:
    """Ask a connection that has rested whether it still lives.

    Asking each time would cost every turn a round trip; a server that has just restarted costs
    the turns of one second a redial.
    """
    last_used = record.info.get(LAST_USED)
    if last_used is None or time.monotonic() - last_used < IDLE_SECONDS:
        return
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except PsycopgError:
        raise DisconnectionError from None
