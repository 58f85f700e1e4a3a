"""``nafasi bench ledger``: the ledger and the calendar beside simpler forms, in one run.

Each pair is measured in turns on the same servers, with durable commits, by ``CALLERS``
connections that never pause; the ratio is the middle one of the rounds. While ours posts, its
balances are rolled up as a worker would do it, and what is left to roll up counts as time of it.
"""

import os
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import psycopg
import structlog

from core.booking.offers import Wish, make_offer
from core.booking.usecases import book
from core.bootstrap import build_database
from core.catalog.model import Listing
from core.catalog.places import load_places
from core.clock import SystemClock, nairobi_date
from core.db.tx import Tx
from core.settings import Settings
from web.bench.ledger_baselines import make_baselines
from web.bench.ledger_claims import SPREAD, UNITS, make_claims, oversold
from web.bench.ledger_loops import FUND, FUND_PAIRS, SETUP, SLOT_MS, loops
from web.bench.own import own_servers
from web.bench.stock import stock
from web.local.servers import LocalServers
from web.schema import upgrade

CALLERS = 20
ROUNDS = 3
WARM_UP_SECONDS = 0.5
ROLL_UP_SECONDS = 0.5
ROLL_UP_MAX = 10_000
CUSTOMER = "+254700000099"
GOALS = {
    "pairs": 2.0,
    "payments": 2.0,
    "releases": 3.0,
    "payouts": 8.0,
    "spread": 0.8,
    "hot": 0.7,
}
# A batch is made by one worker, and so is what it is compared with.
ALONE = frozenset({"payouts"})

log = structlog.get_logger()

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Round:
    """What some connections did in one round.

    Attributes:
        done: how often, over all of them.
        seconds: how long, with what was left to roll up.
        slots: how many rounds of a loop took how long, by ``SLOT_MS``.
        errors: connections that ended early.
    """

    done: int
    seconds: float
    slots: list[int]
    errors: int

    @property
    def rate(self) -> float:
        """How often a second."""
        return self.done / self.seconds

    def percentile_ms(self, percent: int) -> float:
        """The milliseconds that so many percent of the commits stayed below."""
        below, wanted = 0, sum(self.slots) * percent / 100
        for slot, count in enumerate(self.slots, 1):
            below += count
            if below >= wanted:
                return round(slot * SLOT_MS, 2)
        return 0.0

    def summary(self) -> dict[str, float | int]:
        """Return the figures that are published."""
        return {
            "per_second": round(self.rate, 1),
            "p50_ms": self.percentile_ms(50),
            "p95_ms": self.percentile_ms(95),
            "p99_ms": self.percentile_ms(99),
            "errors": self.errors,
        }


def measure(seconds: float, *, durable: bool = True) -> dict[str, Any]:
    """Run the whole measurement on servers of its own and return the published figures.

    Args:
        seconds: how long each side of each pair runs in each of its ``ROUNDS`` rounds.
        durable: whether a commit waits for the disk.
    """
    with own_servers(durable=durable) as servers:
        upgrade(servers.database_url)
        _stock(servers)
        url = servers.database_url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            batched = _prepare(connection)
            found: dict[str, Any] = {
                "callers": CALLERS,
                "rounds": ROUNDS,
                "seconds_each": seconds,
                "durable_commits": durable,
                "payouts_by_one_statement": batched,
            }
            for name, goal in GOALS.items():
                found[name] = _pair(url, name, goal, seconds)
            found["oversold_guarded"] = oversold(connection, "guarded")
            found["oversold_open"] = oversold(connection, "open")
            found["unbalanced"] = _unbalanced(connection)
        found |= {
            "cores": os.cpu_count(),
            "servers": servers.describe(),
            "versions": {"psycopg": version("psycopg"), "sqlalchemy": version("sqlalchemy")},
        }
    return found


