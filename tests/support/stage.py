"""The stage of stories: both servers, prepared databases, and a whole system set up for each.

The providers are the simulators under a real HTTP server; phones dial, read and pay there. Only
the clock is moved by hand, so that a story of weeks takes a second and is the same each time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import redis
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from channels.africastalking.sms import AfricasTalkingSms
from channels.daraja.b2c import DarajaPayouts
from channels.daraja.client import DarajaClient
from channels.daraja.provider import daraja_config
from channels.daraja.stk import DarajaCollections
from channels.flutterwave.cards import FlutterwaveCards
from channels.flutterwave.charges import FlutterwaveCollections
from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.provider import flutterwave_config
from channels.flutterwave.transfers import FlutterwavePayouts
from channels.health import SharedHealth
from channels.registry import (
    GATEWAYS,
    SMS_ROUTES,
    build_routes,
    enabled_gateways,
    enabled_providers,
)
from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from channels.simulator.credentials import new_private_key_pem
from core.clock import ManualClock
from core.db.tx import Database, Work
from core.demo.seed import seed_catalog
from core.ids import CountedIds
from core.settings import Environment, Settings
from core.vault import Vault
from sessions.bootstrap import build_conductor, notice_context
from sessions.dropped import DroppedCalls
from sessions.gsm7 import segments, septets
from sessions.notices.render import render
from sessions.sms import SmsDesk
from sessions.store import forget_person
from tests.channels.simulator.rig import QUICK
from tests.support.recycling import Recycler, waking
from tests.support.servers import Databases
from tests.support.serving import eventually, serving
from tests.support.world import SECRET, SHOWN, USSD_CODE, Servers, World
from web.hooks import hook_routes, keep_end
from web.hop import UssdHop
from web.inlet import Inlet
from web.journal import Journal
from web.metrics import Metrics
from web.pages.paying import pay_routes
from web.parts import Parts as WebParts
from web.wake import Nudger, Producer
from workers.parts import Parts, new_redis
from workers.pause import Pauses

POOL_SIZE = 8
# So that no adapter sleeps for the sake of a provider that is our own.
UNPACED: dict[str, Any] = dict.fromkeys(
    ("pushes_per_second", "payouts_per_second", "questions_per_second"), 10_000.0
)
UNPACED_FLUTTERWAVE: dict[str, Any] = dict.fromkeys(
    ("charges_per_second", "transfers_per_second", "questions_per_second"), 10_000.0
)
STORY_IDS, SEED_IDS = 2, 1


class Switch:
    """One ASGI server for all stories: hands requests to whichever system is being played."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.requests = self.heard = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.loop = asyncio.get_running_loop()
            for done in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
                await receive()
                await send({"type": done})
            return
        assert self.app is not None, "a provider calls back before or after a story"
        self.requests += 1
        self.heard += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.requests -= 1

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the server's loop."""
        assert self.loop is not None, "the server has started"
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()


