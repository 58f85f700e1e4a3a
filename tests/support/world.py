"""A system with phones, in the hands of one story: it dials, reads, pays, works and waits."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import redis
from sqlalchemy import func, select, union_all

from channels.simulator.config import SimulatorConfig
from core.booking.model import Booking, BookingChange
from core.clock import ManualClock
from core.db.tx import Database, Work
from core.disputes.model import Dispute
from core.inbox import Arrival, Inbound
from core.outbox import Notice, Sending
from core.payments.model import Attempt
from core.payouts import rules as payout_rules
from core.payouts.model import Payout
from core.talks import OpenTalk
from core.waitlist.model import Wait
from sessions.store import forget_person
from tests.support.owed import OK, at_rest, callback_of
from tests.support.serving import eventually
from workers.parts import Parts
from workers.schedule import BY_WORK, JOBS

SECRET = "story-callbacks"
USSD_CODE = "*384*7781#"
# What links in messages begin with: the real address changes with each run.
SHOWN = "https://nafasi.test"
ROUNDS_MAX = 100
MOMENTS_MAX = 2_000
LOG_MAX = 1_000
# What runs in a story. Housekeeping forgets what stories look at; the others only look.
BESIDE = {"housekeeping", "checker", "cases", "float", "balances"}
WORK = tuple(job.run for job in JOBS if job.name not in BESIDE)
SEE_OTHER = 303
# Requests of ours that one look at the providers takes.
LOOKS = 2
_PAY_LINK = re.compile(rf"{SHOWN}(/pay/\S+)")
_CARD_PAGE = re.compile(r"http[^\"]+/hosted/pay/[^\"]+")


@dataclass
class Servers:
    """Where a world is: ours and the providers', and the clock of all.

    ``heard`` counts the requests that have come to either.
    """

    clock: ManualClock
    base: str
    simulator: str
    config: SimulatorConfig
    http: httpx.Client
    heard: Callable[[], int]


class World:
    """One system, with phones, in the hands of one story."""

    def __init__(
        self,
        servers: Servers,
        database: Database,
        parts: Parts,
        redis_url: str,
        woken: set[Work],
    ) -> None:
        self.servers = servers
        self.clock = servers.clock
        self.database = database
        self.parts = parts
        self._redis_url = redis_url
        # What was nudged since the workers last looked.
        self._woken = woken
        # What our own steps make the providers tell us; the rest follows from their journal.
        self._owed: Counter[str] = Counter()
        self._rested: tuple[int, int] | None = None
        self._operators: dict[str, str] = {}

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the simulator's control API; POST when there is a body."""
        url, http = f"{self.servers.simulator}/simulator/api{path}", self.servers.http
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
        address = f"{self.servers.base}/hooks/africastalking/{SECRET}/ussd"
        answer = self.servers.http.post(address, data=form)
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
        self._owed[callback_of(found[-1])] += {
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
        ours, http = self.servers.base + links[-1].group(1), self.servers.http
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
        """Tell whether the providers have nothing more to tell; asked anew after any request."""
        heard, owed = self.servers.heard(), self._owed.total()
        if self._rested == (heard, owed):
            return True
        log = self.control(f"/log?limit={LOG_MAX}")["log"]
        assert len(log) < LOG_MAX, "the story is too long for the journal"
        prompts = self.control(f"/stk?status=all&limit={LOG_MAX}")["stk"]
        if not at_rest(self._owed, log, prompts):
            return False
        self._rested = heard + LOOKS, owed
        return True

    def forget(self, phone: str) -> None:
        """Let the next call ask anew who has a number, as the console does."""
        with redis.Redis.from_url(self._redis_url) as client:
            forget_person(client, phone)

    def leases(self) -> list[str]:
        """Conversations that are still locked."""
        with redis.Redis.from_url(self._redis_url) as client:
            return [key.decode() for key in client.scan_iter("*:lease")]
