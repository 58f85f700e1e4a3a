"""The service itself: the customer comes, and it counts as done."""

from datetime import timedelta

import pytest

from core.booking import timers, usecases
from core.booking.lifecycle import State
from core.errors import IllegalMove, NotFound, Refused
from tests.core.booking.world import World


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

    with pytest.raises(Refused, match="wrong_pin"):
        world.run(lambda tx: usecases.check_in(tx, booking.id, booking.vendor_id, wrong))

    assert world.state(booking) is State.CONFIRMED


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
