"""The live checker: every minute all that must be true is asked of the database.

What is found goes to the table that the metrics read, to a case, and as one plain sentence to the
log at error level, where alarms listen. A break that lasts is told once.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import text

from core import checker
from core.db.tx import Tx
from core.invariants.check import Finding
from core.invariants.run import run_all
from workers.parts import Parts

log = structlog.get_logger()

# Longer than a turn may take, and below the task's own limit.
STATEMENT_SECONDS = 50


def run_checker(parts: Parts) -> int:
    """Check everything once; return how many invariants are newly broken."""
    # Looking is one transaction and keeping another: no lock waits for the look.
    with parts.database.transaction() as tx:
        tx.db.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'"))
        findings = run_all(tx)
    return parts.database.run(lambda tx: _record(tx, findings))


def _record(tx: Tx, findings: Sequence[Finding]) -> int:
    """Keep what was found, and tell what is new before that is kept: rather twice than never."""
    alerts = checker.record(tx, findings)
    for alert in alerts:
        log.error("invariant.broken", invariant=alert.invariant, case=alert.case, text=alert.text)
    return len(alerts)
