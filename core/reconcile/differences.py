"""Differences between a statement and our books, as cases."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from core.cases.model import Case, CaseKind
from core.cases.usecases import open_case
from core.db.tx import Tx
from core.payments.model import Receipt
from core.reconcile.matcher import Fault, FaultKind
from core.reconcile.statement import Statement

# What is learned of after its line was seen: a callback that comes late, a return that a person
# books because of it.
KNOWN_LATER = (FaultKind.MISSING_OURS, FaultKind.REVERSED)


def open_cases(tx: Tx, statement: Statement, faults: Iterable[Fault[UUID]]) -> list[int]:
    """Open a case for each difference; return the numbers of those that are new."""
    opened = (
        open_case(
            tx,
            CaseKind.DIFFERENCE,
            _subject(fault.kind, statement, fault.number),
            amount_cents=fault.amount_cents,
            facts=_facts(statement, fault),
        )
        for fault in faults
    )
    return [number for number in opened if number is not None]


def was_shown(statement: Statement) -> ColumnElement[bool]:
    """Return whether an earlier statement showed a receipt before we knew of it.

    Its line stands in that one's period and our receipt in a later one's, which has no such line.
    """
    subjects = [func.concat(_subject(kind, statement, ""), Receipt.number) for kind in KNOWN_LATER]
    shown = select(Case.id).where(Case.kind == CaseKind.DIFFERENCE, Case.subject.in_(subjects))
    return shown.exists()


def _subject(kind: FaultKind, statement: Statement, number: str) -> str:
    return f"{kind.value}:{statement.provider}:{statement.account}:{number}"


def _facts(statement: Statement, fault: Fault[UUID]) -> dict[str, Any]:
    return {
        "fault": fault.kind.value,
        "provider": statement.provider,
        "account": statement.account,
        "number": fault.number,
        "other": fault.other,
        "line": fault.place,
        "ours_cents": fault.ours_cents,
        "theirs_cents": fault.theirs_cents,
        "at": fault.at.isoformat(),
        "file": statement.digest[:12],
    }
