"""What providers tell us of prompts: late, twice, in any order, wrongly, or not at all."""

from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from core.booking.lifecycle import State
from core.errors import Refused
from core.limits import (
    ATTEMPT_LEASE_SECONDS,
    ATTEMPTS_PER_BOOKING_MAX,
    STK_DELAY_SECONDS,
    STK_GIVE_UP_SECONDS,
    STK_LOST_SECONDS,
    STK_REPEAT_SECONDS,
)
from core.money import kes
from core.payments import attempts, settle
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.ports.money import MoneyEvent, Outcome, PushRequest, Reason
from core.ports.providers import ProviderError
from tests.core.booking.world import GOLDEN, RECEIPT, World
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, STRANGER

OTHER_RECEIPT = "SFF6XYQ2CD"
DOWN = ProviderError("unavailable", retryable=True)
LOST = ProviderError("timeout", unknown=True)


def planned(world: World) -> Attempt:
    """A prompt whose three seconds are over."""
    booking = world.book()
    attempt = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))
    world.clock.advance(seconds=STK_DELAY_SECONDS)
    return attempt


def begin(world: World, attempt: Attempt) -> object:
    return world.run(lambda tx: attempts.begin(tx, attempt.id))


def refuse(world: World, attempt: Attempt, error: ProviderError) -> AttemptState:
    return world.run(lambda tx: attempts.refused(tx, attempt.id, error))


def seconds_left(world: World, attempt: Attempt) -> float:
    due_at = world.attempt(attempt).due_at
    assert due_at is not None
    return (due_at - world.clock.now()).total_seconds()


def fingerprint(world: World, attempt: Attempt) -> tuple[Any, ...]:
    """All that evidence may change."""
    now = world.attempt(attempt)
    return (
        now.state,
        now.reason,
        now.due_at,
        len(world.receipts()),
        world.balance("float:daraja"),
        world.balance("suspense:daraja"),
        world.notices(),
    )


def test_a_prompt_waits_until_the_conversation_is_over_and_asks_for_the_whole_price(
    world: World,
) -> None:
    booking = world.book()
    attempt = world.run(lambda tx: start_collection(tx, booking.id, OTHER_CUSTOMER))
    assert world.send_due() == []

    world.clock.advance(seconds=STK_DELAY_SECONDS)

    assert begin(world, attempt) == PushRequest(attempt.id, OTHER_CUSTOMER, GOLDEN, booking.code)
    assert begin(world, attempt) is None, "it is sent once"


def test_a_second_wish_to_pay_joins_the_prompt_that_is_open(world: World) -> None:
    booking = world.book()
    first = world.prompt(booking)
    again = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))

    assert again.id == first.id


def test_only_a_held_booking_is_asked_for(world: World) -> None:
    booking = world.book()
    world.withdraw(booking)

    with pytest.raises(Refused, match="not_payable") as refused:
        world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))

    assert refused.value.data == {"state": "cancelled"}


def test_a_late_success_beats_a_recorded_failure(world: World) -> None:
    booking = world.book()
    attempt = world.prompt(booking)
    assert world.failed(attempt, Reason.EXPIRED) is None
    assert world.attempt(attempt).state is AttemptState.FAILED

    assert world.paid(attempt) is None

    now = world.attempt(attempt)
    assert (now.state, now.reason, now.due_at) == (AttemptState.SUCCEEDED, None, None)
    assert world.state(booking) is State.CONFIRMED
    assert world.failed(attempt) == "late_failure"
    assert world.state(booking) is State.CONFIRMED
    world.assert_sound()


def test_a_callback_may_come_before_the_answer_to_the_push(world: World) -> None:
    attempt = planned(world)
    begin(world, attempt)
    assert world.paid(attempt) is None

    world.run(lambda tx: attempts.accepted(tx, attempt.id, "ws_CO_1"))

    now = world.attempt(attempt)
    assert (now.state, now.reference, now.due_at) == (AttemptState.SUCCEEDED, "ws_CO_1", None)


def test_an_error_after_the_callback_changes_nothing(world: World) -> None:
    attempt = planned(world)
    begin(world, attempt)
    world.paid(attempt)

    assert refuse(world, attempt, LOST) is AttemptState.SUCCEEDED
    assert refuse(world, attempt, DOWN) is AttemptState.SUCCEEDED


def test_money_that_moved_although_the_push_was_refused_is_kept(world: World) -> None:
    """The attempt waits to be sent again; the evidence is stronger than that answer."""
    attempt = planned(world)
    begin(world, attempt)
    assert refuse(world, attempt, DOWN) is AttemptState.QUEUED

    assert world.paid(attempt) is None

    world.clock.advance(hours=1)
    assert world.send_due() == []
    assert world.attempt(attempt).state is AttemptState.SUCCEEDED


