"""Many at once on a real PostgreSQL."""

import threading
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from core.db.tx import Database, Tx
from core.errors import KeyReused
from core.escrow import ledger
from core.escrow.invariants import check
from core.money import kes
from tests.core.escrow.tools import move, number, rewrite, run_sql, together

# Every update of a balance takes a while, so that two transfers are sure to overlap.
SLOW_BALANCES = (
    (
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$"
    ),
    "CREATE TRIGGER dawdle AFTER UPDATE ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION dawdle()",
)


def post(database: Database, key: str, debit: str, credit: str, shillings: int = 100) -> UUID:
    with database.transaction() as tx:
        return ledger.post(tx, move(key, debit, credit, shillings))


def assert_sound(database: Database) -> None:
    with database.transaction() as tx:
        # The keys of these stories name no provider's reference.
        assert {finding.invariant.value for finding in check(tx)} <= {"I6", "I8"}


def test_sixteen_callers_with_one_key_move_money_once(database: Database) -> None:
    ids = together(16, lambda _: post(database, "same", "float:daraja", "escrow:A2"))

    assert set(ids) == {ids[0]}
    assert isinstance(ids[0], UUID)
    assert number(database, "SELECT count(*) FROM ledger_postings") == 2
    with database.transaction() as tx:
        assert ledger.balance(tx, "escrow:A2") == kes(100)
    assert_sound(database)


def test_without_the_unique_key_each_of_them_moves_money(database: Database) -> None:
    run_sql(
        database,
        "ALTER TABLE ledger_transfers DROP CONSTRAINT uq_ledger_transfers_idempotency_key",
    )
    rewrite(database, "ledger_post", "ON CONFLICT (idempotency_key) DO NOTHING", "")

    together(16, lambda _: post(database, "same", "float:daraja", "escrow:A2"))

    with database.transaction() as tx:
        assert ledger.balance(tx, "escrow:A2") == kes(1_600)


def test_sixteen_contents_under_one_key_leave_one(database: Database) -> None:
    results = together(
        16, lambda i: post(database, "same", "float:daraja", "escrow:A2", shillings=i + 1)
    )

    winners = [result for result in results if isinstance(result, UUID)]
    assert len(winners) == 1
    assert sum(isinstance(result, KeyReused) for result in results) == 15
    assert number(database, "SELECT count(*) FROM ledger_transfers") == 1


def test_a_caller_waits_for_the_first_and_posts_itself_when_that_one_fails(
    database: Database,
) -> None:
    """A key is taken by a commit, not by an attempt."""
    begun, leave = threading.Event(), threading.Event()

    def stumble(tx: Tx) -> None:
        ledger.post(tx, move("same", "float:daraja", "escrow:A2"))
        begun.set()
        leave.wait(10)
        raise RuntimeError("stumbled")

    def first() -> None:
        with pytest.raises(RuntimeError, match="stumbled"):
            database.run(stumble)

    def second() -> UUID:
        begun.wait(10)
        threading.Timer(0.2, leave.set).start()
        return post(database, "same", "float:daraja", "escrow:A2")

    failed, posted = together(2, lambda i: second() if i else first())

    assert failed is None
    assert isinstance(posted, UUID)
    assert number(database, "SELECT count(*) FROM ledger_transfers") == 1


def test_eight_threads_crosswise_do_not_wait_for_each_other_in_a_ring(
    database: Database,
) -> None:
    accounts = ["payable:1", "payable:2", "payable:3"]
    for account in accounts:
        post(database, f"fund:{account}", "float:daraja", account, shillings=10_000)

    def crosswise(thread: int) -> None:
        for turn in range(25):
            debit = accounts[(thread + turn) % 3]
            credit = accounts[(thread * 2 + turn + 1 + thread % 2) % 3]
            if debit != credit:
                post(database, f"{thread}:{turn}", debit, credit, shillings=1)

    assert together(8, crosswise) == [None] * 8
    with database.transaction() as tx:
        held = sum(ledger.balance(tx, account).shillings for account in accounts)
    assert held == 30_000
    assert_sound(database)


def crosswise_pair(database: Database) -> list[object]:
    for account in ("payable:1", "payable:2"):
        post(database, f"fund:{account}", "float:daraja", account)
    run_sql(database, *SLOW_BALANCES)
    ways = (("payable:1", "payable:2"), ("payable:2", "payable:1"))
    return together(2, lambda i: post(database, f"cross:{i}", *ways[i]))


def test_two_transfers_that_certainly_overlap_both_go_through(database: Database) -> None:
    assert all(isinstance(result, UUID) for result in crosswise_pair(database))


def test_without_the_order_of_locks_one_of_them_dies(database: Database) -> None:
    rewrite(database, "ledger_post", " ORDER BY path, amount", "")

    results = crosswise_pair(database)

    assert [getattr(getattr(r, "orig", None), "sqlstate", None) for r in results].count(
        "40P01"
    ) == 1


