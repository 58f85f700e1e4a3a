"""The workers of a simulated year: the production loops, started when something is due.

In production a schedule looks every second or two. Here the database is asked when the next thing
is due, and the clock goes there: nothing is missed and no empty look costs time. Now and then all
workers are away for some minutes.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, cast

import psycopg
import redis

from channels.africastalking.sms import AfricasTalkingSms
from channels.daraja.b2c import DarajaPayouts
from channels.daraja.client import DarajaClient
from channels.daraja.config import DarajaConfig
from channels.daraja.reversal import DarajaReversals
from channels.daraja.stk import DarajaCollections
from channels.etims.registrar import EtimsRegistrar
from channels.etims.wire import EtimsConfig
from channels.flutterwave.cards import FlutterwaveCards
from channels.flutterwave.charges import FlutterwaveCollections
from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.config import FlutterwaveConfig
from channels.flutterwave.transfers import FlutterwavePayouts
from channels.health import SharedHealth
from channels.http import Breaker
from channels.registry import accounts_of
from channels.simulator.config import SimulatorConfig
from core.clock import Clock
from core.settings import Settings
from sessions.bootstrap import build_desk, notice_context
from sessions.notices.render import render
from sessions.restraint import Unrestrained
from workers.attempts import run_attempts
from workers.balances import run_balances
from workers.cases import run_cases, run_float
from workers.disputes import run_disputes
from workers.documents import run_documents, run_invoices
from workers.housekeeping import run_housekeeping
from workers.inbox import run_inbox
from workers.ledger import run_ledger
from workers.notices import run_notices
from workers.parts import Parts
from workers.pause import Pauses
from workers.payouts import run_payouts
from workers.simulate.agenda import TickingClock
from workers.simulate.databases import SimulatedDatabase
from workers.simulate.lines import BASE, http_client, session
from workers.simulate.network import Network
from workers.simulate.points import Died
from workers.simulate.store import SimulatedStore
from workers.timers import run_timers
from workers.waits import run_waits

NO_PACE = 1e9
ITEM_CLASS = "90111500"
NEVER = 1_000_000_000
PASSES_MAX = 200
RETRY_SECONDS = 5.0
RETRY_SECONDS_MAX = 300.0
AWAY_SHARE = 0.002
# Shorter than what the invariants call late.
AWAY_SECONDS_MAX = 8 * 60


@dataclass(frozen=True, slots=True)
class Due:
    """When a kind of work is due next.

    Attributes:
        job: what does it.
        at: selects the moment.
        tables: from these: while none of them was written it is due when it was.
    """

    job: str
    at: str
    tables: frozenset[str]


def _due(job: str, at: str) -> Due:
    return Due(job, f"({at})", frozenset(re.findall(r"FROM (\w+)", at)))


# A lease is over a moment after its end.
LEASE_ENDS = """
    SELECT min(leased_until) + interval '1 second' FROM notices
    WHERE state IN ('leased', 'sending')
"""
# What is halted waits for somebody, not for a moment.
NOT_HALTED = """
    SELECT min(due_at) FROM attempts WHERE due_at IS NOT NULL AND NOT (
        kind <> 'collection' AND EXISTS (
            SELECT 1 FROM payout_halts WHERE payout_halts.provider = attempts.provider
                AND (payout_halts.reason <> 'low_float' OR state = 'queued')))
"""
# Numbers are not overtaken: the first one's time counts.
FIRST_INVOICE = """
    SELECT due_at FROM tax_invoices WHERE state IN ('waiting', 'sending') ORDER BY number LIMIT 1
