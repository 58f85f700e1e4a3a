"""The live checker: a break is told once, with a case, within two minutes (R17)."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from core import checker
from core.cases.model import Case, CaseKind, CaseState
from core.cases.queries import open_cases
from core.clock import ManualClock
from core.db.tx import Database
from core.invariants.run import NAMES
from core.settings import Settings
from tests.support.factories import make_instant_listing, make_paid, make_vendor
from tests.workers.conftest import Crew
from tests.workers.test_process import (
    Broker,
    broker,
    eventually,
    live,
    provider,
    settings,
    worker,
)
from web.wake import Producer
from workers.cases import run_cases, run_float
from workers.checker import run_checker
from workers.schedule import JOBS, Queue

__all__ = ["broker", "live", "provider", "settings"]  # Fixtures of the story with real processes.

ALARM_SECONDS = 120
BREAK = "UPDATE listing_days SET booked = 0"
REPAIR = "UPDATE listing_days SET booked = 1 WHERE booked = 0"


def sell(database: Database) -> None:
    with database.transaction() as tx:
        make_paid(tx, make_instant_listing(tx, make_vendor(tx)))
        tx.db.execute(text("UPDATE notices SET state = 'sent', leased_until = NULL"))


def run(database: Database, statement: str) -> None:
    with database.transaction() as tx:
        tx.db.execute(text(statement))


def findings(database: Database) -> dict[str, int]:
    with database.transaction() as tx:
        return {row.invariant: row.findings for row in checker.latest(tx)}


def test_a_sound_system_is_looked_at_and_nothing_is_told(crew: Crew) -> None:
    sell(crew.database)

    with capture_logs() as logs:
        assert run_checker(crew.parts) == 0

    assert findings(crew.database) == dict.fromkeys(NAMES, 0)
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


def test_a_break_is_told_once_and_its_case_closes_when_it_holds_again(
    crew: Crew, clock: ManualClock
) -> None:
    sell(crew.database)
    run(crew.database, BREAK)

    with capture_logs() as logs:
        assert run_checker(crew.parts) == 1
        clock.advance(seconds=60)
        assert run_checker(crew.parts) == 0

    (told,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert told["event"] == "invariant.broken"
    assert told["text"].startswith(
        "I7 is broken (claimed units are the calendar's, none oversold)"
    )
    assert f"It is case {told['case']}." in told["text"]
    with crew.database.transaction() as tx:
        (case,) = open_cases(tx)
        assert (case.kind, case.subject, case.number) == (CaseKind.INVARIANT, "I7", told["case"])
        row = next(row for row in checker.latest(tx) if row.invariant == "I7")
        assert row.broken_since == clock.now() - timedelta(seconds=60)

    run(crew.database, REPAIR)
    assert run_checker(crew.parts) == 0
    assert findings(crew.database)["I7"] == 0
    with crew.database.transaction() as tx:
        assert open_cases(tx) == []

    run(crew.database, BREAK)
    assert run_checker(crew.parts) == 1, "a new break is a new alarm"
    with crew.database.transaction() as tx:
        states = tx.db.scalars(select(Case.state).order_by(Case.number)).all()
    assert states == [CaseState.CLOSED, CaseState.OPEN]


def test_an_alarm_that_dies_before_it_is_kept_is_told_again(crew: Crew) -> None:
    sell(crew.database)
    run(crew.database, BREAK)

    def die_at_commit(_session: Session) -> None:
        raise KeyboardInterrupt

    with capture_logs() as logs:
        event.listen(Session, "before_commit", die_at_commit)
        try:
            with pytest.raises(KeyboardInterrupt):
                run_checker(crew.parts)
        finally:
            event.remove(Session, "before_commit", die_at_commit)
        assert run_checker(crew.parts) == 1

    assert [entry["event"] for entry in logs if entry["log_level"] == "error"][-1:] == [
        "invariant.broken"
    ]


def test_the_schedule_finds_a_break_within_two_minutes() -> None:
    job = next(job for job in JOBS if job.name == "checker")

    assert job.queue is Queue.SLOW
    # At worst it began just before the break, was killed at its limit, and begins once more.
    assert job.every_seconds == 60
    assert job.limit_seconds <= ALARM_SECONDS


def test_what_waits_for_a_person_is_told_once(crew: Crew, clock: ManualClock) -> None:
    run(
        crew.database,
        "INSERT INTO inbox (id, provider, kind, reference, digest, payload, state, due_at, tries,"
        " note, received_at) VALUES (gen_random_uuid(), 'daraja', 'stk', 'r', 'd', '{}', 'dead',"
        " now(), 8, 'unknown_attempt', now())",
    )

    assert (run_cases(crew.parts), run_cases(crew.parts)) == (1, 0)
    assert run_float(crew.parts) == 0


def test_a_worker_process_raises_the_alarm_when_asked(
    settings: Settings, live: Database, tmp_path: Path
) -> None:
    sell(live)
    run(live, BREAK)
    log = tmp_path / "worker.log"
    producer = Producer(settings.redis_url)
    with worker(settings, log):
        producer.send("checker")
        eventually(lambda: b"invariant.broken" in log.read_bytes(), log=log)
    producer.close()

    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    (told,) = [line for line in lines if line.get("event") == "invariant.broken"]
    assert told["level"] == "error"
    assert "I7 is broken" in told["text"]
    assert findings(live)["I7"] == 1


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_beat_and_worker_raise_the_alarm_by_themselves(
    settings: Settings, live: Database, broker: Broker, tmp_path: Path
) -> None:
    sell(live)
    log = tmp_path / "worker.log"
    with worker(settings.model_copy(update={"redis_url": broker.url}), log, "--beat"):
        began = time.monotonic()
        run(live, BREAK)
        eventually(lambda: b"invariant.broken" in log.read_bytes(), ALARM_SECONDS, log)
        took = time.monotonic() - began

    assert took < ALARM_SECONDS
    assert findings(live)["I7"] == 1
