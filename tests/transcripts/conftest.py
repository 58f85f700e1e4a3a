"""The stage on which stories are played, and the option that writes them down anew."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from core.vault import Vault
from tests.conftest import VAULT_KEY
from tests.support.servers import Databases
from tests.support.stage import Stage, staged

BEGIN = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-transcripts",
        action="store_true",
        help="write what happens into the stories; then read the difference",
    )


@pytest.fixture(scope="session")
def stage(databases: Databases) -> Iterator[Stage]:
    with staged(databases, Vault([VAULT_KEY]), BEGIN) as made:
        yield made
