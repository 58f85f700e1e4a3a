"""Databases for simulated years: migrated once, copied for each year, thrown away after it."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import LargeBinary, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

import migrations
from core.db.models import metadata
from core.db.tx import Database, Tx, open_engine
from core.ids import CountedIds
from core.ports.providers import Routes
from core.vault import Vault
from workers.simulate.agenda import TickingClock
from workers.simulate.connections import WatchingCursor, connect_chained, watch
from workers.simulate.points import WORKER_STEPS, Crashes, Step, When

T = TypeVar("T")

# A year is thrown away: nothing of it has to outlive a power cut. Row order and plans must not
# depend on when PostgreSQL tidies up.
MADE_QUICK = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE public.%I SET (autovacuum_enabled = off)', found.relname);
    END LOOP;
END $$
"""


class SimulatedDatabase(Database):
    """A database whose processes may die around any commit, and whose clock ticks."""

    def __init__(
        self,
        url: str,
        clock: TickingClock,
        ids: CountedIds,
        vault: Vault,
        crashes: Crashes,
        routes: Routes,
    ) -> None:
        super().__init__(url, clock, ids, vault, pool_size=3, routes=routes)
        event.listen(self.engine, "do_connect", connect_chained)
        event.listen(self.engine, "connect", watch)
        self._reader = open_engine(url, pool_size=1).execution_options(
            isolation_level="AUTOCOMMIT"
        )
        self._ticking = clock
        self._crashes = crashes

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open a transaction, a tick later than the one before."""
        self._ticking.tick()
        with super().transaction() as tx:
            yield tx

    def run(self, use_case: Callable[[Tx], T]) -> T:
        """Run a worker's transaction; which step it is follows from who opens it."""
        caller = sys._getframe(1).f_code.co_name  # noqa: SLF001 -- the one way to see a caller.
        called = _names_in(use_case)
        step = next(
            (WORKER_STEPS[caller, name] for name in called if (caller, name) in WORKER_STEPS), None
        )
        if step is not None:
            return self.run_as(step, use_case)
        self._crashes.unlisted[f"{caller} {' '.join(called[:2])}"] += 1
        return super().run(use_case)

    def run_as(self, step: Step, use_case: Callable[[Tx], T]) -> T:
        """Run a transaction of a known step.

        Raises:
            Died: before its commit, and nothing is done; or after it, and all of it is.
        """

        def watched(tx: Tx) -> T:
            done = use_case(tx)
            tx.db.flush()
            self._crashes.reach(step, When.BEFORE)
            return done

        done = super().run(watched)
        self._crashes.reach(step, When.AFTER)
        return done

    def close(self) -> None:
        """Give back all connections."""
        self._reader.dispose()
        super().close()

    def written(self) -> frozenset[str]:
        """Return which tables may have been written since this was last asked."""
        written = frozenset(WatchingCursor.written)
        WatchingCursor.written.clear()
        return written


def _names_in(use_case: Any) -> tuple[str, ...]:
    """Return the names of what a use case calls: its own, or those in a lambda."""
    if isinstance(use_case, partial):
        use_case = use_case.func
    name: str = use_case.__name__
    code = use_case.__code__
    return (*code.co_names, *code.co_freevars) if name == "<lambda>" else (name,)


class Databases:
    """Makes databases on one server.

    Args:
        url: of any database of the server; its user must be allowed to make others.
        name: what their names begin with.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = make_url(url)
        self._name = name
        self._template = f"{name}_template"

    def __enter__(self) -> Self:
        self._make(self._template, None)
        engine = create_engine(self.url(self._template), poolclass=NullPool)
        with engine.connect() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(migrations.__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            connection.execute(text(MADE_QUICK))
            connection.commit()
        return self

    def __exit__(self, *_error: object) -> None:
        self._drop(self._template)

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Lend a migrated database by its URL."""
        name = f"{self._name}_year"
        self._make(name, self._template)
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    def _make(self, name: str, template: str | None) -> None:
        self._drop(name)
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with self._admin() as admin:
            admin.execute(statement)
            for setting in ("jit", "synchronous_commit"):
                admin.execute(
                    sql.SQL("ALTER DATABASE {} SET {} = off").format(
                        sql.Identifier(name), sql.Identifier(setting)
                    )
                )

    def _drop(self, name: str) -> None:
        with self._admin() as admin:
            admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def _admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)


def digest(tx: Tx) -> str:
    """Return a digest of all that is stored; what is sealed differs each time and is left out."""
    found = hashlib.sha256()
    for table in metadata.sorted_tables:
        columns = [
            column.name
            for column in table.columns
            if not isinstance(column.type, LargeBinary) and column.computed is None
        ]
        named = ", ".join(f'"{name}"' for name in columns)
        rows = tx.db.execute(
            text(f"SELECT ROW({named})::text AS line FROM {table.name} ORDER BY 1")  # noqa: S608
        ).scalars()
        found.update(table.name.encode())
        for line in rows:
            found.update(line.encode())
    return found.hexdigest()[:16]
