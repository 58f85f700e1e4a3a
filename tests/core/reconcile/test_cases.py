"""Each difference is a case: with what both sides say, once, until it is explained."""

from core.cases.model import CaseKind, CaseState
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database
from core.invariants.run import run_all
from core.reconcile.matcher import FaultKind
from tests.conftest import START
from tests.core.reconcile.statements import (
    CLEAN,
    DAY,
    FIRST,
    PAYOUTS,
    SECOND,
    TOTAL_CENTS,
    cases,
    line,
    reading,
    taken,
)
from tests.support.factories import CUSTOMER, make_instant_listing, make_paid, make_vendor


def told_of_later(database: Database) -> None:
    """The payment that only the statement had reaches us, and somebody looks at the cases."""
    with database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx, "+254700000013"))
        make_paid(tx, listing, "+254700000003", receipt="SFF6XYQ3EF")
    database.run(sweep)


def test_another_file_with_the_same_rows_opens_no_case_twice(paid: Database) -> None:
    stranger = line("SFF6XYQ3EF", 100, balance_cents=TOTAL_CENTS + 100, place=2)
    taken(paid, reading([CLEAN[0], stranger]))

    more = taken(paid, reading([CLEAN[0], stranger], digest="file-2"))

    assert (more.differences, more.cases) == (2, [])
    with paid.transaction() as tx:
        assert run_all(tx) == []


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

    told_of_later(paid)

    (case,) = cases(paid)
    assert case.state is CaseState.CLOSED


def test_one_that_comes_later_with_another_amount_closes_nothing(paid: Database) -> None:
    stranger = line("SFF6XYQ3EF", TOTAL_CENTS + 100, balance_cents=3 * TOTAL_CENTS + 100, place=3)
    taken(paid, reading([*CLEAN, stranger]))
    told_of_later(paid)

    (case,) = cases(paid)
    assert case.state is CaseState.OPEN


def test_what_a_clock_that_is_off_hides_at_the_end_the_next_statement_looks_for(
    paid: Database, clock: ManualClock
) -> None:
    """A payment of the last minutes that neither of two statements shows."""
    meeting = {"begins": START - DAY, "ends": START + DAY / 24 / 60}
    assert taken(paid, reading(CLEAN[:1], **meeting)).faults == []
    after = {"begins": meeting["ends"], "ends": START + 3 * DAY}

    result = taken(paid, reading([line("SFG7OTHER1", at=START + DAY)], "file-2", **after))

    assert {(f.kind, f.number) for f in result.faults} == {
        (FaultKind.MISSING_OURS, "SFG7OTHER1"),
        (FaultKind.MISSING_THEIRS, SECOND),
    }


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


def test_a_receipt_on_the_wrong_account_is_told(paid: Database) -> None:
    result = taken(paid, reading(CLEAN, account=PAYOUTS))

    assert {fault.kind for fault in result.faults} == {FaultKind.ACCOUNT}
