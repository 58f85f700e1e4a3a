"""The simulated portal's statement holds what moved, and our adapter reads it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.daraja.statement import read_statement
from channels.table import month
from core.clock import ManualClock
from core.reconcile.statement import Line, LineKind
from tests.channels.simulator.conftest import BEGIN
from tests.channels.simulator.rig import PHONE, Simulator
from tests.support.serving import eventually


def export(simulator: Simulator, path: Path, **query: str) -> Path:
    answer = simulator.http.get(f"{simulator.base}/simulator/api/statement.csv", params=query)
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return path


def lines(path: Path, account: str) -> list[Line]:
    reading = read_statement(path, account=account, wanted=month("2026-01"))
    return list(reading.source.lines())


def test_payments_by_prompt_and_by_hand_stand_in_it(
    simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    simulator.push()
    simulator.settle("paid")
    clock.advance(hours=1)
    simulator.control("/paybill", {"phone": PHONE, "account": "K7P4R", "amount": 300})

    path = export(simulator, tmp_path / "in.csv", month="2026-01")
    by_hand, by_prompt = lines(path, "600123")

    assert (by_prompt.amount_cents, by_prompt.reference) == (150_000, "K7P4Q")
    assert (by_hand.amount_cents, by_hand.reference) == (30_000, "K7P4R")
    assert by_hand.balance_cents == 180_000
    assert PHONE not in path.read_text()


def test_payouts_stand_in_the_other_accounts_with_their_charges(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.payout()
    before = simulator.balance_cents()
    eventually(lambda: simulator.balance_cents() > before or simulator.ours.at("/b2c/result"))

    path = export(simulator, tmp_path / "out.csv", month="2026-01", shortcode="600124")
    charge, paid = lines(path, "600124")

    assert (paid.amount_cents, charge.amount_cents) == (-135_000, -500)
    assert paid.number == charge.number
    assert charge.kind is LineKind.CHARGE


def test_what_moved_in_another_month_is_in_the_opening_balance(
    simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    simulator.control("/paybill", {"phone": PHONE, "account": "K7P4R", "amount": 300})
    clock.set(datetime(2026, 2, 2, 9, tzinfo=UTC))
    simulator.control("/paybill", {"phone": PHONE, "account": "K7P4R", "amount": 200})

    path = export(simulator, tmp_path / "in.csv", month="2026-02")
    statement = read_statement(path).statement

    assert (statement.opening_cents, statement.closing_cents) == (30_000, 50_000)


def test_it_covers_what_the_simulator_has_seen_and_no_more(
    simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    simulator.control("/paybill", {"phone": PHONE, "account": "K7P4R", "amount": 300})
    clock.advance(hours=2)

    statement = read_statement(export(simulator, tmp_path / "in.csv", month="2026-01")).statement

    assert (statement.begins, statement.ends) == (BEGIN, clock.now() + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("query", "status"),
    [({"month": "2026-13"}, 400), ({}, 400), ({"month": "2026-01", "shortcode": "1"}, 404)],
)
def test_a_senseless_question_is_refused(
    simulator: Simulator, query: dict[str, str], status: int
) -> None:
    answer = simulator.http.get(f"{simulator.base}/simulator/api/statement.csv", params=query)

    assert answer.status_code == status
