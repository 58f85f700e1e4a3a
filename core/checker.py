"""The live checker's memory: what the last run found, and since when something has been broken.

A worker checks every minute; the web shows the figures; a case stands for each invariant that is
broken until it holds again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.cases.model import CaseKind
from core.cases.usecases import close_settled, open_case
from core.db.base import Base
from core.db.tx import Tx
from core.invariants.check import Finding
from core.invariants.run import NAMES

HOLDS_NOTE = "It holds again; closed by itself."


class CheckRow(Base):
    """The last look at one invariant."""

    __tablename__ = "checks"

    invariant: Mapped[str] = mapped_column(primary_key=True)
    findings: Mapped[int]
    checked_at: Mapped[datetime]
    broken_since: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Alert:
    """An invariant that held at the last look and is broken now.

    Attributes:
        invariant: its name.
        case: the number of its case, None when one was open already.
        text: what to tell a person.
    """

    invariant: str
    case: int | None
    text: str


def record(tx: Tx, findings: Sequence[Finding]) -> list[Alert]:
    """Keep what a run found, open and close cases, and return what is newly broken."""
    before = {row.invariant: row for row in tx.db.scalars(select(CheckRow).with_for_update())}
    alerts: list[Alert] = []
    for name in NAMES:
        found = [finding for finding in findings if finding.invariant == name]
        known = before.get(name)
        broken_since = (known.broken_since if known else None) or tx.now
        _keep(tx, name, len(found), broken_since if found else None)
        if not found:
            close_settled(tx, CaseKind.INVARIANT, name, HOLDS_NOTE)
            continue
        number = _open(tx, name, found)
        if known is None or known.findings == 0:
            alerts.append(Alert(name, number, _text(name, found, number)))
    return alerts


def latest(tx: Tx) -> list[CheckRow]:
    """Return the last look at each invariant, by name."""
    return list(tx.db.scalars(select(CheckRow).order_by(CheckRow.invariant)))


def _keep(tx: Tx, name: str, findings: int, broken_since: datetime | None) -> None:
    values = {"findings": findings, "checked_at": tx.now, "broken_since": broken_since}
    tx.db.execute(
        insert(CheckRow)
        .values(invariant=name, **values)
        .on_conflict_do_update(index_elements=["invariant"], set_=values)
    )


def _open(tx: Tx, name: str, found: Sequence[Finding]) -> int | None:
    first = found[0]
    return open_case(
        tx,
        CaseKind.INVARIANT,
        name,
        facts={
            "rule": first.rule,
            "subject": first.subject,
            "expected": first.expected,
            "actual": first.actual,
            "findings": len(found),
        },
        again=True,
    )


def _text(name: str, found: Sequence[Finding], number: int | None) -> str:
    first = found[0]
    case = f" It is case {number}." if number else ""
    return (
        f"{name} is broken ({first.rule}): {first.subject} should be {first.expected} and is"
        f" {first.actual}; {len(found)} found.{case} `nafasi check` shows all of it."
    )
