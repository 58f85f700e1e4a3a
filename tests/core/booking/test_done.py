"""The service itself: the customer comes, and it counts as done."""

from datetime import timedelta

import pytest

from core.booking import timers, usecases
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.db.tx import Tx
from core.errors import IllegalMove, NotFound, Refused
from core.limits import PIN_LOCK_SECONDS, PIN_TRIES_MAX
from tests.core.booking.world import World
from tests.core.escrow.tools import together
from tests.support.factories import CUSTOMER


def pin_of(world: World) -> str:
    pin: str = world.notice("confirmed_customer")["pin"]
    return pin


def test_the_vendor_types_the_customers_pin(world: World) -> None:
    booking = world.confirmed()
    world.clock.set(booking.starts_at - timedelta(hours=2))

    world.run(
        lambda tx: usecases.check_in(tx, booking.id, booking.vendor_id, f" {pin_of(world)} ")
    )

    assert world.state(booking) is State.CHECKED_IN
    assert world.moves(booking)[-1] == ("check_in", "confirmed", "checked_in", "vendor")
    assert world.due(booking) == booking.ends_at + timedelta(hours=24)
    world.clock.set(world.due(booking))
    assert world.fire() == [State.COMPLETED]
    world.assert_sound()


def test_a_wrong_pin_checks_nobody_in(world: World) -> None:
    booking = world.confirmed()
    world.clock.set(booking.starts_at)
    wrong = f"{(int(pin_of(world)) + 1) % 10_000:04}"

    assert not type_pin(world, booking, wrong)
    assert world.state(booking) is State.CONFIRMED
    assert type_pin(world, booking, pin_of(world))


def test_who_guesses_waits_and_the_customer_hears_of_it(world: World) -> None:
    booking = world.confirmed()
    world.clock.set(booking.starts_at)
    right = pin_of(world)
    wrong = f"{(int(right) + 1) % 10_000:04}"
    for _ in range(PIN_TRIES_MAX):
        assert not type_pin(world, booking, wrong)

    with pytest.raises(Refused, match="pin_locked") as refused:
        type_pin(world, booking, right)

    until = world.clock.now() + timedelta(seconds=PIN_LOCK_SECONDS)
    assert refused.value.data == {"minutes": PIN_LOCK_SECONDS / 60}
    assert world.told(CUSTOMER)[-1] == "check_in_locked"
    assert world.state(booking) is State.CONFIRMED
    world.clock.set(until)
    for _ in range(PIN_TRIES_MAX - 1):
        assert not type_pin(world, booking, wrong), "they are counted anew"
    assert type_pin(world, booking, right)
    assert world.notices()["check_in_locked"] == 1


def test_guesses_at_once_are_counted_one_by_one(world: World) -> None:
    booking = world.confirmed()
    world.clock.set(booking.starts_at)
    wrong = f"{(int(pin_of(world)) + 1) % 10_000:04}"

    results = together(PIN_TRIES_MAX + 3, lambda _: type_pin(world, booking, wrong))

    assert results.count(False) == PIN_TRIES_MAX
    assert sum(isinstance(result, Refused) for result in results) == 3


def type_pin(world: World, booking: Booking, pin: str) -> bool:
    return world.run(lambda tx: usecases.check_in(tx, booking.id, booking.vendor_id, pin))


def test_nobody_checks_in_before_the_day(world: World) -> None:
    """At 23:59 in Nairobi on the eve it is too early, a minute later it is not."""
    booking = world.confirmed()
    pin = pin_of(world)
    midnight = booking.starts_at - timedelta(hours=9)
    world.clock.set(midnight - timedelta(minutes=1))
    with pytest.raises(Refused, match="too_early"):
        world.run(lambda tx: usecases.check_in(tx, booking.id, booking.vendor_id, pin))

    world.clock.set(midnight)
    world.run(lambda tx: usecases.check_in(tx, booking.id, booking.vendor_id, pin))
    assert world.state(booking) is State.CHECKED_IN


def test_the_customer_says_that_it_was_done(world: World) -> None:
    booking = world.confirmed()
    customer = booking.customer_id
    with pytest.raises(NotFound):
        world.run(lambda tx: timers.complete_by_customer(tx, booking.id, customer))

    world.clock.set(booking.starts_at)
    world.run(lambda tx: timers.complete_by_customer(tx, booking.id, customer))

    assert world.moves(booking)[-1] == ("complete", "confirmed", "completed", "customer")
    assert world.due(booking) == world.clock.now() + timedelta(hours=48)
    with pytest.raises(IllegalMove):
        world.run(lambda tx: timers.complete_by_customer(tx, booking.id, customer))
    assert world.notices()["completed"] == 1


def test_the_vendor_says_that_it_is_done_after_it_has_ended(world: World) -> None:
    booking = world.confirmed()

    def done(tx: Tx) -> Booking:
        return timers.complete_by_vendor(tx, booking.id, booking.vendor_id)

    world.clock.set(booking.ends_at)
    with pytest.raises(IllegalMove):
        world.run(done)
    world.clock.set(booking.starts_at)
    assert type_pin(world, booking, pin_of(world))
    with pytest.raises(Refused, match="too_early"):
        world.run(done)
    world.clock.set(booking.ends_at)
    with pytest.raises(NotFound, match="no_booking"):
        world.run(lambda tx: timers.complete_by_vendor(tx, booking.id, booking.customer_id))

    world.run(done)

    assert world.moves(booking)[-1] == ("complete", "checked_in", "completed", "vendor")
    # The customer hears of it, and can object for as long as after any other end.
    assert world.notice("completed")["code"] == booking.code
    assert world.due(booking) == booking.ends_at + timedelta(hours=48)
    world.assert_sound()
