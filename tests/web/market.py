"""The demo market behind the real application, with a worker whose providers do as they are told.

Phones call over HTTP with the very forms that Africa's Talking sends; what workers owe is done
when a story says so. Each market is seeded alike.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

import httpx
from sqlalchemy import func, select

from channels.health import SharedHealth
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.clock import ManualClock
from core.db.tx import Database
from core.demo.seed import seed_catalog
from core.ids import CountedIds
from core.inbox import Inbound
from core.invariants.check import Finding
from core.invariants.run import run_all
from core.outbox import Notice
from core.payments.model import Attempt, Kind, Receipt
from core.payments.queries import collections_of
from core.people.model import User
from core.receipts import TurnReceipt
from core.vault import Vault
from sessions.bootstrap import build_desk, notice_context
from sessions.notices.render import render
from tests.conftest import START, VAULT_KEY
from tests.support.fakes import FakeCollections, FakePayouts, FakeSender
from tests.web.rig import CALLER, Web, make_settings, running
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.notices import run_notices
from workers.parts import Parts
from workers.pause import Pauses

USSD_CODE = "*384*7781#"
FORM_TYPE = {"content-type": "application/x-www-form-urlencoded"}
# The golden halls of the demo market: one is asked for, one is booked at once; one unit each.
ASKED, INSTANT = "4507", "4508"
ASKED_VENDOR, INSTANT_VENDOR = "+254700000011", "+254700000012"
SEED_IDS, STORY_IDS = 1, 2
OTHER = "+254700000061"
NOBODYS_ATTEMPT = "01a1f6f8-164d-76d9-92e4-1146f7489373"
THREADS = 40
ROUNDS_MAX = 20

STORED = (User, Booking, Attempt, Receipt, Notice, Inbound, TurnReceipt)

T = TypeVar("T")


def phone(number: int) -> str:
    """A number of the test block."""
    return f"+2547000000{number:02d}"


def hop_form(session: str, text: str, msisdn: str = CALLER) -> dict[str, str]:
    """The fields of one hop."""
    return {
        "sessionId": session,
        "phoneNumber": msisdn,
        "networkCode": "63902",
        "serviceCode": USSD_CODE,
        "text": text,
    }


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make calls side by side; what each returned, in their order."""
    with ThreadPoolExecutor(min(len(calls), THREADS)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


@dataclass
class Line:
    """One call of one phone."""

    market: "Market"
    session: str
    msisdn: str
    typed: list[str] = field(default_factory=list)

    def dial(self, text: str = "") -> str:
        """The first hop; ``text`` when more was dialled than the code."""
        self.typed = [text] if text else []
        return self.again()

    def type(self, *entries: str) -> str:
        """Answer screens, one hop each; the last screen."""
        shown = ""
        for entry in entries:
            self.typed.append(entry)
            shown = self.again()
        return shown

    def again(self) -> str:
        """Send the newest hop (once more); what the phone shows."""
        return self.market.hop(self.session, "*".join(self.typed), self.msisdn).text


@dataclass
class Market:
    """The application, its worker and what stories look at."""

    web: Web
    parts: Parts
    clock: ManualClock
    sender: FakeSender
    collections: FakeCollections
    calls: int = 0

    @property
    def database(self) -> Database:
        return self.parts.database

    def post(self, path: str, form: dict[str, str]) -> httpx.Response:
        """A form as Africa's Talking sends it."""
        url = self.web.hook(f"africastalking/{path}")
        return self.web.http.post(url, content=urlencode(form), headers=FORM_TYPE)

    def hop(self, session: str, text: str, msisdn: str = CALLER) -> httpx.Response:
        return self.post("ussd", hop_form(session, text, msisdn))

    def line(self, msisdn: str = CALLER) -> Line:
        """A new call of a phone."""
        self.calls += 1
        return Line(self, f"ATUid_{self.calls}", msisdn)

    def sms(self, text: str, msisdn: str = CALLER, sms_id: str = "", **over: str) -> int:
        """A message to us; the status that its callback got."""
        self.calls += 1
        form = {"id": sms_id or f"in-{self.calls}", "from": msisdn, "to": "20384", "text": text}
        return self.post("sms", form | {"date": "2026-11-20 06:00:00"} | over).status_code

    def work(self) -> None:
        """Let a worker do what is due until nothing is left."""
        for _ in range(ROUNDS_MAX):
            done = run_inbox(self.parts) + run_attempts(self.parts)
            if not done + run_notices(self.parts):
                return
        raise AssertionError("the worker never comes to rest")

    def read(self, msisdn: str) -> list[str]:
        """The messages that a phone got."""
        return [sms.text for sms in self.sender.sent if sms.msisdn == msisdn]

    def bookings(self) -> list[Booking]:
        with self.database.transaction() as tx:
            return list(tx.db.scalars(select(Booking).order_by(Booking.created_at, Booking.id)))

    def attempt(self, booking: Booking) -> Attempt:
        """The newest prompt of a booking."""
        with self.database.transaction() as tx:
            return collections_of(tx, booking.id)[0]

    def attempts(self) -> list[Attempt]:
        with self.database.transaction() as tx:
            return list(tx.db.scalars(select(Attempt).where(Attempt.kind == Kind.COLLECTION)))

    def held(self, msisdn: str = CALLER, day: str = "25/12") -> Booking:
        """A booking of the instant hall whose prompt is on its customer's phone."""
        line = self.line(msisdn)
        line.dial(INSTANT)
        assert line.type("1", day, "50", "1").startswith("END Pay KES 66,700 ")
        self.clock.advance(seconds=5)
        self.work()
        return next(found for found in self.bookings() if found.code in line.again())

    def state_of(self, booking: Booking) -> State:
        """How far a booking is now."""
        with self.database.transaction() as tx:
            return tx.db.scalars(select(Booking.state).where(Booking.id == booking.id)).one()

    def stored(self) -> dict[str, int]:
        """How much there is of what a stranger could make grow."""
        with self.database.transaction() as tx:
            rows = {
                table.__name__: tx.db.scalar(select(func.count()).select_from(table)) or 0
                for table in STORED
            }
        return rows | {"redis": len(list(self.web.store.scan_iter("ussd:*")))}

    def findings(self) -> list[Finding]:
        with self.database.transaction() as tx:
            return run_all(tx)


def seed(url: str) -> None:
    """Write the demo market into a database."""
    clock, vault = ManualClock(START), Vault([VAULT_KEY])
    database = Database(url, clock, CountedIds(SEED_IDS), vault, pool_size=1)
    database.run(seed_catalog)
    database.close()


@contextmanager
def open_market(database: Database, clock: ManualClock, redis_url: str) -> Iterator[Market]:
    """The application and a worker on a seeded database."""
    settings = make_settings(database, redis_url, ussd_code=USSD_CODE)
    with running(database, settings) as web:
        sender, collections, payouts = FakeSender(), FakeCollections(), FakePayouts()
        parts = Parts(
            database=database,
            senders=(sender,),
            collections={collections.name: collections},
            payouts={payouts.name: payouts},
            health=SharedHealth(web.store, (payouts.name,)),
            paybill=settings.daraja_shortcode,
            desk=build_desk(settings, web.store),
            render=partial(render, context=notice_context(settings)),
            pauses=Pauses(web.store),
        )
        yield Market(web, parts, clock, sender, collections)
