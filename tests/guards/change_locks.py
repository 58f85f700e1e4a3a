"""Locks of changes and disputes: both sides and the clock act on one booking at once."""

from core.booking import changes
from core.booking.lifecycle import ChangeState
from core.booking.model import Booking, BookingChange
from core.catalog import calendar
from core.disputes import timers as dispute_timers
from core.disputes import usecases as disputes
from core.disputes.model import Dispute, Problem
from core.disputes.timers import Step
from core.errors import NotFound, NoUnits
from tests.core.booking.world import World
from tests.guards.guard import Guard, both_do, lock, meet_in
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER

READS_BOOKING = r"FROM bookings WHERE bookings\.id = "


def _asked(world: World, msisdn: str = CUSTOMER, **wish: int) -> tuple[Booking, BookingChange]:
    """A paid booking that its vendor is asked to move to the twelfth day."""
    booking = world.confirmed(f"SFF{msisdn[-7:]}", msisdn, **wish)
    return booking, world.change(booking, in_days=12)


def _answered_and_taken_back(world: World) -> None:
    booking, _ = _asked(world)

    results = meet_in(
        world,
        lambda: world.say_yes(booking),
        READS_BOOKING,
        lambda: world.keep_as_was(booking),
    )

    assert isinstance(results[1], NotFound), "it is done"
    world.assert_sound()


def _one_lapses(world: World) -> None:
    _, change = _asked(world)
    assert change.due_at is not None
    world.clock.set(change.due_at)

    results = both_do(world, lambda tx: changes.fire_change(tx, change.id), r"FROM bookings")

    assert results == (ChangeState.EXPIRED, None), "another worker has it"
    world.assert_sound()


def _two_move_to_one_day(world: World) -> None:
    one, change = _asked(world)
    two, _ = _asked(world, OTHER_CUSTOMER, in_days=11)
    # Else the second would wait for the first one's new row.
    world.run(
        lambda tx: calendar.free(tx, one.listing_id, [change.starts_on], vendor_id=one.vendor_id)
    )

    results = meet_in(
        world,
        lambda: world.say_yes(one),
        r"^SELECT listing_days\.day",
        lambda: world.say_yes(two),
    )

    assert isinstance(results[1], NoUnits), "told in plain words"
    world.assert_sound()


def _disputed(world: World) -> tuple[Booking, Dispute]:
    booking = world.confirmed()
    world.clock.set(world.due(booking))
    world.fire()
    dispute = world.run(
        lambda tx: disputes.open_dispute(
            tx, booking.id, booking.customer_id, Problem.OTHER, "No water."
        )
    )
    return booking, dispute


def _decided_and_taken_back(world: World) -> None:
    booking, _ = _disputed(world)
    world.run(
        lambda tx: disputes.note_by_vendor(tx, booking.id, booking.vendor_id, "There was water.")
    )

    results = meet_in(
        world,
        lambda: world.run(lambda tx: disputes.resolve(tx, booking.id, 100, None, "No water.")),
        READS_BOOKING,
        lambda: world.run(
            lambda tx: disputes.withdraw_dispute(tx, booking.id, booking.customer_id)
        ),
    )

    assert isinstance(results[1], NotFound), "it is decided"
    world.assert_sound()


def _one_reminds(world: World) -> None:
    _, dispute = _disputed(world)
    assert dispute.due_at is not None
    world.clock.set(dispute.due_at)

    results = both_do(world, lambda tx: dispute_timers.fire(tx, dispute.id), r"FROM bookings")

    assert results == (Step.REMINDED, None), "another worker has it"


GUARDS = (
    Guard(
        "a vendor agrees to a change while its customer takes it back: both are told yes",
        lock("the booking, when a change is answered", "bookings"),
        _answered_and_taken_back,
    ),
    Guard(
        "a change lapses twice",
        lock("the booking, when a change's timer fires", "bookings"),
        _one_lapses,
    ),
    Guard(
        "who moves to a day too late meets a fault instead of a refusal",
        lock("the days, when a booking moves", "listing_days"),
        _two_move_to_one_day,
    ),
    Guard(
        "a dispute is decided and taken back at once",
        lock("the booking, when a dispute ends", "bookings"),
        _decided_and_taken_back,
    ),
    Guard(
        "a vendor is reminded twice of a dispute",
        lock("the booking, when a dispute's timer fires", "bookings"),
        _one_reminds,
    ),
)
