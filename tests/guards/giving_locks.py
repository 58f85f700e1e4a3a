"""Locks of a booking's last days: who has come, what went wrong, when the vendor is paid."""

from datetime import timedelta

from core.booking import usecases
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.release import release_many
from core.disputes import usecases as disputes
from core.disputes.model import Problem
from tests.core.booking.world import GOLDEN, World
from tests.guards.guard import Guard, both_do, lock, meet_in

READS_BOOKING = r"FROM bookings WHERE bookings\.id = "


def _accepted_as_it_is_withdrawn(world: World) -> None:
    booking = world.book()

    meet_in(
        world,
        lambda: world.accept(booking),
        r"^SELECT bookings\.id, .*" + READS_BOOKING,
        lambda: world.withdraw(booking),
    )

    assert world.state(booking) is State.CANCELLED, "who has withdrawn is asked for nothing"
    assert world.booked(booking) == 0


def _two_guesses(world: World) -> None:
    booking = world.confirmed()
    vendor_id = booking.vendor_id

    both_do(world, lambda tx: usecases.check_in(tx, booking.id, vendor_id, "none"), READS_BOOKING)

    assert world.read(booking).pin_tries == 2, "both guesses count"


def _done(world: World) -> Booking:
    """A booking whose service was given, and whose money is due to the vendor."""
    booking = world.confirmed()
    world.clock.set(world.due(booking))
    world.fire()
    return booking


def _disputed_as_it_is_released(world: World) -> None:
    booking = _done(world)
    # The last moment of the one is the first of the other.
    world.clock.set(world.due(booking) - timedelta(seconds=1))

    def dispute() -> None:
        world.run(
            lambda tx: disputes.open_dispute(
                tx, booking.id, booking.customer_id, Problem.OTHER, "No water."
            )
        )

    def release() -> int:
        world.clock.advance(seconds=1)
        return world.run(lambda tx: release_many(tx, [booking.id]))

    results = meet_in(world, dispute, READS_BOOKING, release)

    assert results == (None, 0), "the money waits for a decision"
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    world.assert_sound()


def _one_releases(world: World) -> None:
    booking = _done(world)
    world.clock.set(world.due(booking))

    results = both_do(world, lambda tx: release_many(tx, [booking.id]), r"FROM bookings")

    assert results == (1, 0), "another worker has it"
    assert [event for event, *_ in world.moves(booking)].count("release") == 1


GUARDS = (
    Guard(
        "a request is accepted that has just been withdrawn",
        lock("the booking, when accepting", "bookings"),
        _accepted_as_it_is_withdrawn,
    ),
    Guard(
        "guesses at one moment count as one, and somebody else checks in",
        lock("the booking, when its PIN is tried", "bookings"),
        _two_guesses,
    ),
    Guard(
        "a problem is reported and the money is gone",
        lock("the booking, when a dispute is opened", "bookings", r"bookings\.id = "),
        _disputed_as_it_is_released,
    ),
    Guard(
        "one release is written twice",
        lock("bookings, when released", "bookings", r"bookings\.id IN .*due_at"),
        _one_releases,
    ),
)
