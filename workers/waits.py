"""The line for full days: places whose time is over end, what became free is offered by day."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import structlog

from core.db.tx import Tx
from core.limits import TIMERS_BATCH_MAX
from core.waitlist.queries import freed_listings
from core.waitlist.usecases import due_waits, fire_wait, offer_freed
from workers.budget import Budget
from workers.notices import quiet_until
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 20


def run_waits(parts: Parts) -> int:
    """End what is over, then offer what is free; return how many places moved."""
    budget = Budget(RUN_SECONDS)
    due = parts.database.look(partial(due_waits, limit=TIMERS_BATCH_MAX))
    moved = sum(_do(parts, id_, partial(_end, wait_id=id_)) for id_ in due if not budget.spent)
    if quiet_until(parts.database.clock.now()) is not None:
        return moved
    freed = parts.database.look(freed_listings)
    return moved + sum(
        _do(parts, id_, partial(_offer, listing_id=id_)) for id_ in freed if not budget.spent
    )


def _do(parts: Parts, id_: UUID, work: Callable[[Tx], int]) -> int:
    """Work in a transaction of its own; one that fails holds up no other."""
    try:
        return parts.database.run(work)
    except Exception:
        log.exception("waits.broken", id=str(id_))
        return 0


def _end(tx: Tx, wait_id: UUID) -> int:
    return int(fire_wait(tx, wait_id) is not None)


def _offer(tx: Tx, listing_id: UUID) -> int:
    return len(offer_freed(tx, listing_id))
