"""Money by hand and by prompt for one booking: told apart, and never counted twice."""

from uuid import UUID

from core.booking.lifecycle import State
from core.clock import ManualClock
from core.escrow import accounts
from core.invariants.run import run_all
from core.money import kes
from core.payments.lifecycle import AttemptState
from core.ports.money import MoneyEvent, Outcome
from tests.workers import callbacks
from tests.workers.callbacks import RECEIPT, arrive
from tests.workers.conftest import Crew
from tests.workers.stories import attempt, balance, booking_of, send
from workers.attempts import run_attempts
from workers.inbox import run_inbox


def test_nobody_is_prompted_for_a_booking_that_was_paid_by_hand(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    code = booking_of(crew.database, prompt).code
    arrive(crew.database, callbacks.paybill(code, 66_700))
    run_inbox(crew.parts)
    send(crew, clock)

    assert crew.collections.pushed == []
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


def test_money_by_hand_and_by_prompt_for_one_booking_is_not_mistaken_for_one_payment(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    code = booking_of(crew.database, prompt).code
    arrive(crew.database, callbacks.paybill(code, 66_700, receipt="SFF6BYHAND"))
    arrive(crew.database, callbacks.stk(prompt, receipt=RECEIPT))
    run_inbox(crew.parts)
    run_attempts(crew.parts)

    (back,) = crew.payouts.calls
    assert back.amount == kes(66_700)
    assert balance(crew.database, accounts.escrow(code)) == kes(66_700)


def test_one_payment_that_two_channels_tell_of_is_one_payment(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    """A prompt on a registered paybill is confirmed there too, with the same receipt."""
    send(crew, clock)
    code = booking_of(crew.database, prompt).code
    arrive(crew.database, callbacks.paybill(code, 66_700, receipt=RECEIPT))
    arrive(crew.database, callbacks.stk(prompt, receipt=RECEIPT))
    run_inbox(crew.parts)
    run_attempts(crew.parts)

    assert crew.payouts.calls == []
    assert balance(crew.database, accounts.float_of("daraja")) == kes(66_700)


def test_one_payment_told_of_by_the_paybill_and_by_asking_is_one_payment(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    """The prompt's own callback is lost; the question brings success without a receipt."""
    send(crew, clock)
    code = booking_of(crew.database, prompt).code
    arrive(crew.database, callbacks.paybill(code, 66_700, receipt=RECEIPT))
    run_inbox(crew.parts)
    crew.collections.answers[prompt] = MoneyEvent(
        "daraja", Outcome.SUCCEEDED, prompt, f"ws_CO_{prompt}"
    )
    clock.advance(seconds=30)
    run_attempts(crew.parts)
    run_attempts(crew.parts)

    assert attempt(crew.database, prompt).state is AttemptState.SUCCEEDED
    assert crew.payouts.calls == []
    assert balance(crew.database, accounts.float_of("daraja")) == kes(66_700)
    with crew.database.transaction() as tx:
        assert run_all(tx) == []


def test_a_second_payment_is_seen_when_its_own_receipt_comes(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    """Paid by hand and by prompt; the question came between, and could not tell them apart."""
    send(crew, clock)
    code = booking_of(crew.database, prompt).code
    arrive(crew.database, callbacks.paybill(code, 66_700, receipt="SFF6BYHAND"))
    run_inbox(crew.parts)
    crew.collections.answers[prompt] = MoneyEvent(
        "daraja", Outcome.SUCCEEDED, prompt, f"ws_CO_{prompt}"
    )
    clock.advance(seconds=30)
    run_attempts(crew.parts)

    arrive(crew.database, callbacks.stk(prompt, receipt=RECEIPT))
    run_inbox(crew.parts)
    run_attempts(crew.parts)

    (back,) = crew.payouts.calls
    assert back.amount == kes(66_700)
    assert balance(crew.database, accounts.suspense("daraja")) == kes(66_700)
