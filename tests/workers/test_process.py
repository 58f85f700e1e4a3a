"""A real Celery worker on real Redis and PostgreSQL, which talks HTTP to a provider, and dies."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import redis
from sqlalchemy import select

from core.clock import SystemClock
from core.db.tx import Database, Work
from core.ids import SystemIds
from core.limits import OUTBOX_LEASE_SECONDS
from core.local_clock import add_ahead
from core.outbox import Notice, Sending
from core.settings import LOCAL_VAULT_KEY, Environment, Settings
from core.vault import Vault
from tests.support.factories import OTHER_VENDOR, VENDOR, make_booking, make_listing, make_vendor
from tests.support.recycling import Recycler
from tests.support.servers import ROOT
from web.local.binaries import Program, find_binaries
from web.local.probes import free_port
from workers.app import make_celery, nudge

START_SECONDS = 40
PATIENCE_SECONDS = 30


class Provider:
    """Africa's Talking's messaging endpoint. ``hang`` keeps it from ever answering."""

    def __init__(self) -> None:
        self.posts: list[dict[str, list[str]]] = []
        self.hang = threading.Event()
        self._let_go = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                provider.posts.append(parse_qs(body))
                if provider.hang.is_set():
                    provider._let_go.wait(PATIENCE_SECONDS * 2)
                    return
                answer = json.dumps(provider.answer()).encode()
                self.send_response(201)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self) -> dict[str, object]:
        recipient = {
            "statusCode": 101,
            "number": self.posts[-1]["to"][0],
            "status": "Success",
            "cost": "KES 0.8000",
            "messageId": f"ATXid_{len(self.posts)}",
        }
        return {"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": [recipient]}}

    def close(self) -> None:
        self._let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def live(recycler: Recycler) -> Iterator[Database]:
    """A database whose time runs: the worker is another process."""
    with recycler.lend(SystemClock(), SystemIds(), Vault([LOCAL_VAULT_KEY])) as lent:
        yield lent


@pytest.fixture
def settings(live: Database, redis_url: str, provider: Provider) -> Settings:
    return Settings(
        env=Environment.TEST,
        database_url=live.engine.url.render_as_string(hide_password=False),
        redis_url=redis_url,
        africastalking_base_url=provider.url,
    )


class Broker:
    """A Redis of this story's own, which can be killed and comes back empty."""

    def __init__(self, folder: Path) -> None:
        program = find_binaries({}).redis
        assert isinstance(program, Program), "nothing was said of a running one"
        self._port = free_port(None)
        self._command = [
            str(program.path), "--port", str(self._port), "--bind", "127.0.0.1",
            "--save", "", "--appendonly", "no", "--dir", str(folder),
        ]  # fmt: skip
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.kill()


@contextmanager
def worker(settings: Settings, log: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker in a process group of its own until the block ends; it is ready at once."""
    environment = os.environ | {
        "NAFASI_ENV": settings.env.value,
        "NAFASI_DATABASE_URL": settings.database_url,
        "NAFASI_REDIS_URL": settings.redis_url,
        "NAFASI_AFRICASTALKING_BASE_URL": settings.africastalking_base_url,
    }
    command = [
        sys.executable, "-m", "celery", "-A", "workers.main", "worker", "--concurrency=1",
        "--queues=urgent,default,slow", "--without-gossip", "--without-mingle", *more,
    ]  # fmt: skip
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        eventually(lambda: b"ready" in log.read_bytes(), START_SECONDS, log)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def eventually(
    look: Callable[[], bool], seconds: float = PATIENCE_SECONDS, log: Path | None = None
) -> None:
    end = time.monotonic() + seconds
    while not look():
        said = log.read_text()[-3000:] if log else ""
        assert time.monotonic() < end, f"it did not happen in time {said}"
        time.sleep(0.05)


def owe_a_message(live: Database, vendor: str = VENDOR) -> None:
    """A customer asks for a hall: its vendor is owed a message."""
    with live.transaction() as tx:
        make_booking(tx, make_listing(tx, make_vendor(tx, vendor)))


def notice(live: Database, vendor: str = VENDOR) -> Notice:
    with live.transaction() as tx:
        return tx.db.scalars(select(Notice).where(Notice.msisdn == vendor)).one()


def wake(settings: Settings) -> None:
    app = make_celery(settings)
    nudge(app, Work.NOTICES)
    app.close()


def test_a_nudge_makes_a_message_go_out_once(
    settings: Settings, live: Database, provider: Provider, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    with worker(settings, log):
        owe_a_message(live)
        wake(settings)
        eventually(lambda: notice(live).state is Sending.SENT, log=log)
        wake(settings)
        wake(settings)

    (post,) = provider.posts
    assert post["to"] == [VENDOR]
    assert "Baraka Garden Hall" in post["message"][0]
    said = log.read_text()
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    (sent,) = [line for line in lines if line.get("event") == "notice.sent"]
    assert sent["to"] == "+2547****011"
    assert VENDOR not in said
    assert "Baraka Garden Hall" not in said


def test_the_beat_finds_what_no_nudge_told_of(
    settings: Settings, live: Database, provider: Provider, tmp_path: Path
) -> None:
    owe_a_message(live)
    log = tmp_path / "worker.log"
    with worker(settings, log, "--beat"):
        eventually(lambda: notice(live).state is Sending.SENT, log=log)

    assert len(provider.posts) == 1


def test_a_worker_killed_while_sending_leaves_it_unknown_and_nobody_sends_again(
    settings: Settings, live: Database, provider: Provider, tmp_path: Path
) -> None:
    owe_a_message(live)
    provider.hang.set()
    with worker(settings, tmp_path / "first.log") as process:
        wake(settings)
        eventually(lambda: len(provider.posts) == 1, log=tmp_path / "first.log")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    assert notice(live).state is Sending.SENDING

    provider.hang.clear()
    with live.transaction() as tx:
        add_ahead(tx.db, timedelta(seconds=OUTBOX_LEASE_SECONDS + 5))
    log = tmp_path / "second.log"
    with worker(settings, log, "--beat"):
        eventually(lambda: notice(live).state is Sending.UNKNOWN, log=log)
        with live.transaction() as tx:
            add_ahead(tx.db, timedelta(hours=1))
        time.sleep(3)

    assert len(provider.posts) == 1
    assert notice(live).state is Sending.UNKNOWN


def test_a_broker_that_dies_and_comes_back_empty_holds_up_nobody_for_long(
    settings: Settings, live: Database, provider: Provider, broker: Broker, tmp_path: Path
) -> None:
    owe_a_message(live)
    log = tmp_path / "worker.log"
    with worker(settings.model_copy(update={"redis_url": broker.url}), log, "--beat"):
        eventually(lambda: notice(live).state is Sending.SENT, log=log)

        broker.kill()
        owe_a_message(live, OTHER_VENDOR)
        time.sleep(2)
        broker.start()

        eventually(lambda: notice(live, OTHER_VENDOR).state is Sending.SENT, log=log)

    assert [post["to"] for post in provider.posts] == [[VENDOR], [OTHER_VENDOR]]
