"""What is counted, for Prometheus: hops and callbacks as they come, the rest when it is asked for.

Each application has a registry of its own, so that several can live in one process.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from core import checker
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.cases.queries import open_by_kind
from core.db.tx import Database, Tx
from core.deadletters import piles
from core.documents.queries import documents_due
from core.escrow import ledger
from core.inbox import Arrival, Inbound
from core.insight.queries import ENDINGS, STAGES, funnels
from core.outbox import Notice, Sending
from core.payments.lifecycle import OPEN, AttemptState
from core.payments.model import Attempt
from core.ports.calls import Reply
from core.reconcile.queries import open_items
from core.support.queries import waiting_tickets
from sessions.conductor import HopKind
from web.journal import Journal

log = structlog.get_logger()

# Several scrapers cost the database no more than one.
GAUGES_SECONDS = 5.0
# The soft deadline of a turn is 4 s, a network's patience 10 to 15 s.
HOP_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

Counts = Mapping[str, int]


class Metrics:
    """Counters of one web process. Also the conductor's observer."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._hops = Counter(
            "nafasi_ussd_hops", "Answered USSD hops.", ["kind", "final"], registry=self.registry
        )
        self._hop_seconds = Histogram(
            "nafasi_ussd_hop_seconds",
            "Time to answer a USSD hop.",
            buckets=HOP_SECONDS,
            registry=self.registry,
        )
        self._callbacks = Counter(
            "nafasi_callbacks",
            "Provider callbacks, by what became of them.",
            ["provider", "kind", "result"],
            registry=self.registry,
        )
        # Looked up once: a hop pays for two additions.
        self._hop_children = {
            (kind, final): self._hops.labels(kind.value, str(final).lower())
            for kind in HopKind
            for final in (False, True)
        }

    def hop(self, kind: HopKind, reply: Reply, seconds: float) -> None:
        """Count an answered hop."""
        self._hop_children[kind, reply.final].inc()
        self._hop_seconds.observe(seconds)

    def callback(self, provider: str, kind: str, result: str) -> None:
        """Count a callback: what became of it, in a word, or validation's answer."""
        self._callbacks.labels(provider, kind, result).inc()

    def hop_refused(self, gateway: str, field: str) -> None:
        """Count a hop whose form could not be read, or that did not know the secret."""
        result = "wrong_secret" if field == "secret" else "refused"
        self.callback(gateway, "ussd", result)

    def watch(self, database: Database) -> None:
        """Have the database's state among the metrics."""
        self.registry.register(_Gauges(lambda: database.run(_read)))

    def watch_journal(self, journal: Journal) -> None:
        """Have among the metrics what waits on the disk; it is what counts without a database."""
        about = {
            "nafasi_journal_waiting_bytes": "Callbacks on disk, to be stored.",
            "nafasi_journal_corrupt_bytes": "Callbacks on disk that nobody can read.",
        }
        waiting, corrupt = (Gauge(*each, registry=self.registry) for each in about.items())
        waiting.set_function(lambda: journal.standing().waiting_bytes)
        corrupt.set_function(lambda: journal.standing().corrupt_bytes)

    def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Gauges:
    """Reads the database when scraped, at most once in ``GAUGES_SECONDS``."""

    def __init__(self, read: Callable[[], list[Metric]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._last: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        """Name nothing in advance, so that registering does not ask the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Return the gauges; those of last time while they are young.

        Without a database they are left out, and ``nafasi_database_up`` is 0.
        """
        with self._lock:
            now = time.monotonic()
            if self._read_at is None or now - self._read_at >= GAUGES_SECONDS:
                up = GaugeMetricFamily("nafasi_database_up", "Whether the database answers.")
                try:
                    self._last = [*self._read(), up]
                    up.add_metric([], 1)
                except SQLAlchemyError as error:
                    log.warning("metrics.database_down", error=type(error).__name__)
                    self._last = [up]
                    up.add_metric([], 0)
                self._read_at = now
            return self._last


def _read(tx: Tx) -> list[Metric]:
    open_only = [state for state in AttemptState if state in OPEN]
    live = (Arrival.WAITING, Arrival.DEAD)
    unsent = [state for state in Sending if state not in {Sending.SENT, Sending.DROPPED}]
    return [
        _by_state(
            "nafasi_bookings", "Bookings by state.", State, _count(tx, Booking.state, list(State))
        ),
        _by_state("nafasi_notices", "Notices not sent.", unsent, _count(tx, Notice.state, unsent)),
        _by_state(
            "nafasi_attempts", "Open attempts.", open_only, _count(tx, Attempt.state, open_only)
        ),
        _by_state("nafasi_inbox", "Callbacks not applied.", live, _count(tx, Inbound.state, live)),
        *_money(tx),
        _documents(tx),
        *_invariants(tx),
        *_cases(tx),
        *_dead_letters(tx),
        *_tickets(tx),
        *_calls(tx),
    ]


def _count(tx: Tx, column: object, states: Iterable[str]) -> Counts:
    """Count rows by state, only of the states asked for: their indexes are small."""
    rows = tx.db.execute(
        select(column, func.count()).where(column.in_(list(states))).group_by(column)  # type: ignore[call-overload, attr-defined]
    )
    return {state.value: count for state, count in rows}


def _by_state(name: str, about: str, states: Iterable[str], counts: Counts) -> Metric:
    family = GaugeMetricFamily(name, about, labels=["state"])
    for state in states:
        family.add_metric([str(state)], counts.get(str(state), 0))
    return family


def _money(tx: Tx) -> list[Metric]:
    """What we hold, and whose it is: cents, by ledger account and summed up."""
    lines = ledger.trial_balance(tx)
    accounts = GaugeMetricFamily(
        "nafasi_ledger_cents", "Balances on their normal side.", labels=["account"]
    )
    for line in lines:
        accounts.add_metric([line.account], line.balance.cents)
    sums = ledger.totals(lines)
    held = GaugeMetricFamily(
        "nafasi_float_cents",
        "What providers hold; escrow and what else we owe, and what we earned.",
        labels=["side"],
    )
    for side, cents in (
        ("held", sums.float_cents),
        ("owed", sums.owed_cents),
        ("earned", sums.earned_cents),
    ):
        held.add_metric([side], cents)
    return [accounts, held]


def _documents(tx: Tx) -> Metric:
    """Money that has no receipt or credit note yet; a worker issues them within seconds."""
    family = GaugeMetricFamily("nafasi_documents_due", "Movements that wait for their document.")
    family.add_metric([], documents_due(tx))
    return family


def _invariants(tx: Tx) -> list[Metric]:
    """What the live checker found at its last look, and when that was: an old look is no look."""
    findings = GaugeMetricFamily(
        "nafasi_invariant_findings", "Broken places, by invariant.", labels=["invariant"]
    )
    looked = GaugeMetricFamily(
        "nafasi_invariants_checked_timestamp_seconds", "When the checker last looked."
    )
    rows = checker.latest(tx)
    for row in rows:
        findings.add_metric([row.invariant], row.findings)
    if rows:
        looked.add_metric([], min(row.checked_at for row in rows).timestamp())
    return [findings, looked]


def _dead_letters(tx: Tx) -> list[Metric]:
    """What only a person moves again, and how old the oldest is."""
    count = GaugeMetricFamily(
        "nafasi_dead_letters", "Messages and callbacks given up.", labels=["box", "state"]
    )
    age = GaugeMetricFamily(
        "nafasi_dead_letter_age_seconds", "Age of the oldest.", labels=["box", "state"]
    )
    for pile in piles(tx):
        names = [pile.box.value, pile.state]
        count.add_metric(names, pile.count)
        age.add_metric(names, (tx.now - pile.oldest).total_seconds() if pile.oldest else 0)
    return [count, age]


def _calls(tx: Tx) -> list[Metric]:
    """How today's calls end, and how far customers came; a worker counts them each minute."""
    ended = GaugeMetricFamily("nafasi_calls_today", "Calls by how they ended.", labels=["ended"])
    reached = GaugeMetricFamily(
        "nafasi_customer_calls_today", "Customers' calls by how far they came.", labels=["stage"]
    )
    for today in funnels(tx, 1):
        for name in ENDINGS:
            ended.add_metric([name], today.counts[name])
        for name in ("customer_sessions", *STAGES, "paid"):
            reached.add_metric([name.removeprefix("customer_")], today.counts[name])
    return [ended, reached]


def _cases(tx: Tx) -> list[Metric]:
    """What a person has to decide, and what of the float no statement has confirmed."""
    count = GaugeMetricFamily("nafasi_cases_open", "Open cases.", labels=["kind"])
    cents = GaugeMetricFamily(
        "nafasi_cases_open_cents", "Money that open cases are about.", labels=["kind"]
    )
    for kind, (number, amount_cents) in open_by_kind(tx).items():
        count.add_metric([kind.value], number)
        cents.add_metric([kind.value], amount_cents)
    items = open_items(tx)
    unconfirmed = GaugeMetricFamily(
        "nafasi_open_items_cents", "Receipts that no statement has shown.", labels=["direction"]
    )
    unconfirmed.add_metric(["in"], items.in_cents)
    unconfirmed.add_metric(["out"], items.out_cents)
    return [count, cents, unconfirmed]


def _tickets(tx: Tx) -> list[Metric]:
    """Questions that nobody has answered, and how long the first of them has waited."""
    count, since = waiting_tickets(tx)
    waiting = GaugeMetricFamily("nafasi_tickets_waiting", "Questions that wait for an answer.")
    waiting.add_metric([], count)
    oldest = GaugeMetricFamily("nafasi_tickets_oldest_seconds", "How long the first has waited.")
    oldest.add_metric([], 0 if since is None else (tx.now - since).total_seconds())
    return [waiting, oldest]
