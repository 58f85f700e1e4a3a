"""The real application under a real server, on the test's own database and Redis."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import redis
from sqlalchemy import select
from typer.testing import Result

from core.db.tx import Database
from core.inbox import Inbound
from core.settings import Settings
from sessions.bootstrap import build_conductor
from tests.support.recycling import waking
from tests.support.serving import serving
from web.asgi import assemble
from web.inlet import Inlet
from web.journal import Journal
from web.metrics import Metrics
from web.parts import Parts
from web.wake import Nudger, Producer

SECRET = "tests-callback-secret-0123456789"
CALLER = "+254700000001"

Inside = Callable[..., Result]
"""Runs a command in this process, by its words."""


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def make_settings(database: Database, redis_url: str, **over: Any) -> Settings:
    values = {
        "env": "test",
        "database_url": _url(database),
        "redis_url": redis_url,
        "callback_secret": SECRET,
        "metrics_token": "",
        "simulator_url": "",
    }
    return Settings(**(values | over))


def make_parts(database: Database, settings: Settings, journal: Journal) -> Parts:
    nudger = Nudger(Producer(settings.redis_url))
    if settings.database_url == _url(database):
        database = waking(database, nudger)
    else:
        database = Database(
            settings.database_url, database.clock, database.ids, database.vault, nudger
        )
    metrics = Metrics()
    metrics.watch_journal(journal)
    conductor = build_conductor(database, settings.redis_url, settings, observer=metrics)
    inlet = Inlet(database, journal, metrics.callback)
    return Parts(settings, database, conductor, metrics, nudger, inlet)


@contextmanager
def silence() -> Iterator[str]:
    """A host that takes connections and never answers; gives host and port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@dataclass
class Web:
    """The application, and what a story looks at."""

    http: httpx.Client
    parts: Parts
    store: redis.Redis

    def hook(self, path: str, secret: str = SECRET) -> str:
        provider, _, rest = path.partition("/")
        return f"/hooks/{provider}/{secret}/{rest}"

    def inbox(self) -> list[Inbound]:
        with self.parts.database.transaction() as tx:
            return list(tx.db.scalars(select(Inbound).order_by(Inbound.received_at, Inbound.id)))

    def metric(self, line: str) -> float:
        """The value of one line of /metrics; 0 when it is not there."""
        for shown in self.http.get("/metrics").text.splitlines():
            if shown.startswith(line):
                return float(shown.rpartition(" ")[2])
        return 0.0


@contextmanager
def running(database: Database, settings: Settings) -> Iterator[Web]:
    """The application of these settings, until the block ends; with a disk of its own."""
    store = redis.Redis.from_url(settings.redis_url, decode_responses=True)
    with TemporaryDirectory() as folder, store:
        journal = Journal(Path(settings.journal_folder or folder))
        parts = make_parts(database, settings, journal)
        with (
            serving(assemble(parts)) as base,
            # Without certificates, as loading them takes longer than the rest. Without limits, as
            # a pool with any may close what it has just given to another thread (httpcore #1110).
            httpx.Client(
                base_url=base,
                timeout=10,
                limits=httpx.Limits(keepalive_expiry=None),
                trust_env=False,
                verify=False,
            ) as http,
        ):
            yield Web(http, parts, store)
