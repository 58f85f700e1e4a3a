"""A whole system for stories: the real web side, workers, PostgreSQL, Redis and providers.

The providers are the simulators under a real HTTP server; phones dial, read and pay there. Only
the clock is moved by hand, so that a story of weeks takes a second and is the same each time.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import redis
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import func, select, union_all
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
from core.booking.model import Booking, BookingChange
from core.clock import ManualClock
from core.db.tx import Database, Work
from core.demo.seed import seed_catalog
from core.disputes.model import Dispute
from core.ids import CountedIds
from core.inbox import Arrival, Inbound
from core.outbox import Notice, Sending
from core.payments.model import Attempt
from core.payouts import rules as payout_rules
from core.payouts.model import Payout
from core.settings import Environment, Settings
from core.talks import OpenTalk
from core.vault import Vault
from core.waitlist.model import Wait
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
from workers.schedule import BY_WORK, JOBS

SECRET = "story-callbacks"
USSD_CODE = "*384*7781#"
# What links in messages begin with: the real address changes with each run.
SHOWN = "https://nafasi.test"
POOL_SIZE = 8
# So that no adapter sleeps for the sake of a provider that is our own.
UNPACED: dict[str, Any] = dict.fromkeys(
    ("pushes_per_second", "payouts_per_second", "questions_per_second"), 10_000.0
)
UNPACED_FLUTTERWAVE: dict[str, Any] = dict.fromkeys(
    ("charges_per_second", "transfers_per_second", "questions_per_second"), 10_000.0
)
ROUNDS_MAX = 100
MOMENTS_MAX = 2_000
LOG_MAX = 1_000
# What runs in a story. Housekeeping forgets what stories look at; the others only look.
BESIDE = {"housekeeping", "checker", "cases", "float", "balances"}
WORK = tuple(job.run for job in JOBS if job.name not in BESIDE)
STORY_IDS, SEED_IDS = 2, 1
OK, CREATED, SEE_OTHER = 200, 201, 303
_PAY_LINK = re.compile(rf"{SHOWN}(/pay/\S+)")
_CARD_PAGE = re.compile(r"http[^\"]+/hosted/pay/[^\"]+")


class Switch:
    """One ASGI server for all stories: hands requests to whichever system is being played."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.loop = asyncio.get_running_loop()
            for done in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
                await receive()
                await send({"type": done})
            return
        assert self.app is not None, "a provider calls back before or after a story"
        self.requests += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.requests -= 1

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the server's loop."""
        assert self.loop is not None, "the server has started"
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()


class NoBroker(Producer):
    """Nobody is woken: a story runs the workers itself."""

    def __init__(self) -> None:
        """Open nothing."""

    def close(self) -> None:
        """Close nothing."""


@dataclass
class Stage:
    """What stories share, one after another: both servers, and prepared databases."""

    databases: Databases
    clock: ManualClock
    vault: Vault
    switch: Switch
    base: str
    simulator: str
    config: SimulatorConfig
    http: httpx.Client
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
        simulator = stack.enter_context(serving(create_app(config, measure=_measure, clock=clock)))
        http = stack.enter_context(httpx.Client(trust_env=False, timeout=20))
        certificate = http.get(f"{simulator}/simulator/certificate.pem").text
        stage = Stage(databases, clock, vault, switch, base, simulator, config, http, certificate)
        yield stage
        for recycler in stage.markets.values():
            recycler.close()


def _measure(text: str) -> dict[str, int]:
    return {"septets": septets(text), "segments": segments(text)}


