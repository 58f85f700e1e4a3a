"""Letting the timers of disputes fire: reminders, the end of waiting, overdue decisions."""

from uuid import UUID

import structlog

from core.disputes.timers import due_disputes, fire
from core.limits import TIMERS_BATCH_MAX
from workers.budget import Budget
from workers.counters import DISPUTES
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 20


def run_disputes(parts: Parts) -> int:
    """Fire what is due, the longest overdue first; return how many timers fired."""
    budget = Budget(RUN_SECONDS)
    due = parts.database.look(lambda tx: due_disputes(tx, TIMERS_BATCH_MAX))
    return sum(_fire(parts, dispute_id) for dispute_id in due if not budget.spent)


def _fire(parts: Parts, dispute_id: UUID) -> bool:
    try:
        step = parts.database.run(lambda tx: fire(tx, dispute_id))
    except Exception:
        log.exception("dispute.broken", dispute_id=str(dispute_id))
        DISPUTES.labels("broken").inc()
        return False
    if step is None:
        return False
    DISPUTES.labels(step.value).inc()
    log.info("dispute.fired", dispute_id=str(dispute_id), step=step.value)
    return True
