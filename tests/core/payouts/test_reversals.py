"""Payouts that had arrived and came back."""

from typing import Any

import pytest

from core.booking.lifecycle import State
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import BadInput, NotFound, Refused
from core.limits import MPESA_MAX_CENTS
from core.money import kes
from core.payments import attempts
from core.payments.asking import look_now
from core.payments.model import Attempt, Direction, Kind
from core.payments.reversals import book_reversal
from core.payouts import details
from core.payouts.model import HoldReason, PayoutState
from core.ports.money import Outcome, PayRequest, Reason
from tests.core.booking.world import World
from tests.core.payouts.steps import read, send, the_payout
from tests.support.factories import VENDOR


def came_back(world: World, sent: PayRequest, number: str | None = "SFR1") -> str | None:
    return world.tell(sent.attempt_id, Outcome.REVERSED, receipt=number)


def paid(world: World, receipt: str = "SFG1") -> PayRequest:
    sent = send(world)
    assert world.paid(sent.attempt_id, receipt) is None
    return sent


def test_money_that_came_back_is_owed_again_and_paid_after_a_check(world: World) -> None:
    booking = world.released()
    payout = the_payout(world)
    sent = paid(world)

    assert came_back(world, sent) is None

    assert read(world, payout).state is PayoutState.REVERSED
    assert world.state(booking) is State.COMPLETED
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)
    assert world.balance("float:daraja") == kes(66_700)
    assert world.told(VENDOR)[-1] == "payout_reversed"
    world.assert_sound()

    again = the_payout(world)
    assert (again.state, again.hold_reason) == (PayoutState.HELD, HoldReason.UNVERIFIED)
    world.run(lambda tx: details.verify(tx, world.vendor.number, kyc=False, payout=True))
    paid(world, "SFG2")
    assert world.state(booking) is State.PAID_OUT
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert [move[0] for move in world.moves(booking)][-3:] == [
        "paid_out",
        "payout_reversed",
        "paid_out",
    ]
    world.assert_sound()


def test_it_comes_back_once_whoever_tells_of_it(world: World) -> None:
    world.released()
    the_payout(world)
    sent = paid(world)

    told = [came_back(world, sent, number) for number in ("SFR1", "SFR1", None, "SFR2")]

    assert told == [None, "repeat", "repeat", "repeat"]
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)
    world.assert_sound()


def test_a_late_callback_of_the_arrival_changes_nothing_any_more(world: World) -> None:
    world.released()
    payout = the_payout(world)
    sent = paid(world)
    came_back(world, sent)

    assert world.paid(sent.attempt_id, "SFG1") == "repeat"

    assert read(world, payout).state is PayoutState.REVERSED
    world.assert_sound()


def test_what_came_back_before_we_knew_that_it_had_arrived_has_failed(world: World) -> None:
    world.released()
    payout = the_payout(world)
    sent = send(world)

    assert came_back(world, sent) is None

    assert read(world, payout).tries == 1
    assert world.attempts(Kind.PAYOUT)[0].reason is Reason.CAME_BACK
    assert world.balance("float:daraja") == kes(66_700)
    world.assert_sound()


@pytest.mark.parametrize("given_up", [False, True])
def test_its_arrival_that_is_told_of_after_its_return_pays_nobody(
    world: World, *, given_up: bool
) -> None:
    """The callback of the arrival was days late; what came back first has had the last word."""
    booking = world.released()
    payout = the_payout(world)
    sent = send(world)
    if given_up:
        world.failed(sent.attempt_id, Reason.SILENT)
    came_back(world, sent)

    assert world.paid(sent.attempt_id, "SFG1") == "came_back"

    assert read(world, payout).state is PayoutState.RELEASED
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)
    assert world.balance("float:daraja") == kes(66_700)
    world.assert_sound()
    world.clock.advance(days=1)
    world.pay_out()
    paid(world, "SFG2")
    assert world.state(booking) is State.PAID_OUT
    world.assert_sound()


def test_a_part_that_comes_back_holds_the_parts_that_follow(
    database: Database, clock: ManualClock
) -> None:
    world = World.open(database, clock, units=8, booking_mode=BookingMode.INSTANT)
    bookings = [world.confirmed(f"SFF{turn}") for turn in range(8)]
    for _ in range(2):
        clock.set(world.due(bookings[-1]))
        world.fire()
    payout = the_payout(world)
    first = paid(world)
    world.pay_out()
    second = send(world)

    came_back(world, first)
    world.assert_sound()
    assert world.paid(second.attempt_id, "SFG2") is None

    now = read(world, payout)
    assert (now.state, now.hold_reason) == (PayoutState.HELD, HoldReason.UNVERIFIED)
    assert now.paid_cents == kes(70_000).cents
    world.run(lambda tx: details.verify(tx, world.vendor.number, kyc=False, payout=True))
    third = paid(world, "SFG3")
    assert third.amount.cents == MPESA_MAX_CENTS
    assert read(world, payout).state is PayoutState.PAID
    assert {world.state(booking) for booking in bookings} == {State.PAID_OUT}
    world.assert_sound()


def test_a_payment_of_a_customer_is_not_taken_back_like_a_payout(world: World) -> None:
    booking = world.hold()
    prompt = world.prompt(booking)
    world.paid(prompt, "SFF1")

    assert world.tell(prompt, Outcome.REVERSED, receipt="SFR1") == "not_reversible"
    assert world.state(booking) is State.CONFIRMED


def test_a_statement_is_enough_for_a_person(world: World) -> None:
    world.released()
    the_payout(world)
    paid(world)
    book = _booker(world)

    with pytest.raises(NotFound, match="no_payout"):
        book("SFG9", "SFR1")
    with pytest.raises(BadInput):
        book("SFG1", " ")
    with pytest.raises(Refused, match="number_seen"):
        book("SFG1", "SFF6XYQ1AB")
    assert book("sfg1", "SFR1") == kes(40_000).cents
    with pytest.raises(NotFound, match="no_payout"):
        book("SFG1", "SFR2")

    kept = {receipt.number: receipt.direction for receipt in world.receipts()}
    assert kept["SFR1"] is Direction.IN
    world.assert_sound()


def _booker(world: World) -> Any:
    return lambda receipt, number: world.run(
        lambda tx: book_reversal(tx, "daraja", receipt, number)
    )


def test_a_provider_that_says_so_is_asked_before_it_is_believed(world: World) -> None:
    world.released()
    the_payout(world)
    sent = paid(world)

    def look(*, came_back: bool) -> str | None:
        return world.run(
            lambda tx: look_now(tx, "daraja", sent.attempt_id, [Kind.PAYOUT], came_back=came_back)
        )

    assert look(came_back=False) == "repeat"
    assert look(came_back=True) is None
    [asked] = world.run(attempts_due)
    begun = world.run(lambda tx: attempts.begin(tx, asked))
    assert isinstance(begun, Attempt), "a question, nothing that is sent"
    assert world.run(attempts_due) == []


def attempts_due(tx: Any) -> list[Any]:
    return attempts.due_attempts(tx, 10, [Kind.PAYOUT])
