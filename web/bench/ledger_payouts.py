"""Payouts posted as a worker posts them: many in one transaction, or one transaction each."""

import itertools
import time
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from core.db.tx import Database, Tx
from core.escrow import ledger, postings
from core.escrow.transfer import Transfer
from core.money import kes
from web.bench.ledger_loops import SLOT_MS, SLOTS, VENDORS

BATCH = 500
_numbers = itertools.count()

Post = Callable[[Tx, Sequence[Transfer]], Sequence[UUID]]


def post_payouts(database: Database, seconds: float, batch: int) -> tuple[int, list[int]]:
    """Post payouts until time is up; return how many, and how long each transaction took.

    Args:
        database: funded by ``ledger_loops.FUND``.
        seconds: how long.
        batch: how many in one transaction.
    """
    done, slots, until = 0, [0] * SLOTS, time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        transfers = [_payout(next(_numbers)) for _ in range(batch)]
        database.run(partial(_post, transfers=transfers))
        took_ms = (time.monotonic() - began) * 1000
        slots[min(int(took_ms / SLOT_MS), SLOTS - 1)] += 1
        done += batch
    return done, slots


def by_one_statement() -> bool:
    """Tell whether the ledger posts many transfers by one statement."""
    return hasattr(ledger, "post_all")


def _post(tx: Tx, transfers: Sequence[Transfer]) -> Sequence[UUID]:
    post_all: Post | None = getattr(ledger, "post_all", None)
    if post_all is None or len(transfers) == 1:
        return [ledger.post(tx, transfer) for transfer in transfers]
    return post_all(tx, transfers)


def _payout(number: int) -> Transfer:
    return postings.paid_out(
        1 + number % VENDORS, "bench", kes(40_000), reference=f"payout-{number}"
    )
