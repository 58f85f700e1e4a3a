"""What workers do, how often, how urgently and for how long: one table.

Due-columns in the database say what is to be done; these intervals only say how late somebody
looks. A nudge after a commit makes it sooner.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from core.db.tx import Work
from workers.attempts import run_attempts
from workers.balances import run_balances
from workers.cases import run_cases, run_float
from workers.checker import run_checker
from workers.disputes import run_disputes
from workers.documents import run_documents, run_invoices
from workers.drops import run_drops
from workers.housekeeping import run_housekeeping
from workers.inbox import run_inbox
from workers.ledger import run_ledger
from workers.notices import run_notices
from workers.parts import Parts
from workers.payouts import run_payouts
from workers.timers import run_timers
from workers.trail import run_trail
from workers.waits import run_waits


class Queue(StrEnum):
    """How urgent something is; workers may be given to one queue or to several."""

    URGENT = "urgent"
    DEFAULT = "default"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work.

    Attributes:
        name: the task is called ``<name>.run``.
        run: does what is due and returns how much that was; safe to run twice at once.
        every_seconds: how often it is looked for.
        limit_seconds: after so long a run is killed; above what the run allows itself plus one
            slow answer of a provider.
    """

    name: str
    run: Callable[[Parts], int]
    queue: Queue
    every_seconds: int
    limit_seconds: int

    @property
    def task(self) -> str:
        """The name by which the task is sent."""
        return f"{self.name}.run"


JOBS = (
    Job("notices", run_notices, Queue.URGENT, 2, 120),
    Job("attempts", run_attempts, Queue.URGENT, 1, 180),
    Job("inbox", run_inbox, Queue.DEFAULT, 2, 60),
    Job("timers", run_timers, Queue.DEFAULT, 2, 60),
    Job("waits", run_waits, Queue.DEFAULT, 15, 60),
    Job("documents", run_documents, Queue.DEFAULT, 2, 60),
    Job("invoices", run_invoices, Queue.SLOW, 5, 120),
    Job("disputes", run_disputes, Queue.DEFAULT, 30, 60),
    Job("drops", run_drops, Queue.SLOW, 30, 60),
    Job("payouts", run_payouts, Queue.SLOW, 30, 300),
    Job("ledger", run_ledger, Queue.SLOW, 2, 60),
    Job("checker", run_checker, Queue.SLOW, 60, 120),
    Job("cases", run_cases, Queue.SLOW, 300, 120),
    Job("balances", run_balances, Queue.SLOW, 60, 120),
    Job("trail", run_trail, Queue.SLOW, 60, 120),
    Job("float", run_float, Queue.SLOW, 3600, 120),
    Job("housekeeping", run_housekeeping, Queue.SLOW, 3600, 300),
)
BY_WORK = {work: next(job for job in JOBS if job.name == work.value) for work in Work}
# Redis gives a message to another worker after so long: longer than any task can run.
VISIBILITY_SECONDS = 2 * max(job.limit_seconds for job in JOBS)
# A nudge that nobody took by then is of no use: the schedule has been there.
NUDGE_EXPIRES_SECONDS = 30


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Return the schedule as Celery takes it.

    A message expires when the next one is sent, so that a worker that was away does not find a
    mountain of them.
    """
    return {
        job.name: {
            "task": job.task,
            "schedule": timedelta(seconds=job.every_seconds),
            "options": {"queue": job.queue.value, "expires": job.every_seconds},
        }
        for job in JOBS
    }