class Counted:
    """An application whose requests are counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.heard = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heard += scope["type"] == "http"
        await self._app(scope, receive, send)


class NoBroker(Producer):
    """Nobody is woken: a story runs the workers itself."""

    def __init__(self) -> None:
        """Open nothing."""

    def close(self) -> None:
        """Close nothing."""


@dataclass
class Stage(Servers):
    """What stories share, one after another: both servers, and prepared databases."""

    databases: Databases
    vault: Vault
    switch: Switch
    certificate: str
    markets: dict[datetime, Recycler] = field(default_factory=dict)

    def market(self, begin: datetime) -> Recycler:
        """Databases with the demo market as seeded at a moment."""

        def seed(url: str) -> None:
            clock = ManualClock(begin)
            database = Database(url, clock, CountedIds(SEED_IDS), self.vault, pool_size=1)
            database.run(seed_catalog)
            database.close()

        return self.markets.setdefault(begin, Recycler(self.databases, seed))

    @contextmanager
    def world(self, begin: datetime, redis_url: str) -> Iterator["World"]:
        """Set up a system at a moment; it is gone when the story is over."""
        with ExitStack() as stack:
            self.clock.set(begin)
            settings = self._settings(redis_url)
            store = new_redis(settings.redis_url)
            stack.callback(store.close)
            names = [provider.name for provider in enabled_providers(settings)]
            # A story's clock jumps: what is known of providers must not be a second old.
            health = SharedHealth(store, names, look_seconds=0)
            routes = build_routes(settings, health)
            ids, woken = CountedIds(STORY_IDS), set[Work]()
            lent = self.market(begin).lend(self.clock, ids, self.vault, routes)
            database = waking(stack.enter_context(lent), woken.add)
            parts = self._workers(stack, settings, database, store, health)
            conductor = build_conductor(database, redis_url, settings)
            self.switch.run(conductor.start())
            stack.callback(lambda: self.switch.run(conductor.aclose()))
            metrics, folder = Metrics(), stack.enter_context(TemporaryDirectory())
            inlet = Inlet(database, Journal(Path(folder)), metrics.callback)
            web = WebParts(settings, database, conductor, metrics, Nudger(NoBroker()), inlet)
            app = FastAPI()
            app.include_router(hook_routes(web))
            app.include_router(pay_routes(web))
            self.switch.app = UssdHop(
                conductor.advance,
                partial(keep_end, web),
                enabled_gateways(settings),
                SECRET,
                app,
                lambda _gateway, _field: None,
            )
            made = World(self, database, parts, redis_url, woken)
            made.control("/reset", {})
            # Whatever is under way for this story ends before its database goes.
            stack.callback(lambda: eventually(lambda: self.switch.requests == 0))
            stack.callback(lambda: made.control("/reset", {}))
            yield made

    def _settings(self, redis_url: str) -> Settings:
        config = self.config
        return Settings(
            env=Environment.TEST,
            redis_url=redis_url,
            public_url=self.base,
            callback_secret=SecretStr(SECRET),
            ussd_code=USSD_CODE,
            ussd_gateways=",".join(GATEWAYS),
            sms_routes=",".join(SMS_ROUTES),
            database_pool_size=POOL_SIZE,
            africastalking_base_url=f"{self.simulator}/africastalking",
            africastalking_username=config.username,
            africastalking_api_key=SecretStr(config.api_key),
            africastalking_sender_id=config.sender_id,
            daraja_base_url=f"{self.simulator}/daraja",
            daraja_consumer_key=SecretStr(config.consumer_key),
            daraja_consumer_secret=SecretStr(config.consumer_secret),
            daraja_shortcode=config.shortcode,
            daraja_passkey=SecretStr(config.passkey),
            daraja_b2c_shortcode=config.b2c_shortcode,
            daraja_initiator_name=config.initiator_name,
            daraja_initiator_password=SecretStr(config.initiator_password),
            daraja_certificate=self.certificate,
            flutterwave_enabled=True,
            flutterwave_base_url=f"{self.simulator}/flutterwave/v3",
            flutterwave_secret_key=SecretStr(config.flutterwave_key),
            flutterwave_secret_hash=SecretStr(config.flutterwave_hash),
        )

    def _workers(
        self,
        stack: ExitStack,
        settings: Settings,
        database: Database,
        store: redis.Redis,
        health: SharedHealth,
    ) -> Parts:
        """What tasks work with, on this story's clock; compare ``workers.parts.build_parts``."""
        sender = AfricasTalkingSms(
            settings.africastalking_username,
            settings.africastalking_api_key.get_secret_value(),
            settings.africastalking_base_url,
            settings.africastalking_sender_id,
        )
        stack.callback(sender.close)
        daraja = DarajaClient(replace(daraja_config(settings), **UNPACED), store)
        stack.callback(daraja.close)
        flutterwave = FlutterwaveClient(
            replace(flutterwave_config(settings), **UNPACED_FLUTTERWAVE)
        )
        stack.callback(flutterwave.close)
        collections = DarajaCollections(daraja, self.clock), FlutterwaveCollections(flutterwave)
        payouts = DarajaPayouts(daraja), FlutterwavePayouts(flutterwave)
        return Parts(
            database=database,
            senders=(sender,),
            collections={gateway.name: gateway for gateway in collections},
            payouts={gateway.name: gateway for gateway in payouts},
            cards={"flutterwave": FlutterwaveCards(flutterwave)},
            health=health,
            paybill=settings.daraja_shortcode,
            desk=SmsDesk(settings.ussd_code, partial(forget_person, store)),
            render=partial(render, context=replace(notice_context(settings), public_url=SHOWN)),
            pauses=Pauses(store),
            dropped=DroppedCalls(store),
        )


@contextmanager
def staged(databases: Databases, vault: Vault, begin: datetime) -> Iterator[Stage]:
    """Start both servers for a run of stories."""
    with ExitStack() as stack:
        switch, clock = Switch(), ManualClock(begin)
        base = stack.enter_context(serving(switch))
        config = SimulatorConfig(
            callback_secret=SECRET,
            callback_base=base,
            ussd_code=USSD_CODE,
            private_key_pem=new_private_key_pem(),
            seed=7,
            waits=QUICK,
        )
        providers = Counted(create_app(config, measure=_measure, clock=clock))
        simulator = stack.enter_context(serving(providers))
        http = stack.enter_context(httpx.Client(trust_env=False, timeout=20))
        certificate = http.get(f"{simulator}/simulator/certificate.pem").text
        servers = (clock, base, simulator, config, http, lambda: switch.heard + providers.heard)
        stage = Stage(*servers, databases, vault, switch, certificate)
        yield stage
        for recycler in stage.markets.values():
            recycler.close()


def _measure(text: str) -> dict[str, int]:
    return {"septets": septets(text), "segments": segments(text)}
