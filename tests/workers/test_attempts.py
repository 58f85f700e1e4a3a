"""Prompts and payments: sent once, asked about when silent, believed when they succeed."""

from uuid import UUID

import pytest
from sqlalchemy import select

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.timers import fire
from core.clock import ManualClock
from core.db.tx import Database
from core.escrow import accounts, ledger
from core.invariants import run_all
from core.limits import ATTEMPT_LEASE_SECONDS, COLLECTION_TRIES_MAX, STK_DELAY_SECONDS
from core.money import Money, kes
from core.payments.attempts import PAYOUT_ASKED_MIN
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts.usecases import make_payout
from core.people.model import Vendor
from core.ports import MoneyEvent, Outcome, ProviderError, Reason
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    OTHER_VENDOR,
    make_booking,
    make_held,
    make_instant_listing,
    make_listing,
    make_paid,
    make_prompt,
    make_vendor,
)
from tests.support.fakes import DOWN, LOCKED_OUT, LOST, notices
from tests.workers import callbacks
from tests.workers.callbacks import RECEIPT, arrive
from tests.workers.conftest import Crew
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.notices import run_notices
from workers.pause import payouts as payouts_pause
from workers.timers import run_timers


class Died(BaseException):
    """The worker is gone at this very moment."""


def die() -> None:
    raise Died


@pytest.fixture
def prompt(database: Database) -> UUID:
    """A held booking whose customer has just asked for the prompt."""
    with database.transaction() as tx:
        booking = make_held(tx, make_listing(tx, make_vendor(tx)))
        return make_prompt(tx, booking).id


def attempt(database: Database, attempt_id: UUID) -> Attempt:
    with database.transaction() as tx:
        return tx.db.get_one(Attempt, attempt_id)


def booking_of(database: Database, attempt_id: UUID) -> Booking:
    with database.transaction() as tx:
        return tx.db.get_one(Booking, tx.db.get_one(Attempt, attempt_id).booking_id)


def balance(database: Database, path: str) -> Money:
    with database.transaction() as tx:
        return ledger.balance(tx, path)


def send(crew: Crew, clock: ManualClock) -> None:
    clock.advance(seconds=STK_DELAY_SECONDS)
    run_attempts(crew.parts)


