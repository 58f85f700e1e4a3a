"""Reviews: by who was there, once a booking, counted on the listing as long as they are shown."""

from datetime import timedelta
from uuid import UUID

import pytest

from core.booking.model import Booking
from core.catalog.model import Listing
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import BadInput, NafasiError, NotFound, Refused
from core.invariants.run import run_all
from core.limits import (
    RATING_PRIOR_HUNDREDTHS,
    REVIEW_EDIT_SECONDS,
    REVIEW_WITHIN_SECONDS,
    REVIEW_WORDS_MAX,
)
from core.reviews.model import Review
from core.reviews.queries import codes_to_review, newest_reviews, shown_reviews
from core.reviews.rules import tenths
from core.reviews.usecases import answer_review, hide_review, leave_review, show_review
from tests.core.booking.world import World
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, OTHER_VENDOR, make_vendor


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


@pytest.fixture
def done(world: World) -> Booking:
    """A booking whose service was given."""
    booking = world.confirmed()
    world.clock.set(world.due(booking))
    world.fire()
    return booking


def leave(world: World, booking: Booking, stars: int, words: str | None = None) -> Review:
    customer = booking.customer_id
    return world.run(lambda tx: leave_review(tx, booking.id, customer, stars, words))


def counted(world: World) -> tuple[int, int]:
    found = world.run(lambda tx: tx.db.get_one(Listing, world.listing.id))
    return found.rating_count, found.rating_sum


def refused(world: World, booking: Booking, stars: int, words: str | None = None) -> str:
    with pytest.raises(NafasiError) as error:
        leave(world, booking, stars, words)
    return error.value.code


def test_who_was_there_says_how_it_was_and_the_listing_counts_it(
    world: World, done: Booking
) -> None:
    assert world.run(lambda tx: codes_to_review(tx, CUSTOMER)) == [done.code]

    leave(world, done, 5, "  great   food, call 0700 000 001 ")

    (shown,) = world.run(lambda tx: shown_reviews(tx, world.listing.id))
    assert (shown.stars, shown.words) == (5, "great food, call ***")
    assert counted(world) == (1, 5)
    world.assert_sound()


def test_nobody_reviews_what_was_not_given_or_is_not_theirs(world: World, done: Booking) -> None:
    coming = world.confirmed(receipt="SFF6XYQ2CD", in_days=60)
    assert refused(world, coming, 5) == "too_early"
    with pytest.raises(NotFound):
        world.run(lambda tx: leave_review(tx, done.id, world.vendor.user_id, 5))
    assert world.run(lambda tx: codes_to_review(tx, OTHER_CUSTOMER)) == []
    assert counted(world) == (0, 0)


@pytest.mark.parametrize("stars", [-1, 0, 6, 55])
def test_there_are_one_to_five_stars(world: World, done: Booking, stars: int) -> None:
    with pytest.raises(BadInput, match="bad_stars"):
        leave(world, done, stars)


def test_words_have_an_end(world: World, done: Booking) -> None:
    assert refused(world, done, 5, "x" * (REVIEW_WORDS_MAX + 1)) == "note_too_long"
    leave(world, done, 5, "a" * (REVIEW_WORDS_MAX - 12) + " @amina zzzz")


def test_a_second_one_corrects_the_first_for_two_days(world: World, done: Booking) -> None:
    leave(world, done, 5, "great")
    world.clock.advance(seconds=REVIEW_EDIT_SECONDS)
    assert leave(world, done, 2).words == "great", "no words are no new words"
    assert leave(world, done, 1, "").words == ""
    assert counted(world) == (1, 1)

    world.clock.advance(seconds=1)

    assert refused(world, done, 5) == "review_late"
    assert world.run(lambda tx: codes_to_review(tx, CUSTOMER)) == []
    assert counted(world) == (1, 1)


def test_what_is_long_over_is_not_reviewed_any_more(world: World, done: Booking) -> None:
    completed = world.read(done).completed_at
    assert completed is not None
    world.clock.set(completed + timedelta(seconds=REVIEW_WITHIN_SECONDS + 1))

    assert refused(world, done, 5) == "review_late"


def test_a_hidden_review_neither_shows_nor_counts_until_it_is_shown_again(
    world: World, done: Booking
) -> None:
    leave(world, done, 1, "rude words")
    for _ in range(2):
        world.run(lambda tx: hide_review(tx, done.code.lower(), " insults "))

    assert world.run(lambda tx: shown_reviews(tx, world.listing.id)) == []
    assert counted(world) == (0, 0)
    assert refused(world, done, 5) == "review_late", "its author cannot bring it back"
    (view,) = world.run(newest_reviews)
    assert (view.code, view.review.hidden_why) == (done.code, "insults")

    for _ in range(2):
        world.run(lambda tx: show_review(tx, done.code))
    assert counted(world) == (1, 1)
    world.assert_sound()


def test_hiding_needs_a_reason_and_a_review(world: World, done: Booking) -> None:
    with pytest.raises(NotFound, match="no_review"):
        world.run(lambda tx: hide_review(tx, done.code, "why"))
    with pytest.raises(Refused, match="no_reason"):
        world.run(lambda tx: hide_review(tx, done.code, " "))


def test_standing_weighs_few_reviews_against_what_is_usual(world: World, done: Booking) -> None:
    def score() -> int:
        return world.run(lambda tx: tx.db.get_one(Listing, world.listing.id).rating_score)

    assert score() == RATING_PRIOR_HUNDREDTHS
    leave(world, done, 5)
    assert score() == (5 * 350 + 500) // 6
    world.change_listing(rating_count=90, rating_sum=423)
    assert score() > (5 * 350 + 500) // 6, "ninety of 4.7 stand above one of 5"


def test_a_count_that_is_not_the_reviews_is_found(world: World, done: Booking) -> None:
    leave(world, done, 4)
    world.change_listing(rating_count=2, rating_sum=8)

    found = [each for each in world.run(run_all) if each.invariant == "I16"]

    assert [(each.expected, each.actual) for each in found] == [
        ("1 reviews, 4 stars", "2 reviews, 8 stars")
    ]


def test_an_average_is_rounded_half_up() -> None:
    assert [tenths(3, 14), tenths(2, 9), tenths(20, 89), tenths(1, 1)] == [47, 45, 45, 10]


def test_the_vendor_answers_once_and_nobody_else_does(world: World, done: Booking) -> None:
    review = leave(world, done, 2, "The power went off")
    other = world.run(lambda tx: make_vendor(tx, OTHER_VENDOR, "Other Halls"))

    def say(vendor_id: UUID, words: str) -> str:
        try:
            return (
                world.run(lambda tx: answer_review(tx, review.id, vendor_id, words)).answer or ""
            )
        except NafasiError as error:
            return error.code

    assert say(other.id, "We are better") == "no_review"
    assert say(world.vendor.id, " ") == "empty"
    assert say(world.vendor.id, "w" * (REVIEW_WORDS_MAX + 1)) == "note_too_long"
    assert say(world.vendor.id, "Sorry! Call 0700 000 011") == "Sorry! Call ***"
    assert say(world.vendor.id, "Once more") == "answered_already"
    world.run(lambda tx: hide_review(tx, done.code, "insults"))
    assert say(world.vendor.id, "Once more") == "no_review"