def _stock(servers: LocalServers) -> None:
    """Write what the claims need: listings, and one booking as a pattern for the others."""
    settings = Settings(database_url=servers.database_url, redis_url=servers.redis_url)
    database = build_database(settings, SystemClock())

    def work(tx: Tx) -> None:
        load_places(tx)
        stock(tx, SPREAD, UNITS)
        tx.db.flush()
        number = tx.db.query(Listing.number).limit(1).scalar()
        assert number is not None, "it was just written"
        day = nairobi_date(tx.now) + timedelta(days=30)
        wish = Wish(number, day, day + timedelta(days=1), 1)
        book(tx, CUSTOMER, wish, make_offer(tx, wish).price.total)

    database.run(work)
    database.close()


def _prepare(connection: Connection) -> bool:
    """Make baselines, loops and money; tell whether many transfers can be posted at once."""
    make_baselines(connection)
    connection.execute(SETUP.encode())
    make_claims(connection)
    found = connection.execute(
        "SELECT count(*) FROM pg_proc WHERE proname = 'ledger_post_all'"
    ).fetchone()
    batched = found is not None and found[0] > 0
    for procedure in loops(set_based=batched).values():
        connection.execute(procedure.encode())
    for statement in (FUND, FUND.replace("ledger_post(", "locked.ledger_post("), FUND_PAIRS):
        connection.execute(statement.encode())
    _roll_up_all(connection)
    return batched


def _pair(url: str, name: str, goal: float, seconds: float) -> dict[str, Any]:
    callers = 1 if name in ALONE else CALLERS
    ours, peer = [], []
    for length in (WARM_UP_SECONDS, *[seconds] * ROUNDS):
        ours.append(_round(url, f"{name}_ours", callers, length))
        peer.append(_round(url, f"{name}_peer", callers, length))
    ratios = [mine.rate / other.rate for mine, other in zip(ours[1:], peer[1:], strict=True)]
    ratio = statistics.median(ratios)
    middle = ratios.index(statistics.median_low(ratios)) + 1
    return {
        "ours": ours[middle].summary(),
        "peer": peer[middle].summary(),
        "ratio": round(ratio, 2),
        "goal": goal,
        "reached": ratio >= goal,
    }


def _round(url: str, name: str, callers: int, seconds: float) -> Round:
    """Let some connections loop at once, with the roll-up beside them when it is our ledger."""
    ended = threading.Event()
    with ThreadPoolExecutor(callers + 1) as pool:
        rolling = pool.submit(_keep_rolling, url, ended) if name.endswith("_ours") else None
        began = time.monotonic()
        running = [pool.submit(_loop, url, name, seconds, place) for place in range(callers)]
        results = [each.result() for each in running]
        ended.set()
        if rolling is not None:
            rolling.result()
        took = time.monotonic() - began
    finished = [each for each in results if each is not None]
    done = sum(count for count, _ in finished)
    slots = [sum(column) for column in zip(*(slots for _, slots in finished), strict=True)]
    return Round(done, took, slots, errors=callers - len(finished))


def _loop(url: str, name: str, seconds: float, place: int) -> tuple[int, list[int]] | None:
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            row = connection.execute(
                f"CALL bench.{name}(%s, %s, 0, NULL)".encode(), [seconds, place]
            ).fetchone()
        except psycopg.Error as error:
            log.warning(
                "bench.ended", loop=name, sqlstate=error.sqlstate, why=error.diag.message_primary
            )
            return None
    return (row[0], row[1]) if row else None


def _keep_rolling(url: str, ended: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while not ended.wait(ROLL_UP_SECONDS):
            connection.execute("SELECT ledger_roll_up(%s)", [ROLL_UP_MAX])
        _roll_up_all(connection)


def _roll_up_all(connection: Connection) -> None:
    rolled = 1
    while rolled:
        row = connection.execute("SELECT ledger_roll_up(%s)", [ROLL_UP_MAX]).fetchone()
        rolled = row[0] if row else 0


def _unbalanced(connection: Connection) -> int:
    """Return what all of our balances come to; nothing, unless money was lost."""
    found = connection.execute("SELECT sum(balance_cents) FROM ledger_accounts").fetchone()
    return int(found[0]) if found and found[0] is not None else 0
