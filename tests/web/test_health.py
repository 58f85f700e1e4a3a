"""What whoever runs us is told: alive, ready, how much of everything, which version."""

import time

import pytest
from sqlalchemy import text

from core import checker
from core.db.tx import Database
from core.escrow import ledger, postings
from core.invariants.check import Finding
from tests.core.escrow.tools import PRICE
from tests.support.factories import make_held, make_instant_listing, make_paid, make_vendor
from tests.web.rig import Web, make_settings, running, silence
from web.health import Readiness
from web.schema import head_on_disk

SIDES = ("held", "owed", "earned")
NOBODY = "redis://127.0.0.1:1/0"


def test_ready_when_all_is_there(web: Web) -> None:
    answer = web.http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok"},
    }


def test_without_redis_alive_but_not_ready(database: Database) -> None:
    with running(database, make_settings(database, NOBODY)) as web:
        answer = web.http.get("/readyz")

        assert web.http.get("/healthz").status_code == 200
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["redis"] == "ConnectionError"
    assert checks["database"] == "ok"


def test_a_database_behind_the_code_is_not_ready(web: Web) -> None:
    with web.parts.database.transaction() as tx:
        tx.db.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    answer = web.http.get("/readyz")

    assert answer.status_code == 503
    said = answer.json()["checks"]["migrations"]
    assert said == f"the database is at 0001, the code at {head_on_disk()}"


def test_a_database_that_was_never_migrated_is_not_ready(web: Web) -> None:
    with web.parts.database.transaction() as tx:
        tx.db.execute(text("DROP TABLE alembic_version"))

    assert "None" in web.http.get("/readyz").json()["checks"]["migrations"]


def test_hosts_that_swallow_everything_are_given_up_in_time(database: Database) -> None:
    with silence() as postgres, silence() as store:
        settings = make_settings(
            database,
            f"redis://{store}/0",
            database_url=f"postgresql+psycopg://postgres:hush@{postgres}/nafasi",
        )
        readiness = Readiness(settings)
        started = time.monotonic()
        said = readiness.ask()
        seconds = time.monotonic() - started
        readiness.close()

    assert seconds < 2.5
    assert all(answer != "ok" for answer in said.values())
    assert "hush" not in str(said)


def test_metrics_count_what_the_database_holds(web: Web) -> None:
    with web.parts.database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx), units=2)
        make_held(tx, listing)
        make_paid(tx, listing)

    assert web.metric("nafasi_database_up") == 1
    assert web.metric('nafasi_bookings{state="confirmed"}') == 1
    assert web.metric('nafasi_bookings{state="awaiting_payment"}') == 1
    assert web.metric('nafasi_notices{state="waiting"}') >= 2
    assert web.metric('nafasi_ledger_cents{account="escrow:*"}') == 6_670_000
    assert web.metric('nafasi_ledger_cents{account="float:daraja"}') == 6_670_000


def test_what_is_held_is_owed_or_earned_also_after_a_release(web: Web) -> None:
    with web.parts.database.transaction() as tx:
        booking = make_paid(tx, make_instant_listing(tx, make_vendor(tx)))
        ledger.post(tx, postings.released(booking.code, 12, PRICE, booking_id=booking.id))

    sides = {side: web.metric(f'nafasi_float_cents{{side="{side}"}}') for side in SIDES}
    assert sides == {"held": 6_670_000, "owed": 5_170_000, "earned": 1_500_000}
    assert web.metric('nafasi_ledger_cents{account="tax:vat"}') == 920_000


def test_metrics_tell_what_the_checker_found_and_what_waits_for_a_person(web: Web) -> None:
    with web.parts.database.transaction() as tx:
        finding = Finding("I7", "units", "hall", "1", "2")
        checker.record(tx, [finding])
        looked_at = tx.now.timestamp()

    assert web.metric('nafasi_invariant_findings{invariant="I7"}') == 1
    assert web.metric('nafasi_invariant_findings{invariant="I1"}') == 0
    assert web.metric("nafasi_invariants_checked_timestamp_seconds") == looked_at
    assert web.metric('nafasi_cases_open{kind="invariant"}') == 1
    assert web.metric('nafasi_cases_open_cents{kind="suspense"}') == 0
    assert web.metric("nafasi_tickets_waiting") == 0
    assert web.metric("nafasi_tickets_oldest_seconds") == 0
    assert web.metric('nafasi_open_items_cents{direction="in"}') == 0


def test_metrics_go_on_without_a_database(web: Web) -> None:
    with web.parts.database.transaction() as tx:
        tx.db.execute(text("ALTER TABLE notices RENAME TO gone"))

    assert web.metric("nafasi_database_up") == 0
    assert web.http.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    ("given", "status"), [({}, 401), ({"Authorization": "Bearer wrong"}, 401),
                          ({"Authorization": "Bearer scrape-me"}, 200)]
)  # fmt: skip
def test_metrics_ask_for_their_token(
    database: Database, redis_url: str, given: dict[str, str], status: int
) -> None:
    with running(database, make_settings(database, redis_url, metrics_token="scrape-me")) as web:
        assert web.http.get("/metrics", headers=given).status_code == status


def test_the_version_names_code_and_schema(web: Web) -> None:
    said = web.http.get("/version").json()

    assert said["name"] == "nafasi"
    assert said["version"][0].isdigit()
    assert said["schema"] == head_on_disk()
