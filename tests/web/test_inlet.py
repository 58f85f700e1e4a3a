"""Callbacks while the database is away: taken, kept on the disk, stored once it is back."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import event, text
from structlog.testing import capture_logs

from core.clock import ManualClock
from core.db.tx import Database
from core.inbox import Inbound, store
from core.ports.providers import Callback
from tests.support.servers import Databases
from tests.support.serving import eventually
from tests.web.market import hop_form
from tests.web.rig import CALLER, Web, make_settings, running
from web.inlet import Drainer, Inlet
from web.journal import NAME, Entry, Journal

ATTEMPT = "01a1f6f8-164d-76d9-92e4-1146f7489373"
STK = {"Body": {"stkCallback": {"CheckoutRequestID": "ws_CO_1", "ResultCode": 1032}}}
NOWHERE = "postgresql+psycopg://postgres@127.0.0.1:1/nafasi"


def sms(number: int, person: str = CALLER) -> dict[str, str]:
    return {"id": f"sms-{number}", "from": person, "to": "20384", "text": f"word {number}"}


@contextmanager
def away(databases: Databases, database: Database) -> Iterator[None]:
    """The database lets nobody in, until the block ends."""
    name = database.engine.url.database
    with databases._admin() as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def test_what_comes_meanwhile_is_stored_as_it_came_and_when_it_came(
    web: Web, databases: Databases, database: Database, clock: ManualClock
) -> None:
    with away(databases, database):
        for number in range(3):
            answer = web.http.post(web.hook("africastalking/sms"), data=sms(number))
            assert (answer.status_code, answer.text) == (200, "OK")
            clock.advance(seconds=10)
        assert web.http.post(web.hook("africastalking/sms"), data=sms(0)).status_code == 200
        assert web.http.post(web.hook(f"daraja/stk/{ATTEMPT}"), json=STK).status_code == 200
        assert web.metric("nafasi_journal_waiting_bytes") > 0
        assert web.metric("nafasi_database_up") == 0

    eventually(lambda: len(web.inbox()) == 4)

    *words, money = web.inbox()
    assert [row.payload["text"] for row in words] == ["word 0", "word 1", "word 2"]
    assert {row.person for row in words} == {CALLER}
    assert [(row.received_at - words[0].received_at).seconds for row in words] == [0, 10, 20]
    assert (money.kind, money.person) == ("stk", None)
    counter = 'nafasi_callbacks_total{kind="sms",provider="africastalking",result="journaled"}'
    assert web.metric(counter) == 4
    assert eventually(lambda: web.metric("nafasi_journal_waiting_bytes") == 0)


def test_a_database_that_only_reads_is_away_too(database: Database, tmp_path: Path) -> None:
    """As a standby is, for the moments until it takes over."""
    standby = Database(database.engine.url, database.clock, database.ids, database.vault)
    event.listen(
        standby.engine,
        "begin",
        lambda connection: connection.execute(text("SET TRANSACTION READ ONLY")),
    )
    journal = Journal(tmp_path)
    Inlet(standby, journal, lambda *_: None).keep(callback(1))
    standby.close()

    Inlet(database, journal, lambda *_: None).drain()

    assert kept(database) == ["sms-1"]


def test_while_something_waits_on_the_disk_nothing_overtakes_it(
    database: Database, tmp_path: Path
) -> None:
    """The database is back before the drainer has looked."""
    journal = Journal(tmp_path)
    journal.append(Entry(callback(1), database.clock.now()))
    inlet = Inlet(database, journal, lambda *_: None)

    inlet.keep(callback(2))
    assert kept(database) == []
    inlet.drain()
    inlet.keep(callback(3))

    assert kept(database) == ["sms-1", "sms-2", "sms-3"]


def test_what_was_stored_and_written_down_is_there_once(
    database: Database, tmp_path: Path
) -> None:
    """The connection broke after the commit, so that nobody knew."""
    database.run(lambda tx: store(tx, callback(1)))
    journal = Journal(tmp_path)
    journal.append(Entry(callback(1), database.clock.now()))

    Inlet(database, journal, lambda *_: None).drain()

    assert kept(database) == ["sms-1"]


@pytest.mark.parametrize(
    "reference",
    # Refused by the driver; too long for the index, which PostgreSQL counts as its own limit.
    ["with a NUL \x00", random.Random(7).randbytes(4_000).hex()],
    ids=["NUL", "endless"],
)
def test_one_callback_that_the_database_refuses_keeps_no_other_back(
    database: Database, tmp_path: Path, reference: str
) -> None:
    journal = Journal(tmp_path)
    unstorable = Callback("africastalking", "sms", reference, {}, once=True)
    for each in (callback(1), unstorable, callback(2)):
        journal.append(Entry(each, database.clock.now()))

    Inlet(database, journal, lambda *_: None).drain()

    assert kept(database) == ["sms-1", "sms-2"]
    assert journal.standing().waiting_bytes == 0
    assert journal.standing().corrupt_bytes == len(Entry(unstorable, database.clock.now()).line())


def test_the_next_process_stores_what_a_dead_one_left(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    settings = make_settings(
        database, redis_url, database_url=NOWHERE, journal_folder=str(tmp_path)
    )
    with running(database, settings) as web:
        assert web.http.post(web.hook("africastalking/sms"), data=sms(1)).status_code == 200
    assert (tmp_path / NAME).exists()

    with running(
        database, make_settings(database, redis_url, journal_folder=str(tmp_path))
    ) as web:
        eventually(web.inbox)

    assert not (tmp_path / NAME).exists()


def test_when_the_disk_is_full_too_nobody_is_told_that_it_was_taken(
    database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Africa's Talking brings it again; the log shows one line, no words and no numbers."""
    settings = make_settings(database, redis_url, database_url=NOWHERE)
    with running(database, settings) as web, capture_logs() as lines:
        monkeypatch.setattr(web.parts.inlet, "_journal", Journal(tmp_path, max_bytes=10))
        answer = web.http.post(web.hook("africastalking/sms"), data=sms(1))

    assert (answer.status_code, answer.json()) == (503, {"error": "Service Unavailable"})
    [lost] = [line for line in lines if line["event"] == "callback.lost"]
    assert lost["why"] == "journal_full"
    assert CALLER not in str(lines)
    assert "word 1" not in str(lines)


