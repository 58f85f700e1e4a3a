"""The weekly run, and further parts and tries of payouts; the money itself moves as attempts."""

from datetime import date
from functools import partial
from uuid import UUID

import structlog

from core.limits import LIST_MAX
from core.payouts.usecases import (
    close_run,
    continue_payout,
    due_payouts,
    make_payout,
    open_run,
    vendors_owed,
)
from workers.budget import Budget
from workers.counters import PAYOUTS
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 200


def run_payouts(parts: Parts) -> int:
    """Make the week's payouts if it is time, and continue those that wait; return how many."""
    budget = Budget(RUN_SECONDS)
    week = parts.database.run(open_run)
    made = _make_all(parts, week, budget) if week else 0
    return made + _continue_all(parts, budget)


def _make_all(parts: Parts, week: date, budget: Budget) -> int:
    """Make each vendor's payout; the run ends when every vendor has been looked at.

    A vendor whose payout could not be made keeps the run open: it is tried again in the next.
    """
    made, broken = 0, 0
    after: UUID | None = None
    while vendors := parts.database.run(partial(vendors_owed, after=after, limit=LIST_MAX)):
        for vendor_id in vendors:
            if budget.spent:
                return made
            try:
                made += _make(parts, vendor_id)
            except Exception:
                broken += 1
                log.exception("payout.broken", vendor_id=str(vendor_id))
                PAYOUTS.labels("broken").inc()
        after = vendors[-1]
    if not broken:
        parts.database.run(lambda tx: close_run(tx, week))
        log.info("payouts.run_closed", week=week.isoformat(), made=made)
    return made


def _make(parts: Parts, vendor_id: UUID) -> bool:
    payout = parts.database.run(lambda tx: make_payout(tx, vendor_id))
    if payout is None:
        return False
    PAYOUTS.labels("made").inc()
    log.info(
        "payout.made",
        payout_id=str(payout.id),
        vendor_id=str(vendor_id),
        amount_cents=payout.amount_cents,
    )
    return True


def _continue_all(parts: Parts, budget: Budget) -> int:
    continued = 0
    for payout_id in parts.database.run(lambda tx: due_payouts(tx, LIST_MAX)):
        if budget.spent:
            break
        try:
            continued += _continue(parts, payout_id)
        except Exception:
            log.exception("payout.broken", payout_id=str(payout_id))
            PAYOUTS.labels("broken").inc()
    if continued:
        PAYOUTS.labels("continued").inc(continued)
    return continued


def _continue(parts: Parts, payout_id: UUID) -> bool:
    return parts.database.run(lambda tx: continue_payout(tx, payout_id))
