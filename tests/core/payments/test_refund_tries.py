"""A refund's tries: evidence twice, silence, failures, and what arrives late."""

import re

import pytest
from sqlalchemy import text

from core.booking.lifecycle import State
from core.cases.model import CaseKind
from core.cases.queries import open_cases as listed_cases
from core.cases.sweep import sweep
from core.errors import IllegalMove
from core.limits import REFUND_TRIES_MAX
from core.money import kes
from core.payments import attempts, refunds
from core.payments.lifecycle import AttemptState, RefundState
from core.payments.model import Attempt, Kind
from core.ports.money import Outcome, PayRequest, Reason
from core.ports.providers import ProviderError
from tests.core.booking.world import GOLDEN, World
from tests.core.payments.refunding import BACK, cancelled, cases, refunds_of, sent
from tests.support.factories import OTHER_CUSTOMER


def test_evidence_that_comes_twice_is_one_refund(world: World) -> None:
    booking = cancelled(world)
    attempt = sent(world)

    assert world.paid(attempt, BACK) is None
    assert world.paid(attempt, BACK) == "repeat"

    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.notices()["money_returned"] == 1
    world.assert_sound()


def test_silence_is_asked_about_and_nothing_is_sent_again(world: World) -> None:
    booking = cancelled(world)
    attempt = sent(world)
    world.tell(attempt, Outcome.UNKNOWN)

    world.clock.advance(hours=2)
    begun = world.run(lambda tx: attempts.begin(tx, attempt.id))

    assert isinstance(begun, Attempt), "it is asked about"
    assert len(world.attempts(Kind.RETURN)) == 1
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.paid(attempt, BACK) is None
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    world.assert_sound()


def test_an_answer_that_was_lost_leads_to_the_same_attempt_again(world: World) -> None:
    cancelled(world)
    [attempt] = world.attempts(Kind.RETURN)
    first = world.run(lambda tx: attempts.begin(tx, attempt.id))
    lost = ProviderError("timeout", unknown=True)
    assert world.run(lambda tx: attempts.refused(tx, attempt.id, lost)) is AttemptState.UNKNOWN

    again = None
    for _ in range(10):
        world.clock.advance(hours=2)
        again = world.run(lambda tx: attempts.begin(tx, attempt.id))
        if isinstance(again, PayRequest):
            break

    assert again == first, "by the same id, which the provider pays once"


def test_a_refund_that_fails_is_tried_three_times_more_and_then_is_a_case(world: World) -> None:
    booking = cancelled(world)
    for _ in range(REFUND_TRIES_MAX):
        assert cases(world) == 0
        world.failed(sent(world), Reason.UNREACHABLE)

    [refund] = refunds_of(world, booking)
    assert (refund.state, refund.reason) == (RefundState.FAILED, Reason.UNREACHABLE)
    assert len(world.attempts(Kind.RETURN)) == REFUND_TRIES_MAX
    assert cases(world) == 1
    world.clock.advance(days=2)
    assert world.send_due() == []
    assert world.balance(f"escrow:{booking.code}") == GOLDEN, "the money is still the customer's"
    world.assert_sound()


def test_a_person_sends_a_failed_refund_to_another_number(world: World) -> None:
    booking = cancelled(world)
    for _ in range(REFUND_TRIES_MAX):
        world.failed(sent(world), Reason.BAD_RECIPIENT)
    [waiting] = world.run(refunds.failed_refunds)

    world.run(lambda tx: refunds.retry_refund(tx, waiting.id, OTHER_CUSTOMER))

    with pytest.raises(IllegalMove):
        world.run(lambda tx: refunds.retry_refund(tx, waiting.id))
    attempt = sent(world)
    assert attempt.msisdn == OTHER_CUSTOMER
    assert world.paid(attempt, BACK) is None
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.run(refunds.failed_refunds) == []
    world.assert_sound()


def test_a_late_success_beats_the_failure_and_stops_the_next_try(world: World) -> None:
    booking = cancelled(world)
    first = sent(world)
    world.failed(first)
    assert len(world.attempts(Kind.RETURN)) == 2

    assert world.paid(first, BACK) is None

    world.clock.advance(hours=2)
    assert world.send_due() == []
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert [refund.state for refund in refunds_of(world, booking)] == [RefundState.RETURNED]
    world.assert_sound()


def test_a_second_try_that_went_through_as_well_is_missed_from_suspense(world: World) -> None:
    booking = cancelled(world)
    first = sent(world)
    world.failed(first)
    second = sent(world)
    assert world.paid(second, BACK) is None

    assert world.paid(first, "SFG2REFUND") is None

    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.balance("suspense:daraja") == -GOLDEN
    assert world.notices()["money_returned"] == 1
    world.assert_sound()


def test_a_refunds_reasons_are_those_of_attempts(world: World) -> None:
    check = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"
    shown = world.run(
        lambda tx: tx.db.execute(text(check), {"name": "ck_refunds_reason"}).scalar_one()
    )

    assert set(re.findall(r"'(\w+)'", shown)) == {reason.value for reason in Reason}


def test_a_refund_has_one_open_try(world: World) -> None:
    booking = cancelled(world)
    [refund] = refunds_of(world, booking)

    with pytest.raises(Exception, match="uq_attempts_open_refund"):
        world.run(lambda tx: refunds._new_attempt(tx, refund, booking.code, 0))

    assert world.state(booking) is State.CANCELLED


def test_a_failed_refund_is_on_the_case_list_until_it_has_gone(world: World) -> None:
    cancelled(world)
    for _ in range(REFUND_TRIES_MAX):
        world.failed(sent(world), Reason.BAD_RECIPIENT)
    world.run(sweep)
    [case] = world.run(listed_cases)
    assert (case.kind, case.amount_cents) == (CaseKind.REFUND_FAILED, GOLDEN.cents)

    [waiting] = world.run(refunds.failed_refunds)
    world.run(lambda tx: refunds.retry_refund(tx, waiting.id, OTHER_CUSTOMER))
    assert world.paid(sent(world), BACK) is None
    world.run(sweep)

    assert world.run(listed_cases) == []