def test_who_dials_meanwhile_hears_it_in_both_languages(
    database: Database, redis_url: str
) -> None:
    settings = make_settings(database, redis_url, database_url=NOWHERE)
    with running(database, settings) as web:
        screen = web.http.post(web.hook("africastalking/ussd"), data=hop_form("s1", "")).text

    assert screen.startswith("END The service is busy")
    assert "Huduma ina shughuli nyingi" in screen


def callback(number: int) -> Callback:
    form = sms(number)
    return Callback("africastalking", "sms", form["id"], form, once=True, person=CALLER)


def kept(database: Database) -> list[str]:
    with database.transaction() as tx:
        rows = tx.db.query(Inbound).order_by(Inbound.received_at, Inbound.id)
        return [row.reference for row in rows]


def test_a_pin_that_comes_meanwhile_is_nowhere_to_be_read(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    """Whether four digits are a PIN only the database knows; until then they are sealed."""
    said = sms(1) | {"text": "my PIN is 4821"}
    settings = make_settings(
        database, redis_url, database_url=NOWHERE, journal_folder=str(tmp_path)
    )
    with running(database, settings) as web:
        assert web.http.post(web.hook("africastalking/sms"), data=said).status_code == 200
    on_disk = (tmp_path / NAME).read_bytes()
    assert b"sms-1" in on_disk
    assert b"4821" not in on_disk

    with running(
        database, make_settings(database, redis_url, journal_folder=str(tmp_path))
    ) as web:
        (row,) = eventually(web.inbox)
    assert row.payload["text"].startswith("my PIN is ")
    assert "4821" not in str(row.payload)


class Held(Inlet):
    """Stores what waits only when it is let."""

    def __init__(self, database: Database, journal: Journal) -> None:
        super().__init__(database, journal, lambda *_said: None)
        self.begun, self.let = Event(), Event()

    def _store_all(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        self.begun.set()
        self.let.wait()
        return super()._store_all(entries)


def test_a_drainer_that_is_not_done_when_it_has_to_stop_ends_what_it_began(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.inlet.STOP_SECONDS", 0.01)
    journal = Journal(tmp_path)
    journal.append(Entry(Callback("daraja", "stk", "1", {}, once=True), database.clock.now()))
    inlet = Held(database, journal)
    drainer = Drainer(inlet)
    drainer.start()
    assert inlet.begun.wait(5)

    # With its file closed under it, it would read from whatever has the number next.
    drainer.stop()
    inlet.let.set()

    eventually(lambda: not journal.waits())
    with database.transaction() as tx:
        assert tx.db.scalar(text("SELECT count(*) FROM inbox")) == 1
