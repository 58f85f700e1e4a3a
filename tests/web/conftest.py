"""The web application for stories."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from channels.simulator.operators import OPERATORS
from core.clock import ManualClock, SystemClock
from core.db.tx import Database
from core.ids import CountedIds
from core.vault import Vault
from tests.conftest import VAULT_KEY
from tests.support.commands import Commands, Nafasi
from tests.support.recycling import Recycler
from tests.support.servers import Databases
from tests.web.market import STORY_IDS, Market, open_market, seed
from tests.web.operators import On, plays
from tests.web.rig import Inside, Web, make_settings, running
from web.cli import app


@pytest.fixture
def web(database: Database, redis_url: str) -> Iterator[Web]:
    with running(database, make_settings(database, redis_url)) as made:
        yield made


@pytest.fixture(scope="session")
def markets(databases: Databases) -> Iterator[Recycler]:
    made = Recycler(databases, seed)
    yield made
    made.close()


@pytest.fixture
def market(
    markets: Recycler, clock: ManualClock, vault: Vault, redis_url: str
) -> Iterator[Market]:
    """The application and a worker on the demo market; its books are right when a story ends."""
    with (
        markets.lend(clock, CountedIds(STORY_IDS), vault) as database,
        open_market(database, clock, redis_url) as made,
    ):
        yield made
        made.work()
        assert made.findings() == []


@pytest.fixture(params=OPERATORS.values(), ids=OPERATORS)
def on(
    request: pytest.FixtureRequest, hall_database: Database, redis_url: str, clock: ManualClock
) -> On:
    """Play a story on each operator's network."""
    return plays(request.param, hall_database, redis_url, clock)


@pytest.fixture
def inside(database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Commands in this process, on the test's database."""
    url = database.engine.url.render_as_string(hide_password=False)
    for name, value in {
        "NAFASI_ENV": "test",
        "NAFASI_DATABASE_URL": url,
        "NAFASI_REDIS_URL": redis_url,
        "NAFASI_VAULT_KEYS": VAULT_KEY,
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)
    runner = CliRunner()
    return lambda *words: runner.invoke(app, [str(word) for word in words])


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    made = Commands()
    yield made
    made.close()


@pytest.fixture
def bare(commands: Commands, tmp_path: Path) -> Nafasi:
    """Commands on a machine where nothing runs."""
    keep = {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}
    environ = {name: value for name, value in os.environ.items() if name in keep}
    return Nafasi(commands, environ | {"NAFASI_DATA": str(tmp_path), "NO_COLOR": "1"})


@pytest.fixture
def nafasi(bare: Nafasi, database: Database, redis_url: str, tmp_path: Path) -> Nafasi:
    """Commands on a migrated database, which lives at the machine's own time as they do."""
    database.clock = SystemClock()
    url = database.engine.url.render_as_string(hide_password=False)
    return bare.having(
        NAFASI_ENV="test",
        NAFASI_DATABASE_URL=url,
        NAFASI_REDIS_URL=redis_url,
        # As root a trial's own place would be a shared folder, which nobody clears away.
        NAFASI_JOURNAL_FOLDER=str(tmp_path / "journal"),
    )
