"""The web application for stories."""

from collections.abc import Iterator

import pytest

from core.db.tx import Database
from tests.web.rig import Web, make_settings, running


@pytest.fixture
def web(database: Database, redis_url: str) -> Iterator[Web]:
    with running(database, make_settings(database, redis_url)) as made:
        yield made
