"""Conversations as they were, from the trail in Redis to rows that can be asked."""

from core.db.tx import Tx
from core.insight.rules import HopSeen
from core.insight.usecases import close_sessions, count_days, note_hops
from workers.budget import Budget
from workers.parts import Parts

RUN_SECONDS = 60
BATCHES_MAX = 50


def run_trail(parts: Parts) -> int:
    """Note what came, decide what has ended, count the last days; return how many batches came."""
    reader = parts.trail
    if reader is None:
        return 0
    budget = Budget(RUN_SECONDS)

    def apply(source: str, number: int, hops: list[HopSeen]) -> None:
        def note(tx: Tx) -> bool:
            return note_hops(tx, source, number, hops)

        parts.database.run(note)

    taken = 0
    while not budget.spent:
        batches = reader.take(apply, BATCHES_MAX)
        taken += batches
        if batches < BATCHES_MAX:
            # Only now: the end of a conversation may stand in the last batch.
            parts.database.run(close_sessions)
            break
    parts.database.run(count_days)
    return taken
