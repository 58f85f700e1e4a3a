"""Databases that are cleaned and lent again: much quicker than making one for each test.

Whoever changes a schema writes rows into the catalogs that are newer than all others, or removes
some: a test that took a guard away (a constraint, a trigger, an index, a function) is known by
that, and its database is dropped. In any other, tables that differ from what was there at first
are emptied, triggers aside, and filled again; sequences start anew.

Connections stay open and SQL stays compiled from one test to the next.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from core.clock import Clock
from core.db.tx import Database, Work
from core.ids import Ids
from core.ports.providers import Routes
from core.vault import Vault
from tests.support.servers import Databases

# As many as threads in the story with the most of them.
POOL_SIZE = 40
# More than these are closed after the test, as the servers have room for 200 in all.
KEPT_CONNECTIONS_MAX = 2

SCHEMA = """
SELECT array_agg((rows, newest)::text) FROM (
    SELECT count(*), max(xmin::text::bigint) FROM pg_class UNION ALL
    SELECT count(*), max(xmin::text::bigint) FROM pg_attribute UNION ALL
    SELECT count(*), max(xmin::text::bigint) FROM pg_constraint UNION ALL
    SELECT count(*), max(xmin::text::bigint) FROM pg_index UNION ALL
    SELECT count(*), max(xmin::text::bigint) FROM pg_trigger UNION ALL
    SELECT count(*), max(xmin::text::bigint) FROM pg_proc
) AS catalogs (rows, newest)
"""

# What is there at first is kept beside, to be written again.
PRISTINE = """
CREATE SCHEMA pristine;
CREATE SCHEMA pristine_state;
CREATE TABLE pristine_state.sequences (name text, last_value bigint, is_called boolean);
CREATE TABLE pristine_state.tables (name text, columns text, rows bigint, newest bigint);
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT relname, string_agg(quote_ident(attname), ', ') AS columns
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            -- A generated column is never written.
            AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        GROUP BY relname
    LOOP
        EXECUTE format('CREATE TABLE pristine.%1$I AS TABLE public.%1$I', found.relname);
        EXECUTE format(
            'INSERT INTO pristine_state.tables'
            ' SELECT %1$L, %2$L, count(*), coalesce(max(xmin::text::bigint), 0) FROM public.%1$I',
            found.relname, found.columns
        );
    END LOOP;
    FOR found IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
    LOOP
        EXECUTE format(
            'INSERT INTO pristine_state.sequences SELECT %L, last_value, is_called FROM public.%I',
            'public.' || found.relname, found.relname
        );
    END LOOP;
END $$;
CREATE FUNCTION pristine.reset() RETURNS void LANGUAGE plpgsql AS $$
DECLARE kept record; found record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR kept IN SELECT * FROM pristine_state.tables LOOP
        EXECUTE format(
            'SELECT count(*) AS rows, coalesce(max(xmin::text::bigint), 0) AS newest'
            ' FROM public.%I', kept.name
        ) INTO found;
        CONTINUE WHEN found.rows = kept.rows AND found.newest <= kept.newest;
        EXECUTE format('DELETE FROM public.%I', kept.name);
        IF kept.rows > 0 THEN
            EXECUTE format(
                'INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE'
                ' SELECT %2$s FROM pristine.%1$I', kept.name, kept.columns
            );
            UPDATE pristine_state.tables SET newest = pg_current_xact_id()::text::bigint
                WHERE name = kept.name;
        END IF;
    END LOOP;
    PERFORM setval(name::regclass, last_value, is_called) FROM pristine_state.sequences;
END $$;
"""

OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)
"""
ALIVE = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"


@dataclass
class Kept:
    """A database that can be lent, with connections that stay open: its pool's and ours."""

    database: Database
    admin: psycopg.Connection[tuple[Any]]
    backends: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        return str(self.database.engine.url.database)


def _watch(kept: Kept) -> None:
    """Note which server processes belong to the pool."""

    def opened(connection: Any, _record: object) -> None:
        kept.backends.add(connection.info.backend_pid)

    def closing(connection: Any, _record: object) -> None:
        kept.backends.discard(connection.info.backend_pid)

    event.listen(kept.database.engine, "connect", opened)
    event.listen(kept.database.engine, "close", closing)


def waking(database: Database, wake: Callable[[Work], None]) -> Database:
    """The same database for those whose transactions wake somebody."""
    beside = copy.copy(database)
    beside._wake = wake
    return beside


class Recycler:
    """Lends databases of one content: what the migrations write, and what ``fill`` adds."""

    def __init__(
        self, databases: Databases, fill: Callable[[str], None] = lambda _url: None
    ) -> None:
        self._databases = databases
        self._fill = fill
        self._spare: list[Kept] = []
        self._template = ""
        self._schema: Sequence[str] = ()

    @contextmanager
    def lend(
        self, clock: Clock, ids: Ids, vault: Vault, routes: Routes | None = None
    ) -> Iterator[Database]:
        """A database that looks as if just made, until the block ends."""
        kept = self._spare.pop() if self._spare else self._make(clock, ids, vault)
        lent = copy.copy(kept.database)
        lent.clock, lent.ids, lent.vault, lent.routes = clock, ids, vault, routes or Routes()
        try:
            yield lent
        finally:
            self._take_back(kept)

    def close(self) -> None:
        """Drop what is left."""
        for kept in self._spare:
            self._drop(kept)
        if self._template:
            self._databases.drop(self._template)

    def _make(self, clock: Clock, ids: Ids, vault: Vault) -> Kept:
        if not self._template:
            self._template = self._databases.migrated()
            self._fill(self._databases.url(self._template))
            with self._connect(self._template) as connection:
                connection.execute(PRISTINE)
                self._schema = _one(connection, SCHEMA)
        name = self._databases.create(self._template)
        database = Database(self._databases.url(name), clock, ids, vault, pool_size=POOL_SIZE)
        kept = Kept(database, self._connect(name))
        _watch(kept)
        return kept

    def _take_back(self, kept: Kept) -> None:
        """Clean a database for the next test, or drop it when its schema was changed."""
        pool = kept.database.engine.pool
        assert isinstance(pool, QueuePool)
        if pool.checkedout() or pool.checkedin() > KEPT_CONNECTIONS_MAX:
            kept.database.close()
            kept.backends.clear()
        try:
            clean = self._clean(kept)
        except psycopg.OperationalError:  # The test has killed this connection too.
            kept.admin.close()
            kept.admin = self._connect(kept.name)
            clean = self._clean(kept)
        if clean:
            self._spare.append(kept)
        else:
            self._drop(kept)

    def _clean(self, kept: Kept) -> bool:
        backends = list(kept.backends)
        if _one(kept.admin, ALIVE, [backends]) < len(backends):
            kept.database.close()
        kept.admin.execute(OTHERS, [backends])
        if _one(kept.admin, SCHEMA) != self._schema:
            return False
        kept.admin.execute("SELECT pristine.reset()")
        return True

    def _drop(self, kept: Kept) -> None:
        kept.admin.close()
        kept.database.close()
        self._databases.drop(kept.name)

    def _connect(self, name: str) -> psycopg.Connection[tuple[Any]]:
        url = self._databases.url(name).replace("postgresql+psycopg", "postgresql")
        return psycopg.connect(url, autocommit=True)


def _one(
    connection: psycopg.Connection[tuple[Any]], query: str, values: Sequence[Any] = ()
) -> Any:
    row = connection.execute(query, values).fetchone()
    assert row is not None, "an aggregate has a row"
    return row[0]
