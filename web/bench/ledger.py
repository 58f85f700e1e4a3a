"""``nafasi bench ledger``: the ledger and the calendar beside simpler forms, in one run.

Each pair is measured in turns on the same servers, with durable commits, by ``CALLERS``
connections that never pause, once what the pair before it left is tidied; the ratio is the middle
one of the rounds. The connections stay open, as those of web and workers do: a new one reads the
catalogue, compiles and plans for longer than its first hundred postings take. While ours posts,
its balances are rolled up as a worker would do it, and what is left to roll up counts as time of
it.
"""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import psycopg
import structlog
from sqlalchemy import select

from core.booking.offers import Wish, make_offer
from core.booking.usecases import book
from core.bootstrap import build_database
from core.catalog.model import Listing
from core.catalog.places import load_places
from core.clock import SystemClock, nairobi_date
from core.db.tx import Database, Tx
from core.escrow.ledger import ROLL_UP_MAX
from core.settings import Settings
from web.bench.ledger_baselines import make_baselines
from web.bench.ledger_claims import SPREAD, UNITS, make_claims, oversold
from web.bench.ledger_loops import FUND, FUND_PAIRS, SETUP, SLOT_MS, loops
from web.bench.ledger_payouts import BATCH, post_payouts
from web.bench.own import interpreter, own_servers
from web.bench.stock import stock
from web.schema import upgrade

CALLERS = 20
ROUNDS = 5
WARM_UP_SECONDS = 0.5
ROLL_UP_SECONDS = 0.5
CUSTOMER = "+254700000099"
# Of P1 to P4. What two accounts of people pay each other has none: it never happens here, each
# of our transfers has a shared side; it shows what the stricter posting costs where nobody waits.
GOALS = {
    "pairs": None,
    "payments": 2.0,
    "releases": 3.0,
    "payouts": 8.0,
    "spread": 0.8,
    "hot": 0.7,
}

log = structlog.get_logger()

Connection = psycopg.Connection[Any]
Counted = tuple[int, list[int]]


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


@dataclass(frozen=True, slots=True)
class Rig:
    """What is measured: one database, reached by plain connections and as a worker reaches it.

    Attributes:
        url, database: the same database, for each of the two ways.
        callers: connections that stay open while it is measured.
    """

    url: str
    database: Database
    callers: tuple[Connection, ...]

    def connect(self) -> Connection:
        """Return a plain connection."""
        return _connect(self.url)


def measure(seconds: float, *, durable: bool = True) -> dict[str, Any]:
    """Run the whole measurement on servers of its own and return the published figures.

    Args:
        seconds: how long each side of each pair runs in each of its ``ROUNDS`` rounds.
        durable: whether a commit waits for the disk.
    """
    with own_servers(durable=durable) as servers:
        upgrade(servers.database_url)
        settings = Settings(database_url=servers.database_url, redis_url=servers.redis_url)
        url = servers.database_url.replace("postgresql+psycopg", "postgresql")
        database = build_database(settings, SystemClock())
        database.run(_stocked)
        with connected(url, database) as rig, rig.connect() as connection:
            _prepare(connection)
            pairs = {name: _pair(rig, name, goal, seconds) for name, goal in GOALS.items()}
            aftermath = {
                "oversold_guarded": oversold(connection, "guarded"),
                "oversold_open": oversold(connection, "open"),
                "unbalanced_cents": _unbalanced(connection),
            }
        database.close()
        return {
            "callers": CALLERS,
            "rounds": ROUNDS,
            "seconds_each": seconds,
            "durable_commits": durable,
            **pairs,
            **aftermath,
            "cores": os.cpu_count(),
            "servers": servers.describe(),
            "python": interpreter(),
            "versions": {"psycopg": version("psycopg"), "sqlalchemy": version("sqlalchemy")},
        }


def _connect(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True)


