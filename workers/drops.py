"""Calls that were cut off: offered once by SMS, when their caller has not dialled again."""

from functools import partial

import structlog
from redis.exceptions import RedisError

from core import talks
from core.db.tx import Tx
from core.limits import TIMERS_BATCH_MAX
from sessions.dropped import DroppedCalls, Left
from workers.budget import Budget
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 20


def run_drops(parts: Parts) -> int:
    """Look for calls that fell silent, and offer what is due; return how many messages."""
    if parts.dropped is None:
        return 0
    try:
        return _run(parts, parts.dropped)
    except RedisError as error:
        log.warning("drops.store_away", error=type(error).__name__)
        return 0


def note_drop(parts: Parts, tx: Tx, left: Left) -> None:
    """Keep a call that its gateway says is over; without the store nothing is offered."""
    if parts.dropped is None:
        return
    try:
        parts.dropped.note(tx, left)
    except RedisError as error:
        log.warning("drops.store_away", error=type(error).__name__)


def _run(parts: Parts, dropped: DroppedCalls) -> int:
    budget = Budget(RUN_SECONDS)
    for left in dropped.silent():
        parts.database.run(partial(dropped.note, left=left))
        if budget.spent:
            break
    due = parts.database.run(lambda tx: talks.due_offers(tx, TIMERS_BATCH_MAX))
    sent = 0
    for msisdn in due:
        if budget.spent:
            break
        sent += parts.database.run(partial(dropped.send, msisdn=msisdn))
    return sent
