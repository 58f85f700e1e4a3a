"""The web application for stories."""

from collections.abc import Iterator

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from core.vault import Vault
from tests.conftest import START, VAULT_KEY
from tests.support.servers import Databases
from tests.web.market import Market, open_market, seeded
from tests.web.rig import Web, make_settings, running


@pytest.fixture
def web(database: Database, redis_url: str) -> Iterator[Web]:
    with running(database, make_settings(database, redis_url)) as made:
        yield made


@pytest.fixture(scope="session")
def market_template(databases: Databases) -> Iterator[str]:
    name = seeded(databases, ManualClock(START), Vault([VAULT_KEY]))
    yield name
    databases.drop(name)


@pytest.fixture
def market(
    databases: Databases, market_template: str, clock: ManualClock, vault: Vault, redis_url: str
) -> Iterator[Market]:
    """The application and a worker on the demo market; its books are right when a story ends."""
    with open_market(databases, market_template, clock, vault, redis_url) as made:
        yield made
        made.work()
        assert made.findings() == []
