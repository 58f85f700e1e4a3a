"""Letting the timers of bookings fire: holds, answers, completion, release of money."""

from uuid import UUID

import structlog

from core.booking.timers import due_bookings, fire
from core.errors import IllegalMove
from core.limits import TIMERS_BATCH_MAX
from workers.budget import Budget
from workers.counters import TIMERS
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 20


def run_timers(parts: Parts) -> int:
    """Fire what is due, the longest overdue first; return how many timers fired."""
    budget = Budget(RUN_SECONDS)
    fired = 0
    while not budget.spent:
        due = parts.database.run(lambda tx: due_bookings(tx, TIMERS_BATCH_MAX))
        now_fired = sum(_fire(parts, booking_id) for booking_id in due if not budget.spent)
        fired += now_fired
        if len(due) < TIMERS_BATCH_MAX or now_fired == 0:
            break
    return fired


def _fire(parts: Parts, booking_id: UUID) -> bool:
    try:
        state = parts.database.run(lambda tx: fire(tx, booking_id))
    except IllegalMove as late:
        # Somebody was faster; the row as it is now decides.
        log.info("timer.lost_race", booking_id=str(booking_id), **late.data)
        return False
    except Exception:
        log.exception("timer.broken", booking_id=str(booking_id))
        TIMERS.labels("broken").inc()
        return False
    if state is None:
        return False
    TIMERS.labels(state.value).inc()
    log.info("timer.fired", booking_id=str(booking_id), state=state.value)
    return True
