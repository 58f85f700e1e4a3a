"""Taking in a statement: confirmed receipts; once, whole or not at all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import select, text

from core.booking.cancel import cancel_by_vendor
from core.cases.model import Case
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.invariants.run import run_all
from core.payments import settle
from core.payments.attempts import begin
from core.payments.model import Attempt, Kind, Receipt
from core.ports.money import TakeBackRequest
from core.ports.providers import Routes
from core.reconcile.matcher import FaultKind
from core.reconcile.model import StatementMatch, StatementRow
from core.reconcile.queries import account_views, open_items
from core.reconcile.statement import BadStatement, Line, LineKind
from tests.conftest import START
from tests.core.reconcile.statements import (
    CLEAN,
    DAY,
    FIRST,
    OURS,
    PAYBILL,
    PAYOUTS,
    TOTAL_CENTS,
    Given,
    cases,
    count,
    line,
    reading,
    send_all,
    taken,
)
from tests.support.factories import (
    make_held,
    make_instant_listing,
    make_paid,
    make_prompt,
    make_vendor,
    paid_event,
)


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


def test_a_dry_run_tells_and_keeps_nothing(paid: Database) -> None:
    before = cases(paid)

    result = taken(paid, reading(CLEAN[:1]), dry_run=True)

    assert [fault.kind for fault in result.faults] == [FaultKind.MISSING_THEIRS]
    assert (count(paid, StatementRow), count(paid, StatementMatch)) == (0, 0)
    assert cases(paid) == before
    assert taken(paid, reading(CLEAN[:1])).again is False


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
        send_all(tx)
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
        send_all(tx)
    clock.advance(days=4)
    gone = line("SFR1GONE", -TOTAL_CENTS, kind=LineKind.REVERSAL, linked=FIRST, place=2)

    result = taken(database, reading([line(FIRST), gone]))

    assert (result.matched, result.faults) == (2, [])
    assert taken(database, reading([line("SFX1")], "file-2", account=PAYOUTS)).matched == 0
    with database.transaction() as tx:
        assert {case.facts["number"] for case in tx.db.scalars(select(Case))} == {"SFX1"}
        assert run_all(tx) == []


def test_in_a_trial_whose_clock_was_moved_receipts_may_be_so_much_later(paid: Database) -> None:
    early = [replace(each, at=START - 10 * DAY) for each in CLEAN]
    begins = START - 20 * DAY

    unmoved = taken(paid, reading(early, begins=begins), dry_run=True)
    moved = taken(paid, reading(early, begins=begins), ahead=7 * DAY)

    assert [fault.kind for fault in unmoved.faults] == [FaultKind.DATE] * 2
    assert moved.faults == []


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
    assert cases(database) == []
