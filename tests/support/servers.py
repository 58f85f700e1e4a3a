"""One PostgreSQL and one Redis for the whole run, and databases made quickly.

The first process of a run starts the servers and hands their URLs to its xdist workers through
the environment. Each worker migrates one template database and copies it. Most tests borrow a
copy (``tests.support.recycling``).
"""

import itertools
import os
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from web.local.servers import LocalServers

ROOT = Path(__file__).parents[2]
POSTGRES = "NAFASI_TEST_POSTGRES"
REDIS = "NAFASI_TEST_REDIS"


def alembic_config() -> Config:
    """The project's Alembic configuration, independent of the folder we stand in."""
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a revision."""
    engine = create_engine(url)
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        if revision == "base":
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)
        connection.commit()
    engine.dispose()


class TestServers:
    """Starts the servers when this is the run's first process; workers find them."""

    __test__ = False

    def __init__(self) -> None:
        self._servers: LocalServers | None = None

    def start(self) -> None:
        """Start PostgreSQL and Redis unless a parent process has."""
        if POSTGRES in os.environ:
            return
        self._servers = LocalServers(durable=False)
        self._servers.start()
        os.environ[POSTGRES] = self._servers.database_url
        os.environ[REDIS] = self._servers.redis_url

    def stop(self) -> None:
        """Stop what was started here."""
        if self._servers is not None:
            self._servers.stop()
            os.environ.pop(POSTGRES, None)
            os.environ.pop(REDIS, None)


class Databases:
    """Makes databases quickly: one migrated template a worker, copies of it for tests."""

    def __init__(self, url: str, worker: str) -> None:
        self._url = make_url(url)
        self._worker = f"{worker}_{os.getpid()}"
        self._numbers = itertools.count(1)
        self._template: str | None = None

    def _admin(self) -> psycopg.Connection:
        url = self._url.set(drivername="postgresql")
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)

    def url(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    def create(self, template: str | None = None) -> str:
        """Return the name of a new database."""
        name = f"t_{self._worker}_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            statement += sql.SQL(" TEMPLATE {} STRATEGY wal_log").format(sql.Identifier(template))
        with self._admin() as connection:
            connection.execute(statement)
        return name

    def drop(self, name: str) -> None:
        with self._admin() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def migrated(self) -> str:
        """Return the name of a fresh database at the newest revision."""
        if self._template is None:
            self._template = self.create()
            migrate(self.url(self._template))
        return self.create(self._template)

    def close(self) -> None:
        if self._template:
            self.drop(self._template)
