"""PostgreSQL is stopped under inbound load: nothing is lost, nobody's words change places.

In full: ``pytest -m slow -s tests/reliability/test_outage.py`` (three minutes without a database).
"""

import sys
import time
from pathlib import Path

import pytest

from core.inbox import Arrival
from tests.reliability.outage import scene
from tests.support.serving import eventually

REST_SECONDS = 600.0


@pytest.mark.parametrize(
    ("before_seconds", "away_seconds", "people", "pause_seconds"),
    [
        pytest.param(0.2, 0.8, 6, 0.02, id="a second"),
        pytest.param(
            10, 180, 20, 0.5, marks=[pytest.mark.slow, pytest.mark.timeout(1_200)], id="3 minutes"
        ),
    ],
)
def test_nothing_that_comes_in_is_lost_while_postgresql_is_stopped(
    tmp_path: Path, before_seconds: float, away_seconds: float, people: int, pause_seconds: float
) -> None:
    with scene(tmp_path) as at:
        with at.load(people, pause_seconds):
            time.sleep(before_seconds)
            at.stop_postgres()
            time.sleep(away_seconds / 2)
            assert at.dial().startswith("END The service is busy"), "a clean end"
            time.sleep(away_seconds / 2)
            at.start_postgres()
            began = time.monotonic()
            time.sleep(before_seconds)
        eventually(at.at_rest, REST_SECONDS)
        rest_seconds = time.monotonic() - began

        assert at.refused == []
        said = sum(map(len, at.said.values()))
        assert at.inbox() == {Arrival.APPLIED: said + len(at.paid)}
        assert at.receipts() == set(at.paid)
        for person, words in at.said.items():
            assert at.desk.order(person) == words
        journaled = at.journaled()
        assert all(journaled), "each process has met the outage"
        sys.stdout.write(
            f"\n{said} messages of {people} people and {len(at.paid)} payments; "
            f"{sum(journaled):.0f} waited on the disk, all applied {rest_seconds:.1f} s after "
            f"PostgreSQL was back\n"
        )
