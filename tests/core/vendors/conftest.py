"""Fixtures of the vendors' tests."""

import pytest

from core.catalog.places import load_places
from core.db.tx import Database
from core.people.model import Vendor
from tests.support.factories import make_vendor


@pytest.fixture
def vendor(database: Database) -> Vendor:
    """A vendor whom we have checked, in a country with towns."""
    database.run(load_places)
    return database.run(make_vendor)
