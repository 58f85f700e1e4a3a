"""What is asked about cases."""

from sqlalchemy import func, select

from core.cases.model import Case, CaseKind, CaseState
from core.db.tx import Tx
from core.limits import CASES_SHOWN_MAX


def open_cases(tx: Tx, limit: int = CASES_SHOWN_MAX) -> list[Case]:
    """Return open cases, the oldest first, ``CASES_SHOWN_MAX`` at the most."""
    return list(
        tx.db.scalars(
            select(Case)
            .where(Case.state == CaseState.OPEN)
            .order_by(Case.opened_at, Case.number)
            .limit(min(limit, CASES_SHOWN_MAX))
        )
    )


def open_by_kind(tx: Tx) -> dict[CaseKind, tuple[int, int]]:
    """Return how many cases are open and how many cents they are about, of every kind."""
    rows = tx.db.execute(
        select(Case.kind, func.count(), func.sum(Case.amount_cents))
        .where(Case.state == CaseState.OPEN)
        .group_by(Case.kind)
    )
    found = {kind: (count, int(cents or 0)) for kind, count, cents in rows}
    return {kind: found.get(kind, (0, 0)) for kind in CaseKind}
