"""The database and its transactions.

A use case is a function whose first argument is a ``Tx``; whoever answers for the whole effect
(a turn, a task, a callback) opens the transaction, so that an effect, its outbox rows and its
receipt commit together or not at all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import structlog
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.clock import Clock
from core.ids import Ids
from core.ports import Routes
from core.vault import Vault

log = structlog.get_logger()
T = TypeVar("T")

POOL_TIMEOUT_SECONDS = 3
CONNECT_TIMEOUT_SECONDS = 5
# A turn has 4 s in all; a lock that is not ours by then would be answered too late.
LOCK_TIMEOUT_MS = 3_000
STATEMENT_TIMEOUT_MS = 15_000
RETRIES_MAX = 3
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

    def wake(self, work: Work) -> None:
        """Ask for a worker once this transaction has committed."""
        self.woken.add(work)


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
    ) -> None:
        self.clock = clock
        self.ids = ids
        self.vault = vault
        self.routes = routes or Routes()
        self._wake = wake
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            pool_pre_ping=True,
            # A failing statement is logged without what somebody typed.
            hide_parameters=True,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "options": f"-c lock_timeout={LOCK_TIMEOUT_MS}"
                f" -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
            },
        )

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open a read-committed transaction; leaving the block commits, an error rolls back."""
        with Session(self.engine, expire_on_commit=False) as db, db.begin():
            tx = Tx(db, self.clock.now(), self.ids, self.vault, self.routes)
            yield tx
        for work in tx.woken:
            self._wake(work)

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
