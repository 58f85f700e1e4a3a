"""Money for a booking that has run out: held again, or sent back by itself."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.limits import RETURN_RETRY_SECONDS
from core.money import kes
from core.payments.lifecycle import AttemptState
from core.payments.model import Kind
from core.ports.money import PayRequest
from tests.core.booking.world import GOLDEN, World
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, VENDOR

OTHER_RECEIPT = "SFF6XYQ2CD"


def test_late_money_holds_the_units_again_while_they_are_free(instant: World) -> None:
    booking = instant.book()
    attempt = instant.prompt(booking)
    instant.clock.advance(seconds=31 * 60)
    instant.fire()
    assert instant.state(booking) is State.EXPIRED
    assert instant.booked(booking) == 0

    assert instant.paid(attempt) is None

    assert instant.state(booking) is State.CONFIRMED
    assert instant.booked(booking) == 1
    assert instant.due(booking) == booking.ends_at + timedelta(hours=24)
    assert instant.moves(booking)[-1] == ("pay_late", "expired", "confirmed", "provider")
    assert instant.balance(f"escrow:{booking.code}") == GOLDEN
    assert instant.told(VENDOR) == ["confirmed_vendor"]
    instant.assert_sound()


def test_money_for_a_withdrawn_booking_brings_it_back(world: World) -> None:
    booking = world.hold()
    attempt = world.prompt(booking)
    world.withdraw(booking)

    assert world.paid(attempt) is None

    assert world.moves(booking)[-1] == ("pay_late", "cancelled", "confirmed", "provider")
    world.assert_sound()


def late_and_taken(instant: World) -> PayRequest:
    """A late payment whose hall somebody else has by now; returns what is sent back."""
    booking = instant.book()
    attempt = instant.prompt(booking)
    instant.clock.advance(seconds=31 * 60)
    instant.fire()
    faster = instant.book(OTHER_CUSTOMER)
    assert instant.paid(attempt) is None
    assert instant.state(booking) is State.EXPIRED
    assert instant.state(faster) is State.AWAITING_PAYMENT
    assert instant.booked(faster) == 1
    assert instant.balance("suspense:daraja") == GOLDEN

    [sent] = instant.send_due()
    assert isinstance(sent, PayRequest)
    return sent


def test_late_money_for_what_is_taken_goes_back_by_itself(instant: World) -> None:
    sent = late_and_taken(instant)

    assert (sent.msisdn, sent.amount) == (CUSTOMER, GOLDEN)
    [planned] = instant.attempts(Kind.RETURN)
    # DESIGN §5: within 15 minutes. It is due at once.
    assert planned.created_at == instant.clock.now()
    assert instant.paid(sent.attempt_id, OTHER_RECEIPT) is None

    assert instant.balance("suspense:daraja") == kes(0)
    assert instant.balance("float:daraja") == kes(0)
    assert [receipt.suspense for receipt in instant.receipts()] == [False, False]
    assert instant.told(CUSTOMER) == ["hold_expired", "money_returning", "money_returned"]
    assert instant.notice("money_returned")["amount_cents"] == GOLDEN.cents
    assert instant.paid(sent.attempt_id, OTHER_RECEIPT) == "repeat"
    instant.assert_sound()


def test_a_return_that_failed_for_certain_is_tried_three_times_an_hour_apart(
    instant: World,
) -> None:
    sent = late_and_taken(instant)
    for _ in range(2):
        instant.failed(sent.attempt_id)
        assert instant.send_due() == []
        instant.clock.advance(seconds=RETURN_RETRY_SECONDS)
        [sent] = instant.send_due()
    instant.failed(sent.attempt_id)
    instant.clock.advance(days=1)

    assert instant.send_due() == []
    assert len(instant.attempts(Kind.RETURN)) == 3
    # A person has to look: the money is where it can be seen.
    assert instant.balance("suspense:daraja") == GOLDEN
    instant.assert_sound()


def test_a_return_that_went_through_after_all_is_not_sent_again(instant: World) -> None:
    sent = late_and_taken(instant)
    instant.failed(sent.attempt_id)
    assert instant.paid(sent.attempt_id, OTHER_RECEIPT) is None
    instant.clock.advance(seconds=RETURN_RETRY_SECONDS)

    assert instant.send_due() == []

    assert [each.state for each in instant.attempts(Kind.RETURN)] == [
        AttemptState.SUCCEEDED,
        AttemptState.FAILED,
    ]
    assert instant.balance("suspense:daraja") == kes(0)
    instant.assert_sound()


def test_money_after_the_start_is_sent_back_though_the_hall_is_empty(instant: World) -> None:
    booking = instant.book()
    attempt = instant.prompt(booking)
    instant.clock.set(booking.starts_at)
    instant.fire()

    assert instant.paid(attempt) is None

    assert instant.state(booking) is State.EXPIRED
    assert [each.amount_cents for each in instant.attempts(Kind.RETURN)] == [GOLDEN.cents]
    instant.assert_sound()


def unanswered(world: World) -> Booking:
    booking = world.book()
    world.clock.set(world.due(booking))
    world.fire()
    return booking


def withdrawn(world: World) -> Booking:
    booking = world.book()
    world.withdraw(booking)
    return booking


def asked_again(world: World) -> Booking:
    """The vendor had said yes to another day, and says nothing to this one."""
    booking = world.hold()
    world.change(booking, in_days=6)
    world.clock.set(world.due(booking))
    world.fire()
    return booking


def declined(world: World) -> Booking:
    booking = world.book()
    world.decline(booking)
    return booking


ENDS = {
    unanswered: State.EXPIRED,
    withdrawn: State.CANCELLED,
    asked_again: State.EXPIRED,
    declined: State.DECLINED,
    World.book: State.REQUESTED,
    World.confirmed: State.CONFIRMED,
}


@pytest.mark.parametrize(("end", "before"), ENDS.items())
def test_money_for_what_cannot_be_had_is_kept_apart(
    world: World, end: Callable[[World], Booking], before: State
) -> None:
    """Never accepted, or paid for already: the payment is nobody's and goes back."""
    booking = end(world)
    assert world.state(booking) is before

    assert world.paybill(booking.code, GOLDEN, OTHER_RECEIPT) is None

    assert world.state(booking) is before
    assert world.balance("suspense:daraja") == GOLDEN
    [sent] = world.send_due()
    assert (sent.msisdn, sent.amount) == (CUSTOMER, GOLDEN)
    world.assert_sound()