def test_the_prompt_waits_until_the_conversation_is_over_and_goes_out_once(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    assert run_attempts(crew.parts) == 0

    clock.advance(seconds=STK_DELAY_SECONDS)
    assert run_attempts(crew.parts) == 1
    assert run_attempts(crew.parts) == 0

    (request,) = crew.collections.pushed
    assert (request.attempt_id, request.msisdn, request.amount) == (prompt, CUSTOMER, kes(66_700))
    assert request.reference == booking_of(crew.database, prompt).code
    assert attempt(crew.database, prompt).state is AttemptState.PENDING


def test_a_provider_that_is_down_is_tried_again_and_the_customer_told_once(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(*[DOWN] * COLLECTION_TRIES_MAX)
    clock.advance(seconds=STK_DELAY_SECONDS)
    pauses = []
    for _ in range(COLLECTION_TRIES_MAX):
        run_attempts(crew.parts)
        due = attempt(crew.database, prompt).due_at
        if due is not None:
            pauses.append((due - clock.now()).total_seconds())
            run_attempts(crew.parts)  # Not due yet.
            clock.set(due)

    assert pauses == [5, 15, 60, 120, 300]
    assert len(crew.collections.pushed) == COLLECTION_TRIES_MAX
    assert attempt(crew.database, prompt).state is AttemptState.FAILED
    assert len(notices(crew.database, "provider_down")) == 1
    assert len(notices(crew.database, "payment_failed")) == 1


def test_a_provider_that_comes_back_shows_the_prompt(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(DOWN)
    send(crew, clock)
    clock.advance(seconds=5)
    run_attempts(crew.parts)

    assert attempt(crew.database, prompt).state is AttemptState.PENDING


def test_a_refused_prompt_has_failed_and_the_customer_is_told(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(ProviderError("bad_number"))
    send(crew, clock)

    failed = attempt(crew.database, prompt)
    assert (failed.state, failed.reason) == (AttemptState.FAILED, Reason.BAD_RECIPIENT)
    (notice,) = notices(crew.database, "payment_failed")
    assert notice.params["reason"] == "bad_recipient"


def test_a_prompt_whose_answer_was_lost_is_not_shown_again(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(LOST)
    send(crew, clock)
    assert attempt(crew.database, prompt).state is AttemptState.UNKNOWN

    clock.advance(seconds=121)
    run_attempts(crew.parts)
    clock.advance(hours=1)
    run_attempts(crew.parts)

    assert len(crew.collections.pushed) == 1
    assert crew.collections.asked == [], "without a reference there is nothing to ask by"
    given_up = attempt(crew.database, prompt)
    assert (given_up.state, given_up.reason) == (AttemptState.FAILED, Reason.EXPIRED)


def test_a_worker_that_dies_while_pushing_leaves_an_unknown_prompt(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    crew.collections.script.then(die)
    clock.advance(seconds=STK_DELAY_SECONDS)
    with pytest.raises(Died):
        run_attempts(crew.parts)

    clock.advance(seconds=ATTEMPT_LEASE_SECONDS)
    run_attempts(crew.parts)
    assert attempt(crew.database, prompt).state is AttemptState.UNKNOWN
    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)

    assert len(crew.collections.pushed) == 1
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


def test_a_silent_prompt_is_asked_about_and_its_receipt_follows(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    clock.advance(seconds=30)
    run_attempts(crew.parts)
    assert crew.collections.asked == [prompt]
    assert booking_of(crew.database, prompt).state is State.AWAITING_PAYMENT

    crew.collections.answers[prompt] = MoneyEvent(
        "daraja", Outcome.SUCCEEDED, prompt, f"ws_CO_{prompt}"
    )
    clock.advance(seconds=30)
    run_attempts(crew.parts)
    booking = booking_of(crew.database, prompt)
    assert booking.state is State.CONFIRMED
    assert balance(crew.database, accounts.escrow(booking.code)) == kes(66_700)

    arrive(crew.database, callbacks.stk(prompt))  # Hours late, with the receipt.
    run_inbox(crew.parts)
    assert balance(crew.database, accounts.float_of("daraja")) == kes(66_700)
    with crew.database.transaction() as tx:
        assert run_all(tx) == []


def test_a_silent_prompt_is_asked_about_less_and_less_then_given_up(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    sent_at = clock.now()
    asked_after = []
    while (due := attempt(crew.database, prompt).due_at) is not None:
        clock.set(due)
        before = len(crew.collections.asked)
        run_attempts(crew.parts)
        if len(crew.collections.asked) > before:
            asked_after.append((clock.now() - sent_at).total_seconds())

    assert asked_after == [30, 60, 120, 300]
    assert attempt(crew.database, prompt).state is AttemptState.FAILED
    assert len(notices(crew.database, "payment_failed")) == 1


def test_a_late_success_beats_a_recorded_failure(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    arrive(crew.database, callbacks.stk_failed(prompt))
    run_inbox(crew.parts)
    assert attempt(crew.database, prompt).state is AttemptState.FAILED

    clock.advance(hours=1)
    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)

    assert attempt(crew.database, prompt).state is AttemptState.SUCCEEDED
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


def test_money_that_comes_after_the_hold_ran_out_holds_the_day_again(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    clock.advance(hours=13)
    run_attempts(crew.parts)
    run_timers(crew.parts)
    assert booking_of(crew.database, prompt).state is State.EXPIRED

    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)

    assert booking_of(crew.database, prompt).state is State.CONFIRMED
    run_notices(crew.parts)
    with crew.database.transaction() as tx:
        assert run_all(tx) == []


def test_money_that_comes_after_somebody_else_has_the_day_goes_back(
    crew: Crew, clock: ManualClock
) -> None:
    with crew.database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx))
        late = make_booking(tx, listing)
        prompt = make_prompt(tx, late).id
    send(crew, clock)
    clock.advance(hours=1)
    run_attempts(crew.parts)
    run_timers(crew.parts)
    with crew.database.transaction() as tx:
        tx.db.add(listing)
        make_booking(tx, listing, OTHER_CUSTOMER)

    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)
    run_attempts(crew.parts)
    (payment,) = crew.payouts.calls
    assert (payment.msisdn, payment.amount) == (CUSTOMER, kes(66_700))
    assert balance(crew.database, accounts.suspense("daraja")) == kes(66_700)

    arrive(crew.database, callbacks.b2c(payment.attempt_id, 66_700, "254700000001"))
    run_inbox(crew.parts)
    assert balance(crew.database, accounts.suspense("daraja")) == kes(0)
    assert balance(crew.database, accounts.float_of("daraja")) == kes(0)
    assert len(notices(crew.database, "money_returned")) == 1


def test_a_callback_may_come_before_the_answer(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    def callback_first() -> None:
        arrive(crew.database, callbacks.stk(prompt))
        run_inbox(crew.parts)

    crew.collections.script.then(callback_first)
    send(crew, clock)

    paid = attempt(crew.database, prompt)
    assert (paid.state, paid.reference) == (AttemptState.SUCCEEDED, f"ws_CO_{prompt}")
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


def test_a_callback_may_come_before_an_answer_that_is_lost(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    def callback_then_silence() -> None:
        arrive(crew.database, callbacks.stk(prompt))
        run_inbox(crew.parts)
        raise LOST

    crew.collections.script.then(callback_then_silence)
    send(crew, clock)

    assert attempt(crew.database, prompt).state is AttemptState.SUCCEEDED


def test_repeats_and_late_failures_change_nothing(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    send(crew, clock)
    arrive(crew.database, *[callbacks.stk(prompt)] * 3)
    run_inbox(crew.parts)
    arrive(
        crew.database,
        callbacks.stk_failed(prompt),
        callbacks.stk(prompt, receipt=RECEIPT.lower()),
    )
    run_inbox(crew.parts)

    assert balance(crew.database, accounts.float_of("daraja")) == kes(66_700)
    assert attempt(crew.database, prompt).state is AttemptState.SUCCEEDED
    assert len(notices(crew.database, "confirmed_customer")) == 1


def test_nobody_is_prompted_for_a_booking_that_was_paid_by_hand(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    code = booking_of(crew.database, prompt).code
    arrive(crew.database, callbacks.paybill(code, 66_700))
    run_inbox(crew.parts)
    send(crew, clock)

    assert crew.collections.pushed == []
    assert booking_of(crew.database, prompt).state is State.CONFIRMED


@pytest.fixture
def owed(crew: Crew, clock: ManualClock) -> list[UUID]:
    """Two vendors with a payout of 40,000 each on its way."""
    with crew.database.transaction() as tx:
        for msisdn, receipt in (("+254700000011", "SFF6XYQ1AA"), (OTHER_VENDOR, "SFF6XYQ1BB")):
            listing = make_listing(tx, make_vendor(tx, msisdn))
            make_paid(tx, listing, receipt=receipt)
    clock.advance(days=12)
    for _ in range(3):
        run_timers(crew.parts)
        clock.advance(days=2, seconds=1)
    with crew.database.transaction() as tx:
        for vendor_id in tx.db.scalars(select(Vendor.id)).all():
            assert make_payout(tx, vendor_id, "daraja") is not None
        tx.db.flush()
        rows = tx.db.query(Attempt).where(Attempt.kind == Kind.PAYOUT).order_by(Attempt.id)
        return [row.id for row in rows]


def test_refused_credentials_halt_every_other_payment(crew: Crew, owed: list[UUID]) -> None:
    crew.payouts.script.then(LOCKED_OUT)

    run_attempts(crew.parts)
    run_attempts(crew.parts)

    assert len(crew.payouts.calls) == 1
    waiting = [attempt(crew.database, each).state for each in owed]
    assert waiting == [AttemptState.FAILED, AttemptState.QUEUED]

    crew.parts.pauses.end(payouts_pause("daraja"))  # A person has acted.
    run_attempts(crew.parts)
    assert len(crew.payouts.calls) == 2


def test_credentials_refused_by_callback_halt_payments_too(crew: Crew, owed: list[UUID]) -> None:
    first, _ = owed
    crew.payouts.script.then(None, LOST)
    run_attempts(crew.parts)
    arrive(crew.database, callbacks.b2c_failed(first, code=2001))
    run_inbox(crew.parts)

    assert attempt(crew.database, first).reason is Reason.CREDENTIALS
    assert crew.parts.pauses.holds(payouts_pause("daraja"))


def test_a_halt_of_payments_does_not_touch_prompts(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    crew.payouts.script.then(LOCKED_OUT)
    run_attempts(crew.parts)
    with crew.database.transaction() as tx:
        vendor = make_vendor(tx, "+254700000013")
        make_prompt(tx, make_held(tx, make_listing(tx, vendor)))

    send(crew, clock)

    assert len(crew.collections.pushed) == 1


def test_a_payment_that_was_lost_is_asked_about_before_it_is_sent_again(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    lost = owed[0]
    crew.payouts.script.then(LOST)
    run_attempts(crew.parts)
    assert attempt(crew.database, lost).state is AttemptState.UNKNOWN

    while len(crew.payouts.calls) == 2:
        clock.set(attempt(crew.database, lost).due_at or clock.now())
        run_attempts(crew.parts)

    assert crew.payouts.asked.count(lost) == PAYOUT_ASKED_MIN
    again = [call for call in crew.payouts.calls if call.attempt_id == lost]
    assert len(again) == 2, "the same id, which the provider pays once"
    assert attempt(crew.database, lost).state is AttemptState.PENDING


def test_a_payment_that_was_taken_is_never_sent_again(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    run_attempts(crew.parts)
    arrive(crew.database, callbacks.b2c_timeout(owed[0]))
    run_inbox(crew.parts)
    assert attempt(crew.database, owed[0]).state is AttemptState.UNKNOWN
    for _ in range(6):
        clock.advance(hours=2)
        run_attempts(crew.parts)
    assert len(crew.payouts.calls) == 2
    assert crew.payouts.asked.count(owed[0]) == 6

    arrive(crew.database, callbacks.status(owed[0], "Completed", 40_000))
    run_inbox(crew.parts)
    assert attempt(crew.database, owed[0]).state is AttemptState.SUCCEEDED


def test_a_worker_that_dies_while_paying_pays_once(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    crew.payouts.script.then(die)
    with pytest.raises(Died):
        run_attempts(crew.parts)
    for _ in range(8):
        clock.advance(hours=1)
        run_attempts(crew.parts)

    assert set(crew.payouts.moved) == set(owed)


def test_an_adapter_that_breaks_its_promise_leaves_the_attempt_to_be_asked_about(
    crew: Crew, clock: ManualClock, owed: list[UUID]
) -> None:
    crew.payouts.script.then(RuntimeError("not a ProviderError"))
    run_attempts(crew.parts)

    assert len(crew.payouts.calls) == 2, "the other one was not held up"
    clock.advance(seconds=ATTEMPT_LEASE_SECONDS)
    run_attempts(crew.parts)
    assert attempt(crew.database, owed[0]).state is AttemptState.UNKNOWN
    assert crew.payouts.asked.count(owed[0]) == 1


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


def test_a_fired_timer_and_a_payment_at_once_end_in_one_state(
    crew: Crew, clock: ManualClock, prompt: UUID
) -> None:
    booking = booking_of(crew.database, prompt)
    send(crew, clock)
    clock.advance(hours=13)
    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)
    with crew.database.transaction() as tx:
        assert fire(tx, booking.id) is None

    assert booking_of(crew.database, prompt).state is State.CONFIRMED
