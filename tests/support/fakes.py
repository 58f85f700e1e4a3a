"""Providers that do what a story tells them, behind the core's own ports.

Each has a ``script``: what its next calls do, an exception or an answer, in order. After the
script it succeeds. What it was asked is kept, so that a story can say "once".
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from core import outbox
from core.db.tx import Database, Tx
from core.outbox import Notice
from core.ports.messages import SmsIn, SmsOut, SmsSent
from core.ports.money import (
    Accepted,
    Balance,
    MoneyEvent,
    Outcome,
    PayRequest,
    PushRequest,
    TakeBackRequest,
)
from core.ports.providers import ProviderError

Step = ProviderError | Exception | Callable[[], None] | None
DOWN = ProviderError("unavailable", retryable=True)
LOST = ProviderError("timeout", unknown=True)
LOCKED_OUT = ProviderError("bad_credentials", stop=True)
NO_BALANCE = ProviderError("no_balance", retryable=True, stop=True)


class Script:
    """What the next calls do; safe to play from several threads."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self._steps = deque(steps)
        self._lock = threading.Lock()

    def then(self, *steps: Step) -> None:
        """Add steps to the end."""
        self._steps.extend(steps)

    def play(self) -> None:
        """Do the next step: raise it, call it, or nothing."""
        with self._lock:
            step = self._steps.popleft() if self._steps else None
        if isinstance(step, Exception):
            raise step
        if step is not None:
            step()


class FakeSender:
    """Sends messages nowhere. ``attempts`` holds every call, ``sent`` those that were taken."""

    name = "africastalking"

    def __init__(self, *steps: Step) -> None:
        self.script = Script(steps)
        self.attempts: list[SmsOut] = []
        self.sent: list[SmsOut] = []

    def send(self, message: SmsOut) -> SmsSent:
        self.attempts.append(message)
        self.script.play()
        self.sent.append(message)
        return SmsSent(f"ATXid_{len(self.sent)}", 80)


class FakeCollections:
    """Shows prompts nowhere and answers questions as told."""

    name = "daraja"
    asks_by_own_id = False

    def __init__(self, *steps: Step) -> None:
        self.script = Script(steps)
        self.pushed: list[PushRequest] = []
        self.asked: list[UUID] = []
        self.answers: dict[UUID, MoneyEvent] = {}

    def push(self, request: PushRequest) -> Accepted:
        self.pushed.append(request)
        self.script.play()
        return Accepted(f"ws_CO_{request.attempt_id}")

    def ask(self, attempt_id: UUID, reference: str) -> MoneyEvent:
        self.asked.append(attempt_id)
        pending = MoneyEvent(self.name, Outcome.PENDING, attempt_id, reference)
        return self.answers.get(attempt_id, pending)


class FakePayouts:
    """Sends money nowhere; one attempt's money at the most once, as the port promises."""

    name = "daraja"
    accounts: tuple[str, ...] = ("600124",)

    def __init__(self, *steps: Step) -> None:
        self.script = Script(steps)
        self.questions = Script()
        self.calls: list[PayRequest] = []
        self.asked: list[UUID] = []
        self.answers: dict[UUID, MoneyEvent] = {}
        self.moved: dict[UUID, PayRequest] = {}
        self.balance: Balance | None = None
        self.balance_script = Script()
        self.balances_asked: list[tuple[UUID, str]] = []

    def pay(self, request: PayRequest) -> Accepted:
        self.calls.append(request)
        self.script.play()
        self.moved.setdefault(request.attempt_id, request)
        return Accepted(f"AG_{request.attempt_id}")

    def ask_payout(self, attempt_id: UUID, reference: str | None = None) -> MoneyEvent | None:
        self.asked.append(attempt_id)
        self.questions.play()
        return self.answers.get(attempt_id)

    def ask_balance(self, question_id: UUID, account: str) -> Balance | None:
        self.balances_asked.append((question_id, account))
        self.balance_script.play()
        return self.balance


class FakeTakingsBack:
    """Takes payments back nowhere; each once, as the port promises."""

    name = "daraja"

    def __init__(self, *steps: Step) -> None:
        self.script = Script(steps)
        self.calls: list[TakeBackRequest] = []
        self.asked: list[tuple[UUID, str]] = []

    def take_back(self, request: TakeBackRequest) -> Accepted:
        self.calls.append(request)
        self.script.play()
        return Accepted(f"AG_{request.attempt_id}")

    def ask_taken_back(self, attempt_id: UUID, receipt: str) -> MoneyEvent | None:
        self.asked.append((attempt_id, receipt))
        return None


class FakeDesk:
    """Owes everybody who writes the same answer, in the transaction it was given."""

    def __init__(self, *steps: Step) -> None:
        self.script = Script(steps)
        self.heard: list[SmsIn] = []
        self.unfinished: list[SmsIn] = []

    def handle(self, tx: Tx, sms: SmsIn) -> None:
        self.heard.append(sms)
        outbox.add(tx, "answer", sms.sender, {"to": sms.id})
        self.script.play()

    def handle_unfinished(self, tx: Tx, sms: SmsIn) -> None:
        self.unfinished.append(sms)
        outbox.add(tx, "unfinished", sms.sender, {"to": sms.id})


def plain_words(topic: str, params: Mapping[str, Any], language: str) -> str:
    """A message of its topic and language; a topic ``broken`` has no words."""
    if topic == "broken":
        raise KeyError(topic)
    return f"{language} {topic} {params.get('code', '')}".strip()


def notices(database: Database, topic: str | None = None) -> list[Notice]:
    """Every notice, or those of a topic, oldest first."""
    with database.transaction() as tx:
        rows = tx.db.query(Notice).order_by(Notice.created_at, Notice.id).all()
    return [row for row in rows if topic in {None, row.topic}]
