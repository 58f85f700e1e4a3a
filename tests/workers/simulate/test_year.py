"""Years in which everything goes wrong: few days here, whole years with `-m slow`."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.servers import POSTGRES, ROOT
from tests.workers.simulate.conftest import Live
from workers.simulate.points import POINTS

DAYS = 2
PLANTED_SEEDS_MAX = 20


def test_nothing_is_broken_and_the_same_seed_is_the_same_year(live: Live) -> None:
    first, again, other = live(1, DAYS), live(1, DAYS), live(2, DAYS - 1)

    assert first.wrong == []
    assert other.wrong == []
    assert first.bookings >= 8
    assert sum(first.crashes.died.values()) > 10, "processes die, or there is nothing to survive"
    assert first.tally["call.push well"] > 0
    assert not first.crashes.unlisted, "every transaction of a worker has a name"
    assert again.digest == first.digest
    assert other.digest != first.digest


def test_a_receipt_that_counts_twice_is_found(live: Live) -> None:
    """In even years each prompt's receipt comes twice; without the guard it is money twice."""
    found = live(2, DAYS - 1, "receipt-uniqueness")

    assert found.wrong
    assert found.day == 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_whole_year_keeps_the_books_and_dies_everywhere(live: Live) -> None:
    year = live(7, 365)

    assert year.wrong == []
    assert year.bookings >= 2_000
    assert sum(1 for point in POINTS if year.crashes.died[point]) >= 40
    assert not year.crashes.unlisted, "every transaction of a worker has a name"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_planted_fault_is_found_within_twenty_seeds_and_replays() -> None:
    words = ("--seeds", f"1-{PLANTED_SEEDS_MAX}", "--days", "30", "--json")
    told = [_simulate(str(hash_seed), *words) for hash_seed in (1, 2)]

    assert told[0]["seeds"][-1]["wrong"]
    assert _without_times(told[0]) == _without_times(told[1])
    assert "--plant receipt-uniqueness" in told[0]["seeds"][-1]["replay"]


def _without_times(told: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    return [each | {"seconds": 0, "cpu_seconds": 0} for each in told["seeds"]]


def _simulate(hash_seed: str, *words: str) -> dict[str, list[dict[str, object]]]:
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed}
    environ["NAFASI_DATABASE_URL"] = os.environ[POSTGRES]
    done = subprocess.run(
        [sys.executable, "-m", "workers.simulate", "--plant", "receipt-uniqueness", *words],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    told: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return told
