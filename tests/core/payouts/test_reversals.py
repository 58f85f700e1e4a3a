"""Payouts that had arrived and came back."""

from typing import Any

import pytest

from core.booking.lifecycle import State
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.documents.month import Month
from core.documents.statements import statement_of
from core.errors import BadInput, NotFound, Refused
from core.limits import MPESA_MAX_CENTS
from core.money import kes
from core.payments import attempts
from core.payments.asking import look_now
from core.payments.looked_up import book_reversal
from core.payments.model import Attempt, Direction, Kind
from core.payouts import details
from core.payouts.model import HoldReason, Payout, PayoutState
from core.ports.money import Outcome, PayRequest, Reason
from tests.core.booking.world import World
from tests.core.payouts.steps import fail_three_times, owing_much, read, send, the_payout
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


def came_back_without_bookings(world: World) -> Payout:
    """Two parts arrive and the third fails; the next payout ends it; then the first returns."""
    the_payout(world)
    first = paid(world)
    world.pay_out()
    paid(world, "SFG2")
    world.pay_out()
    fail_three_times(world)
    rest = the_payout(world)
    paid(world, "SFG3")
    assert read(world, rest).state is PayoutState.PAID
    assert came_back(world, first) is None
    return the_payout(world)


def test_what_comes_back_after_its_bookings_were_paid_for_is_paid_without_them(
    database: Database, clock: ManualClock
) -> None:
    world = owing_much(database, clock)

    payout = came_back_without_bookings(world)

    assert (payout.state, payout.hold_reason) == (PayoutState.HELD, HoldReason.UNVERIFIED)
    assert (payout.amount_cents, payout.carried_in_cents) == (MPESA_MAX_CENTS, MPESA_MAX_CENTS)
    world.assert_sound()
    world.run(lambda tx: details.verify(tx, world.vendor.number, kyc=False, payout=True))
    paid(world, "SFG4")
    assert read(world, payout).state is PayoutState.PAID
    assert world.monday() == []
    month = world.run(lambda tx: statement_of(tx, world.vendor.id, Month.of(tx.now)))
    assert [(line.event, line.net_cents) for line in month.lines][-2:] == [
        ("paid_back", MPESA_MAX_CENTS),
        ("paid_out", -MPESA_MAX_CENTS),
    ]
    assert month.closing_cents == 0
    world.assert_sound()


def test_a_payout_without_bookings_is_as_safe_as_any_other(
    database: Database, clock: ManualClock
) -> None:
    """It fails and is a case, another follows, and only then its first try had gone through."""
    world = owing_much(database, clock)
    came_back_without_bookings(world)
    world.run(lambda tx: details.verify(tx, world.vendor.number, kyc=False, payout=True))
    tried = fail_three_times(world)
    for _ in range(2):
        world.run(sweep)
    failed = [case.kind for case in world.run(open_cases)]
    assert failed.count(CaseKind.PAYOUT_FAILED) == 1
    the_payout(world)
    paid(world, "SFG4")
    world.run(sweep)
    assert CaseKind.PAYOUT_FAILED not in [case.kind for case in world.run(open_cases)]

    assert world.paid(tried[0].attempt_id, "SFG5") is None

    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert world.balance("suspense:daraja").cents == -MPESA_MAX_CENTS, "a person asks for it back"
    world.assert_sound()


def test_what_is_on_its_way_waits_when_an_earlier_payout_comes_back(world: World) -> None:
    """Nothing goes to that vendor before somebody has checked where."""
    world.released()
    the_payout(world)
    sent = paid(world)
    world.released("SFF2")
    next_one = the_payout(world)

    came_back(world, sent)

    assert world.send_due() == []
    assert read(world, next_one).hold_reason is HoldReason.UNVERIFIED
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
