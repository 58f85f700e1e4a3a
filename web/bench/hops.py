"""``nafasi bench hops``: USSD hops a second of one web process, beside the floor.

(a) the search up to the budget, whose screens need no database; (b) the whole booking, from the
dial to the held booking, with its search, price and the transaction that claims the units.
"""

import contextlib
import os
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from core.bootstrap import build_database
from core.clock import SystemClock, nairobi_date
from core.db.tx import Tx
from core.demo.seed import seed_catalog
from core.settings import Settings
from web.bench.callers import FLOOR, Hop, Tally, dialogue, play
from web.bench.own import interpreter, own_servers
from web.bench.stock import stock
from web.commands.processes import web_words
from web.local.probes import free_port
from web.local.servers import LocalServers
from web.schema import upgrade

CALLERS = 16
WARM_UP_SECONDS = 2.0
ROUNDS = 3
READY_SECONDS = 30
# Few enough that all are known after the warm-up: who calls is then read from Redis.
NUMBERS = 500
DAYS = 300


class Serving(NamedTuple):
    """A server under measurement."""

    port: int
    pid: int


def measure(seconds: float) -> dict[str, Any]:
    """Run the whole measurement on servers of its own and return the published figures.

    Args:
        seconds: how long each of the measured parts runs in each of its ``ROUNDS`` rounds.
    """
    with own_servers(durable=True) as servers, web(servers) as served:
        return uvloop.run(_measure(served.port, seconds, servers.describe()))


async def _measure(port: int, seconds: float, servers: list[str]) -> dict[str, Any]:
    hook = f"/hooks/africastalking/{Settings().callback_secret.get_secret_value()}/ussd"
    first = int(time.time()) * 1_000_000  # noqa: TID251 -- only to tell runs apart.
    floors, menus, bookings = [], [], []

    async def run(path: str, script: Any, length: float) -> Tally:
        nonlocal first
        first += 10_000_000
        return await play("127.0.0.1", port, path, script, CALLERS, length, first)

    for path, script in ((FLOOR, search_call), (hook, search_call), (hook, booking_call)):
        await run(path, script, WARM_UP_SECONDS)
    for _ in range(ROUNDS):
        floors.append(await run(FLOOR, search_call, seconds))
        menus.append(await run(hook, search_call, seconds))
        bookings.append(await run(hook, booking_call, seconds))
    floor, menu, booking = (median(tallies) for tallies in (floors, menus, bookings))
    return {
        "callers": CALLERS,
        "web_processes": 1,
        "rounds": ROUNDS,
        "seconds_each": seconds,
        "floor_two_redis_round_trips": floor.summary(),
        "menus_without_database": menu.summary(),
        "whole_booking": booking.summary(),
        "ratio_menus_to_floor": round(menu.rate() / floor.rate(), 3),
        "ratio_booking_to_floor": round(booking.rate() / floor.rate(), 3),
        "bookings_per_second": round(booking.dialogues / booking.elapsed_seconds, 1),
        "cores": os.cpu_count(),
        "servers": servers,
        "python": interpreter(),
        "versions": {
            name: version(name) for name in ("uvicorn", "redis", "sqlalchemy", "psycopg")
        },
    }


def median(tallies: list[Tally]) -> Tally:
    """The round with the median rate stands for all."""
    middle = statistics.median_low([tally.rate() for tally in tallies])
    return next(tally for tally in tallies if tally.rate() == middle)


def msisdn(number: int) -> str:
    """The caller of the n-th dialogue, one of ``NUMBERS``."""
    return f"+25471{number % NUMBERS:07d}"


def search_call(number: int) -> list[Hop]:
    """Category, town, day, people, and home again: a call that leaves nothing to continue."""
    return dialogue(number, msisdn(number), ["1", "1", "1", "80", "00"])


def booking_call(number: int) -> list[Hop]:
    """A room in Nairobi from the dial to the held booking, on some day of the next year."""
    day = nairobi_date(SystemClock().now()) + timedelta(days=7 + number % DAYS)
    # A number of its own: one customer may not hold many unpaid bookings.
    msisdn = f"+2547{number % 100_000_000:08d}"
    answers = ["3", "1", f"{day:%d/%m/%y}", "1", "2", "1", "1", "1", "1"]
    return dialogue(number, msisdn, answers, last=b"END ")


@contextlib.contextmanager
def web(servers: LocalServers) -> Iterator[Serving]:
    """A migrated, stocked database and one web process on it."""
    port = free_port(None)
    environ = {
        **os.environ,
        "NAFASI_DATABASE_URL": servers.database_url,
        "NAFASI_REDIS_URL": servers.redis_url,
    }
    settings = Settings(database_url=servers.database_url, redis_url=servers.redis_url)
    upgrade(servers.database_url)
    database = build_database(settings, SystemClock())
    database.run(_stocked)
    database.close()
    words = [
        word.replace("web.main:app", "web.bench.server:app")
        for word in web_words("127.0.0.1", port)
    ]
    process = subprocess.Popen(words, env=environ, cwd=Path(__file__).parents[2])
    try:
        wait_ready(port)
        yield Serving(port, process.pid)
    finally:
        process.terminate()
        process.wait(READY_SECONDS)


def _stocked(tx: Tx) -> None:
    seed_catalog(tx)
    stock(tx)


def wait_ready(port: int, path: str = "/healthz") -> None:
    """Wait until a server answers, whatever it says.

    Raises:
        TimeoutError: it does not come up.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the web process did not come up")
