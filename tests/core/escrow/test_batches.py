"""Many transfers in one call: the same as one by one, all or none."""

from uuid import UUID

import pytest

from core.db.tx import Database
from core.errors import KeyReused, Unposted
from core.escrow import ledger, postings
from core.escrow.invariants import check
from core.escrow.transfer import Transfer
from core.money import kes
from tests.core.escrow.tools import PRICE, VENDOR, move, number, rewrite, together


def post_all(database: Database, transfers: list[Transfer]) -> list[UUID]:
    with database.transaction() as tx:
        return ledger.post_all(tx, transfers)


def releases(count: int, vendors: int = 3) -> list[Transfer]:
    """Paid and released bookings, so that accounts have several legs in one call."""
    made: list[Transfer] = []
    for n in range(count):
        code, booking = f"B{n}", UUID(int=n + 1)
        made += [
            postings.paid(code, "daraja", PRICE.total, reference=f"S{n}", booking_id=booking),
            postings.released(code, VENDOR + n % vendors, PRICE, booking_id=booking),
        ]
    return made


def books(database: Database) -> list[tuple[str, int, int]]:
    with database.transaction() as tx:
        ledger.roll_up(tx)
        rows = tx.db.connection().exec_driver_sql(
            "SELECT path, balance_cents, entries FROM ledger_accounts ORDER BY path"
        )
        return [tuple(row) for row in rows]


def test_many_at_once_are_the_same_as_one_by_one(database: Database) -> None:
    wanted = releases(20)
    ids = post_all(database, wanted)
    together_ = books(database)
    with database.transaction() as tx:
        assert check(tx) == []
        again = [ledger.post(tx, transfer) for transfer in wanted]

    assert again == ids, "one by one afterwards moves nothing again"
    assert books(database) == together_
    with database.transaction() as tx:
        assert ledger.balance(tx, f"payable:{VENDOR}") == PRICE.vendor_net * 7


def test_what_was_posted_before_is_not_posted_again(database: Database) -> None:
    wanted = releases(3)
    first = post_all(database, wanted[:4])

    ids = post_all(database, [*wanted, wanted[0]])

    assert ids[:4] == first
    assert ids[-1] == first[0]
    assert number(database, "SELECT count(*) FROM ledger_transfers") == 6
    with database.transaction() as tx:
        assert check(tx) == []


def test_nothing_moves_for_nothing(database: Database) -> None:
    assert post_all(database, []) == []


def refused(database: Database, transfers: list[Transfer]) -> str:
    with pytest.raises((Unposted, KeyReused)) as error:
        post_all(database, transfers)
    assert number(database, "SELECT count(*) FROM ledger_transfers") <= 1, "all or none"
    return str(error.value.data.get("reason", error.value.code))


def test_one_that_cannot_be_keeps_all_the_others_back(database: Database) -> None:
    good = move("good", "float:daraja", "escrow:A2")
    over = move("over", "escrow:A2", "float:daraja", 101)
    assert refused(database, [good, over]) == "overdrawn"
    # It would come back within the call, but it was below on the way.
    assert refused(database, [move("back", "escrow:A2", "float:daraja"), good]) == "overdrawn"
    other = move("good", "float:daraja", "escrow:A2", 99)
    assert refused(database, [good, other]) == "key_reused"
    post_all(database, [good])
    assert refused(database, [move("new", "float:daraja", "escrow:A3"), other]) == "key_reused"
    many = [move(f"m{n}", "float:daraja", "escrow:A2") for n in range(ledger.BATCH_MAX + 1)]
    assert refused(database, many) == "too_many"


def test_without_the_look_at_each_step_a_balance_was_below_nothing(database: Database) -> None:
    rewrite(database, "ledger_post_all", "IF known > 0 THEN", "IF false THEN")
    post_all(
        database,
        [
            move("back", "escrow:A2", "float:daraja"),
            move("good", "float:daraja", "escrow:A2"),
        ],
    )
    assert number(database, "SELECT max(balance_after_cents) FROM ledger_postings") == 10_000


def test_batches_in_opposite_orders_do_not_wait_for_each_other(database: Database) -> None:
    paths = [f"escrow:A{n}" for n in range(20)]

    def work(i: int) -> list[UUID]:
        ordered = paths if i % 2 else paths[::-1]
        batch = [move(f"{i}:{path}", "float:daraja", path, 1) for path in ordered]
        return post_all(database, batch)

    results = together(4, work)

    assert all(isinstance(result, list) for result in results), results
    with database.transaction() as tx:
        assert ledger.balance(tx, "escrow:A7") == kes(4)
        assert {each.invariant.value for each in check(tx)} <= {"I6", "I8"}
