"""Two web processes, two workers, people who write and pay, and a PostgreSQL that is stopped."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import redis
from sqlalchemy import func, select
from sqlalchemy.exc import InterfaceError, OperationalError

from channels.health import SharedHealth
from core import outbox
from core.clock import SystemClock
from core.db.tx import Database, Tx
from core.ids import SystemIds
from core.inbox import Arrival, Inbound
from core.payments.model import Receipt
from core.ports.messages import SmsIn
from core.vault import Vault
from tests.conftest import VAULT_KEY
from tests.support.fakes import FakeSender, plain_words
from tests.support.servers import migrate
from tests.web.rig import Web, make_settings, running
from web.local.servers import LocalServers
from workers.inbox import run_inbox
from workers.parts import Parts
from workers.pause import Pauses

WORKERS = 2
LOOK_SECONDS = 0.02
# The program is looked for as on a bare machine: a named server would not be ours to stop.
BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


class Desk:
    """Owes each message one answer, and notes in which order it heard them."""

    def __init__(self) -> None:
        self.heard: list[SmsIn] = []

    def handle(self, tx: Tx, sms: SmsIn) -> None:
        self.heard.append(sms)
        outbox.add(tx, "answer", sms.sender, {}, key=f"sms:{sms.id}")

    def order(self, person: str) -> list[str]:
        """What a person said, as it was first heard: again means that it had to be undone."""
        return list(dict.fromkeys(sms.id for sms in self.heard if sms.sender == person))


@dataclass
class Scene:
    """The system, and what was said to it."""

    servers: LocalServers
    database: Database
    webs: list[Web]
    desk: Desk
    said: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    paid: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def stop_postgres(self) -> None:
        self.servers.children[0].stop()

    def start_postgres(self) -> None:
        self.servers.children[0].start()
        self.servers.children[0].wait_ready()

    @contextmanager
    def load(self, people: int, pause_seconds: float) -> Iterator[None]:
        """Each person writes again when the last message was taken, now here, now there."""
        stopped = threading.Event()
        numbers = [f"+2547000000{number:02d}" for number in range(people)]
        talkers: list[Callable[[int], httpx.Response]] = [partial(self._say, n) for n in numbers]
        with ExitStack() as stack:
            for talk in [*talkers, self._pay]:
                thread = threading.Thread(target=self._repeat, args=(talk, pause_seconds, stopped))
                thread.start()
                stack.callback(thread.join)
            stack.callback(stopped.set)
            yield

    def _repeat(
        self, talk: Callable[[int], httpx.Response], pause: float, stopped: threading.Event
    ) -> None:
        number = 0
        while not stopped.wait(pause):
            number += 1
            status = talk(number).status_code
            if status != 200:
                self.refused.append(status)

    def _web(self, number: int) -> Web:
        return self.webs[number % len(self.webs)]

    def _say(self, person: str, number: int) -> httpx.Response:
        web, sms_id = self._web(number), f"{person[-2:]}-{number}"
        form = {"id": sms_id, "from": person, "to": "20384", "text": f"word {number}"}
        answer = web.http.post(web.hook("africastalking/sms"), data=form)
        self.said[person].append(sms_id)
        return answer

    def _pay(self, number: int) -> httpx.Response:
        web, receipt = self._web(number), f"UAF{number:07d}"
        body = {
            "TransactionType": "Pay Bill",
            "TransID": receipt,
            "TransAmount": "100.00",
            "BusinessShortCode": web.parts.settings.daraja_shortcode,
            "BillRefNumber": "NOBODY",
            "MSISDN": "2547 ***** 001",
        }
        answer = web.http.post(web.hook("daraja/c2b/confirmation"), json=body)
        self.paid.append(receipt)
        return answer

    def dial(self) -> str:
        form = {
            "sessionId": "s1",
            "phoneNumber": "+254700000050",
            "networkCode": "63902",
            "serviceCode": "*384*7781#",
            "text": "",
        }
        web = self.webs[0]
        return web.http.post(web.hook("africastalking/ussd"), data=form).text

    def inbox(self) -> dict[Arrival, int]:
        with self.database.transaction() as tx:
            rows = tx.db.execute(select(Inbound.state, func.count()).group_by(Inbound.state))
            return {row[0]: row[1] for row in rows}

    def receipts(self) -> set[str]:
        with self.database.transaction() as tx:
            return set(tx.db.scalars(select(Receipt.number)))

    def journaled(self) -> list[float]:
        """How many callbacks each web process has written to the disk."""
        kinds = {"sms": "africastalking", "c2b_confirmation": "daraja"}
        counters = [
            f'nafasi_callbacks_total{{kind="{kind}",provider="{provider}",result="journaled"}}'
            for kind, provider in kinds.items()
        ]
        return [sum(map(web.metric, counters)) for web in self.webs]

    def at_rest(self) -> bool:
        waits = any(web.metric("nafasi_journal_waiting_bytes") for web in self.webs)
        return not waits and Arrival.WAITING not in self.inbox()


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Start everything; it is gone when the story is over."""
    with ExitStack() as stack:
        servers = stack.enter_context(LocalServers(durable=False, environ=BARE))
        migrate(servers.database_url)
        database = _database(servers.database_url)
        stack.callback(database.close)
        settings = make_settings(database, servers.redis_url, journal_folder=str(folder))
        webs = [stack.enter_context(running(database, settings)) for _ in range(2)]
        store = stack.enter_context(redis.Redis.from_url(servers.redis_url))
        desk = Desk()
        stopped = threading.Event()
        for _ in range(WORKERS):
            own = _database(servers.database_url)
            stack.callback(own.close)
            parts = _parts(own, desk, store, settings.daraja_shortcode)
            thread = threading.Thread(target=_work, args=(parts, stopped))
            thread.start()
            stack.callback(thread.join)
        stack.callback(stopped.set)
        yield Scene(servers, database, webs, desk)


def _database(url: str) -> Database:
    return Database(url, SystemClock(), SystemIds(), Vault([VAULT_KEY]), pool_size=4)


def _parts(database: Database, desk: Desk, store: redis.Redis, paybill: str) -> Parts:
    return Parts(
        database=database,
        senders=(FakeSender(),),
        collections={},
        payouts={},
        health=SharedHealth(store, ()),
        paybill=paybill,
        desk=desk,
        render=plain_words,
        pauses=Pauses(store),
    )


def _work(parts: Parts, stopped: threading.Event) -> None:
    """A worker's loop: what its task does when the database is away, and again."""
    while not stopped.wait(LOOK_SECONDS):
        try:
            run_inbox(parts)
        except (OperationalError, InterfaceError):
            time.sleep(LOOK_SECONDS)
