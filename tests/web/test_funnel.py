"""``nafasi funnel``: figures beside what they are figures of, for people and for the console."""

import json
from functools import partial
from typing import Any

import pytest

from core.clock import SystemClock
from core.db.tx import Database
from core.insight.rules import Ending, HopSeen, Stage
from core.insight.usecases import count_days, note_hops
from tests.web.rig import Inside
from web.metrics import Metrics


@pytest.fixture
def nafasi(inside: Inside) -> Inside:
    return partial(inside, "funnel")


@pytest.fixture
def called(database: Database) -> None:
    """Three calls of today: one hung up at the price, one booked, one in Swahili at the menu."""
    now = SystemClock().now()
    database.clock = SystemClock()

    def hop(session: str, stage: Stage, language: str, ended: Ending | None) -> HopSeen:
        who: Any = {"version": "1", "language": language, "role": "customer", "network": "63902"}
        return HopSeen("hubtel", session, now, 4, turn=True, stage=stage, ended=ended, **who)

    hops = [
        hop("s1", Stage.PRICED, "en", Ending.CANCELLED),
        hop("s2", Stage.BOOKED, "en", Ending.FINISHED),
        hop("s3", Stage.BEGUN, "sw", None),
    ]
    database.run(lambda tx: note_hops(tx, "web-1", 1, hops))
    database.run(count_days)


@pytest.mark.usefixtures("called")
def test_people_read_shares_of_what_they_are_shares_of(nafasi: Inside) -> None:
    said = nafasi("--days", "1").stdout

    assert "sessions   3, ended: finished 1 (33.3%), cancelled 1 (33.3%), open 1 (33.3%)" in said
    assert "priced 2 (66.7%), booked 1 (33.3%)" in said
    assert "95% below 5 ms" in said


@pytest.mark.usefixtures("called")
def test_the_console_reads_the_same_as_json(nafasi: Inside) -> None:
    said = json.loads(nafasi("--by", "language", "--json").stdout)

    assert [(one["of"], one["sessions"]["count"]) for one in said["funnels"]] == [
        ("en", 2), ("sw", 1),
    ]  # fmt: skip
    assert said["funnels"][0]["customers"]["booked"] == {"sessions": 1, "of_sessions": "50.0%"}


def test_nobody_has_called_and_nothing_is_divided(nafasi: Inside) -> None:
    assert "sessions   0" in nafasi().stdout
    assert json.loads(nafasi("--by", "day", "--json").stdout)["funnels"] == []
    refused = nafasi("--by", "weather")
    assert refused.exit_code == 2
    assert "weather is none of network" in refused.stderr


@pytest.mark.usefixtures("called")
def test_a_dashboard_sees_today(database: Database) -> None:
    metrics = Metrics()
    metrics.watch(database)

    page = metrics.render().decode()

    assert 'nafasi_calls_today{ended="cancelled"} 1.0' in page
    assert 'nafasi_customer_calls_today{stage="sessions"} 3.0' in page
