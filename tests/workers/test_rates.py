"""The rate of a route and its lanes, counted where it counts: at the provider.

In full, with real worker processes: ``pytest -m slow -s tests/workers/test_rates.py``.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import redis

from channels.africastalking.sms import AfricasTalkingSms
from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from core import outbox
from core.clock import NAIROBI, SystemClock
from core.db.tx import Database, Work
from core.ids import SystemIds
from core.local_clock import add_ahead
from core.outbox import Lane, Notice
from core.settings import LOCAL_VAULT_KEY, Environment, Settings
from core.vault import Vault
from sessions.notices.render import ANSWER_TOPIC
from tests.channels.simulator.rig import QUICK, Ours
from tests.support.recycling import Recycler
from tests.support.serving import eventually, serving
from tests.workers.conftest import Crew, make_crew
from tests.workers.test_process import worker
from workers import rates
from workers.app import make_celery, nudge
from workers.budget import Budget
from workers.notices import run_notices
from workers.rates import BULK_SHARE, Rates

ROUTE = "africastalking"
PER_SECOND = 10
WINDOW = timedelta(seconds=1)
LOOK_SECONDS = 0.02
START_SECONDS = 40
# What comes in a second: twenty messages, more than half as many again as may go out.
SECOND = [Lane.TRANSACTIONAL, Lane.BULK, Lane.TRANSACTIONAL, Lane.TRANSACTIONAL, Lane.BULK] * 3
SECOND += [Lane.OTP, Lane.TRANSACTIONAL, Lane.BULK, Lane.OTP, Lane.TRANSACTIONAL]


def most_in_a_second(moments: Sequence[datetime]) -> int:
    """The most of them within any second, wherever it begins."""
    ordered = sorted(moments)
    return max(
        sum(1 for other in ordered[i:] if other - first < WINDOW)
        for i, first in enumerate(ordered)
    )


@pytest.fixture
def at_ten(recycler: Recycler) -> Iterator[Database]:
    """A database whose time runs, where it is ten in the morning: no quiet hours."""
    hour = SystemClock().now().astimezone(NAIROBI).hour
    clock = SystemClock(timedelta(hours=(10 - hour) % 24))
    with recycler.lend(clock, SystemIds(), Vault([LOCAL_VAULT_KEY])) as lent:
        yield lent


class Provider:
    """Africa's Talking's simulator, and what it was sent."""

    def __init__(self, base: str, config: SimulatorConfig, http: httpx.Client) -> None:
        self.url = f"{base}/africastalking"
        self.config = config
        self._base, self._http = base, http

    def got(self) -> list[tuple[str, datetime]]:
        """Words and moment of each message, in order."""
        address = f"{self._base}/simulator/api/log?service=sms&limit=1000"
        log: list[dict[str, Any]] = self._http.get(address).json()["log"]
        return [
            (parse_qs(each["body"])["message"][0], datetime.fromisoformat(each["at"]))
            for each in log
            if each["direction"] == "request"
        ]


@pytest.fixture
def provider() -> Iterator[Provider]:
    with ExitStack() as stack:
        ours = stack.enter_context(serving(Ours().app()))
        config = SimulatorConfig(callback_secret="of-the-rates", callback_base=ours, waits=QUICK)
        base = stack.enter_context(serving(create_app(config)))
        http = stack.enter_context(httpx.Client(trust_env=False, verify=False))
        yield Provider(base, config, http)


@contextmanager
def two_threads(
    database: Database, redis_url: str, provider: Provider
) -> Iterator[Callable[[], None]]:
    """Two workers with connections of their own, as processes have; they need no waking."""
    stopped = threading.Event()
    with ExitStack() as stack:
        for name in ("first", "second"):
            store = stack.enter_context(redis.Redis.from_url(redis_url))
            told = provider.config
            sender = AfricasTalkingSms(told.username, told.api_key, provider.url, told.sender_id)
            stack.callback(sender.close)
            parts = replace(
                make_crew(database, store).parts,
                senders=(sender,),
                rates=Rates({ROUTE: PER_SECOND}, store, name),
                render=lambda _topic, params, _language: str(params["text"]),
            )

            def work(parts: Any = parts) -> None:
                while not stopped.wait(LOOK_SECONDS):
                    run_notices(parts)

            thread = threading.Thread(target=work)
            thread.start()
            stack.callback(thread.join)
        stack.callback(stopped.set)
        yield lambda: None


@contextmanager
def two_processes(
    database: Database, redis_url: str, provider: Provider
) -> Iterator[Callable[[], None]]:
    """Two real workers, one of them with the beat; woken as after a commit."""
    assert isinstance(database.clock, SystemClock)
    ahead = database.clock.ahead
    database.run(lambda tx: add_ahead(tx.db, ahead))
    told = provider.config
    settings = Settings(
        env=Environment.TEST,
        database_url=database.engine.url.render_as_string(hide_password=False),
        redis_url=redis_url,
        africastalking_base_url=provider.url,
    )
    more = {
        "NAFASI_SMS_RATES": f"{ROUTE}={PER_SECOND}",
        "NAFASI_AFRICASTALKING_USERNAME": told.username,
        "NAFASI_AFRICASTALKING_API_KEY": told.api_key,
    }
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in more.items():
            patch.setenv(name, value)
        log = Path(os.environ.get("TMPDIR", "/tmp")) / f"nafasi-rates-{os.getpid()}.log"
        stack.callback(log.unlink)
        stack.enter_context(worker(settings, log, "--beat"))
        log.write_bytes(b"")
        stack.enter_context(worker(settings, log))
        app = make_celery(settings)
        stack.callback(app.close)
        yield lambda: nudge(app, Work.NOTICES)


Working = Callable[[Database, str, Provider], AbstractContextManager[Callable[[], None]]]


@pytest.mark.parametrize(
    ("working", "seconds"),
    [
        pytest.param(two_threads, 2, id="2 seconds"),
        pytest.param(two_processes, 30, marks=pytest.mark.slow, id="30 seconds"),
    ],
)
def test_twenty_a_second_into_a_sender_of_ten(
    at_ten: Database, redis_url: str, provider: Provider, working: Working, seconds: int
) -> None:
    lanes, numbers = cycle(SECOND), count()

    def owe() -> None:
        lane = next(lanes)
        words = {"text": f"{lane.name} {next(numbers)}"}
        at_ten.run(lambda tx: outbox.add(tx, ANSWER_TOPIC, "+254700000001", words, lane=lane))

    for _ in SECOND:
        owe()
    with working(at_ten, redis_url, provider) as wake:
        wake()
        eventually(provider.got, START_SECONDS)
        began, since = time.monotonic(), at_ten.clock.now()
        for number in range(20 * seconds):
            owe()
            wake()
            time.sleep(max(began + (number + 1) / 20 - time.monotonic(), 0))
        got = provider.got()
        codes_wait = _codes_wait(at_ten, since)
    sent = {lane: [w for w, _ in got if w.startswith(lane.name)] for lane in Lane}

    assert most_in_a_second([at for _, at in got]) <= PER_SECOND
    assert len(got) >= 0.5 * PER_SECOND * seconds, "and it is made use of"
    for words in sent.values():
        ordered = sorted(words, key=lambda text: int(text.split()[1]))
        moved = [abs(ordered.index(each) - place) for place, each in enumerate(words)]
        assert max(moved, default=0) <= 2, "first come, but for what two have in their hands"
    # Two may be on their way when a code comes; a place is free again within a fifth of a second.
    assert codes_wait <= timedelta(seconds=1.5)
    # And what goes while for a moment nothing else waits.
    assert len(sent[Lane.BULK]) <= len(got) // BULK_SHARE + 3, "their share, no more"
    sys.stdout.write(
        f"\n{len(got)} sent in {seconds} s of 20 a second, at most "
        f"{most_in_a_second([at for _, at in got])} in any; longest wait of a code "
        f"{codes_wait.total_seconds():.2f} s; "
        + ", ".join(f"{lane.name.lower()} {len(words)}" for lane, words in sent.items())
        + "\n"
    )


def _codes_wait(database: Database, since: datetime) -> timedelta:
    """The longest that a code waited for being sent; one that still waits has waited until now."""
    with database.transaction() as tx:
        codes = tx.db.query(Notice).filter(Notice.lane == Lane.OTP, Notice.created_at >= since)
        return max((code.sent_at or tx.now) - code.created_at for code in codes)


def test_bulk_gets_its_share_and_no_code_waits_for_it(crew: Crew, store: redis.Redis) -> None:
    """However many others wait: each tenth place is for a bulk message, unless a code is there."""
    parts = replace(crew.parts, rates=Rates({ROUTE: 1_000}, store, "one"))
    for lane, count_ in ((Lane.BULK, 9), (Lane.TRANSACTIONAL, 30)):
        for _ in range(count_):
            crew.database.run(
                lambda tx, on=lane: outbox.add(tx, on.name, "+254700000001", {}, lane=on)
            )

    def code() -> None:
        crew.database.run(lambda tx: outbox.add(tx, "OTP", "+254700000001", {}, lane=Lane.OTP))

    # While the nineteenth is sent a code is owed: the twentieth place was to be for bulk.
    crew.sender.script.then(*[None] * 18, code)
    run_notices(parts)

    sent = [message.text.split()[1] for message in crew.sender.sent]
    assert [place for place, lane in enumerate(sent[:33], 1) if lane == "BULK"] == [10, 30]
    assert sent.index("OTP") + 1 == 20
    assert len(sent) == 40


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of a fifth: stories of seconds."""
    monkeypatch.setattr(rates, "WINDOW_MS", 200)