def test_what_was_never_sent_cannot_have_been_paid(world: World) -> None:
    attempt = planned(world)
    before = fingerprint(world, attempt)

    assert world.paid(attempt) == "unknown_attempt"

    assert fingerprint(world, attempt) == before


def test_in_whatever_order_evidence_comes_the_money_counts_once(world: World) -> None:
    """Each order of a success, a failure, a lost answer and a pending one; all of it twice."""
    orders = list(permutations(each for each in Outcome if each is not Outcome.REVERSED))
    for turn, order in enumerate(orders):
        booking = world.book(in_days=10 + turn)
        attempt = world.prompt(booking)

        for outcome in order * 2:
            receipt = f"SFF00000{turn:02}" if outcome is Outcome.SUCCEEDED else None
            world.tell(attempt, outcome, receipt=receipt)

        assert world.attempt(attempt).state is AttemptState.SUCCEEDED
        assert world.state(booking) is State.CONFIRMED
        assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.balance("float:daraja") == GOLDEN * len(orders)
    assert world.notices()["confirmed_customer"] == len(orders) == 24
    world.assert_sound()


def test_the_same_evidence_again_changes_nothing(world: World) -> None:
    booking = world.book()
    attempt = world.prompt(booking)
    world.failed(attempt, Reason.CANCELLED)
    before = fingerprint(world, attempt)
    assert world.failed(attempt, Reason.CANCELLED) == "repeat"
    assert fingerprint(world, attempt) == before
    assert world.notices()["payment_failed"] == 1

    world.paid(attempt)
    before = fingerprint(world, attempt)
    assert world.paid(attempt) == "repeat"
    assert world.tell(attempt, Outcome.PENDING) == "late_failure"
    assert fingerprint(world, attempt) == before


def forged(attempt: Attempt, **over: Any) -> MoneyEvent:
    values: dict[str, Any] = {"attempt_id": attempt.id, "receipt": RECEIPT}
    return MoneyEvent("daraja", Outcome.SUCCEEDED, **values | over)


FORGERIES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"attempt_id": UUID(int=9)}, "unknown_attempt"),
    ({"attempt_id": None, "reference": "ws_CO_nobody"}, "unknown_attempt"),
    ({"attempt_id": None}, "unknown_attempt"),
    ({"amount": GOLDEN - kes(1)}, "wrong_amount"),
    ({"amount": GOLDEN + kes(0, 1)}, "wrong_amount"),
    ({"payer": STRANGER}, "wrong_number"),
)


def test_evidence_that_does_not_fit_changes_nothing(world: World) -> None:
    attempt = world.prompt(world.book())
    before = fingerprint(world, attempt)

    for over, note in FORGERIES:
        event = forged(attempt, **over)
        assert world.run(lambda tx, event=event: settle.apply(tx, event)) == note

    assert fingerprint(world, attempt) == before
    assert (
        world.run(lambda tx: settle.apply(tx, forged(attempt, amount=GOLDEN, payer=CUSTOMER)))
        is None
    )


def test_another_providers_evidence_is_not_about_our_attempt(world: World) -> None:
    attempt = world.prompt(world.book())
    event = MoneyEvent("flutterwave", Outcome.SUCCEEDED, attempt_id=attempt.id, receipt=RECEIPT)

    assert world.run(lambda tx: settle.apply(tx, event)) == "unknown_attempt"


def test_a_prompt_is_found_by_the_providers_reference_too(world: World) -> None:
    attempt = world.prompt(world.book())
    event = forged(attempt, attempt_id=None, reference=attempt.reference)

    assert world.run(lambda tx: settle.apply(tx, event)) is None
    assert world.attempt(attempt).state is AttemptState.SUCCEEDED


@pytest.mark.parametrize("reason", [Reason.CANCELLED, Reason.WRONG_PIN, Reason.INSUFFICIENT])
def test_a_customer_hears_why_and_may_try_again_while_the_hold_lasts(
    world: World, reason: Reason
) -> None:
    booking = world.book()
    first = world.prompt(booking)
    world.failed(first, reason)
    assert world.notice("payment_failed")["reason"] == reason.value

    second = world.prompt(booking)

    assert second.id != first.id
    assert world.paid(second) is None
    assert world.state(booking) is State.CONFIRMED


def test_two_prompts_that_are_both_paid_leave_one_payment_and_one_return(world: World) -> None:
    booking = world.book()
    first = world.prompt(booking)
    world.failed(first, Reason.EXPIRED)
    second = world.prompt(booking)
    world.paid(second, OTHER_RECEIPT)

    assert world.paid(first, RECEIPT) is None

    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.balance("suspense:daraja") == GOLDEN
    [back] = world.send_due()
    world.paid(back.attempt_id, "SFF6XYQ3EF")
    assert world.balance("suspense:daraja") == kes(0)
    world.assert_sound()


