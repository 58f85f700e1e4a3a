"""Payouts posted as a worker posts them: many in one transaction, or one transaction each."""

import itertools
import time
from collections.abc import Sequence
from functools import partial

from core.db.tx import Database, Tx
from core.escrow import ledger, postings
from core.escrow.transfer import Transfer
from core.money import kes
from web.bench.ledger_loops import SLOT_MS, SLOTS, VENDORS

BATCH = 500
_numbers = itertools.count()


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


def _post(tx: Tx, transfers: Sequence[Transfer]) -> None:
    if len(transfers) == 1:
        ledger.post(tx, transfers[0])
    else:
        ledger.post_all(tx, transfers)


def _payout(number: int) -> Transfer:
    return postings.paid_out(
        1 + number % VENDORS, "bench", kes(40_000), reference=f"payout-{number}"
    )
