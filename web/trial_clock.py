"""Moves the application's time in a local trial, from due moment to due moment.

Jumping a week at once would find holds, answers, payouts and retries all due together, which no
real week does. So the time is set to the next moment at which something is due, the workers do
it, and so on until the target.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, func, or_, select

from core import inbox
from core.booking.model import Booking
from core.db.tx import Database, Tx
from core.disputes.model import Dispute
from core.errors import NafasiError
from core.inbox import Arrival, Inbound
from core.local_clock import add_ahead
from core.outbox import Notice, Sending
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts import rules
from core.payouts.halts import Halt
from core.payouts.model import Payout, PayoutRun
from core.waitlist.model import Wait
from web.wake import QUEUES

ADVANCE_DAYS_MAX = 400
STEPS_MAX = 5_000
SETTLE_SECONDS_MAX = 30.0
POLL_SECONDS = 0.1
NUDGE_SECONDS = 0.5
# Provider's answers come in real time: money that is on its way gets this long to arrive before
# the application's time moves on without it.
MONEY_SECONDS_MAX = 8.0
_DUE = ("notices", "attempts", "inbox", "timers", "waits", "disputes", "payouts")
_MOVING = (AttemptState.SENDING, AttemptState.PENDING, AttemptState.UNKNOWN)


class WorkersIdle(NafasiError):
    """Something is due and nobody does it; ``data["due"]`` names it."""

    code = "workers_idle"


@dataclass(frozen=True, slots=True)
class Advance:
    """One trip through time.

    Attributes:
        database: whose clock is moved.
        send: asks workers for a kind of work.
        said: told each moment that was stopped at.
        settle_seconds: how long workers may take for what is due.
    """

    database: Database
    send: Callable[[str], None]
    said: Callable[[datetime], None] = lambda _at: None
    settle_seconds: float = SETTLE_SECONDS_MAX

    def by(self, step: timedelta) -> datetime:
        """Move forward and return the time arrived at.

        Raises:
            ValueError: backwards, nowhere, or more than ``ADVANCE_DAYS_MAX`` days.
            WorkersIdle: no worker does what is due.
        """
        if not timedelta() < step <= timedelta(days=ADVANCE_DAYS_MAX):
            raise ValueError(f"between a second and {ADVANCE_DAYS_MAX} days")
        self._settle()
        target = self._now() + step
        for _ in range(STEPS_MAX):
            upcoming = self.database.run(_next_due)
            if upcoming is None or upcoming > target:
                break
            self._move_to(upcoming)
            self._settle()
        self._move_to(target)
        self._settle()
        return self._now()

    def _now(self) -> datetime:
        return self.database.run(lambda tx: tx.now)

    def _move_to(self, moment: datetime) -> None:
        # Whole seconds, rounded up: a moment that has not quite come is not due.
        seconds = int((moment - self._now()).total_seconds()) + 1
        if seconds > 0:
            self.database.run(lambda tx: add_ahead(tx.db, timedelta(seconds=seconds)))
            clock = self.database.clock
            clock.ahead += timedelta(seconds=seconds)  # type: ignore[attr-defined]
            self.said(self._now())

    def _settle(self) -> None:
        """Wait until nothing is due and no money is on its way."""
        started = nudged = time.monotonic()
        self._nudge(_DUE)
        while True:
            due = self.database.run(_due)
            waited = time.monotonic() - started
            if not due:
                moving = self.database.run(_money_moving)
                if not moving or waited > MONEY_SECONDS_MAX:
                    return
            elif waited > self.settle_seconds:
                raise WorkersIdle(due=due)
            if time.monotonic() - nudged > NUDGE_SECONDS:
                self._nudge(due)
                nudged = time.monotonic()
            time.sleep(POLL_SECONDS)

    def _nudge(self, works: tuple[str, ...]) -> None:
        for work in works:
            self.send(work)


def _queries() -> dict[str, Select[Any]]:
    """Return, for each kind of work, the moments at which something of it is due."""
    waiting = Notice.state.in_([Sending.WAITING, Sending.LEASED])
    return {
        "timers": select(Booking.due_at).where(Booking.due_at.is_not(None)),
        "waits": select(Wait.due_at).where(Wait.due_at.is_not(None)),
        "disputes": select(Dispute.due_at).where(Dispute.due_at.is_not(None)),
        # What waits for a halted provider waits for a person, not for a worker.
        "attempts": select(Attempt.due_at).where(
            Attempt.due_at.is_not(None),
            or_(Attempt.kind == Kind.COLLECTION, Attempt.provider.not_in(select(Halt.provider))),
        ),
        "payouts": select(Payout.due_at).where(Payout.due_at.is_not(None)),
        "notices": select(Notice.due_at).where(waiting),
        "inbox": select(Inbound.due_at).where(Inbound.state == Arrival.WAITING),
    }


def _due(tx: Tx) -> tuple[str, ...]:
    found = []
    for work, moments in _queries().items():
        column = moments.selected_columns[0]
        if tx.db.scalar(select(exists(moments.where(column <= tx.now)))):
            found.append(work)
    if "inbox" in found and not inbox.due(tx, 1):
        # Words that wait for an earlier one of their person, as for the rest of a long message.
        found.remove("inbox")
    run = select(PayoutRun.finished_at).where(PayoutRun.week == rules.week_of(tx.now))
    if "payouts" not in found and tx.db.scalar(run) is None:
        found.append("payouts")
    assert set(found) <= QUEUES.keys(), "every kind of work has a queue"
    return tuple(found)


def _next_due(tx: Tx) -> datetime | None:
    """Return the first moment after now at which something is due."""
    moments = [rules.next_run(tx.now)]
    for query in _queries().values():
        column = query.selected_columns[0]
        first = tx.db.scalar(query.where(column > tx.now).with_only_columns(func.min(column)))
        if first is not None:
            moments.append(first)
    return min(moments)


def _money_moving(tx: Tx) -> bool:
    """Tell whether a provider is about to answer. Prompts wait for a person and do not count."""
    outgoing = Attempt.kind != Kind.COLLECTION
    sending = Attempt.state == AttemptState.SENDING
    moving = select(Attempt.id).where(Attempt.state.in_(_MOVING), or_(outgoing, sending))
    return bool(tx.db.scalar(select(exists(moving))))
