"""Fixtures of the whole suite."""

import gc
import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis
import structlog

from core.catalog.places import load_places
from core.clock import ManualClock
from core.db.tx import Database
from core.ids import CountedIds
from core.vault import Vault
from tests.sessions.sample import prepare
from tests.support.recycling import Recycler
from tests.support.rehearsal import Rehearsal
from tests.support.servers import POSTGRES, REDIS, Databases, TestServers

# A Friday, 09:00 in Nairobi.
START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
VAULT_KEY = "bmFmYXNpLXRlc3RzLW9ubHktMzItYnl0ZXMtbG9uZyE="

_servers = TestServers()


def pytest_configure(config: pytest.Config) -> None:
    # What is imported and collected stays until the end: looking for garbage there is in vain.
    gc.disable()
    # What is logged of an error costs rich half a second, in colours that nobody sees.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    if not config.option.collectonly and not config.option.help:
        _servers.start()


def pytest_unconfigure() -> None:
    _servers.stop()


def pytest_collection_finish() -> None:
    """From here on there is garbage, and it is looked for among what is new."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: tests of processes and of time wait for a quarter of theirs."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.fixture(scope="session")
def databases(worker_id: str) -> Iterator[Databases]:
    made = Databases(os.environ[POSTGRES], worker_id)
    yield made
    made.close()


def write_places(url: str) -> None:
    """Write the towns and areas that nearly every story needs."""
    database = Database(url, ManualClock(START), CountedIds(), Vault([VAULT_KEY]))
    database.run(load_places)
    database.close()


@pytest.fixture(scope="session")
def recycler(databases: Databases) -> Iterator[Recycler]:
    made = Recycler(databases, write_places)
    yield made
    made.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def ids() -> CountedIds:
    return CountedIds()


@pytest.fixture
def vault() -> Vault:
    return Vault([VAULT_KEY])


@pytest.fixture
def database(
    recycler: Recycler, clock: ManualClock, ids: CountedIds, vault: Vault
) -> Iterator[Database]:
    """A database at the newest revision that holds what the migrations wrote, and the towns."""
    with recycler.lend(clock, ids, vault) as lent:
        yield lent


@pytest.fixture(scope="session")
def halls(databases: Databases) -> Iterator[Recycler]:
    """Databases with the tables of the sample conversation."""
    made = Recycler(databases, prepare)
    yield made
    made.close()


@pytest.fixture
def hall_database(
    halls: Recycler, clock: ManualClock, ids: CountedIds, vault: Vault
) -> Iterator[Database]:
    with halls.lend(clock, ids, vault) as lent:
        yield lent


@pytest.fixture(scope="module")
def rehearsal(recycler: Recycler) -> Iterator[Rehearsal]:
    """A database on which lives can be played that leave nothing behind."""
    clock, ids, vault = ManualClock(START), CountedIds(), Vault([VAULT_KEY])
    with recycler.lend(clock, ids, vault) as lent:
        made = Rehearsal(lent.engine.url, clock, ids, vault)
        yield made
        made.close()


@pytest.fixture(scope="session")
def _redis_number(worker_id: str) -> int:
    """Redis has 16 databases; runs side by side on one server should not meet."""
    return int(worker_id.removeprefix("gw")) if worker_id != "master" else os.getpid() % 16


@pytest.fixture
def redis_url(_redis_number: int) -> Iterator[str]:
    """The URL of an empty Redis database of this worker's own."""
    url = f"{os.environ[REDIS].rpartition('/')[0]}/{_redis_number}"
    client = redis.Redis.from_url(url)
    client.flushdb()
    yield url
    client.flushdb()
    client.close()
