"""Money on the real ledger, from payment to payout."""

from uuid import UUID

import pytest
from sqlalchemy import select

from core.db.tx import Database
from core.errors import KeyReused, Unposted
from core.escrow import ledger, postings
from core.escrow.accounts import LIMITED, AccountKind
from core.escrow.invariants import check
from core.escrow.ledger import TrialLine
from core.escrow.model import Account
from core.escrow.transfer import Leg, Transfer, TransferKind
from core.money import Money, kes
from tests.core.escrow.tools import (
    BOOKING,
    CODE,
    PRICE,
    VENDOR,
    move,
    number,
    pay,
    post_raw,
    release,
)


def test_the_worked_example_from_payment_to_payout(database: Database) -> None:
    pay(database)
    with database.transaction() as tx:
        assert ledger.balance(tx, "escrow:K7P4Q") == kes(66_700)
        assert ledger.balance(tx, "float:daraja") == kes(66_700)

    release(database)
    with database.transaction() as tx:
        assert ledger.balance(tx, "escrow:K7P4Q") == kes(0)
        assert ledger.balance(tx, "payable:12") == kes(40_000)
        ledger.post(tx, postings.paid_out(VENDOR, "daraja", kes(40_000), reference="b2c-1"))
        ledger.roll_up(tx)

    with database.transaction() as tx:
        assert ledger.trial_balance(tx) == [
            TrialLine("escrow:*", AccountKind.ESCROW, kes(0)),
            TrialLine("float:daraja", AccountKind.FLOAT, kes(26_700)),
            TrialLine("payable:*", AccountKind.PAYABLE, kes(0)),
            TrialLine("revenue:commission", AccountKind.REVENUE, kes(7_500)),
            TrialLine("revenue:service_fee", AccountKind.REVENUE, kes(7_500)),
            TrialLine("tax:vat", AccountKind.TAX, kes(9_200)),
            TrialLine("tax:withholding", AccountKind.TAX, kes(2_500)),
        ]
        assert check(tx) == []


def test_money_that_fits_nothing_waits_apart_and_is_matched_or_sent_back(
    database: Database,
) -> None:
    with database.transaction() as tx:
        ledger.post(tx, postings.suspended("daraja", kes(500), "SFF1"))
        ledger.post(tx, postings.suspended("daraja", kes(900), "SFF2"))
        assert ledger.balance(tx, "suspense:daraja") == kes(1_400)
        ledger.post(
            tx,
            postings.matched(CODE, "daraja", kes(500), reference="SFF1", booking_id=BOOKING),
        )
        ledger.post(tx, postings.sent_back("daraja", kes(900), reference="b2c-9"))

    with database.transaction() as tx:
        assert ledger.balance(tx, "suspense:daraja") == kes(0)
        assert ledger.balance(tx, "float:daraja") == kes(500)
        ledger.post(
            tx,
            postings.returned(CODE, "daraja", kes(500), reference="b2c-10", booking_id=BOOKING),
        )

    with database.transaction() as tx:
        assert ledger.balance(tx, "escrow:K7P4Q") == kes(0)
        assert check(tx) == []


def test_the_same_payment_again_moves_nothing(database: Database) -> None:
    first = pay(database)
    database.clock.advance(hours=72)  # type: ignore[attr-defined]

    assert pay(database) == first
    assert number(database, "SELECT count(*) FROM ledger_postings") == 2


def test_a_receipt_that_went_into_escrow_is_not_taken_again_for_something_else(
    database: Database,
) -> None:
    pay(database, reference="SFF6")

    with pytest.raises(KeyReused) as refused, database.transaction() as tx:
        ledger.post(tx, postings.suspended("daraja", PRICE.total, "SFF6"))
    assert refused.value.data == {"key": "in:daraja:SFF6"}
    assert number(database, "SELECT count(*) FROM ledger_transfers") == 1


@pytest.mark.parametrize("account", ["escrow:K7P4Q", "payable:12"])
def test_nobody_gets_more_than_he_is_owed(database: Database, account: str) -> None:
    with database.transaction() as tx:
        ledger.post(tx, move("in", "float:daraja", account, shillings=100))

    with pytest.raises(Unposted) as refused, database.transaction() as tx:
        ledger.post(tx, move("out", account, "float:daraja", shillings=101))

    assert refused.value.data == {"reason": "overdrawn", "key": "out"}
    with database.transaction() as tx:
        assert ledger.balance(tx, account) == kes(100)
        assert ledger.balance(tx, "float:daraja") == kes(100)


