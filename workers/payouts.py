"""The weekly run, and further parts and tries of payouts; the money itself moves as attempts."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from uuid import UUID

import structlog

from core.limits import LIST_MAX
from core.payouts.runs import close_run, open_run, vendors_owed
from core.payouts.usecases import continue_payout, due_payouts, make_payouts
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
    """Make all vendors' payouts, a hundred in a transaction; then the run is over.

    A vendor whose payout could not be made keeps the run open: it is tried again in the next.
    """
    made, broken = 0, 0
    after: UUID | None = None
    while vendors := parts.database.look(partial(vendors_owed, after=after, limit=LIST_MAX)):
        if budget.spent:
            return made
        try:
            made += _make(parts, vendors)
        except Exception:
            # One of them cannot be paid: the others are.
            log.exception("payouts.batch_broken", vendors=len(vendors))
            for vendor_id in vendors:
                one = _make_alone(parts, vendor_id)
                made += one or 0
                broken += one is None
        after = vendors[-1]
    if not broken:
        parts.database.run(lambda tx: close_run(tx, week))
        log.info("payouts.run_closed", week=week.isoformat(), made=made)
    return made


def _make_alone(parts: Parts, vendor_id: UUID) -> int | None:
    """Make one vendor's payout; None when that cannot be done."""
    try:
        return _make(parts, [vendor_id])
    except Exception:
        log.exception("payout.broken", vendor_id=str(vendor_id))
        PAYOUTS.labels("broken").inc()
        return None


def _make(parts: Parts, vendor_ids: Sequence[UUID]) -> int:
    """Make the payouts of some vendors in one transaction."""
    made = parts.database.run(lambda tx: make_payouts(tx, vendor_ids))
    for payout in made:
        PAYOUTS.labels("made" if payout.hold_reason is None else "held").inc()
        log.info(
            "payout.made",
            payout_id=str(payout.id),
            vendor_id=str(payout.vendor_id),
            amount_cents=payout.amount_cents,
            held_for=payout.hold_reason.value if payout.hold_reason else None,
        )
    return len(made)


def _continue_all(parts: Parts, budget: Budget) -> int:
    continued = 0
    for payout_id in parts.database.look(lambda tx: due_payouts(tx, LIST_MAX)):
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
