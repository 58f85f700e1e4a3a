"""The line between us and the providers, which loses, delays, doubles and breaks.

One way: the adapters' requests, which reach a simulated provider's application or do not, and
whose answers come back or do not. Other way: the providers' callbacks, which are kept by the
functions that the web keeps them with, now, later, twice or never.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import httpx
from starlette.types import ASGIApp

from channels.africastalking.inbound import FORMS, take_form
from channels.daraja.inbound import MONEY, take_confirmation, take_money
from channels.money import Forged
from channels.registry import PROVIDERS
from channels.simulator.callbacks import Callbacks
from channels.simulator.faults import Fault, FaultKind, Service
from channels.simulator.journal import Callback as Told
from channels.simulator.journal import Entry
from channels.simulator.state import World
from core.clock import Clock
from core.ports.providers import BadCallback, Callback
from core.settings import Settings
from workers.simulate.agenda import Agenda
from workers.simulate.loop import Heard, SimulatedLoop
from workers.simulate.points import Crashes, Step, When

OK = 200
# Where requests go: the step by which a worker makes them, and the service that may misbehave.
CALLS: tuple[tuple[str, Step, Service], ...] = (
    ("/africastalking/version1/messaging", Step.SMS, Service.SMS),
    ("/daraja/oauth/", Step.TOKEN, Service.OAUTH),
    ("/daraja/mpesa/stkpush/", Step.PUSH, Service.STK),
    ("/daraja/mpesa/stkpushquery/", Step.ASK, Service.QUERY),
    ("/daraja/mpesa/b2c/", Step.PAY_OUT, Service.B2C),
    ("/daraja/mpesa/transactionstatus/", Step.ASK_PAYOUT, Service.STATUS),
    ("/daraja/mpesa/reversal/", Step.TAKE_BACK, Service.REVERSAL),
    ("/etims/saveTrnsSalesOsdc", Step.REGISTER, Service.ETIMS),
    ("/daraja/mpesa/accountbalance/", Step.ASK_BALANCE, Service.BALANCE),
    ("POST /flutterwave/v3/charges", Step.PUSH, Service.FLUTTERWAVE_CHARGE),
    ("POST /flutterwave/v3/payments", Step.OPEN_PAGE, Service.FLUTTERWAVE_CHARGE),
    ("POST /flutterwave/v3/transactions", Step.REFUND_CARD, Service.FLUTTERWAVE_REFUND),
    ("GET /flutterwave/v3/refunds", Step.ASK_PAYOUT, Service.FLUTTERWAVE_STATUS),
    ("GET /flutterwave/v3/transactions", Step.ASK, Service.FLUTTERWAVE_VERIFY),
    ("POST /flutterwave/v3/transfers", Step.PAY_OUT, Service.FLUTTERWAVE_TRANSFER),
    ("GET /flutterwave/v3/transfers", Step.ASK_PAYOUT, Service.FLUTTERWAVE_STATUS),
    ("GET /flutterwave/v3/balances", Step.ASK_BALANCE, Service.FLUTTERWAVE_BALANCE),
)
BROKEN = (FaultKind.ERROR500, FaultKind.HTML, FaultKind.EMPTY, FaultKind.BUSY)
# Money goes out seldom, and there it costs most when something is misunderstood.
PAYING = frozenset(
    {
        *(Service.B2C, Service.STATUS, Service.REVERSAL),
        *(Service.FLUTTERWAVE_TRANSFER, Service.FLUTTERWAVE_STATUS, Service.FLUTTERWAVE_REFUND),
    }
)
PAYING_FACTOR = 3
EARLY = frozenset({Service.STK, Service.B2C, Service.REVERSAL, Service.FLUTTERWAVE_CHARGE})
LATE_SECONDS_MAX = 72 * 3600
REPEATED_AFTER_SECONDS = 10


class Fate(StrEnum):
    """What becomes of a request."""

    WELL = "well"
    REFUSED = "no connection"
    LOST_BEFORE = "timeout before the effect"
    LOST_AFTER = "timeout after the effect"
    BROKEN = "broken answer"
    EARLY = "callback before the answer"


FATES = ((0.008, Fate.REFUSED), (0.008, Fate.LOST_BEFORE), (0.012, Fate.LOST_AFTER),
         (0.010, Fate.BROKEN), (0.012, Fate.EARLY))  # fmt: skip


class Delivery(StrEnum):
    """What becomes of a callback."""

    SOON = "soon"
    LOST = "lost"
    TWICE = "twice"
    SHUFFLED = "shuffled"
    LATE = "hours or days late"


DELIVERIES = ((0.04, Delivery.LOST), (0.05, Delivery.TWICE), (0.04, Delivery.SHUFFLED),
              (0.03, Delivery.LATE))  # fmt: skip
# Two reports follow each message; most of them change nothing and are left out for time.
REPORTS_SHARE = 0.03


class Network:
    """Carries everything between us and the providers.

    Args:
        world: the providers.
        app: their application.
        loop: where that runs.
        clock: the simulated one.
        agenda: where late callbacks wait.
        chance: what decides what becomes of each request and callback.
        crashes: who dies around a request.
        settings: hold the secrets that callbacks carry.
        keep: puts a callback into the inbox; False when the process died over it.
        interrupt: lets another worker go on, while ours still waits for its answer.
    """

    def __init__(
        self,
        world: World,
        app: ASGIApp,
        loop: SimulatedLoop,
        clock: Clock,
        agenda: Agenda,
        chance: random.Random,
        crashes: Crashes,
        settings: Settings,
        keep: Callable[[Callback], bool],
        interrupt: Callable[[], None],
    ) -> None:
        self.calm = False
        self.down_until: dict[str, datetime] = {}
        self.tally: Counter[str] = Counter()
        self.listeners: list[Callable[[Step, bytes, Heard], None]] = []
        self._world = world
        self._app = app
        self._loop = loop
        self._clock = clock
        self._agenda = agenda
        self._chance = chance
        self._crashes = crashes
        self._settings = settings
        self._keep = keep
        self._interrupt = interrupt
        self._secret = settings.callback_secret.get_secret_value()
        self._early = False
        world.callbacks = _Post(world, self.told, self._is_left_out)

    def carry(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """Carry one request, as well or badly as chance will have it.

        Raises:
            httpx.ConnectError: it did not arrive.
            httpx.ReadTimeout: nobody knows whether it did.
            Died: the worker that made it is gone.
        """
        step, service = _call_of(method, path)
        self._crashes.reach(step, When.BEFORE)
        fate = self._fate(step, service, path.split("/")[1])
        self.tally[f"{step} {fate}"] += 1
        if fate is Fate.REFUSED:
            raise httpx.ConnectError("nobody there")
        if fate is Fate.LOST_BEFORE:
            raise httpx.ReadTimeout("no answer")
        if fate is Fate.BROKEN:
            self._world.faults.add(Fault(service, self._chance.choice(BROKEN)))
        elif fate is Fate.EARLY:
            self._world.faults.add(Fault(service, FaultKind.CALLBACK_BEFORE_ANSWER))
            self._early = True
        heard = self._loop.ask(self._app, method, path, headers, body)
        if self._early:
            self._early = False
            self._interrupt()
        for listener in self.listeners:
            listener(step, body, heard)
        self._crashes.reach(step, When.AFTER)
        if fate is Fate.LOST_AFTER:
            raise httpx.ReadTimeout("no answer")
        return heard

    def browse(self, path: str, form: Mapping[str, str]) -> Heard:
        """Bring what somebody's browser sends to a provider's page; nothing breaks on its way."""
        return self._loop.ask(self._app, "POST", path, {}, urlencode(form).encode())

    def told(self, told: Told) -> None:
        """Take a callback from a provider: it arrives as chance will have it."""
        url, content = urlsplit(told.url).path, told.content
        headers = {name.lower(): value for name, value in told.headers.items()}
        if self._early:
            self.tally["callback before the answer"] += 1
            self.arrive(url, headers, content)
            return
        delivery = self._delivery(told.service, repeated=told.tries > 1)
        self.tally[f"callback {delivery}"] += 1
        for seconds in self._delays(delivery):
            self._agenda.after(seconds, partial(self._bring, url, headers, content, told.tries))

    def _is_left_out(self, told: Told) -> bool:
        return told.url.endswith("/delivery-reports") and self._chance.random() >= REPORTS_SHARE

    def _bring(self, path: str, headers: Mapping[str, str], body: bytes, tries: int) -> None:
        """Bring a callback; whoever repeats theirs does so when the web process died over it."""
        if not self.arrive(path, headers, body) and tries > 1:
            again = partial(self._bring, path, headers, body, tries - 1)
            self._agenda.after(REPEATED_AFTER_SECONDS, again)

    def arrive(self, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Do what the web does with a callback; False when it was not kept."""
        try:
            callback = self._read(path, headers, body)
        except (BadCallback, Forged):
            callback = None
        if callback is None:
            self.tally["callback turned away"] += 1
            return False
        return self._keep(callback)

    def _read(self, path: str, headers: Mapping[str, str], body: bytes) -> Callback | None:
        _, _hooks, provider, secret, *rest = path.split("/")
        if secret != self._secret:
            return None
        if provider == "africastalking":
            return take_form(FORMS[rest[0]], body, self._clock.now())
        if provider != "daraja":
            found = next(each for each in PROVIDERS if each.name == provider)
            return found.webhooks[rest[0]](self._settings, headers, body)
        if rest == ["c2b", "confirmation"]:
            return take_confirmation(body)
        service, attempt_id, part = (*rest, "")[:3]
        kind = MONEY.get((service, part))
        return take_money(kind, UUID(attempt_id), body) if kind is not None else None

    def _fate(self, step: Step, service: Service, provider: str) -> Fate:
        if self.calm:
            return Fate.WELL
        if self.down_until.get(provider, self._clock.now()) > self._clock.now():
            return Fate.REFUSED
        fate = _pick(self._chance, FATES, _likelier(service)) or Fate.WELL
        if fate is Fate.EARLY and (service not in EARLY or step is Step.OPEN_PAGE):
            return Fate.WELL
        return Fate(fate)

    def _delivery(self, service: str, *, repeated: bool) -> Delivery:
        if self.calm:
            return Delivery.SOON
        found = Delivery(_pick(self._chance, DELIVERIES, _likelier(service)) or Delivery.SOON)
        # Who is not answered tells it again.
        return Delivery.SHUFFLED if found is Delivery.LOST and repeated else found

    def _delays(self, delivery: Delivery) -> tuple[float, ...]:
        """Return after how many seconds each copy of a callback arrives."""
        soon = self._chance.uniform(0.3, 4)
        match delivery:
            case Delivery.LOST:
                return ()
            case Delivery.TWICE:
                return (soon, soon + self._chance.uniform(0, 40_000))
            case Delivery.SHUFFLED:
                return (self._chance.uniform(1, 900),)
            case Delivery.LATE:
                return (self._chance.uniform(900, LATE_SECONDS_MAX),)
            case Delivery.SOON:
                return (soon,)


