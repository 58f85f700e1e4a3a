"""What the database itself refuses, and what would happen if it did not."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db.tx import Database, Tx
from core.escrow import ledger
from core.escrow.invariants import Finding, Invariant, check
from core.money import kes
from tests.core.escrow.tools import CODE, move, number, pay, post_raw, release, run_sql

LOPSIDED = [("float:daraja", 100), ("escrow:B3", -99)]
OPEN = "SET LOCAL nafasi.ledger = 'open'"


def findings(database: Database) -> list[Finding]:
    with database.transaction() as tx:
        return check(tx)


def broken(database: Database) -> set[Invariant]:
    return {finding.invariant for finding in findings(database)}


def test_a_lopsided_transfer_is_refused_when_it_commits(database: Database) -> None:
    def lopsided(tx: Tx) -> None:
        post_raw(tx, "lopsided", LOPSIDED)
        # Until here everything stands: the question is asked at the end.
        assert tx.db.execute(text("SELECT count(*) FROM ledger_postings")).scalar_one() == 2

    with pytest.raises(DBAPIError, match="is not balanced"):
        database.run(lopsided)

    assert number(database, "SELECT count(*) FROM ledger_postings") == 0


def test_without_the_constraint_a_lopsided_transfer_stands(database: Database) -> None:
    run_sql(database, "DROP TRIGGER ledger_transfers_balanced ON ledger_transfers")
    with database.transaction() as tx:
        transfer_id = post_raw(tx, "lopsided", LOPSIDED)

    assert findings(database)[0] == Finding(Invariant.BALANCED, str(transfer_id), 0, 1)
    assert Finding(Invariant.SUM_ZERO, "KES", 0, 1) in findings(database)


def test_a_transfer_without_legs_is_refused_when_it_commits(database: Database) -> None:
    with pytest.raises(DBAPIError, match="is not balanced"), database.transaction() as tx:
        post_raw(tx, "empty", [])


def test_a_leg_of_nothing_is_refused(database: Database) -> None:
    nothing = [("float:daraja", 0), ("escrow:B3", 0)]
    with pytest.raises(DBAPIError, match="_amount"), database.transaction() as tx:
        post_raw(tx, "nothing", nothing)


HISTORY = [
    "UPDATE ledger_postings SET amount_cents = 1",
    "DELETE FROM ledger_postings",
    "TRUNCATE ledger_postings",
    "UPDATE ledger_transfers SET kind = 'returned'",
    "DELETE FROM ledger_transfers",
    "TRUNCATE ledger_transfers, ledger_postings",
    "DELETE FROM ledger_accounts",
    "TRUNCATE ledger_accounts, ledger_postings",
    "DELETE FROM ledger_rolled",
    "TRUNCATE ledger_rolled",
]


@pytest.mark.parametrize("statement", HISTORY)
def test_what_is_posted_stays_even_for_the_ledgers_own_functions(
    database: Database, statement: str
) -> None:
    pay(database)

    with pytest.raises(DBAPIError, match="is refused"):
        run_sql(database, OPEN, statement)


AROUND = [
    "UPDATE ledger_accounts SET balance_cents = balance_cents - 100",
    "INSERT INTO ledger_accounts VALUES ('float:x', 'float', 'KES', true, 5, 1)",
    (
        "INSERT INTO ledger_transfers (id, idempotency_key, digest, kind, posted_at)"
        " SELECT gen_random_uuid(), 'new', digest, kind, posted_at FROM ledger_transfers"
    ),
    (
        "INSERT INTO ledger_postings (transfer_id, account, amount_cents)"
        " SELECT id, 'float:daraja', 100 FROM ledger_transfers"
    ),
    "UPDATE ledger_rolled SET rolled_id = rolled_id - 1",
]


@pytest.mark.parametrize("statement", AROUND)
def test_nobody_writes_past_the_ledgers_functions(database: Database, statement: str) -> None:
    pay(database)

    with pytest.raises(DBAPIError, match="is refused"):
        run_sql(database, statement)


def _history_is_rewritten(database: Database) -> None:
    run_sql(
        database,
        "DROP TRIGGER ledger_postings_append_only ON ledger_postings",
        "UPDATE ledger_postings SET amount_cents = amount_cents * 2",
    )


def _a_balance_is_written_by_hand(database: Database) -> None:
    run_sql(
        database,
        "DROP TRIGGER ledger_accounts_closed ON ledger_accounts",
        "UPDATE ledger_accounts SET balance_cents = balance_cents - 100 WHERE NOT deferred",
        "UPDATE ledger_accounts SET balance_cents = balance_cents + 100 WHERE deferred",
    )


def _a_late_leg_comes(database: Database) -> None:
    database.run(ledger.roll_up)
    _a_leg_joins_what_waits(database)


def _a_leg_joins_what_waits(database: Database) -> None:
    run_sql(
        database,
        "DROP TRIGGER ledger_postings_closed ON ledger_postings",
        "INSERT INTO ledger_postings (transfer_id, account, amount_cents)"
        " SELECT id, 'float:daraja', 100 FROM ledger_transfers",
    )


def _a_waiting_amount_is_forgotten(database: Database) -> None:
    run_sql(
        database,
        "DROP TRIGGER ledger_rolled_closed ON ledger_rolled",
        "UPDATE ledger_rolled SET rolled_id = 99, marked_id = 99",
    )


@pytest.mark.parametrize(
    ("harm", "names"),
    [
        (_history_is_rewritten, {"I2", "I3", "I4", "I6"}),
        (_a_balance_is_written_by_hand, {"I3", "I6"}),
        (_a_late_leg_comes, {"I1", "I2"}),
        (_a_leg_joins_what_waits, {"I1", "I2"}),
        (_a_waiting_amount_is_forgotten, {"I2", "I3", "I4"}),
    ],
)
def test_with_a_guard_gone_the_harm_is_done_and_the_checker_sees_it(
    database: Database, harm: Callable[[Database], None], names: set[str]
) -> None:
    pay(database)
    assert findings(database) == []

    harm(database)

    assert {invariant.value for invariant in broken(database)} == names


def test_without_the_check_escrow_can_be_overdrawn(database: Database) -> None:
    run_sql(
        database,
        "ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_not_overdrawn",
    )
    with database.transaction() as tx:
        ledger.post(tx, move("out:daraja:1", "escrow:B3", "float:daraja"))
        assert ledger.balance(tx, "escrow:B3") == kes(-100)

    assert Finding(Invariant.ESCROW, "escrow:B3", 0, -10_000) in findings(database)


def test_the_checker_sees_a_gap_in_a_chain(database: Database) -> None:
    pay(database, reference="SFF1")
    pay(database, reference="SFF2")
    run_sql(
        database,
        "DROP TRIGGER ledger_postings_append_only ON ledger_postings",
        "UPDATE ledger_postings SET entry_no = 3 WHERE entry_no = 2",
    )

    assert broken(database) == {Invariant.CHAIN}


def test_the_checker_sees_money_on_a_booking_that_was_released(database: Database) -> None:
    pay(database, reference="SFF1")
    release(database)
    pay(database, reference="SFF2")

    assert findings(database) == [Finding(Invariant.ESCROW, f"escrow:{CODE}", 0, 6_670_000)]


def test_the_checker_sees_escrow_moved_for_a_reason_that_is_none(database: Database) -> None:
    with database.transaction() as tx:
        post_raw(tx, "gift", [("expense:gifts", 100), ("escrow:B3", -100)], kind="gift")

    assert findings(database) == [Finding(Invariant.CAPTURED, "escrow:B3", 0, 100)]


@pytest.mark.parametrize(
    ("key", "legs"),
    [
        ("gift:1", [("float:daraja", 100), ("escrow:B3", -100)]),
        ("in:other:1", [("float:daraja", 100), ("escrow:B3", -100)]),
        ("in:daraja:1", [("expense:provider_fees", 100), ("float:daraja", -100)]),
    ],
)
def test_the_checker_sees_money_at_a_provider_that_moved_without_its_reference(
    database: Database, key: str, legs: list[tuple[str, int]]
) -> None:
    with database.transaction() as tx:
        transfer_id = post_raw(tx, key, legs)

    cents: Any = next(amount for account, amount in legs if account == "float:daraja")
    assert findings(database) == [Finding(Invariant.REFERENCE, str(transfer_id), 0, cents)]
