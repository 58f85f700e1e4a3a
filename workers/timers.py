"""Letting the timers of bookings and their changes fire: holds, answers, completion, release."""

from collections.abc import Callable
from enum import StrEnum
from uuid import UUID

import structlog

from core.booking.changes import due_changes, fire_change
from core.booking.lifecycle import State
from core.booking.release import due_releases, release_many
from core.booking.timers import due_bookings, fire
from core.db.tx import Tx
from core.errors import IllegalMove
from core.limits import RELEASES_BATCH_MAX, TIMERS_BATCH_MAX
from workers.budget import Budget
from workers.counters import TIMERS
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 20

DueOf = Callable[[Tx, int], list[UUID]]
Fire = Callable[[Tx, UUID], StrEnum | None]
KINDS: tuple[tuple[DueOf, Fire], ...] = ((due_bookings, fire), (due_changes, fire_change))


def run_timers(parts: Parts) -> int:
    """Fire what is due, the longest overdue first; return how many timers fired."""
    budget = Budget(RUN_SECONDS)
    released = _release(parts, budget)
    return released + sum(_run(parts, budget, *kind) for kind in KINDS)


def _release(parts: Parts, budget: Budget) -> int:
    """Release what is due, many bookings at a time."""
    released = 0
    while not budget.spent:
        due = parts.database.look(lambda tx: due_releases(tx, RELEASES_BATCH_MAX))
        now_released = _release_all(parts, due)
        released += now_released
        if len(due) < RELEASES_BATCH_MAX or now_released == 0:
            break
    if released:
        TIMERS.labels(State.COMPLETED.value).inc(released)
        log.info("timer.released", bookings=released)
    return released


def _release_all(parts: Parts, due: list[UUID]) -> int:
    """Release bookings together; of those that refuse, each half by itself.

    One that refuses alone is left to its own timer, which tells why.
    """
    if not due:
        return 0
    try:
        return parts.database.run(lambda tx: release_many(tx, due))
    except Exception:
        if len(due) == 1:
            return 0
        log.warning("timer.batch_split", bookings=len(due), exc_info=True)
    middle = len(due) // 2
    return _release_all(parts, due[:middle]) + _release_all(parts, due[middle:])


def _run(parts: Parts, budget: Budget, due_of: DueOf, fire_one: Fire) -> int:
    fired = 0
    while not budget.spent:
        due = parts.database.look(lambda tx: due_of(tx, TIMERS_BATCH_MAX))
        now_fired = sum(_fire(parts, fire_one, id_) for id_ in due if not budget.spent)
        fired += now_fired
        if len(due) < TIMERS_BATCH_MAX or now_fired == 0:
            break
    return fired


def _fire(parts: Parts, fire_one: Fire, id_: UUID) -> bool:
    try:
        state = parts.database.run(lambda tx: fire_one(tx, id_))
    except IllegalMove as late:
        # Somebody was faster; the row as it is now decides.
        log.info("timer.lost_race", id=str(id_), **late.data)
        return False
    except Exception:
        log.exception("timer.broken", id=str(id_))
        TIMERS.labels("broken").inc()
        return False
    if state is None:
        return False
    TIMERS.labels(state.value).inc()
    log.info("timer.fired", id=str(id_), state=state.value)
    return True
