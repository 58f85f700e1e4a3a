"""What keeps reviews and the line for full days true."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core.booking.cancel import cancel_by_customer
from core.booking.model import Booking
from core.db.tx import Tx
from core.errors import Refused
from core.people.model import User
from core.reviews.model import Review
from core.reviews.usecases import answer_review, leave_review
from core.waitlist import usecases
from core.waitlist.lifecycle import WaitState
from core.waitlist.model import Wait
from core.waitlist.usecases import Taken, fire_wait, join_line, leave_line, offer_freed, take_offer
from tests.core.booking.world import World
from tests.guards.guard import (
    Guard,
    Kind,
    both_do,
    constraint,
    copy_row,
    count,
    foreign,
    lock,
    meet_in,
    never,
    swapped,
    unique,
    unique_index,
)
from tests.support.factories import OTHER_CUSTOMER, make_user, make_wish


def _done(world: World, receipt: str = "SFF6XYQ1AB", **wish: Any) -> Booking:
    """A booking whose service was given."""
    booking = world.confirmed(receipt, **wish)
    world.clock.set(world.due(booking))
    world.fire()
    return booking


def _two_stars_at_once(world: World) -> None:
    one, two = _done(world), _done(world, "SFF6XYQ2CD", in_days=15)
    left = iter((one, two))

    def leave() -> None:
        booking = next(left)
        world.run(lambda tx: leave_review(tx, booking.id, booking.customer_id, 5))

    meet_in(world, leave, r"FROM listings WHERE listings\.id = ", leave)

    world.assert_sound()


def _reviewed(world: World) -> Review:
    booking = _done(world)
    return world.run(lambda tx: leave_review(tx, booking.id, booking.customer_id, 5))


def _reviewed_twice(world: World) -> None:
    review = _reviewed(world)

    copy_row(world, "reviews", review.id)

    assert count(world, "SELECT count(*) FROM reviews") == 1


def _answered_twice(world: World) -> None:
    """The vendor answers from two phones at once."""
    review = _reviewed(world)
    said = iter(("Thank you.", "It was not so."))

    def answer() -> Review:
        words = next(said)
        return world.run(lambda tx: answer_review(tx, review.id, world.vendor.id, words))

    results = meet_in(world, answer, r"FROM reviews", answer)

    assert isinstance(results[1], Refused), "it is answered"
    kept = world.run(lambda tx: tx.db.get_one(Review, review.id))
    assert kept.answer == "Thank you.", "what everybody has read stays"


def _waits(world: World) -> Wait:
    world.hold()
    return world.run(lambda tx: join_line(tx, OTHER_CUSTOMER, make_wish(tx, world.listing)))


def _joins_by_call_and_by_message(world: World) -> None:
    world.hold()
    world.run(lambda tx: make_user(tx, OTHER_CUSTOMER))

    results = both_do(
        world,
        lambda tx: join_line(tx, OTHER_CUSTOMER, make_wish(tx, world.listing)).id,
        r"FROM waits WHERE",
    )

    assert results[0] == results[1], "both are told of the one place"


def _not_locked(tx: Tx, msisdn: str) -> User:
    return tx.db.scalars(select(User).where(User.msisdn == msisdn)).one()


def _in_line(world: World) -> Wait:
    """Somebody waits for a day that has become free."""
    booking = world.confirmed()

    made = world.run(lambda tx: join_line(tx, OTHER_CUSTOMER, make_wish(tx, world.listing)))
    world.run(lambda tx: cancel_by_customer(tx, booking.id, booking.customer_id))
    return made


def _left_while_offered(world: World) -> None:
    wait = _in_line(world)

    meet_in(
        world,
        lambda: world.run(lambda tx: offer_freed(tx, wait.listing_id)),
        r"FROM waits .*ORDER BY waits\.created_at",
        lambda: world.run(lambda tx: leave_line(tx, wait.id, OTHER_CUSTOMER)),
    )

    state = world.run(lambda tx: tx.db.scalars(select(Wait.state)).one())
    assert state is WaitState.LEFT, "who leaves is offered nothing"


class _LastSecond:
    """Somebody says yes to an offer in its last second; in the next one its timer fires."""

    def __init__(self, world: World) -> None:
        self._world, self.wait = world, _in_line(world)
        [offered] = world.run(lambda tx: offer_freed(tx, self.wait.listing_id))
        assert offered.due_at is not None
        self._end = offered.due_at

    def take(self) -> Taken:
        self._world.clock.set(self._end - timedelta(seconds=1))
        return self._world.run(lambda tx: take_offer(tx, self.wait.id, OTHER_CUSTOMER))

    def fire(self) -> WaitState | None:
        self._world.clock.set(self._end)
        return self._world.run(lambda tx: fire_wait(tx, self.wait.id))


def _lapses_as_it_is_taken(world: World) -> None:
    offer = _LastSecond(world)

    results = meet_in(world, offer.take, r"FROM waits", offer.fire)

    assert results[1] is None, "it is being answered"


def _taken_as_it_lapses(world: World) -> None:
    offer = _LastSecond(world)

    results = meet_in(world, offer.fire, r"FROM waits", offer.take)

    assert results[0] is WaitState.LAPSED
    assert isinstance(results[1], Refused), "the offer is over"


def _waits_twice(world: World) -> None:
    wait = _in_line(world)

    copy_row(world, "waits", wait.id)

    assert count(world, "SELECT count(*) FROM waits") == 1


ALONE = (
    Guard(
        "one guest reviews a booking twice",
        unique("reviews", "uq_reviews_booking_id"),
        _reviewed_twice,
    ),
    Guard("somebody stands twice in one line", unique_index("uq_waits_open"), _waits_twice),
    never(
        "a review has more stars than there are",
        constraint("reviews", "ck_reviews_stars"),
        _reviewed,
        "UPDATE reviews SET stars = 6",
        "reviews WHERE stars > 5",
    ),
    never(
        "a review fills more than a screen",
        constraint("reviews", "ck_reviews_words"),
        _reviewed,
        "UPDATE reviews SET words = repeat('x', 121)",
        "reviews WHERE char_length(words) > 120",
    ),
    never(
        "a review is not shown, and nobody can say why",
        constraint("reviews", "ck_reviews_hidden"),
        _reviewed,
        "UPDATE reviews SET hidden_at = now()",
        "reviews WHERE hidden_at IS NOT NULL AND hidden_why IS NULL",
    ),
    never(
        "a vendor has answered at no time",
        constraint("reviews", "ck_reviews_answer"),
        _reviewed,
        "UPDATE reviews SET answer = 'Thank you.'",
        "reviews WHERE answer IS NOT NULL AND answered_at IS NULL",
    ),
    never(
        "somebody waits for no day, and is offered none",
        constraint("waits", "ck_waits_days"),
        _waits,
        "UPDATE waits SET ends_on = starts_on",
        "waits WHERE ends_on = starts_on",
    ),
    never(
        "one unit is offered to a whole line, of whom each needs none",
        constraint("waits", "ck_waits_people"),
        _waits,
        "UPDATE waits SET quantity = 0",
        "waits WHERE quantity = 0",
    ),
    never(
        "somebody still waits for a day that is over",
        constraint("waits", "ck_waits_due_at"),
        _waits,
        "UPDATE waits SET due_at = NULL",
        "waits WHERE state = 'waiting' AND due_at IS NULL",
    ),
    never(
        "a day is offered at no price, and whoever says yes meets a fault",
        constraint("waits", "ck_waits_offered"),
        _waits,
        "UPDATE waits SET state = 'offered'",
        "waits WHERE state = 'offered' AND total_cents IS NULL",
    ),
    never(
        "an offer is taken and nothing is booked",
        constraint("waits", "ck_waits_taken"),
        _waits,
        "UPDATE waits SET state = 'taken', due_at = NULL",
        "waits WHERE state = 'taken' AND booking_id IS NULL",
    ),
    never(
        "an offer is taken for a booking that is not there",
        foreign("waits", "fk_waits_booking_id_bookings"),
        _waits,
        "UPDATE waits SET state = 'taken', due_at = NULL, booking_id = id",
        "waits WHERE booking_id NOT IN (SELECT id FROM bookings)",
    ),
)
MEETING = (
    Guard(
        "a vendor's answer is written over by another",
        lock("a review, when answered", "reviews"),
        _answered_twice,
    ),
    Guard(
        "of two reviews at once one is not counted",
        lock("the listing, when its reviews are counted", "listings"),
        _two_stars_at_once,
    ),
    Guard(
        "somebody joins a line by call and by message at once: one of them fails",
        swapped(
            "the person, when joining a line", usecases, "ensure_user", _not_locked, Kind.LOCK
        ),
        _joins_by_call_and_by_message,
    ),
    Guard(
        "who has just left the line is offered a unit",
        lock("the line, when offering", "waits", r"ORDER BY waits\.created_at"),
        _left_while_offered,
    ),
    Guard(
        "who has said yes in time is told that the offer is over",
        lock("a place in the line, when its offer is taken", "waits", r"waits\.id = [^ ]+ FOR"),
        _lapses_as_it_is_taken,
    ),
    Guard(
        "an offer lapses as it is taken: the timer fails",
        lock("a place in the line, when its timer fires", "waits", r"waits\.due_at"),
        _taken_as_it_lapses,
    ),
)