def test_a_worker_that_died_while_sending_leaves_a_prompt_that_is_never_sent_again(
    world: World,
) -> None:
    attempt = planned(world)
    begin(world, attempt)  # And then the worker is gone.

    world.clock.advance(seconds=ATTEMPT_LEASE_SECONDS - 1)
    assert begin(world, attempt) is None
    world.clock.advance(seconds=1)
    asked = begin(world, attempt)
    assert isinstance(asked, Attempt)
    assert world.attempt(attempt).state is AttemptState.UNKNOWN

    world.clock.advance(seconds=STK_LOST_SECONDS - ATTEMPT_LEASE_SECONDS)
    assert begin(world, attempt) is None
    now = world.attempt(attempt)
    assert (now.state, now.reason, now.tries) == (AttemptState.FAILED, Reason.SILENT, 1)
    assert world.notices()["payment_failed"] == 1
    # Still: should its money have moved, it counts.
    assert world.paid(attempt) is None
    world.assert_sound()


def test_a_push_whose_answer_was_lost_is_never_sent_again(world: World) -> None:
    attempt = planned(world)
    begin(world, attempt)
    assert refuse(world, attempt, LOST) is AttemptState.UNKNOWN
    assert seconds_left(world, attempt) == STK_LOST_SECONDS

    sent = []
    for _ in range(10):
        world.clock.advance(seconds=60)
        sent += world.send_due()

    assert sent == []
    assert world.attempt(attempt).tries == 1


def test_a_silent_prompt_is_asked_about_and_given_up_after_a_quarter_of_an_hour(
    world: World,
) -> None:
    attempt = world.prompt(world.book())
    asked_after = []
    while (due_at := world.attempt(attempt).due_at) is not None:
        world.clock.set(due_at)
        if isinstance(begin(world, attempt), Attempt):
            sent_at = world.attempt(attempt).sent_at
            assert sent_at is not None
            asked_after.append((world.clock.now() - sent_at).total_seconds())

    assert asked_after == [30, 60, 120, 300]
    assert world.attempt(attempt).state is AttemptState.FAILED
    assert (world.attempt(attempt).finished_at or world.clock.now()) == world.clock.now()
    assert STK_GIVE_UP_SECONDS == 900


def test_a_provider_that_is_down_is_tried_again_with_growing_pauses(world: World) -> None:
    attempt = planned(world)
    pauses = []
    while True:
        begin(world, attempt)
        if refuse(world, attempt, DOWN) is AttemptState.FAILED:
            break
        pauses.append(seconds_left(world, attempt))
        world.clock.advance(seconds=pauses[-1])

    assert pauses == [5, 15, 60, 120, 300]
    assert world.notices()["provider_down"] == 1, "told once"
    assert world.notices()["payment_failed"] == 1


def test_a_prompt_of_a_booking_that_was_paid_by_hand_is_not_sent(world: World) -> None:
    attempt = planned(world)
    booking_code = world.attempt(attempt).account
    assert world.paybill(booking_code, GOLDEN) is None

    assert world.send_due() == []

    now = world.attempt(attempt)
    assert (now.state, now.reason) == (AttemptState.FAILED, Reason.CANCELLED)
    assert world.notices()["payment_failed"] == 0


def test_after_busy_the_next_prompt_waits_out_the_two_minutes(world: World) -> None:
    """The same amount to the same number within two minutes is refused again (code 17)."""
    booking = world.book()
    first = world.prompt(booking)
    world.failed(first, Reason.BUSY)
    world.clock.advance(seconds=10)

    second = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))

    assert seconds_left(world, second) == STK_REPEAT_SECONDS - 10
    assert STK_REPEAT_SECONDS == 125


def test_after_another_failure_the_next_prompt_comes_at_once(world: World) -> None:
    booking = world.book()
    world.failed(world.prompt(booking), Reason.CANCELLED)

    second = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))

    assert seconds_left(world, second) == STK_DELAY_SECONDS


def test_a_booking_is_not_prompted_for_without_end(world: World) -> None:
    booking = world.book()
    for _ in range(ATTEMPTS_PER_BOOKING_MAX):
        world.failed(world.prompt(booking), Reason.CANCELLED)

    with pytest.raises(Refused, match="too_many_attempts"):
        world.prompt(booking)

    assert len(world.attempts(Kind.COLLECTION)) == ATTEMPTS_PER_BOOKING_MAX
