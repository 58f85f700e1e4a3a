"""What is asked about cases."""

from datetime import datetime

from sqlalchemy import func, select, tuple_

from core.cases.model import Case, CaseKind, CaseState
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import CASES_SHOWN_MAX


def open_cases(
    tx: Tx, limit: int = CASES_SHOWN_MAX, after: tuple[datetime, int] | None = None
) -> list[Case]:
    """Return open cases, the oldest first.

    Args:
        tx: to read in.
        limit: how many, ``CASES_SHOWN_MAX`` at the most.
        after: ``opened_at`` and number of the case behind which to go on.
    """
    place = (Case.opened_at, Case.number)
    query = select(Case).where(Case.state == CaseState.OPEN).order_by(*place)
    if after is not None:
        query = query.where(tuple_(*place) > after)
    return list(tx.db.scalars(query.limit(min(limit, CASES_SHOWN_MAX))))


def case_by_number(tx: Tx, number: int) -> Case:
    """Return a case, closed ones too; raises NotFound."""
    case = tx.db.scalar(select(Case).where(Case.number == number))
    if case is None:
        raise NotFound
    return case


def open_by_kind(tx: Tx) -> dict[CaseKind, tuple[int, int]]:
    """Return how many cases are open and how many cents they are about, of every kind."""
    rows = tx.db.execute(
        select(Case.kind, func.count(), func.sum(Case.amount_cents))
        .where(Case.state == CaseState.OPEN)
        .group_by(Case.kind)
    )
    found = {kind: (count, int(cents or 0)) for kind, count, cents in rows}
    return {kind: found.get(kind, (0, 0)) for kind in CaseKind}
