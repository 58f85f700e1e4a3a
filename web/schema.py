"""The database's revision: which one is on disk, which one the database has, and getting there."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

import migrations


def alembic_config() -> Config:
    """Return Alembic's configuration, wherever we stand and however we were installed."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


@cache
def head_on_disk() -> str:
    """Return the newest revision that this code knows."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None, "there are migrations"
    return head


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a database; None when it was never migrated."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return None
    found: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar()
    return found


def upgrade(database_url: str) -> None:
    """Bring a database to the newest revision; those who come at the same time wait in line."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