"""
DUE = (
    _due("inbox", "SELECT min(due_at) FROM inbox WHERE state = 'waiting'"),
    _due("timers", "SELECT min(due_at) FROM bookings WHERE due_at IS NOT NULL"),
    _due("timers", "SELECT min(due_at) FROM booking_changes WHERE due_at IS NOT NULL"),
    _due("waits", "SELECT min(due_at) FROM waits WHERE due_at IS NOT NULL"),
    _due("disputes", "SELECT min(due_at) FROM disputes WHERE due_at IS NOT NULL"),
    _due("attempts", NOT_HALTED),
    _due("notices", "SELECT min(due_at) FROM notices WHERE state = 'waiting'"),
    _due("notices", LEASE_ENDS),
    _due("payouts", "SELECT min(due_at) FROM payouts WHERE due_at IS NOT NULL"),
    _due("payouts", "SELECT min(started_at) FROM payout_runs WHERE finished_at IS NULL"),
    _due("invoices", FIRST_INVOICE),
)
TABLES = frozenset[str]().union(*(due.tables for due in DUE))
JOBS: Mapping[str, Callable[[Parts], int]] = {
    "inbox": run_inbox,
    "timers": run_timers,
    "waits": run_waits,
    "disputes": run_disputes,
    "attempts": run_attempts,
    "notices": run_notices,
    "payouts": run_payouts,
    "balances": run_balances,
    "ledger": run_ledger,
    "documents": run_documents,
    "invoices": run_invoices,
    "cases": run_cases,
    "float": run_float,
    "housekeeping": run_housekeeping,
}


def simulated_health(store: SimulatedStore, clock: Clock) -> SharedHealth:
    """Return what is known of how the providers are."""
    return SharedHealth(
        cast("redis.Redis", store),
        ("daraja", "flutterwave"),
        look_seconds=0,
        now=lambda: clock.now().timestamp(),
    )


def build_parts(
    settings: Settings,
    providers: SimulatorConfig,
    certificate: str,
    database: SimulatedDatabase,
    store: SimulatedStore,
    health: SharedHealth,
    network: Network,
) -> Parts:
    """Return a worker's parts: the real adapters on the simulated network.

    Breakers and paces count the machine's seconds, so they are set never to act; that a provider
    is left alone is the shared health's doing, which counts simulated ones.
    """
    kept = cast("redis.Redis", store)
    daraja = DarajaClient(
        _daraja(settings, providers, certificate),
        kept,
        http=http_client(network, "/daraja"),
        breaker=Breaker(failures_max=NEVER),
    )
    flutterwave = FlutterwaveClient(
        FlutterwaveConfig(
            base_url=BASE,
            secret_key=providers.flutterwave_key,
            email_domain="guest.example",
            webhook_url=providers.flutterwave_url(),
            pages_url=f"{BASE}/pay",
            charges_per_second=NO_PACE,
            transfers_per_second=NO_PACE,
            questions_per_second=NO_PACE,
        ),
        http=http_client(network, "/flutterwave/v3"),
        breaker=Breaker(failures_max=NEVER),
    )
    sender = AfricasTalkingSms(
        providers.username,
        providers.api_key,
        f"{BASE}/africastalking",
        providers.sender_id,
        breaker=Breaker(failures_max=NEVER),
        session=session(network),
    )
    return Parts(
        database=database,
        senders=(sender,),
        collections={
            "daraja": DarajaCollections(daraja, database.clock),
            "flutterwave": FlutterwaveCollections(flutterwave),
        },
        payouts={
            "daraja": DarajaPayouts(daraja),
            "flutterwave": FlutterwavePayouts(flutterwave),
        },
        cards={"flutterwave": FlutterwaveCards(flutterwave)},
        takings_back={"daraja": DarajaReversals(daraja)},
        health=health,
        paybill=settings.daraja_shortcode,
        accounts=accounts_of(settings),
        registrar=EtimsRegistrar(
            _etims(providers),
            http=http_client(network, "/etims"),
            breaker=Breaker(failures_max=NEVER),
        ),
        # A year's people write no floods.
        desk=build_desk(settings, kept, restraint=Unrestrained()),
        render=partial(render, context=notice_context(settings)),
        pauses=Pauses(kept),
    )


def _etims(providers: SimulatorConfig) -> EtimsConfig:
    return EtimsConfig(
        base_url=BASE,
        pin=providers.etims_pin,
        branch=providers.etims_branch,
        key=providers.etims_key,
        item_class=ITEM_CLASS,
    )


def _daraja(settings: Settings, providers: SimulatorConfig, certificate: str) -> DarajaConfig:
    return DarajaConfig(
        base_url=BASE,
        consumer_key=providers.consumer_key,
        consumer_secret=providers.consumer_secret,
        shortcode=providers.shortcode,
        passkey=providers.passkey,
        b2c_shortcode=providers.b2c_shortcode,
        initiator_name=providers.initiator_name,
        initiator_password=providers.initiator_password,
        certificate=certificate,
        public_url=providers.callback_base,
        callback_secret=settings.callback_secret.get_secret_value(),
        pushes_per_second=NO_PACE,
        payouts_per_second=NO_PACE,
        questions_per_second=NO_PACE,
    )


class Crew:
    """All workers. One that dies is replaced; the others go on.

    Args:
        parts: what they work with.
        database: theirs.
        clock: the simulated one.
        chance: who goes first, and who is away.
        watch: a connection that asks what is due.
    """

    def __init__(
        self,
        parts: Parts,
        database: SimulatedDatabase,
        clock: TickingClock,
        chance: random.Random,
        watch: psycopg.Connection[tuple[Any, ...]],
    ) -> None:
        self.parts = parts
        self.tally: Counter[str] = Counter()
        self.calm = False
        self._database = database
        self._clock = clock
        self._chance = chance
        self._watch = watch
        self._away_until = clock.now()
        self._stalled = 0
        self._next_at: datetime | None = None
        self._due: dict[Due, datetime | None] = {}
        self._unseen = set(TABLES)

    @property
    def next_at(self) -> datetime | None:
        """When the workers have something to do."""
        return self._next_at

    def run(self, name: str) -> None:
        """Start one job once."""
        self.tally[f"job {name}"] += 1
        try:
            JOBS[name](self.parts)
        except Died:
            self.tally["workers that died"] += 1

    def work(self) -> None:
        """Do all that is due, as far as it can be done now."""
        if not self.calm and self._chance.random() < AWAY_SHARE:
            away = self._chance.uniform(10, AWAY_SECONDS_MAX)
            self._away_until = self._clock.now() + timedelta(seconds=away)
        if self._clock.now() < self._away_until:
            self._next_at = self._away_until
            return
        due = self._look()
        for _ in range(PASSES_MAX):
            ready = sorted({job for job, at in due if at <= self._clock.now()})
            if not ready:
                self._stalled = 0
                self._next_at = min((at for _job, at in due), default=None)
                return
            self._chance.shuffle(ready)
            for job in ready:
                self.run(job)
            before, due = due, self._look()
            if before == due:
                break
        # What is left has to wait for something: a pause that ends, a provider that is back.
        self._stalled += 1
        seconds = min(RETRY_SECONDS * 2 ** min(self._stalled, 10), RETRY_SECONDS_MAX)
        self._next_at = self._clock.now() + timedelta(seconds=seconds)

    @property
    def needed(self) -> bool:
        """Whether there may be something to do: by the clock, or because of what was written."""
        self._unseen |= TABLES & self._database.written()
        return bool(self._unseen) or (
            self._next_at is not None and self._next_at <= self._clock.now()
        )

    def _look(self) -> list[tuple[str, datetime]]:
        """Return what is due when; only those tables are asked that were written."""
        self._unseen |= TABLES & self._database.written()
        asked = [due for due in DUE if due.tables & self._unseen]
        self._unseen.clear()
        if asked:
            found = self._watch.execute(_question(tuple(asked))).fetchone()
            assert found is not None, "there is always an answer"
            self._due.update(zip(asked, found, strict=True))
        return [(due.job, at) for due in DUE if (at := self._due[due]) is not None]


@cache
def _question(asked: tuple[Due, ...]) -> bytes:
    return f"SELECT {', '.join(due.at for due in asked)}".encode()
