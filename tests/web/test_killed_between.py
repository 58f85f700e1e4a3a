"""kill -9 between an effect and its reply: the same hop, sent again, gets the one true answer."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from channels.simulator.operators import OPERATORS, Hop, Operator
from core.db.tx import Database
from sessions.store import REPEATED_WITHIN_MS
from tests.sessions.sample import CALLER, TO_CONFIRM
from tests.support.serving import eventually
from tests.web.operators import CONFIG
from web.local.probes import free_port

START_SECONDS = 20.0
# The dead process still holds the conversation: its lease runs out by itself.
ANSWER_SECONDS = 20.0
# An operator that counts no hops takes the same key for a repetition when it comes as soon.
READING_SECONDS = REPEATED_WITHIN_MS / 1000 + 0.1


@contextmanager
def process(port: int, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The web process, until the block ends."""
    command = [sys.executable, "-m", "tests.web.dying", str(port), *words]
    with subprocess.Popen(command) as running:
        try:
            eventually(lambda: _answers(port), START_SECONDS)
            yield running
        finally:
            running.kill()


def _answers(port: int) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).is_success
    return False


class Line:
    """A phone on one operator's network, to whichever process listens."""

    def __init__(self, operator: Operator, port: int) -> None:
        self._operator, self._port = operator, port
        self._hop = Hop("s1", CALLER, CONFIG.ussd_code, "63902")

    def send(self) -> httpx.Response:
        """Send the newest hop, once more perhaps."""
        config = replace(CONFIG, callback_base=f"http://127.0.0.1:{self._port}")
        call = self._operator.hop(config, self._hop)
        sent: dict[str, Any] = {"content": call.content, "headers": call.headers}
        return httpx.request(
            call.method, call.address, timeout=ANSWER_SECONDS, trust_env=False, **sent
        )

    def type(self, key: str) -> None:
        if not self._operator.tells_hops_apart:
            time.sleep(READING_SECONDS)
        self._hop = replace(self._hop, keys=(*self._hop.keys, key))


def booked(database: Database) -> list[tuple[str, int]]:
    with database.transaction() as tx:
        rows = tx.db.execute(text("SELECT msisdn, people FROM sample_bookings"))
        return [tuple(row) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATORS)
def test_the_effect_is_there_once_and_the_retry_is_told_so(
    name: str, hall_database: Database, redis_url: str, tmp_path: Path
) -> None:
    flag, port = tmp_path / "die", free_port(None)
    url = hall_database.engine.url.render_as_string(hide_password=False)
    words = (url, redis_url, str(flag))
    line = Line(OPERATORS[name], port)

    with process(port, *words) as first:
        line.send()
        for key in TO_CONFIRM:
            line.type(key)
            assert line.send().status_code == 200
        flag.touch()
        line.type("1")
        with pytest.raises(httpx.HTTPError):
            line.send()
        assert first.wait(ANSWER_SECONDS) == -9
    assert booked(hall_database) == [(CALLER, 50)]

    with process(port, *words):
        told = line.send()
        again = line.send()

    assert "Booked for 50." in told.text
    assert (told.content, told.headers["content-type"]) == (
        again.content,
        again.headers["content-type"],
    )
    assert booked(hall_database) == [(CALLER, 50)]
