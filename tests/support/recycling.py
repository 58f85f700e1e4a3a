"""Databases that are cleaned and lent again: much quicker than making one for each test.

A test that took a guard away (a constraint, a trigger, an index, a function) gives back a
database whose fingerprint has changed: it is dropped. Any other is emptied, triggers aside, filled
with what the migrations wrote, and its sequences start anew.
"""

import psycopg

from tests.support.servers import Databases

FINGERPRINT = """
SELECT md5(string_agg(fact, ',' ORDER BY fact)) FROM (
    SELECT concat('r', oid, relname, relkind, reloptions) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat('c', oid, conname, convalidated, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat('t', t.oid, tgname, tgenabled) FROM pg_trigger t
    JOIN pg_class c ON c.oid = tgrelid
    WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
    UNION ALL
    SELECT concat('p', p.oid, proname, md5(prosrc)) FROM pg_proc p
    JOIN pg_language l ON l.oid = prolang
    WHERE pronamespace = 'public'::regnamespace AND lanname IN ('plpgsql', 'sql')
    UNION ALL
    SELECT concat('a', attrelid, attname, attnotnull, attisdropped) FROM pg_attribute a
    JOIN pg_class c ON c.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0
) AS facts (fact)
"""

# What the migrations wrote is kept beside, to be written again.
PRISTINE = """
CREATE SCHEMA pristine;
CREATE SCHEMA pristine_state;
CREATE TABLE pristine_state.sequences (name text, last_value bigint, is_called boolean);
DO $$
DECLARE found record; has_rows boolean;
BEGIN
    FOR found IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', found.relname) INTO has_rows;
        IF has_rows THEN
            EXECUTE format('CREATE TABLE pristine.%1$I AS TABLE public.%1$I', found.relname);
        END IF;
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
DECLARE found record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    LOOP
        EXECUTE format('DELETE FROM public.%I', found.relname);
    END LOOP;
    FOR found IN SELECT relname FROM pg_class
        WHERE relnamespace = 'pristine'::regnamespace AND relkind = 'r'
    LOOP
        EXECUTE format(
            'INSERT INTO public.%1$I OVERRIDING SYSTEM VALUE TABLE pristine.%1$I', found.relname
        );
    END LOOP;
    PERFORM setval(name::regclass, last_value, is_called) FROM pristine_state.sequences;
END $$;
"""


class Recycler:
    """Lends databases at the newest revision."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._spare: list[str] = []
        self._fingerprint: str | None = None

    def take(self) -> str:
        """Return the name of a database that looks as if just migrated."""
        if self._spare:
            return self._spare.pop()
        name = self._databases.migrated()
        with self._connect(name) as connection:
            connection.execute(PRISTINE)
            self._fingerprint = self._fingerprint or self._look(connection)
        return name

    def give_back(self, name: str) -> None:
        """Clean a database for the next test, or drop it when its schema was changed."""
        with self._connect(name) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            clean = self._look(connection) == self._fingerprint
            if clean:
                connection.execute("SELECT pristine.reset()")
        if clean:
            self._spare.append(name)
        else:
            self._databases.drop(name)

    def close(self) -> None:
        """Drop what is left."""
        for name in self._spare:
            self._databases.drop(name)

    def _connect(self, name: str) -> psycopg.Connection[tuple[str]]:
        url = self._databases.url(name).replace("postgresql+psycopg", "postgresql")
        return psycopg.connect(url, autocommit=True)

    def _look(self, connection: psycopg.Connection[tuple[str]]) -> str:
        row = connection.execute(FINGERPRINT).fetchone()
        assert row is not None, "an aggregate has a row"
        return row[0]