def _likelier(service: str) -> int:
    """Return how many times likelier something goes wrong there than elsewhere."""
    return PAYING_FACTOR if service in PAYING else 1


def _pick(
    chance: random.Random, shares: tuple[tuple[float, StrEnum], ...], likelier: int = 1
) -> StrEnum | None:
    drawn = chance.random() / likelier
    for share, what in shares:
        drawn -= share
        if drawn < 0:
            return what
    return None


def _call_of(method: str, path: str) -> tuple[Step, Service]:
    asked = f"{method} {path}"
    for begins, step, service in CALLS:
        if path.startswith(begins) or asked.startswith(begins):
            return step, service
    raise AssertionError(f"no such call is known: {asked}")


class _Post(Callbacks):
    """The providers' way to us: what they tell is taken in this process, and answered with 200."""

    def __init__(
        self,
        world: World,
        told: Callable[[Told], None],
        is_left_out: Callable[[Told], bool],
    ) -> None:
        super().__init__(world.journal, world.tasks, lambda: world.waits)
        self._world = world
        self._told = told
        self._is_left_out = is_left_out

    async def send(self, callback: Told, fault: Fault | None = None) -> bool:
        """Send it as the fault orders, unless it is left out."""
        return not self._is_left_out(callback) and await super().send(callback, fault)

    async def post(self, callback: Told, answer_seconds: float) -> Entry:  # noqa: ARG002
        entry = self._world.journal.callback(callback)
        self._told(callback)
        entry.status = OK
        return entry
