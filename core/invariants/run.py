"""Runs every check: what ``nafasi check`` and the live checker do.

The ledger's own (I1 to I6, I8) come from ``core.escrow.invariants``; the others tie bookings,
refunds, receipts, payouts and notices to each other. Each check is one statement, hence one
snapshot: it can run beside everything else.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, Text, TextClause, bindparam, text

from core.booking.lifecycle import CLAIMING, LIFECYCLE
from core.db.tx import Tx
from core.escrow import invariants as ledger
from core.escrow.invariants import FINDINGS_MAX
from core.invariants import bookings, customer, delivery, disputes, documents, money, payouts
from core.invariants.check import Finding, Invariant

# A timer, a callback or a message may wait this long for a worker before somebody should look.
LATE_SECONDS = 10 * 60
# A lease that ran out is taken again by the next run.
STUCK_SECONDS = 5 * 60

CHECKS = (
    *money.CHECKS,
    *bookings.CHECKS,
    *payouts.CHECKS,
    *documents.CHECKS,
    *disputes.CHECKS,
    *delivery.CHECKS,
    *customer.CHECKS,
)

FIRST_MOVES = ("request requested", "book_instant awaiting_payment")


NAMES = tuple(
    sorted({*map(str, ledger.Invariant), *map(str, Invariant)}, key=lambda i: int(i[1:]))
)
"""Every invariant that is checked, by its name."""


def run_all(tx: Tx) -> list[Finding]:
    """Return what is broken, at most ``FINDINGS_MAX`` of each check."""
    found = [
        Finding(
            each.invariant.value,
            each.invariant.name.lower(),
            each.subject,
            str(each.expected),
            str(each.actual),
        )
        for each in ledger.check(tx)
    ]
    values = _values(tx.now)
    for check in CHECKS:
        found += [
            Finding(
                check.invariant.value, check.rule, row.subject, str(row.expected), str(row.actual)
            )
            for row in tx.db.execute(_sql(check.statement, values))
        ]
    return found


def _values(now: datetime) -> dict[str, Any]:
    """Return the values that statements may name."""
    moves = [f"{event} {before} {after}" for event, before, after in LIFECYCLE.rows]
    return {
        "findings_max": FINDINGS_MAX,
        "claiming": sorted(CLAIMING),
        "moves": [*FIRST_MOVES, *moves],
        "now": now,
        "late": now - timedelta(seconds=LATE_SECONDS),
        "stuck": now - timedelta(seconds=STUCK_SECONDS),
    }


def _sql(statement: str, values: dict[str, Any]) -> TextClause:
    """Return a statement with those values that it names; other colons are its own."""
    named = {name: value for name, value in values.items() if f":{name}" in statement}
    escaped = statement.replace(":", r"\:")
    for name in named:
        escaped = escaped.replace(rf"\:{name}", f":{name}")
    return text(escaped).bindparams(
        *(
            bindparam(name, value, ARRAY(Text) if isinstance(value, list) else None)
            for name, value in named.items()
        )
    )
