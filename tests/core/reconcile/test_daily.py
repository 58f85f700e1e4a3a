"""What is looked at each day: months without a statement, balances that do not meet, the float."""

from datetime import datetime

import pytest
from sqlalchemy import text

from core.cases.model import CaseKind, CaseState
from core.clock import ManualClock
from core.db.tx import Database
from core.invariants.run import run_all
from core.reconcile.daily import look_daily
from tests.conftest import START
from tests.core.reconcile.statements import (
    CLEAN,
    DAY,
    OURS,
    TOTAL_CENTS,
    cases,
    line,
    reading,
    taken,
)

BREAKS = {
    "a confirmed receipt is changed": "UPDATE receipts SET amount_cents = amount_cents + 100",
    "a confirmation is lost": "DELETE FROM statement_matches",
    "a balance is changed": "UPDATE statements SET closing_cents = closing_cents + 1",
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_float_is_the_providers_balance_and_listed_items(paid: Database, name: str) -> None:
    taken(paid, reading(CLEAN))
    with paid.transaction() as tx:
        tx.db.execute(text("SET LOCAL session_replication_role = replica"))
        tx.db.execute(text(BREAKS[name]))

    with paid.transaction() as tx:
        assert "I14" in {finding.invariant for finding in run_all(tx)}


def daily(database: Database) -> list[int]:
    return database.run(lambda tx: look_daily(tx, {"daraja": OURS}))


def test_a_month_without_its_statement_is_a_case_until_it_comes(
    paid: Database, clock: ManualClock
) -> None:
    clock.set(datetime.fromisoformat("2026-12-10T12:00:00+03:00"))
    assert daily(paid) == []

    clock.advance(days=1)
    assert len(daily(paid)) == 1
    assert daily(paid) == []
    (case,) = cases(paid)
    assert (case.kind, case.subject) == (CaseKind.STATEMENT_MISSING, "daraja:600123:2026-11")
    assert case.amount_cents == 2 * TOTAL_CENTS

    taken(paid, reading(CLEAN))
    assert daily(paid) == []
    assert cases(paid)[0].state is CaseState.CLOSED


def test_statements_that_meet_with_different_balances_are_a_difference(paid: Database) -> None:
    taken(paid, reading(CLEAN))
    later = line("SFF6XYQ3EF", 100, at=START + 3 * DAY, balance_cents=2 * TOTAL_CENTS + 200)
    taken(paid, reading([later], digest="file-2", begins=START + 3 * DAY, ends=START + 4 * DAY))

    assert len(daily(paid)) == 1

    assert cases(paid)[-1].facts["fault"] == "balance"
    assert cases(paid)[-1].amount_cents == 100
