"""The composition root of a worker process: settings in, everything a task needs out."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.orm import Session

from channels.etims.registrar import open_registrar
from channels.health import SharedHealth
from channels.registry import (
    accounts_of,
    build_health,
    build_routes,
    enabled_providers,
    enabled_sms_routes,
)
from core.bootstrap import build_clock, build_database
from core.clock import SystemClock
from core.db.tx import Database, Tx, Work
from core.documents.usecases import Seller
from core.local_clock import read_ahead
from core.ports.messages import SmsIn, SmsSender
from core.ports.money import CardGateway, CollectionGateway, PayoutGateway, TakeBackGateway
from core.ports.tax import TaxRegistrar
from core.reconcile.places import Accounts
from core.settings import Settings, named_numbers
from sessions.bootstrap import build_desk, notice_context
from sessions.dropped import DroppedCalls
from sessions.notices.render import render
from sessions.trail import TrailReader
from workers.counters import MESSAGES
from workers.pause import Pauses
from workers.rates import Rates

# One task at a time in a process, and a spare connection for what it nudges.
POOL_SIZE = 2
REDIS_SECONDS = 2.0
# In a local trial the clock may be moved; a task looks at most so often.
CLOCK_LOOK_SECONDS = 1.0

Render = Callable[[str, Mapping[str, Any], str], str]


class Desk(Protocol):
    """Answers people's messages."""

    def handle(self, tx: Tx, sms: SmsIn) -> None:
        """Do what a message asks for and owe the answer, in one transaction."""

    def handle_unfinished(self, tx: Tx, sms: SmsIn) -> None:
        """Owe whoever wrote a long message a word that only a part of it came."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What tasks work with.

    Attributes:
        database: opens transactions.
        senders: who sends text messages, the preferred one first.
        collections: who takes money, by provider.
        payouts: who sends money, by provider.
        cards: who takes money from cards, by provider.
        takings_back: who takes payments back, by provider.
        health: where it is noted how calls to them went.
        paybill: the shortcode that payments by hand must name.
        accounts: ours with each provider, and which way money moves there.
        desk: answers people's messages.
        render: makes the words of a notice: topic, values, language.
        pauses: what is left alone for a while, known to all workers.
        rates: how many messages a second each route takes.
        sms_prices: cents a segment by route, where we know it.
        seller: who issues receipts.
        dropped: finds calls that were cut off; None where nobody is written to about them.
        registrar: who tells the tax authority of them; None where nobody does.
        trail: what is known of how conversations go; None where nobody notes it.
        refresh: called before each task; keeps a movable clock up to date.
        close: lets go of all connections.
    """

    database: Database
    senders: Sequence[SmsSender]
    collections: Mapping[str, CollectionGateway]
    payouts: Mapping[str, PayoutGateway]
    health: SharedHealth
    paybill: str
    desk: Desk
    render: Render
    pauses: Pauses
    rates: Rates = field(default_factory=Rates)
    sms_prices: Mapping[str, int] = field(default_factory=dict)
    takings_back: Mapping[str, TakeBackGateway] = field(default_factory=dict)
    accounts: Mapping[str, Accounts] = field(default_factory=dict)
    cards: Mapping[str, CardGateway] = field(default_factory=dict)
    seller: Seller = field(default_factory=Seller)
    dropped: DroppedCalls | None = None
    registrar: TaxRegistrar | None = None
    trail: TrailReader | None = None
    refresh: Callable[[], None] = field(default=lambda: None)
    close: Callable[[], None] = field(default=lambda: None)


def build_parts(settings: Settings, wake: Callable[[Work], None]) -> Parts:
    """Open what one process needs. Call it after the fork: connections do not survive one.

    Args:
        settings: of the whole application.
        wake: nudges a worker after a commit; must not raise.
    """
    clock = build_clock(settings)
    health = build_health(settings)
    routes = build_routes(settings, health)
    database = build_database(settings, clock, wake, pool_size=POOL_SIZE, routes=routes)
    store = new_redis(settings.redis_url)
    senders = tuple(route.open(settings) for route in enabled_sms_routes(settings))
    gateways = {
        provider.name: provider.open(settings, store, clock)
        for provider in enabled_providers(settings)
    }
    registrar = open_registrar(settings)
    words = notice_context(settings)

    def close() -> None:
        for sender in senders:
            sender.close()
        for opened in gateways.values():
            opened.close()
        if registrar is not None:
            registrar.close()
        health.close()
        store.close()
        database.close()

    return Parts(
        database=database,
        senders=senders,
        collections={name: opened.collections for name, opened in gateways.items()},
        payouts={name: opened.payouts for name, opened in gateways.items()},
        cards={name: opened.cards for name, opened in gateways.items() if opened.cards},
        takings_back={
            name: opened.takings_back
            for name, opened in gateways.items()
            if opened.takings_back is not None
        },
        health=health,
        paybill=settings.daraja_shortcode,
        desk=build_desk(settings, store, lambda verdict: MESSAGES.labels(verdict).inc()),
        render=partial(render, context=words),
        pauses=Pauses(store),
        rates=Rates(named_numbers(settings.sms_rates), store, database.ids.token()),
        sms_prices=named_numbers(settings.sms_prices),
        accounts=accounts_of(settings),
        seller=Seller(settings.company_name, settings.company_pin),
        dropped=DroppedCalls(store),
        registrar=registrar,
        trail=TrailReader(store),
        refresh=_follow(clock, database) if settings.local else lambda: None,
        close=close,
    )


def new_redis(url: str) -> redis.Redis:
    """Return a client that fails fast and sends nothing twice by itself."""
    client: redis.Redis = redis.Redis.from_url(
        url,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
        max_connections=4,
        health_check_interval=30,
    )
    return client


def _follow(clock: SystemClock, database: Database) -> Callable[[], None]:
    """Return what sets a local trial's clock to the offset in the database, once a second."""
    looked_at = float("-inf")

    def refresh() -> None:
        nonlocal looked_at
        if time.monotonic() - looked_at >= CLOCK_LOOK_SECONDS:
            with Session(database.engine) as db:
                clock.ahead = read_ahead(db)
            looked_at = time.monotonic()

    return refresh
