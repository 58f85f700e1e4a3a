"""One simulated year: everything put together, day after day, and looked at each night."""

import random
import time as machine
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import psycopg
from sqlalchemy.engine import make_url

from channels.simulator.app import app_of
from channels.simulator.config import SimulatorConfig
from channels.simulator.credentials import certificate_pem, new_private_key_pem
from channels.simulator.state import World, count_characters
from core.clock import nairobi_date
from core.db.tx import Tx
from core.ids import CountedIds
from core.inbox import store
from core.payouts.rules import next_run, run_at, week_of
from core.payouts.runs import open_run
from core.ports.providers import Callback, Routes
from core.settings import LOCAL_SECRET, LOCAL_VAULT_KEY, Environment, Settings
from core.vault import Vault
from workers.simulate.agenda import TICK, Agenda, TickingClock
from workers.simulate.alarms import Alarms
from workers.simulate.audit import Books, Wrong
from workers.simulate.comebacks import Comebacks
from workers.simulate.complaints import Complaints
from workers.simulate.crew import Crew, build_parts, simulated_health
from workers.simulate.databases import SimulatedDatabase, digest
from workers.simulate.exports import Exports
from workers.simulate.lines import BASE
from workers.simulate.loop import SimulatedLoop
from workers.simulate.market import Stall, open_market
from workers.simulate.mishaps import Mishaps
from workers.simulate.network import Network
from workers.simulate.office import Office
from workers.simulate.people import People
from workers.simulate.plants import PLANTS
from workers.simulate.points import Crashes, Died, Step
from workers.simulate.rogues import Rogues
from workers.simulate.scene import Scene
from workers.simulate.store import SimulatedStore
from workers.simulate.taxes import Taxes
from workers.simulate.wallets import Wallets

# Midnight in Nairobi, the first day of 2026: a Thursday.
BEGINS = datetime(2025, 12, 31, 21, 0, tzinfo=UTC)
FAULT = "no fault of ours"
HOUR, DAY = 3600, 24 * 3600
NIGHT_HOURS = 3
# After the last day nothing goes wrong any more: callbacks of three days arrive, and all is told.
CALM_DAYS = 5
TIDY_DAYS = 7
STATEMENT_DAY = 5
MINUTE = timedelta(minutes=1)
MOMENTS_MAX = 1_000_000
# Outages of a whole provider.
OUTAGE_SHARE = 0.25
FLUSH_SHARE = 0.1
OFFERED_A_DAY = 3
ENDLESS_CENTS = 10**13


@dataclass
class Result:
    """What came of a year.

    Attributes:
        seed: of the year.
        days: how many it had, the calm ones at the end not counted.
        bookings: how many were made.
        digest: of the final database; the same seed gives the same one.
        wrong: what must not be; empty is good.
        day: on which day it was found, counted from 1; None when nothing was.
        seconds: on the machine's clock.
        cpu_seconds: of this process; the database's come on top.
        crashes: which points were passed and died at.
        tally: what happened how often.
    """

    seed: int
    days: int
    bookings: int
    digest: str
    wrong: list[Wrong]
    day: int | None
    seconds: float
    cpu_seconds: float
    crashes: Crashes
    tally: Counter[str] = field(default_factory=Counter)