def test_a_slow_answer_keeps_its_place_until_a_second_after(
    store: redis.Redis, quick: None
) -> None:
    """Nobody knows when in between it got there, so the second begins when it surely had."""
    at = Rates({ROUTE: 1}, store, "one")
    with at.place(ROUTE, Budget(1)) as place:
        assert place is not None
        place.used = True
        time.sleep(0.25)  # More than the window.
        with at.place(ROUTE, Budget(0)) as second:
            assert second is None
    answered = time.monotonic()
    with at.place(ROUTE, Budget(1)) as third:
        assert third is not None
        assert time.monotonic() - answered >= 0.19


def test_one_worker_waits_and_the_others_are_free_at_once(store: redis.Redis) -> None:
    """A prompt to push must not stand behind a queue of offers."""
    waited = threading.Event()

    def wait() -> None:
        with Rates({ROUTE: 1}, store, "two").place(ROUTE, Budget(5)) as place:
            assert place is not None
            waited.set()

    waiter = threading.Thread(target=wait)
    with Rates({ROUTE: 1}, store, "one").place(ROUTE, Budget(0)) as first:
        assert first is not None
        waiter.start()
        eventually(lambda: store.exists(f"{rates.PREFIX}:{{{ROUTE}}}:waiter"))
        began = time.monotonic()
        with Rates({ROUTE: 1}, store, "three").place(ROUTE, Budget(5)) as third:
            assert third is None
        assert time.monotonic() - began < 1
        assert not waited.is_set()
    waiter.join()
    assert waited.is_set()
    assert not store.exists(f"{rates.PREFIX}:{{{ROUTE}}}:waiter")


def test_a_place_that_was_not_used_is_free_at_once(store: redis.Redis) -> None:
    at = Rates({ROUTE: 1}, store, "one")
    for _ in range(3):
        with at.place(ROUTE, Budget(0)) as place:
            assert place is not None


def test_a_place_of_a_worker_that_died_comes_free(
    store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "PLACE_MS", 100)
    dead = Rates({ROUTE: 1}, store, "dead").place(ROUTE, Budget(0))
    dead.__enter__()

    with Rates({ROUTE: 1}, store, "alive").place(ROUTE, Budget(1)) as place:
        assert place is not None


def test_each_route_has_places_of_its_own_and_some_have_no_end(store: redis.Redis) -> None:
    at = Rates({ROUTE: 1, "kannel": 1}, store, "one")
    with at.place(ROUTE, Budget(0)) as first, at.place("kannel", Budget(0)) as second:
        assert first is not None
        assert second is not None
        with at.place("twilio", Budget(0)) as third:
            assert third is not None
            assert not third.limited
