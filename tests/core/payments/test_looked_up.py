"""Money of which nothing is heard: a person looks it up at the provider and books what is so."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.cases.usecases import attempt_of
from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.limits import ATTEMPT_UNKNOWN_SECONDS, PAYOUT_RETRY_SECONDS
from core.money import kes
from core.payments import attempts
from core.payments.lifecycle import AttemptState
from core.payments.looked_up import book_arrival, book_failure
from core.payments.model import Kind
from core.payouts.model import Payout, PayoutState
from core.ports.money import Outcome
from tests.core.booking.world import GOLDEN, World
from tests.core.payments.refunding import cancelled, refunds_of, sent
from tests.core.payouts.steps import read, send, the_payout
from tests.support.factories import CUSTOMER, STRANGER, VENDOR

OWED = kes(40_000)


def unheard_payout(world: World) -> tuple[Payout, UUID]:
    """A payout that was taken by the provider and about which it says nothing for days."""
    world.released()
    payout = the_payout(world)
    attempt_id = send(world).attempt_id
    world.tell(attempt_id, Outcome.UNKNOWN)
    world.clock.advance(seconds=2 * ATTEMPT_UNKNOWN_SECONDS)
    return payout, attempt_id


def refusal(world: World, attempt_id: UUID, book: Callable[[Tx], Any]) -> str:
    before = world.attempt(attempt_id).state
    with pytest.raises(Refused) as refused:
        world.run(book)
    assert world.attempt(attempt_id).state is before
    world.assert_sound()
    return refused.value.code


def test_a_payout_that_had_arrived_is_paid_and_a_late_word_of_it_changes_nothing(
    world: World,
) -> None:
    payout, attempt_id = unheard_payout(world)

    world.run(lambda tx: book_arrival(tx, attempt_id, " sfg7arrived "))

    assert read(world, payout).state is PayoutState.PAID
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert "SFG7ARRIVED" in {receipt.number for receipt in world.receipts()}
    assert world.told(VENDOR)[-1] == "payout_sent"
    assert world.attempt(attempt_id).due_at is None, "nobody asks any more"
    assert world.paid(attempt_id, "SFG7ARRIVED") == "repeat"
    assert world.failed(attempt_id) == "late_failure"
    world.assert_sound()


def test_a_payout_that_never_left_is_tried_again(world: World) -> None:
    payout, attempt_id = unheard_payout(world)

    world.run(lambda tx: book_failure(tx, attempt_id))

    assert world.balance(f"payable:{world.vendor.number}") == OWED
    assert world.send_due() == [], "not at once: a try is a try"
    world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
    world.pay_out()
    world.paid(send(world).attempt_id, "SFG8")
    assert read(world, payout).state is PayoutState.PAID
    assert world.balance("float:daraja") == GOLDEN - OWED
    world.assert_sound()


def test_the_word_was_wrong_and_it_had_arrived_so_it_is_paid_and_not_sent_again(
    world: World,
) -> None:
    payout, attempt_id = unheard_payout(world)
    world.run(lambda tx: book_failure(tx, attempt_id))

    assert world.paid(attempt_id, "SFG7") is None

    assert read(world, payout).state is PayoutState.PAID
    world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
    world.pay_out()
    assert world.send_due() == []
    world.assert_sound()


@pytest.mark.parametrize("outcome", [Outcome.PENDING, Outcome.UNKNOWN])
def test_a_refund_is_looked_up_too(world: World, outcome: Outcome) -> None:
    booking = cancelled(world)
    attempt = sent(world)
    world.tell(attempt, outcome)

    world.run(lambda tx: book_failure(tx, attempt.id))
    again = sent(world)
    world.run(lambda tx: book_arrival(tx, again.id, "SFG9"))

    [refund] = refunds_of(world, booking)
    assert refund.state.value == "returned"
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.told(CUSTOMER)[-1] == "money_returned"
    world.assert_sound()


def test_so_is_money_of_nobody_on_its_way_back(world: World) -> None:
    world.paybill("RENT 7", kes(500), payer=STRANGER)
    attempt_id = send(world).attempt_id

    world.run(lambda tx: book_arrival(tx, attempt_id, "SFG9"))

    assert world.balance("suspense:daraja") == kes(0)
    world.assert_sound()


def test_what_does_not_fit_books_nothing(world: World) -> None:
    _, attempt_id = unheard_payout(world)
    [paid] = world.receipts()

    def arrived(tx: Tx, number: str = paid.number) -> object:
        return book_arrival(tx, attempt_id, number)

    assert refusal(world, attempt_id, arrived) == "number_seen"
    for number in (" ", "S" * 51):
        with pytest.raises(BadInput):
            world.run(partial(arrived, number=number))
    world.paid(attempt_id, "SFG7")
    assert refusal(world, attempt_id, partial(arrived, number="SFG8")) == "outcome_known"
    assert refusal(world, attempt_id, lambda tx: book_failure(tx, attempt_id)) == "outcome_known"


def test_what_a_worker_is_sending_has_not_failed_yet_but_may_have_arrived(world: World) -> None:
    world.released()
    the_payout(world)
    [attempt_id] = world.run(lambda tx: attempts.due_attempts(tx, 10))
    world.run(lambda tx: attempts.begin(tx, attempt_id))

    assert refusal(world, attempt_id, lambda tx: book_failure(tx, attempt_id)) == "being_sent"
    world.run(lambda tx: book_arrival(tx, attempt_id, "SFG7"))
    world.run(lambda tx: attempts.accepted(tx, attempt_id, "AG_1"))

    assert world.attempt(attempt_id).state is AttemptState.SUCCEEDED
    assert len(world.attempts(Kind.PAYOUT)) == 1
    world.assert_sound()


def test_only_a_case_of_money_unheard_of_names_an_attempt(world: World) -> None:
    _, attempt_id = unheard_payout(world)
    world.paybill("RENT 7", kes(500), "SFF8", payer=None)
    world.run(sweep)
    numbers = {case.kind: case.number for case in world.run(open_cases)}

    unknown = numbers[CaseKind.ATTEMPT_UNKNOWN]
    assert world.run(lambda tx: attempt_of(tx, unknown)) == attempt_id
    with pytest.raises(Refused) as refused:
        world.run(lambda tx: attempt_of(tx, numbers[CaseKind.SUSPENSE]))
    assert refused.value.code == "not_unknown"
    with pytest.raises(NotFound):
        world.run(lambda tx: attempt_of(tx, 999))