class Year:
    """One year.

    Args:
        seed: everything in it follows from this number.
        url: of a migrated, empty database.
    """

    def __init__(self, seed: int, url: str) -> None:
        self.seed = seed
        self._alarms = Alarms()
        self._clock = TickingClock(BEGINS)
        self._agenda = Agenda(self._clock)
        self._loop = SimulatedLoop(self._clock)
        self._stack = ExitStack()
        self._stack.enter_context(self._alarms.listening())
        self._stack.callback(self._loop.close)
        self._crashes = Crashes(self._chance("crashes"))
        self._providers = _providers(seed)
        self._world = World(self._providers, count_characters, self._clock)
        self._stack.callback(lambda: self._loop.run_until_complete(self._world.close()))
        self._redis = SimulatedStore(self._clock)
        self._paid_week = run_at(week_of(BEGINS))
        self._build(url)

    def _chance(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {what}")  # noqa: S311 -- repeatable on purpose.

    def _build(self, url: str) -> None:
        settings = _settings()
        health = simulated_health(self._redis, self._clock)
        routes = Routes(
            collection=("daraja", "flutterwave"),
            payout=("daraja", "flutterwave"),
            bank=("flutterwave",),
            card=("flutterwave",),
            health=health,
            # In one year of three the operator has been given the role.
            taking_back=("daraja",) if self.seed % 3 == 0 else (),
        )
        vault = Vault([LOCAL_VAULT_KEY])
        ids = CountedIds(self.seed)
        self.database = SimulatedDatabase(url, self._clock, ids, vault, self._crashes, routes)
        self._stack.callback(self.database.close)
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._watch = self._stack.enter_context(psycopg.connect(plain, autocommit=True))
        self._network = Network(
            self._world, app_of(self._world), self._loop, self._clock, self._agenda,
            self._chance("network"), self._crashes, settings, self._keep, self._interrupt,
        )  # fmt: skip
        certificate = certificate_pem(self._world.private_key, self._clock.now()).decode()
        parts = build_parts(
            settings, self._providers, certificate, self.database, self._redis, health,
            self._network,
        )  # fmt: skip
        self._crew = Crew(parts, self.database, self._clock, self._chance("crew"), self._watch)
        self._scene = Scene(
            self._clock, self._agenda, self.database, self._world, self._loop, self._network,
            self._chance("people"),
        )  # fmt: skip
        self._wallets = Wallets(self._scene)
        complaints = Complaints(self._scene)
        self._people = People(self._scene, self._wallets, complaints)
        self._rogues = Rogues(
            self._scene, settings.callback_secret.get_secret_value(), settings.daraja_shortcode
        )
        self._mishaps = Mishaps(self._scene)
        self._comebacks = Comebacks(self._scene)
        self._taxes = Taxes(self._scene)
        self._books = Books(self._world)
        self._office = Office(
            self._scene, self._books, parts.accounts["daraja"], complaints, self._comebacks
        )
        self._exports = Exports(self._scene, parts.accounts["flutterwave"])

    def close(self) -> None:
        """Let go of loop and connections."""
        self._stack.close()

    def run(self, days: int) -> Result:
        """Live through so many days, and the calm ones after them; end at the first fault."""
        begun, cpu_begun = machine.perf_counter(), machine.process_time()
        day, wrong = 0, list[Wrong]()
        try:
            self._open()
            for day in range(1, days + CALM_DAYS + 1):
                if day == days + 1:
                    self._calm_down()
                wrong = self._live(day, calm=day > days)
                if wrong:
                    break
            else:
                self._office.take_what_is_left()
                self._exports.take_what_is_left()
                wrong = self._look(self._books.final)
        except Exception:  # noqa: BLE001 -- whatever it is, a seed leads back to it.
            wrong = [Wrong(FAULT, traceback.format_exc())]
        return Result(
            seed=self.seed,
            days=days,
            bookings=self._people.booked,
            digest=self._scene.look(digest),
            wrong=wrong,
            day=day if wrong else None,
            seconds=machine.perf_counter() - begun,
            cpu_seconds=machine.process_time() - cpu_begun,
            crashes=self._crashes,
            tally=self._scene.tally + self._network.tally + self._crew.tally,
        )

    def _open(self) -> None:
        """Open the market on an evening before: the payout run of the past week is behind it."""

        def begin(tx: Tx) -> list[Stall]:
            open_run(tx)
            return open_market(tx, self._scene.chance)

        with self.database.transaction() as tx:
            self._scene.stalls.extend(begin(tx))

    def _live(self, day: int, *, calm: bool) -> list[Wrong]:
        """Live through a day, from midnight to midnight; return what is wrong at its end."""
        begins = BEGINS + timedelta(days=day - 1)
        if calm:
            self._agenda.after(HOUR, self._office.end_halts)
        else:
            self._plan(day)
        # The checks come at night, when nobody books and what the evening brought is done.
        self._go_to(begins + timedelta(hours=NIGHT_HOURS))
        self._keep_house(day)
        self._go_to(begins + timedelta(days=1) - TICK)
        return self._look(self._books.daily)

    def _plan(self, day: int) -> None:
        self._people.plan_day()
        self._rogues.plan_day()
        self._office.plan_day()
        self._mishaps.plan_day()
        self._comebacks.plan_day()
        self._taxes.plan_day()
        for _ in range(OFFERED_A_DAY):
            self._agenda.after(self._scene.chance.uniform(8 * HOUR, 20 * HOUR), self._offer_freed)
        if day % 7 == 1:
            self._wallets.pay_day()
        chance = self._scene.chance
        if self._scene.maybe(OUTAGE_SHARE):
            self._agenda.after(chance.uniform(7 * HOUR, 22 * HOUR), self._outage)
        if self._scene.maybe(FLUSH_SHARE):
            self._agenda.after(chance.uniform(0, DAY), self._redis.flush)
        if nairobi_date(self._clock.now()).day == STATEMENT_DAY:
            self._agenda.after(10 * HOUR, self._office.take_last_month)
            self._agenda.after(11 * HOUR, self._exports.take_last_month)

    def _outage(self) -> None:
        """A provider is away for some minutes, or hours."""
        chance = self._scene.chance
        who = chance.choice(("daraja", "africastalking", "flutterwave", "etims"))
        minutes = chance.choice((2, 10, 45, 120))
        until = self._clock.now() + timedelta(minutes=minutes)
        self._network.down_until[who] = until
        self._scene.tally[f"outage: {who}"] += 1

    def _offer_freed(self) -> None:
        """Let the workers offer what became free; whoever is offered it reads that."""
        self._crew.run("waits")
        self._people.read_offers()

    def _keep_house(self, day: int) -> None:
        """Do what a schedule does every few minutes or hours."""
        for job in ("ledger", "documents", "payouts", "cases", "float", "balances"):
            self._crew.run(job)
        if day % TIDY_DAYS == 0:
            self._crew.run("housekeeping")
            # PostgreSQL would tidy by itself, at moments that nobody can repeat.
            self._watch.execute("VACUUM ANALYZE")

    def _calm_down(self) -> None:
        """From here on nothing breaks, so that everything can come to rest."""
        self._crashes.armed = False
        self._network.calm = True
        self._crew.calm = True

    def _go_to(self, end: datetime) -> None:
        """Let everything happen that happens until a moment."""
        for _ in range(MOMENTS_MAX):
            planned = (self._agenda.next_at(), self._loop.next_at(), self._crew.next_at)
            moment = min((at for at in planned if at is not None), default=end)
            # The week's payouts begin at their hour, whatever else there is.
            moment = min(moment, next_run(self._clock.now()) + MINUTE)
            if moment > end:
                self._clock.set(max(end, self._clock.now()))
                return
            self._clock.set(max(moment, self._clock.now()))
            self._loop.run_due()
            while (happening := self._agenda.take_due()) is not None:
                happening()
                self._loop.run_due()
            if run_at(week_of(self._clock.now())) > self._paid_week:
                self._paid_week = run_at(week_of(self._clock.now()))
                self._crew.run("payouts")
            self._let_work()
        raise AssertionError("the day does not end")

    def _let_work(self) -> None:
        """Let the workers look, unless there can be nothing new for them."""
        if self._crew.needed:
            self._crew.work()

    def _look(self, check: Callable[[Tx], list[Wrong]]) -> list[Wrong]:
        faults = [Wrong(FAULT, said) for said in self._alarms.heard]
        return [*self._office.wrong, *self._exports.wrong, *faults, *self._scene.look(check)]

    def _keep(self, callback: Callback) -> bool:
        """Keep a callback as the web does; False when the web process died over it."""
        try:
            self.database.run_as(Step.KEEP_CALLBACK, lambda tx: store(tx, callback))
        except Died:
            return False
        return True

    def _interrupt(self) -> None:
        """While a worker waits for its answer, another applies what has come before it."""
        self._crew.run("inbox")


@cache
def _key() -> bytes:
    """The key of the simulated Safaricom: made once, nothing depends on which it is."""
    return new_private_key_pem()


def _settings() -> Settings:
    """Return settings of a trial, whatever the environment says."""
    return Settings.model_construct(env=Environment.TEST, flutterwave_enabled=True)


def _providers(seed: int) -> SimulatorConfig:
    return SimulatorConfig(
        callback_secret=LOCAL_SECRET,
        callback_base=BASE,
        flutterwave_hash=LOCAL_SECRET,
        africastalking_balance_cents=ENDLESS_CENTS,
        utility_opening_cents=ENDLESS_CENTS,
        flutterwave_opening_cents=ENDLESS_CENTS,
        private_key_pem=_key(),
        c2b_validation=False,
        # In every other year the paybill confirms a prompt's payment too.
        stk_raises_c2b=seed % 2 == 0,
        phones=(),
        seed=seed,
    )


@contextmanager
def planted(name: str | None, year: Year) -> Iterator[None]:
    """Run a year with a fault planted in it; with none for no name."""
    if name is None:
        yield
        return
    with PLANTS[name](year.database.engine):
        yield
