"""Locks of bookings and the calendar."""

from functools import partial

from sqlalchemy import select, text

from core.booking import cancel, timers, usecases
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.db.tx import Tx
from core.errors import IllegalMove, Refused
from core.limits import OPEN_BOOKINGS_PER_CUSTOMER_MAX
from core.payments.collections import start_collection
from core.payments.model import Attempt
from core.people.model import User
from core.people.usecases import ensure_user
from tests.core.booking.world import World
from tests.guards.guard import Guard, both_do, lock, meet_in, swapped
from tests.guards.guard import Kind as GuardKind
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER

READS_BOOKING = r"FROM bookings WHERE bookings\.id = "


def _two_cancellations(world: World) -> None:
    booking = world.confirmed()

    results = meet_in(
        world,
        lambda: world.run(
            lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id)
        ),
        READS_BOOKING,
        lambda: world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id)),
    )

    assert isinstance(results[1], IllegalMove)
    world.assert_sound()


def _withdrawn_while_paid(world: World) -> None:
    booking = world.hold()
    attempt = world.prompt(booking)

    meet_in(world, lambda: world.withdraw(booking), READS_BOOKING, lambda: world.paid(attempt))

    assert world.state(booking) is State.CONFIRMED, "who has paid has a booking"
    world.assert_sound()


def _prompted_twice(world: World) -> None:
    booking = world.hold()

    results = both_do(
        world, lambda tx: start_collection(tx, booking.id, CUSTOMER), r"FROM attempts"
    )

    assert [type(each) for each in results] == [Attempt, Attempt]
    assert results[0].id == results[1].id


def _two_accepts(world: World) -> None:
    one, two = world.book(in_days=5), world.book(OTHER_CUSTOMER, in_days=5)

    def accept(booking: Booking) -> None:
        # Not tried again, as callers do when PostgreSQL asks them to.
        with world.database.transaction() as tx:
            tx.db.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
            usecases.accept(tx, booking.id, booking.vendor_id)

    results = meet_in(
        world, partial(accept, one), "INSERT INTO listing_days", partial(accept, two)
    )

    assert results[0] is None
    assert isinstance(results[1], IllegalMove), "declined by the first, told in plain words"


def _rival_withdraws(world: World) -> None:
    one, two = world.book(in_days=5), world.book(OTHER_CUSTOMER, in_days=5)

    meet_in(
        world,
        lambda: world.accept(one),
        r"FROM bookings .*ORDER BY bookings\.created_at",
        lambda: world.withdraw(two),
    )

    assert world.state(two) is State.DECLINED
    world.assert_sound()


def _reads_user(tx: Tx, msisdn: str) -> User:
    found = tx.db.scalar(select(User).where(User.msisdn == msisdn))
    return found or ensure_user(tx, msisdn)


def _one_more(world: World) -> None:
    for day in range(OPEN_BOOKINGS_PER_CUSTOMER_MAX - 1):
        world.book(in_days=5 + day)

    results = meet_in(
        world,
        lambda: world.book(in_days=30),
        r"count\(\*\) .*FROM bookings WHERE bookings\.customer_id",
        lambda: world.book(in_days=31),
    )

    assert isinstance(results[1], Refused)


def _one_fires(world: World) -> None:
    booking = world.confirmed()
    world.clock.set(world.due(booking))

    results = both_do(world, lambda tx: timers.fire(tx, booking.id), r"FROM bookings")

    assert results == (State.COMPLETED, None), "another worker has it"
    world.assert_sound()


GUARDS = (
    Guard(
        "customer and vendor cancel at once: twice the refund",
        lock("the booking, when cancelling", "bookings"),
        _two_cancellations,
    ),
    Guard(
        "a booking is withdrawn while its money is booked",
        lock("the booking, when withdrawing", "bookings"),
        _withdrawn_while_paid,
    ),
    Guard(
        "two of one family ask for the same prompt: one fails",
        lock("the booking, when prompting", "bookings"),
        _prompted_twice,
    ),
    Guard(
        "two accepts of one listing die of each other",
        lock("the listing, when accepting", "listings"),
        _two_accepts,
    ),
    Guard(
        "a request is declined that has just been withdrawn",
        lock("rivals, when declined", "bookings", r"ORDER BY bookings\.created_at"),
        _rival_withdraws,
    ),
    Guard(
        "two calls of one phone go beyond its bookings",
        swapped(
            "the customer, when booking", usecases, "ensure_user", _reads_user, GuardKind.LOCK
        ),
        _one_more,
    ),
    Guard(
        "a timer fires twice",
        lock("a booking, when its timer fires", "bookings"),
        _one_fires,
    ),
)
