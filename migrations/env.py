"""Runs migrations: one at a time, with limits on how long a lock is waited for."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine, text

from core.db.models import metadata

# A waiting ALTER TABLE blocks everybody behind it: give up early and try again later.
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"
ADVISORY_LOCK = 7_781_000


def _names_ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "schema" or name in {None, "public"}


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=_names_ours,
        compare_server_default=False,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        context.run_migrations()


def run_online() -> None:
    """Migrate over a connection handed in, or to the database of the settings."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _run(given)
        return
    engine = create_engine(os.environ["NAFASI_DATABASE_URL"])
    with engine.connect() as connection:
        _run(connection)
    engine.dispose()


def run_offline() -> None:
    """Print the SQL instead of running it."""
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
