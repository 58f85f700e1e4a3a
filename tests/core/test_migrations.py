"""The schema: made by migrations, the same as the models', undone and made again."""

import re
from collections.abc import Iterator

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, Enum, create_engine, text
from sqlalchemy.exc import DBAPIError

from core.clock import ManualClock
from core.db.models import metadata
from core.db.tx import Database
from tests.core.booking.world import World
from tests.core.escrow.tools import run_sql
from tests.support.servers import Databases, alembic_config, migrate

# What belongs to the extensions of migration 0001, and Alembic's own table.
OURS = """
SELECT relname FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'v', 'm', 'S')
    AND relname <> 'alembic_version'
    AND NOT EXISTS (
        SELECT 1 FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e'
    )
"""
OUR_FUNCTIONS = """
SELECT proname FROM pg_proc
JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspname = 'public'
    AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""


@pytest.fixture
def empty(databases: Databases) -> Iterator[Engine]:
    """A database in which nothing has happened yet."""
    name = databases.create()
    engine = create_engine(databases.url(name))
    yield engine
    engine.dispose()
    databases.drop(name)


@pytest.fixture(scope="module")
def schema(databases: Databases) -> Iterator[Engine]:
    """The newest schema, for those who only read it."""
    name = databases.migrated()
    engine = create_engine(databases.url(name))
    yield engine
    engine.dispose()
    databases.drop(name)


def names(engine: Engine, query: str) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text(query)).scalars())


def test_up_down_and_up_again(empty: Engine) -> None:
    url = empty.url.render_as_string(hide_password=False)
    migrate(url)
    made, functions = names(empty, OURS), names(empty, OUR_FUNCTIONS)
    assert set(metadata.tables) <= made

    migrate(url, "base")
    assert names(empty, OURS) == set()
    assert names(empty, OUR_FUNCTIONS) == set()

    migrate(url)
    assert (names(empty, OURS), names(empty, OUR_FUNCTIONS)) == (made, functions)


def check(engine: Engine) -> None:
    """``alembic check``: raises when models and tables differ."""
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.check(config)


def test_the_models_and_the_migrations_agree(schema: Engine) -> None:
    check(schema)


def test_a_difference_between_them_is_found(database: Database) -> None:
    run_sql(database, "ALTER TABLE questions DROP COLUMN about")
    with pytest.raises(CommandError, match="New upgrade operations detected"):
        check(database.engine)


def test_each_revision_follows_one_other() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert len(scripts.get_heads()) == len(scripts.get_bases()) == 1


def test_every_table_has_a_primary_key_of_the_usual_name(schema: Engine) -> None:
    without = """
    SELECT relname FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relkind = 'r' AND relname <> 'alembic_version'
        AND NOT EXISTS (
            SELECT 1 FROM pg_constraint
            WHERE conrelid = pg_class.oid AND contype = 'p' AND conname = 'pk_' || relname
        )
    """
    assert names(schema, without) == set()


def test_every_constraint_has_a_name_of_the_convention(schema: Engine) -> None:
    odd = """
    SELECT conname FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relname <> 'alembic_version' AND contype IN ('p','u','f','c','x')
        AND NOT starts_with(
            conname,
            CASE contype
                WHEN 'p' THEN 'pk' WHEN 'u' THEN 'uq' WHEN 'f' THEN 'fk'
                WHEN 'c' THEN 'ck' ELSE 'ex'
            END || '_' || relname
        )
    """
    assert names(schema, odd) == set()


def test_every_index_has_a_name_of_the_convention(schema: Engine) -> None:
    odd = """
    SELECT indexname FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        AND indexname !~ ('^(ix|uq|pk|ex)_' || tablename)
    """
    assert names(schema, odd) == set()


def test_every_list_of_words_is_that_of_the_code(schema: Engine) -> None:
    """What the code cannot say the database does not take, and the other way round."""
    query = text("SELECT conname, pg_get_constraintdef(oid) AS said FROM pg_constraint")
    with schema.connect() as connection:
        checks = {row.conname: row.said for row in connection.execute(query)}

    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Enum):
                listed = re.findall(r"'(\w*)'", checks[f"ck_{table.name}_{column.type.name}"])
                assert sorted(listed) == sorted(column.type.enums), f"{table.name}.{column.name}"


def test_every_time_knows_its_zone(schema: Engine) -> None:
    naive = """
    SELECT table_name || '.' || column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'
    """
    assert names(schema, naive) == set()


def test_money_is_whole_cents_in_eight_bytes(schema: Engine) -> None:
    odd = """
    SELECT table_name || '.' || column_name FROM information_schema.columns
    WHERE table_schema = 'public'
        AND (data_type IN ('money', 'numeric', 'real') OR column_name LIKE '%%\\_cents'
            AND data_type <> 'bigint' AND table_name <> 'notices')
    """
    assert names(schema, odd.replace("%%", "%")) == set()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE booking_events SET note = 'nothing happened'",
        "DELETE FROM booking_events",
        "TRUNCATE booking_events",
    ],
)
def test_what_happened_to_a_booking_is_never_rewritten(
    database: Database, clock: ManualClock, change: str
) -> None:
    World.open(database, clock).book()

    with pytest.raises(DBAPIError, match="booking_events is append-only"):
        run_sql(database, change)

    run_sql(database, "DROP TRIGGER append_only ON booking_events", change)
