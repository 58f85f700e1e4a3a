"""Opening cases for what nothing will settle by itself, and the look at the float.

The look at the float is about whole days; it is taken every hour so that no day can be missed.
"""

import structlog

from core.cases.sweep import sweep
from core.documents.remittances import look_for_unpaid
from core.reconcile.daily import look_daily
from workers.parts import Parts

log = structlog.get_logger()


def run_cases(parts: Parts) -> int:
    """Look for what a person must decide; return how many cases are new."""
    return _tell(parts.database.run(sweep))


def run_float(parts: Parts) -> int:
    """Set float, statements, open items and taxes side by side; return how many cases are new."""
    opened = _tell(parts.database.run(lambda tx: look_daily(tx, parts.accounts)))
    return opened + _tell(parts.database.run(look_for_unpaid))


def _tell(numbers: list[int]) -> int:
    if numbers:
        log.warning("cases.opened", count=len(numbers), numbers=numbers[:20])
    return len(numbers)