def test_credits_count_before_debits_of_the_same_account(database: Database) -> None:
    """Two legs on one account are judged by what they come to together."""
    amount = kes(10)
    legs = (
        Leg("escrow:A2", amount),
        Leg("escrow:A2", -amount * 2),
        Leg("float:daraja", amount),
    )
    with database.transaction() as tx:
        ledger.post(tx, Transfer("both", TransferKind.PAID, legs))

    with database.transaction() as tx:
        assert ledger.balance(tx, "escrow:A2") == kes(10)
        entries = ledger.statement(tx, "escrow:A2")
    assert [entry.amount.shillings for entry in entries] == [-10, 20]
    assert [entry.balance_after for entry in entries] == [kes(10), kes(20)]


def test_a_statement_is_newest_first_and_bounded(database: Database) -> None:
    ids = [pay(database, reference=f"SFF{part}") for part in range(3)]

    with database.transaction() as tx:
        escrow = ledger.statement(tx, "escrow:K7P4Q", limit=2)
        shared = ledger.statement(tx, "float:daraja")
        assert ledger.statement(tx, "escrow:NONE2") == []
        moment = tx.now
    assert [entry.transfer_id for entry in escrow] == ids[:0:-1]
    assert [entry.balance_after for entry in escrow] == [PRICE.total * 3, PRICE.total * 2]
    assert [entry.transfer_id for entry in shared] == ids[::-1]
    assert {entry.balance_after for entry in shared} == {None}
    assert (escrow[0].key, escrow[0].kind) == ("in:daraja:SFF2", "paid")
    assert (escrow[0].booking_id, escrow[0].posted_at) == (BOOKING, moment)


def test_an_account_that_never_moved_holds_nothing(database: Database) -> None:
    with database.transaction() as tx:
        assert ledger.balance(tx, "escrow:NONE2") == Money(0)
        with pytest.raises(ValueError, match="gold"):
            ledger.balance(tx, "gold:1")


def test_an_account_keeps_its_currency(database: Database) -> None:
    pay(database)
    dollars = Money(100, "USD")
    legs = (Leg("float:daraja", dollars), Leg("escrow:B3", -dollars))

    with pytest.raises(Unposted, match="other_currency"), database.transaction() as tx:
        ledger.post(tx, Transfer("usd", TransferKind.PAID, legs))


def test_two_currencies_do_not_make_up_for_each_other(database: Database) -> None:
    unbalanced = [("float:daraja", 100), ("escrow:B3", -100)]
    with pytest.raises(Exception, match="is not balanced"), database.transaction() as tx:
        post_raw(tx, "mixed", unbalanced, currencies=["KES", "USD"])
    assert number(database, "SELECT count(*) FROM ledger_transfers") == 0


def test_an_account_path_is_short_and_plain(database: Database) -> None:
    with pytest.raises(Unposted, match="invalid"), database.transaction() as tx:
        ledger.post(tx, move("odd", "float:da raja", "escrow:B3"))


def test_the_roll_up_is_bounded_and_changes_no_balance(database: Database) -> None:
    for part in range(5):
        pay(database, reference=f"SFF{part}")

    with database.transaction() as tx:
        # Two legs each.
        assert ledger.roll_up(tx, limit=3) == 3
        assert ledger.balance(tx, "float:daraja") == PRICE.total * 5
        assert [ledger.roll_up(tx, limit=3) for _ in range(4)] == [3, 3, 1, 0]
        stored = tx.db.get_one(Account, "float:daraja")
        assert (stored.balance_cents, stored.entries) == (PRICE.total.cents * 5, 5)
        assert check(tx) == []


def test_the_database_and_the_chart_of_accounts_agree(database: Database) -> None:
    """Every kind can be posted to; the limited ones are written at once, the others deferred."""
    with database.transaction() as tx:
        for kind in AccountKind:
            ledger.post(tx, move(f"to:{kind}", "float:source", f"{kind}:x"))

    with database.transaction() as tx:
        rows = tx.db.execute(select(Account.kind, Account.deferred))
        found = {row.kind: row.deferred for row in rows}
    assert found == {kind: kind not in LIMITED for kind in AccountKind}


def test_a_booking_finds_its_transfers(database: Database) -> None:
    pay(database)
    release(database)

    query = f"SELECT count(*) FROM ledger_transfers WHERE booking_id = '{UUID(int=7)}'"
    assert number(database, query) == 2
