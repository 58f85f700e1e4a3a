"""What is looked at each day: months without a statement, balances that do not meet, the float."""

from datetime import datetime

import pytest
from sqlalchemy import text

from core.cases.model import CaseKind, CaseState
from core.cases.sweep import sweep
from core.cases.usecases import close
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.invariants.run import run_all
from core.money import kes
from core.payments import receipts
from core.payments.model import Direction
from core.reconcile.daily import look_daily
from core.reconcile.queries import account_views, open_items
from tests.conftest import START
from tests.core.reconcile.statements import (
    CLEAN,
    DAY,
    OURS,
    PAYBILL,
    PAYOUTS,
    TOTAL_CENTS,
    cases,
    line,
    reading,
    send_all,
    taken,
)
from tests.support.factories import make_instant_listing, make_paid, make_vendor

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


def test_a_month_that_a_person_has_explained_is_not_asked_for_again(
    paid: Database, clock: ManualClock
) -> None:
    clock.set(datetime.fromisoformat("2026-12-11T12:00:00+03:00"))
    (number,) = daily(paid)
    paid.run(lambda tx: close(tx, number, "M-Pesa has none: the account was opened in December."))

    clock.advance(days=1)

    assert daily(paid) == []


def test_a_statement_that_lacks_a_payment_has_come_all_the_same(
    paid: Database, clock: ManualClock
) -> None:
    """What it lacks is a difference, also when a person has put an end to that."""
    (number,) = taken(paid, reading(CLEAN[:1])).cases
    clock.set(datetime.fromisoformat("2026-12-11T12:00:00+03:00"))

    assert daily(paid) == []
    assert paid.run(open_items).receipts == 0
    paid.run(lambda tx: close(tx, number, "Their support has found it."))
    assert daily(paid) == []
    assert paid.run(open_items).receipts == 0


def test_a_payment_told_after_its_statement_makes_no_month_wait(
    paid: Database, clock: ManualClock
) -> None:
    """November shows it, we hear of it in December, whose statement has no such line."""
    late, told = "SFF6XYQ3EF", datetime.fromisoformat("2026-12-02T09:00:00+03:00")
    taken(paid, reading([*CLEAN, line(late, balance_cents=3 * TOTAL_CENTS, place=3)]))
    clock.set(told)
    with paid.transaction() as tx:
        rooms = make_instant_listing(tx, make_vendor(tx, "+254700000013"), units=5)
        make_paid(tx, rooms, "+254700000003", receipt=late)
        make_paid(tx, rooms, "+254700000004", receipt="SLB7XYQ4GH")
        send_all(tx)
    paid.run(sweep)
    (paybill, _) = paid.run(lambda tx: account_views(tx, {"daraja": OURS}))
    assert paybill.expected_cents == 4 * TOTAL_CENTS
    clock.set(datetime.fromisoformat("2027-01-11T12:00:00+03:00"))
    december = {"begins": told - DAY, "ends": told + 30 * DAY}
    shown = line("SLB7XYQ4GH", at=told, balance_cents=4 * TOTAL_CENTS)
    assert taken(paid, reading([shown], "file-2", **december)).faults == []

    assert daily(paid) == []

    assert paid.run(open_items).receipts == 0


def test_what_came_back_stands_in_the_account_that_it_had_left(
    paid: Database, clock: ManualClock
) -> None:
    taken(paid, reading(CLEAN))
    no_balance = {"account": PAYOUTS, "opening_cents": 0, "closing_cents": 0}
    taken(paid, reading([line("SFF6XYQ9ZZ", -100)], "file-2", **no_balance))

    def come_back(tx: Tx) -> None:
        back = {"account": receipts.CAME_BACK}
        receipts.keep(tx, "daraja", "SFF6XYQ8YY", Direction.IN, kes(400), **back)

    paid.run(come_back)
    found = {
        view.account: view for view in paid.run(lambda tx: account_views(tx, {"daraja": OURS}))
    }

    assert found[PAYBILL].moved_cents == 0
    assert found[PAYOUTS].moved_cents == kes(400).cents
    clock.set(datetime.fromisoformat("2026-12-11T12:00:00+03:00"))
    assert len(daily(paid)) == 1
    assert cases(paid)[-1].subject == f"daraja:{PAYOUTS}:2026-11"


def test_statements_that_meet_with_different_balances_are_a_difference(paid: Database) -> None:
    taken(paid, reading(CLEAN))
    later = line("SFF6XYQ3EF", 100, at=START + 3 * DAY, balance_cents=2 * TOTAL_CENTS + 200)
    taken(paid, reading([later], digest="file-2", begins=START + 3 * DAY, ends=START + 4 * DAY))

    assert len(daily(paid)) == 1

    assert cases(paid)[-1].facts["fault"] == "balance"
    assert cases(paid)[-1].amount_cents == 100