class World:
    """One system, with phones, in the hands of one story."""

    def __init__(
        self,
        stage: Stage,
        database: Database,
        parts: Parts,
        redis_url: str,
        woken: set[Work],
    ) -> None:
        self.stage = stage
        self.clock = stage.clock
        self.database = database
        self.parts = parts
        self._redis_url = redis_url
        # What was nudged since the workers last looked.
        self._woken = woken
        # What our own steps make the providers tell us; the rest follows from their journal.
        self._owed: Counter[str] = Counter()
        self._operators: dict[str, str] = {}

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the simulator's control API; POST when there is a body."""
        url, http = f"{self.stage.simulator}/simulator/api{path}", self.stage.http
        answer = http.get(url) if body is None else http.post(url, json=body)
        assert answer.status_code == OK, answer.text
        return answer.json()

    def dial(self, phone: str, code: str) -> dict[str, Any]:
        """Dial; what the phone then shows."""
        self.hang_up(phone)
        return self._screen(self.control("/dial", {"phone": phone, "code": code}))

    def answer(self, phone: str, entry: str) -> dict[str, Any]:
        """Answer the screen; what the phone then shows."""
        return self._screen(self.control("/answer", {"phone": phone, "input": entry}))

    def call_over(self, phone: str, operator: str) -> None:
        """Have a phone's calls come to us over an operator or aggregator."""
        self.control("/phones", {"phone": phone, "operator": operator})
        self._operators[phone] = operator

    def hang_up(self, phone: str) -> None:
        """Press the red button; nothing happens without a call."""
        if self.control("/hangup", {"phone": phone})["ended"]:
            self._owed["events"] += phone not in self._operators

    def expect_event(self) -> None:
        """A call that was not made by ``dial`` is over: the network will tell of it."""
        self._owed["events"] += 1

    def hop_again(self, phone: str, screen: dict[str, Any]) -> str:
        """Send the hop that led to a screen once more, as a network does; the raw reply."""
        form = {
            "sessionId": screen["session_id"],
            "phoneNumber": phone,
            "networkCode": "63902",
            "serviceCode": USSD_CODE,
            "text": screen["transcript"],
        }
        address = f"{self.stage.base}/hooks/africastalking/{SECRET}/ussd"
        answer = self.stage.http.post(address, data=form)
        assert answer.status_code == OK, answer.text
        return answer.text

    def _screen(self, screen: dict[str, Any]) -> dict[str, Any]:
        assert screen["error"] is None, screen
        # The other operators tell of no end that we made ourselves.
        self._owed["events"] += screen["final"] and screen["phone"] not in self._operators
        return screen

    def text(
        self, phone: str, words: str, parts: Sequence[int] = (), called: int | None = None
    ) -> None:
        """Send us an SMS from a phone; in parts, as they are handed over by a gateway."""
        more = {"parts": parts, "reference": called} if parts else {}
        self.control("/sms", {"from": phone, "text": words} | more)
        self._owed["inbound"] += len(parts) or 1
        # The next one must not overtake it.
        eventually(self._at_rest)

    def inbox(self, phone: str) -> list[str]:
        """What a phone was sent so far, oldest first."""
        found = self.control(f"/sms?phone={phone.replace('+', '%2B')}")["sms"]
        return [sms["text"] for sms in found if sms["direction"] == "to_phone"]

    def readers(self) -> set[str]:
        """The phones that were sent anything."""
        found = self.control(f"/sms?limit={LOG_MAX}")["sms"]
        return {sms["to"] for sms in found if sms["direction"] == "to_phone"}

    def settle_prompt(self, phone: str, outcome: str) -> None:
        """Answer the newest M-Pesa prompt on a phone."""
        self.work()
        wanted = "failed" if outcome == "late_paid" else "open"
        prompts = self.control(f"/stk?status=all&phone={phone.replace('+', '%2B')}")["stk"]
        found = [prompt for prompt in prompts if prompt["status"] == wanted]
        assert found, f"{phone} has no {wanted} prompt"
        self.control(f"/stk/{found[-1]['id']}", {"outcome": outcome})
        # The callback of an ended prompt is counted by its state; these make one more or less.
        self._owed[_callback_of(found[-1])] += {
            "late_paid": 1,
            "duplicate": 1,
            "no_callback": -1,
        }.get(outcome, 0)

    def paybill(self, phone: str, account: str, shillings: int) -> str:
        """Pay by hand; what M-Pesa says: completed, refused or rejected."""
        said = self.control("/paybill", {"phone": phone, "account": account, "amount": shillings})
        self._owed["c2b"] += 2 if said["status"] == "completed" else 1
        return str(said["status"])

    def pay_by_card(self, phone: str, outcome: str) -> None:
        """Open the newest link to pay on a phone, go to the provider's page, and do something."""
        self.work()
        links = [found for sms in self.inbox(phone) if (found := _PAY_LINK.search(sms))]
        ours, http = self.stage.base + links[-1].group(1), self.stage.http
        assert http.post(ours).status_code == SEE_OTHER
        self.work()
        theirs = _CARD_PAGE.search(http.get(ours).text)
        assert theirs, "no way to the provider's page"
        assert http.post(theirs.group(), data={"outcome": outcome}).status_code == SEE_OTHER
        self._owed["flutterwave_charge"] += 1

    def work(self) -> None:
        """Let callbacks arrive and workers run until nothing is left to do at this moment.

        As in production: who was nudged comes at once, and then everybody looks.
        """
        for _ in range(ROUNDS_MAX):
            eventually(self._at_rest)
            nudged = sorted(self._woken)
            self._woken.clear()
            if nudged:
                for work in nudged:
                    BY_WORK[work].run(self.parts)
            elif not sum(run(self.parts) for run in WORK):
                return
        raise AssertionError("the workers never come to rest")

    def wait(self, length: timedelta) -> None:
        """Let time pass, stopping at each moment at which something is due."""
        until = self.clock.now() + length
        for _ in range(MOMENTS_MAX):
            self.work()
            due = self._next_due()
            if due > until:
                break
            self.clock.set(due)
        else:
            raise AssertionError("too much is due")
        self.clock.set(until)
        self.work()

    def _next_due(self) -> datetime:
        now = self.clock.now()
        moments = union_all(
            select(Booking.due_at),
            select(BookingChange.due_at),
            select(Attempt.due_at),
            select(Payout.due_at),
            select(Dispute.due_at),
            select(OpenTalk.offer_at),
            select(Wait.due_at),
            select(Notice.due_at).where(Notice.state == Sending.WAITING),
            select(Inbound.due_at).where(Inbound.state == Arrival.WAITING),
        ).subquery()
        due = moments.c.due_at
        with self.database.transaction() as tx:
            first = tx.db.scalar(select(func.min(due)).where(due > now))
        monday = payout_rules.next_run(now)
        return min(first, monday) if first else monday

    def _at_rest(self) -> bool:
        """Tell whether all that the providers have to tell has been told, and was taken."""
        log = self.control(f"/log?limit={LOG_MAX}")["log"]
        assert len(log) < LOG_MAX, "the story is too long for the journal"
        owed, told = Counter(self._owed), Counter[str]()
        for entry in log:
            if entry["direction"] == "request":
                owed.update(_callbacks_of(entry))
            elif entry["status"] is None and not entry["note"]:
                return False
            elif entry["status"] is not None:
                assert entry["status"] == OK, f"refused: {entry['url']} {entry['answer']}"
                told[entry["service"]] += 1
        prompts = self.control(f"/stk?status=all&limit={LOG_MAX}")["stk"]
        if any(prompt["status"] == "sending" for prompt in prompts):
            return False
        for prompt in prompts:
            owed[_callback_of(prompt)] += prompt["status"] in {"paid", "failed"}
        return all(told[service] >= count for service, count in owed.items())

    def forget(self, phone: str) -> None:
        """Let the next call ask anew who has a number, as the console does."""
        with redis.Redis.from_url(self._redis_url) as client:
            forget_person(client, phone)

    def leases(self) -> list[str]:
        """Conversations that are still locked."""
        with redis.Redis.from_url(self._redis_url) as client:
            return [key.decode() for key in client.scan_iter("*:lease")]


def _callback_of(prompt: dict[str, Any]) -> str:
    """The service that tells of a prompt's outcome."""
    return "flutterwave_charge" if "provider" in prompt else "stk"


def _callbacks_of(entry: dict[str, Any]) -> Counter[str]:
    """How many callbacks follow from one request of ours, by service."""
    match entry["service"]:
        case "sms" if entry["status"] == CREATED:
            return Counter(sms=2 * entry["answer"].count('"messageId":"ATXid'))
        case "b2c" | "status" | "flutterwave_transfer" if entry["status"] == OK:
            return Counter({entry["service"]: 1})
    return Counter()
