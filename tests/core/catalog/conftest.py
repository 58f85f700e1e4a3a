"""Fixtures of the catalog's tests."""

import pytest

from core.db.tx import Database
from tests.core.catalog.market import Market


@pytest.fixture
def market(database: Database) -> Market:
    """A database with places and one vendor."""
    return Market(database)
