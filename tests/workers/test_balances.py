"""Asking providers what they hold, and what follows from their answers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.cases.model import Case
from core.clock import ManualClock
from core.limits import BALANCE_AGAIN_SECONDS
from core.money import Money, kes
from core.payouts.balances import BalanceReading
from core.payouts.halts import halts
from core.ports.money import Balance
from core.ports.providers import Callback, ProviderError
from tests.workers.callbacks import arrive
from tests.workers.conftest import Crew
from workers.balances import run_balances
from workers.inbox import run_inbox


def told(reading_id: UUID, shillings: int, code: int = 0) -> Callback:
    """The answer to a question, as the web keeps it."""
    text = f"Utility Account|KES|{shillings}.00|{shillings}.00|0.00|0.00"
    parameter = {"Key": "AccountBalance", "Value": text}
    result: Mapping[str, Any] = {
        "ResultCode": code,
        "ResultDesc": "said",
        "ResultParameters": {"ResultParameter": parameter},
    }
    payload = {"attempt_id": str(reading_id), "body": {"Result": result}}
    return Callback("daraja", "balance_result", str(reading_id), payload)


def reading(crew: Crew, reading_id: UUID) -> BalanceReading:
    return crew.database.run(lambda tx: tx.db.get_one(BalanceReading, reading_id))


def test_the_answer_is_a_callback_that_names_the_question(crew: Crew, clock: ManualClock) -> None:
    assert run_balances(crew.parts) == 1
    assert run_balances(crew.parts) == 0, "once a day"
    [(asked, account)] = crew.payouts.balances_asked
    assert account == "600124"

    arrive(crew.database, told(asked, 5_000_000), told(UUID(int=9), 1))
    run_inbox(crew.parts)

    kept = reading(crew, asked)
    assert (kept.available_cents, kept.gap_cents) == (kes(5_000_000).cents,) * 2
    clock.advance(days=1)
    run_balances(crew.parts)
    arrive(crew.database, told(crew.payouts.balances_asked[-1][0], 4_999_300))
    run_inbox(crew.parts)
    case = crew.database.run(lambda tx: tx.db.scalars(select(Case)).one())
    assert (case.subject, case.amount_cents) == ("float:daraja", 70_000)


def test_an_answer_at_once_needs_no_callback(crew: Crew) -> None:
    crew.payouts.balance = Balance("daraja", Money(100), Money(200))
    run_balances(crew.parts)
    [(asked, _)] = crew.payouts.balances_asked
    assert reading(crew, asked).held_cents == 200


def test_a_question_that_is_lost_is_asked_again(crew: Crew, clock: ManualClock) -> None:
    run_balances(crew.parts)
    [(asked, _)] = crew.payouts.balances_asked
    timeout = Callback("daraja", "balance_timeout", str(asked), {
        "attempt_id": str(asked), "body": {"Initiator": "payoutapi"},
    })  # fmt: skip
    arrive(crew.database, timeout)
    run_inbox(crew.parts)
    assert reading(crew, asked).code == "queue_timeout"

    clock.advance(seconds=BALANCE_AGAIN_SECONDS)
    assert run_balances(crew.parts) == 1


def test_refused_credentials_halt_payouts_before_one_is_tried(crew: Crew) -> None:
    run_balances(crew.parts)
    [(asked, _)] = crew.payouts.balances_asked
    arrive(crew.database, told(asked, 0, code=2001), told(UUID(int=9), 0, code=8006))
    run_inbox(crew.parts)

    [halted] = crew.database.run(halts)
    assert (halted.reason, halted.code) == ("credentials", "bad_credentials")
    assert reading(crew, asked).code == "bad_credentials"


def test_an_account_that_may_not_be_asked_halts_nothing_and_is_asked_tomorrow(
    crew: Crew, clock: ManualClock
) -> None:
    crew.payouts.accounts = ("600124", "600123")
    run_balances(crew.parts)
    [(paying, _), (collecting, _)] = crew.payouts.balances_asked
    arrive(crew.database, told(paying, 5_000), told(collecting, 0, code=21))
    run_inbox(crew.parts)

    assert crew.database.run(halts) == []
    clock.advance(seconds=BALANCE_AGAIN_SECONDS)
    assert run_balances(crew.parts) == 0
    clock.advance(days=1)
    assert run_balances(crew.parts) == 2


def test_a_provider_that_does_not_answer_halts_nothing(crew: Crew, clock: ManualClock) -> None:
    crew.payouts.balance_script.then(ProviderError("unavailable", retryable=True))
    assert run_balances(crew.parts) == 0
    assert crew.database.run(halts) == []
    clock.advance(seconds=BALANCE_AGAIN_SECONDS)
    assert run_balances(crew.parts) == 1