def test_a_roll_up_beside_postings_loses_nothing(database: Database) -> None:
    writers, turns = 6, 30
    done = [threading.Event() for _ in range(writers)]

    def write(thread: int) -> int:
        for turn in range(turns):
            post(database, f"{thread}:{turn}", "float:daraja", f"escrow:A{thread}", turn + 1)
        done[thread].set()
        return 0

    def roll_up_until_done() -> int:
        rolled = 0
        while not all(event.is_set() for event in done):
            with database.transaction() as tx:
                rolled += ledger.roll_up(tx, limit=7)
            with database.transaction() as tx:
                # At any moment, what the provider holds is what the bookings hold.
                lines = {line.account: line.balance for line in ledger.trial_balance(tx)}
            assert lines.get("float:daraja") == lines.get("escrow:*")
        return rolled

    results = together(writers + 2, lambda i: write(i) if i < writers else roll_up_until_done())
    with database.transaction() as tx:
        rest = ledger.roll_up(tx)

    assert all(isinstance(result, int) for result in results), results
    assert sum(results) + rest == 2 * writers * turns, "two legs each"
    assert number(
        database, "SELECT balance_cents FROM ledger_accounts WHERE path = 'float:daraja'"
    ) == 6 * 100 * sum(range(1, 31))
    assert_sound(database)


def roll_up(database: Database) -> int:
    with database.transaction() as tx:
        return ledger.roll_up(tx)


def a_late_one_overtakes(database: Database) -> list[int]:
    """An earlier number commits after a later one; what roll-ups made of it meanwhile."""
    with database.transaction() as early:
        ledger.post(early, move("early", "float:daraja", "escrow:A2"))
        post(database, "late", "float:daraja", "escrow:A3")
        return [roll_up(database) for _ in range(3)]


def test_a_posting_that_commits_behind_a_later_one_is_not_lost(database: Database) -> None:
    """Numbers commit out of order: whoever goes by the highest one would lose the late one."""
    post(database, "before", "float:daraja", "escrow:A1")

    assert a_late_one_overtakes(database) == [0, 0, 0]

    with database.transaction() as tx:
        assert ledger.balance(tx, "float:daraja") == kes(300)
    assert roll_up(database) == 6
    with database.transaction() as tx:
        assert ledger.balance(tx, "float:daraja") == kes(300)
    assert_sound(database)


def test_without_asking_who_still_writes_it_is_lost(database: Database) -> None:
    rewrite(database, "ledger_roll_up", "NOT now_writing && mark.writing", "true")
    post(database, "before", "float:daraja", "escrow:A1")

    assert a_late_one_overtakes(database) == [0, 6, 0]

    with database.transaction() as tx:
        assert ledger.balance(tx, "float:daraja") == kes(200)
        assert "I3" in {finding.invariant.value for finding in check(tx)}


def test_a_roll_up_goes_on_however_busy_it_is(database: Database) -> None:
    """Somebody is posting at any moment; who was at the mark has ended by the next."""
    post(database, "before", "float:daraja", "escrow:A0")
    assert roll_up(database) == 2

    with database.transaction() as second:
        with database.transaction() as first:
            ledger.post(first, move("first", "float:daraja", "escrow:A1"))
            assert roll_up(database) == 0
            ledger.post(second, move("second", "float:daraja", "escrow:A2"))
        assert roll_up(database) == 2, "the first one's legs; the second is still at it"

    assert_sound(database)


def test_a_roll_up_that_could_not_see_what_commits_meanwhile_is_refused(
    database: Database,
) -> None:
    frozen = database.engine.execution_options(isolation_level="REPEATABLE READ")

    with frozen.connect() as connection, pytest.raises(DBAPIError, match="has to see"):
        connection.exec_driver_sql("SELECT ledger_roll_up(10)")


def test_a_roll_up_does_not_wait_for_another(
    database: Database,
) -> None:
    post(database, "p:1", "float:daraja", "escrow:A1")
    post(database, "p:2", "float:daraja", "escrow:A2")

    with database.transaction() as one:
        assert ledger.roll_up(one) == 4
        with database.transaction() as two:
            assert ledger.roll_up(two) == 0

    with database.transaction() as tx:
        assert ledger.balance(tx, "float:daraja") == kes(200)


def test_without_skipping_a_roll_up_waits_until_it_may_not(database: Database) -> None:
    post(database, "p:1", "float:daraja", "escrow:A1")
    rewrite(database, "ledger_roll_up", "SKIP LOCKED", "NOWAIT")

    with database.transaction() as one:
        assert ledger.roll_up(one) == 2
        with (
            pytest.raises(DBAPIError, match="could not obtain lock"),
            database.transaction() as two,
        ):
            ledger.roll_up(two)