@contextmanager
def connected(url: str, database: Database, callers: int = CALLERS) -> Iterator[Rig]:
    """The rig, with its callers connected until the block ends."""
    with ExitStack() as open_ones:
        lines = [open_ones.enter_context(_connect(url)) for _ in range(callers)]
        yield Rig(url, database, tuple(lines))


def _stocked(tx: Tx, listings: int = SPREAD) -> None:
    """Write what the claims need: listings, and one booking as a pattern for the others."""
    load_places(tx)
    stock(tx, listings, UNITS)
    tx.db.flush()
    number = tx.db.scalars(select(Listing.number).limit(1)).one()
    day = nairobi_date(tx.now) + timedelta(days=30)
    wish = Wish(number, day, day + timedelta(days=1), 1)
    book(tx, CUSTOMER, wish, make_offer(tx, wish).price.total)


def _prepare(connection: Connection) -> None:
    """Make the baselines, the loops and money to move."""
    make_baselines(connection)
    connection.execute(SETUP.encode())
    make_claims(connection)
    for procedure in loops().values():
        connection.execute(procedure.encode())
    for statement in (FUND, FUND.replace("ledger_post(", "locked.ledger_post("), FUND_PAIRS):
        connection.execute(statement.encode())
    _roll_up_all(connection)


def _pair(rig: Rig, name: str, goal: float | None, seconds: float) -> dict[str, Any]:
    for side in ("ours", "peer"):
        _round(rig, name, side, WARM_UP_SECONDS)
    _tidy(rig)
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(_round(rig, name, "ours", seconds))
        peer.append(_round(rig, name, "peer", seconds))
    ratios = [mine.rate / other.rate for mine, other in zip(ours, peer, strict=True)]
    ratio = statistics.median(ratios)
    middle = ratios.index(statistics.median_low(ratios))
    found = {
        "ours": ours[middle].summary(),
        "peer": peer[middle].summary(),
        "ratio": round(ratio, 2),
    }
    return found if goal is None else found | {"goal": goal, "reached": ratio >= goal}


def _round(rig: Rig, name: str, side: str, seconds: float) -> Round:
    """Let some callers work at once, and roll up beside them where our ledger is posted to."""
    ended = threading.Event()
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        began = time.monotonic()
        running: list[Future[Counted | None]]
        if name == "payouts":
            batch = BATCH if side == "ours" else 1
            running = [pool.submit(_payouts, rig, seconds, batch)]
        else:
            loop = f"{name}_{side}"
            running = [
                pool.submit(_loop, caller, loop, seconds, place)
                for place, caller in enumerate(rig.callers)
            ]
        rolling = pool.submit(_keep_rolling, rig, ended)
        results = [each.result() for each in running]
        ended.set()
        rolling.result()
        took = time.monotonic() - began
    finished = [each for each in results if each is not None]
    done = sum(count for count, _ in finished)
    slots = [sum(column) for column in zip(*(slots for _, slots in finished), strict=True)]
    return Round(done, took, slots, errors=len(results) - len(finished))


def _tidy(rig: Rig) -> None:
    """Put right what is left to tidy, and have plans made anew that were made for empty tables."""
    with rig.connect() as connection:
        connection.execute("VACUUM (ANALYZE)")


def _payouts(rig: Rig, seconds: float, batch: int) -> Counted | None:
    return post_payouts(rig.database, seconds, batch)


def _loop(caller: Connection, name: str, seconds: float, place: int) -> Counted | None:
    """Run one loop; None when it ended early."""
    try:
        row = caller.execute(
            f"CALL bench.{name}(%s, %s, 0, NULL)".encode(), [seconds, place]
        ).fetchone()
    except psycopg.Error as error:
        why = error.diag.message_primary
        log.warning("bench.ended", loop=name, sqlstate=error.sqlstate, why=why)
        return None
    return (row[0], row[1]) if row else None


def _keep_rolling(rig: Rig, ended: threading.Event) -> None:
    with rig.connect() as connection:
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
