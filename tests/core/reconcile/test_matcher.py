"""R13: each of twelve planted faults is found, and none is invented over clean rows."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.limits import STATEMENT_LATE_SECONDS
from core.reconcile.matcher import Entry, FaultKind, Matcher
from core.reconcile.statement import Line, LineKind
from tests.conftest import START
from tests.core.reconcile.books import PAYBILL, SPOIL, clean, number, spoil

COUNT = 200


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.slow)], ids=str)
def test_clean_rows_have_no_faults(count: int) -> None:
    page = clean(count)

    outcome = page.match()

    assert outcome.faults == []
    assert len(outcome.matched) == count
    assert len(outcome.charges) == count // 10
    assert outcome.unexplained_cents == 0


def test_there_are_twelve_faults_and_each_can_be_planted() -> None:
    assert len(FaultKind) == 12
    assert set(SPOIL) == set(FaultKind)


@pytest.mark.parametrize("kind", FaultKind)
def test_each_fault_is_found_alone_and_by_its_name(kind: FaultKind) -> None:
    page = clean(COUNT)
    planted = spoil(page, kind)

    found = page.match().faults

    assert {(fault.kind, fault.number) for fault in found} == set(planted.items())


def test_all_twelve_at_once_are_found_and_nothing_else() -> None:
    page = clean(COUNT)
    planted = spoil(page, *FaultKind)

    found = page.match().faults

    assert sorted((fault.kind, fault.number) for fault in found) == sorted(planted.items())


@given(kinds=st.sets(st.sampled_from(list(FaultKind))), extra=st.integers(0, 40))
def test_whichever_are_planted_are_found(kinds: set[FaultKind], extra: int) -> None:
    page = clean(100 + extra)
    planted = spoil(page, *kinds)

    outcome = page.match()

    found = [(fault.kind, fault.number) for fault in outcome.faults]
    assert sorted(found) == sorted(planted.items())
    # Whatever was planted, what the balances moved is matched, charged or counted as unexplained.
    first, last = page.lines[0], page.lines[-1]
    assert first.balance_cents is not None
    assert last.balance_cents is not None
    moved = last.balance_cents - first.balance_cents + first.amount_cents
    confirmed = sum(line.amount_cents for _, line in outcome.matched)
    charged = sum(line.amount_cents for line in outcome.charges)
    assert moved == confirmed + charged + outcome.unexplained_cents


def test_the_newest_line_may_come_first() -> None:
    page = clean(COUNT)
    matcher: Matcher[int] = Matcher(PAYBILL, newest_first=True)
    for line in reversed(page.lines):
        matcher.see(line, page.ours.get(line.number))

    assert matcher.finish(page.ours.values()).faults == []


def test_a_line_cut_out_shows_in_the_balances_in_either_order() -> None:
    for newest_first in (False, True):
        page = clean(COUNT)
        gone = page.lines.pop(50)
        page.ours.pop(gone.number)
        matcher: Matcher[int] = Matcher(PAYBILL, newest_first=newest_first)
        for line in page.lines[:: -1 if newest_first else 1]:
            matcher.see(line, page.ours.get(line.number))

        outcome = matcher.finish([])

        assert [fault.kind for fault in outcome.faults] == [FaultKind.BALANCE]
        assert outcome.unexplained_cents == gone.amount_cents


def one(line: Line, entry: Entry[int]) -> list[FaultKind]:
    matcher: Matcher[int] = Matcher(PAYBILL)
    matcher.see(line, entry)
    return [fault.kind for fault in matcher.finish([]).faults]


@pytest.mark.parametrize(
    ("learned_after_seconds", "faults"),
    [
        (-601, [FaultKind.DATE]), (-600, []), (0, []),
        (STATEMENT_LATE_SECONDS, []), (STATEMENT_LATE_SECONDS + 1, [FaultKind.DATE]),
    ],
)  # fmt: skip
def test_a_callback_may_be_three_days_late_and_a_clock_ten_minutes_off(
    learned_after_seconds: int, faults: list[FaultKind]
) -> None:
    learned = START + timedelta(seconds=learned_after_seconds)

    found = one(Line(1, number(1), START, 100), Entry(1, number(1), PAYBILL, 100, learned))

    assert found == faults


def test_a_day_without_a_time_is_a_whole_day() -> None:
    midnight = START.replace(hour=0)
    entry = Entry(1, number(1), PAYBILL, 100, midnight + timedelta(hours=23))

    assert one(Line(1, number(1), midnight, 100, day_only=True), entry) == []


@pytest.mark.parametrize(
    ("cents", "found"),
    [(-1, []), (-10_000, []), (-10_001, [FaultKind.CHARGE]), (1, [FaultKind.CHARGE])],
)
def test_a_charge_has_a_tariff(cents: int, found: list[FaultKind]) -> None:
    entry = Entry(1, number(1), PAYBILL, -50_000, START)

    assert one(Line(1, number(1), START, cents, LineKind.CHARGE), entry) == found


def test_a_share_of_a_large_payment_may_be_kept_back() -> None:
    entry = Entry(1, number(1), PAYBILL, 6_670_000, START)

    assert one(Line(1, number(1), START, -193_430, LineKind.CHARGE), entry) == []


def test_a_payment_is_charged_once() -> None:
    page = clean(10)
    page.lines.append(page.lines[-1])

    found = page.balanced().match().faults

    assert [fault.kind for fault in found] == [FaultKind.CHARGE]


def test_own_money_moved_to_the_bank_is_told() -> None:
    page = clean(10)
    page.lines.append(Line(99, "SFFTOBANK1", START, -40_000, LineKind.OWN_FUNDS))

    (fault,) = page.balanced().match().faults

    assert (fault.kind, fault.number) == (FaultKind.MISSING_OURS, "SFFTOBANK1")
    assert fault.amount_cents == 40_000


def test_three_amounts_in_a_ring_are_no_swap() -> None:
    page = clean(10)
    amounts = [page.lines[i].amount_cents for i in range(3)]
    for i, cents in enumerate(itertools.islice(itertools.cycle(amounts), 1, 4)):
        page.lines[i] = replace(page.lines[i], amount_cents=cents)

    found = page.balanced().match().faults

    assert [fault.kind for fault in found] == [FaultKind.AMOUNT] * 3
