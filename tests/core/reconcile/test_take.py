"""Taking in a statement: confirmed receipts, posted charges, cases; once, whole or not at all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text

from core.booking.cancel import cancel_by_vendor
from core.cases.model import Case, CaseKind, CaseState
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.escrow import accounts, ledger
from core.invariants.run import run_all
from core.money import kes
from core.payments import settle
from core.payments.attempts import accepted, begin
from core.payments.model import Attempt, Direction, Kind, Method, Receipt
from core.ports.money import TakeBackRequest
from core.ports.providers import Routes
from core.reconcile.daily import look_daily
from core.reconcile.matcher import FaultKind
from core.reconcile.model import StatementMatch, StatementRow
from core.reconcile.queries import account_views, open_items
from core.reconcile.statement import BadStatement, Line, LineKind, Reading, Statement
from core.reconcile.usecases import Accounts, Taken, take
from tests.conftest import START
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    make_held,
    make_instant_listing,
    make_paid,
    make_prompt,
    make_vendor,
    paid_event,
)

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


def _send_all(tx: Tx) -> None:
    """Let no message be late: that is another story."""
    tx.db.execute(text("UPDATE notices SET state = 'sent', leased_until = NULL"))


@pytest.fixture
def paid(database: Database, clock: ManualClock) -> Database:
    """Two bookings paid, four days ago."""
    with database.transaction() as tx:
        rooms = make_instant_listing(tx, make_vendor(tx), units=5)
        make_paid(tx, rooms, CUSTOMER, receipt=FIRST)
        make_paid(tx, rooms, OTHER_CUSTOMER, receipt=SECOND)
        _send_all(tx)
    clock.advance(days=4)
    return database


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


def test_a_clean_statement_confirms_every_receipt_and_opens_no_case(paid: Database) -> None:
    with paid.transaction() as tx:
        assert open_items(tx).in_cents == 2 * TOTAL_CENTS

    result = taken(paid, reading(CLEAN))

    assert (result.matched, result.faults, result.cases) == (2, [], [])
    with paid.transaction() as tx:
        assert open_items(tx).receipts == 0
        assert run_all(tx) == []
        (view, _) = account_views(tx, {"daraja": OURS})
        assert (view.closing_cents, view.expected_cents) == (2 * TOTAL_CENTS, 2 * TOTAL_CENTS)


def test_the_same_file_again_does_nothing(paid: Database) -> None:
    spoiled = [*CLEAN, line("SFF6XYQ3EF", 100, balance_cents=2 * TOTAL_CENTS + 100, place=3)]
    first = taken(paid, reading(spoiled))

    again = taken(paid, reading(spoiled))

    assert (first.again, again.again) == (False, True)
    assert (again.matched, again.differences) == (2, 1)
    assert again.cases == []
    assert (count(paid, StatementRow), count(paid, StatementMatch), count(paid, Case)) == (1, 2, 1)


def test_of_one_file_taken_in_by_two_at_once_one_is_kept(paid: Database) -> None:
    both = Barrier(2)

    def take_in(_who: int) -> bool:
        both.wait()
        return taken(paid, reading(CLEAN)).again

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take_in, range(2))) == [False, True]

    assert (count(paid, StatementRow), count(paid, StatementMatch)) == (1, 2)


def test_another_file_with_the_same_rows_opens_no_case_twice(paid: Database) -> None:
    stranger = line("SFF6XYQ3EF", 100, balance_cents=TOTAL_CENTS + 100, place=2)
    taken(paid, reading([CLEAN[0], stranger]))

    more = taken(paid, reading([CLEAN[0], stranger], digest="file-2"))

    assert (more.differences, more.cases) == (2, [])
    with paid.transaction() as tx:
        assert run_all(tx) == []


def test_a_dry_run_tells_and_keeps_nothing(paid: Database) -> None:
    before = cases(paid)

    result = taken(paid, reading(CLEAN[:1]), dry_run=True)

    assert [fault.kind for fault in result.faults] == [FaultKind.MISSING_THEIRS]
    assert (count(paid, StatementRow), count(paid, StatementMatch)) == (0, 0)
    assert cases(paid) == before
    assert taken(paid, reading(CLEAN[:1])).again is False


def test_each_difference_is_a_case_with_what_both_sides_say(paid: Database) -> None:
    short = line(FIRST, TOTAL_CENTS - 100)

    taken(paid, reading([short]))

    found = {case.facts["fault"]: case for case in cases(paid)}
    assert set(found) == {"amount", "missing_theirs"}
    amount = found["amount"]
    assert amount.kind is CaseKind.DIFFERENCE
    assert amount.amount_cents == 100
    assert (amount.facts["ours_cents"], amount.facts["theirs_cents"]) == (
        TOTAL_CENTS, TOTAL_CENTS - 100,
    )  # fmt: skip
    assert amount.facts["number"] == FIRST
    assert CUSTOMER not in str(amount.facts)


def test_a_receipt_that_comes_later_closes_its_case(paid: Database, clock: ManualClock) -> None:
    stranger = line("SFF6XYQ3EF", balance_cents=3 * TOTAL_CENTS, place=3)
    taken(paid, reading([*CLEAN, stranger]))

    with paid.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx, "+254700000013"))
        make_paid(tx, listing, "+254700000003", receipt="SFF6XYQ3EF")
    with paid.transaction() as tx:
        sweep(tx)

    (case,) = cases(paid)
    assert case.state is CaseState.CLOSED


def test_what_a_statement_showed_before_we_knew_of_it_is_not_missing_in_the_next(
    paid: Database, clock: ManualClock
) -> None:
    """Its line stands in the old month, our receipt in the new one."""
    stranger = line("SFF6XYQ3EF", balance_cents=3 * TOTAL_CENTS, place=3)
    taken(paid, reading([*CLEAN, stranger]))
    with paid.transaction() as tx:
        rooms = make_instant_listing(tx, make_vendor(tx, "+254700000013"), units=5)
        make_paid(tx, rooms, "+254700000003", receipt="SFF6XYQ3EF")
        make_paid(tx, rooms, "+254700000004", receipt="SFG7XYQ4GH")
    clock.advance(days=4)
    later = {"begins": START + 3 * DAY, "ends": START + 7 * DAY}

    result = taken(paid, reading([line("SFG7OTHER1", at=clock.now() - DAY)], "file-2", **later))

    missed = {f.number for f in result.faults if f.kind is FaultKind.MISSING_THEIRS}
    assert missed == {"SFG7XYQ4GH"}


def test_a_payment_shown_by_the_next_statement_closes_its_case(paid: Database) -> None:
    taken(paid, reading(CLEAN[:1]))
    assert [case.facts["fault"] for case in cases(paid)] == ["missing_theirs"]

    taken(paid, reading([CLEAN[1]], digest="file-2"))
    with paid.transaction() as tx:
        sweep(tx)

    assert [case.state for case in cases(paid)] == [CaseState.CLOSED]


def test_a_prompt_that_succeeded_without_a_number_is_named_by_the_statement(
    database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        booking = make_held(tx, make_instant_listing(tx, make_vendor(tx)))
        attempt = make_prompt(tx, booking)
        attempt.due_at = tx.now
        tx.db.flush()
        begin(tx, attempt.id)
        assert settle.apply(tx, paid_event(attempt, None)) is None
        _send_all(tx)
        code = booking.code
    clock.advance(days=4)

    result = taken(database, reading([line(FIRST, reference=code.lower())]))

    assert (result.matched, result.faults) == (1, [])
    with database.transaction() as tx:
        assert tx.db.scalars(select(Receipt.number)).all() == [FIRST]
        assert run_all(tx) == []


@pytest.mark.parametrize("told", ["SFR1GONE", None])
def test_a_payment_that_was_taken_back_stands_on_the_paybill_that_it_left(
    database: Database, clock: ManualClock, told: str | None
) -> None:
    """Also when only an answer to a question told of it, which names no receipt."""
    database.routes = replace(Routes(), taking_back=("daraja",))
    with database.transaction() as tx:
        booking = make_paid(tx, make_instant_listing(tx, make_vendor(tx)), receipt=FIRST)
    database.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))
    with database.transaction() as tx:
        back = tx.db.scalars(select(Attempt).where(Attempt.kind == Kind.RETURN)).one()
        assert isinstance(begin(tx, back.id), TakeBackRequest)
        assert settle.apply(tx, paid_event(back, told)) is None
        _send_all(tx)
    clock.advance(days=4)
    gone = line("SFR1GONE", -TOTAL_CENTS, kind=LineKind.REVERSAL, linked=FIRST, place=2)

    result = taken(database, reading([line(FIRST), gone]))

    assert (result.matched, result.faults) == (2, [])
    assert taken(database, reading([line("SFX1")], "file-2", account=PAYOUTS)).matched == 0
    with database.transaction() as tx:
        assert {case.facts["number"] for case in tx.db.scalars(select(Case))} == {"SFX1"}
        assert run_all(tx) == []


def test_a_charge_of_our_payment_is_posted_once(paid: Database) -> None:
    charge = line(SECOND, -1_300, kind=LineKind.CHARGE, place=3,
                  balance_cents=2 * TOTAL_CENTS - 1_300)  # fmt: skip

    result = taken(paid, reading([*CLEAN, charge]))
    taken(paid, reading([*CLEAN, charge], digest="file-2"))

    assert (result.charges, result.charges_cents, result.faults) == (1, 1_300, [])
    with paid.transaction() as tx:
        fees = ledger.balance(tx, accounts.PROVIDER_FEES)
        held = ledger.balance(tx, accounts.float_of("daraja"))
        assert (fees, held) == (kes(13), kes(133_400) - kes(13))
        assert run_all(tx) == []


def test_a_charge_with_another_amount_in_another_file_is_a_difference(paid: Database) -> None:
    def charged(cents: int) -> list[Line]:
        left = 2 * TOTAL_CENTS - cents
        charge = line(SECOND, -cents, kind=LineKind.CHARGE, place=3, balance_cents=left)
        return [*CLEAN, charge]

    taken(paid, reading(charged(1_300)))
    result = taken(paid, reading(charged(900), digest="file-2"))

    assert [fault.kind for fault in result.faults] == [FaultKind.CHARGE]
    with paid.transaction() as tx:
        assert ledger.balance(tx, accounts.PROVIDER_FEES) == kes(13)


FLUTTERWAVE: Accounts = {"settlement": {Direction.IN}, "transfers": {Direction.OUT}}
FEE = kes(20)


def export(account: str, lines: list[Line]) -> Reading:
    return reading(lines, digest=account, provider="flutterwave", account=account)


def _pay(tx: Tx, attempt: Attempt, number: str, **told: Any) -> None:
    attempt.provider, attempt.due_at = "flutterwave", tx.now
    tx.db.flush()
    begin(tx, attempt.id)
    accepted(tx, attempt.id, number)
    assert settle.apply(tx, paid_event(attempt, number, reference="4412001", **told)) is None


@pytest.mark.parametrize("method", list(Method))
def test_a_charge_that_came_with_its_payment_stands_where_the_payment_does(
    database: Database, clock: ManualClock, method: Method
) -> None:
    """And what went back to a card stands in no export at all."""
    with database.transaction() as tx:
        booking = make_held(tx, make_instant_listing(tx, make_vendor(tx)))
        came = make_prompt(tx, booking)
        _pay(tx, came, "FLW-1", fee=FEE)
        came.method = method
    database.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))
    with database.transaction() as tx:
        back = tx.db.scalars(select(Attempt).where(Attempt.kind == Kind.RETURN)).one()
        _pay(tx, back, "4412002", fee=None if method is Method.CARD else FEE)
        _send_all(tx)
    clock.advance(days=4)
    sent = [
        line("4412002", -TOTAL_CENTS, place=1),
        line("4412002", -FEE.cents, kind=LineKind.CHARGE, linked="4412002", place=2),
    ]
    stranger = line("4412009", -100, at=START - DAY, place=3)
    if method is Method.CARD:
        sent = []
    kept_back = line("FLW-1", -FEE.cents, kind=LineKind.CHARGE, place=2)

    def taken_in(given: Reading) -> Taken:
        return database.run(lambda tx: take(tx, given, FLUTTERWAVE))

    out = taken_in(export("transfers", [*sent, stranger]))
    assert [(fault.kind, fault.number) for fault in out.faults] == [
        (FaultKind.MISSING_OURS, "4412009")
    ]
    assert taken_in(export("settlement", [line("FLW-1"), kept_back])).faults == []

    clock.advance(days=40)
    look = partial(look_daily, ours={"flutterwave": FLUTTERWAVE})
    assert database.run(look) == [], "no month waits for its statement"


def test_in_a_trial_whose_clock_was_moved_receipts_may_be_so_much_later(paid: Database) -> None:
    early = [replace(each, at=START - 10 * DAY) for each in CLEAN]
    begins = START - 20 * DAY

    unmoved = taken(paid, reading(early, begins=begins), dry_run=True)
    moved = taken(paid, reading(early, begins=begins), ahead=7 * DAY)

    assert [fault.kind for fault in unmoved.faults] == [FaultKind.DATE] * 2
    assert moved.faults == []


def test_a_receipt_on_the_wrong_account_is_told(paid: Database) -> None:
    result = taken(paid, reading(CLEAN, account=PAYOUTS))

    assert {fault.kind for fault in result.faults} == {FaultKind.ACCOUNT}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line(FIRST)], "other_account"),
        ([line(f"SFFX{i:06d}", 100, place=i) for i in range(1, 1_102)], "too_many_differences"),
    ],
)
def test_the_wrong_file_leaves_nothing_behind(
    paid: Database, lines: list[Line], code: str
) -> None:
    account = "600999" if code == "other_account" else PAYBILL

    with pytest.raises(BadStatement) as refused:
        taken(paid, reading(lines, account=account))

    assert refused.value.code == code
    assert (count(paid, StatementRow), count(paid, StatementMatch), count(paid, Case)) == (0, 0, 0)


def test_a_file_that_breaks_off_between_two_looks_leaves_nothing_behind(paid: Database) -> None:
    class Breaking(Given):
        def lines(self) -> Iterator[Line]:
            yield from self.given
            raise BadStatement("changed")

    broken = replace(reading(CLEAN), source=Breaking(CLEAN))

    with pytest.raises(BadStatement):
        taken(paid, broken)

    assert (count(paid, StatementRow), count(paid, StatementMatch)) == (0, 0)


def test_a_period_that_is_not_over_misses_nothing_after_its_last_line(paid: Database) -> None:
    with paid.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx, "+254700000013"))
        make_paid(tx, listing, "+254700000003", receipt="SFF6XYQ3EF")

    result = taken(paid, reading(CLEAN, ends=START + 30 * DAY))

    assert result.faults == []
    assert result.matched == 2


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


def _plant(tx: Tx, rows: int) -> None:
    tx.db.execute(
        text(
            "INSERT INTO receipts (id, provider, number, direction, amount_cents, suspense, at)"
            " SELECT gen_random_uuid(), 'daraja', 'SFF' || lpad(i::text, 7, '0'), 'in',"
            " 10000 + i, false, CAST(:at AS timestamptz) FROM generate_series(1, :rows) AS i"
        ),
        {"rows": rows, "at": START},
    )


@pytest.mark.parametrize("rows", [5_000, pytest.param(100_000, marks=pytest.mark.slow)], ids=str)
def test_many_clean_rows_are_taken_in_without_a_difference(
    database: Database, clock: ManualClock, rows: int
) -> None:
    with database.transaction() as tx:
        _plant(tx, rows)
    clock.advance(days=4)
    lines = [line(f"SFF{i:07d}", 10_000 + i, place=i) for i in range(1, rows + 1)]

    result = taken(database, reading(lines))

    assert (result.matched, result.faults) == (rows, [])
    assert count(database, StatementMatch) == rows
    assert count(database, Attempt) == 0
