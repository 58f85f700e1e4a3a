"""A database for each simulated year."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.support.servers import POSTGRES
from workers.simulate.databases import Databases
from workers.simulate.year import Result, Year, planted

Live = Callable[..., Result]


@pytest.fixture(scope="module")
def live(worker_id: str) -> Iterator[Live]:
    """Lives through the year of a seed."""
    with Databases(os.environ[POSTGRES], f"simulate_{worker_id}_{os.getpid()}") as databases:

        def run(seed: int, days: int, plant: str | None = None) -> Result:
            with databases.fresh() as url:
                year = Year(seed, url)
                try:
                    with planted(plant, year):
                        return year.run(days)
                finally:
                    year.close()

        yield run
