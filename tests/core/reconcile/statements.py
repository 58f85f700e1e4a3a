"""Statements as stories give them, of lines that stand in no file, and what they left behind."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, text

from core.cases.model import Case
from core.db.tx import Database, Tx
from core.payments.model import Direction
from core.reconcile.places import Accounts
from core.reconcile.statement import Line, Reading, Statement
from core.reconcile.usecases import Taken, take
from tests.conftest import START

PAYBILL, PAYOUTS = "600123", "600124"
OURS: Accounts = {PAYBILL: {Direction.IN}, PAYOUTS: {Direction.OUT}}
FIRST, SECOND = "SFF6XYQ1AB", "SFF6XYQ2CD"
TOTAL_CENTS = 6_670_000
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Given:
    """Lines that stand in a story instead of in a file."""

    given: list[Line]

    def lines(self) -> Iterator[Line]:
        yield from self.given


def reading(lines: list[Line], digest: str = "file-1", **over: Any) -> Reading:
    """A statement of the paybill from the story's day on, ended by now."""
    statement = Statement(
        "daraja", PAYBILL, digest, START - DAY, START + 3 * DAY, len(lines),
        last_at=lines[-1].at,
        opening_cents=None if lines[0].balance_cents is None
        else lines[0].balance_cents - lines[0].amount_cents,
        closing_cents=lines[-1].balance_cents,
    )  # fmt: skip
    return Reading(replace(statement, **over), Given(lines))


def line(number: str, cents: int = TOTAL_CENTS, **over: Any) -> Line:
    return Line(over.pop("place", 1), number, over.pop("at", START), cents, **over)


def send_all(tx: Tx) -> None:
    """Let no message be late: that is another story."""
    tx.db.execute(text("UPDATE notices SET state = 'sent', leased_until = NULL"))


def taken(database: Database, given: Reading, **how: Any) -> Taken:
    return database.run(lambda tx: take(tx, given, OURS, **how))


def cases(database: Database) -> list[Case]:
    with database.transaction() as tx:
        return list(tx.db.scalars(select(Case).order_by(Case.number)))


def count(database: Database, what: type[Any]) -> int:
    with database.transaction() as tx:
        return tx.db.scalar(select(func.count()).select_from(what)) or 0


CLEAN = [
    line(FIRST, balance_cents=TOTAL_CENTS),
    line(SECOND, balance_cents=2 * TOTAL_CENTS, place=2),
]
