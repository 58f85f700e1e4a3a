"""Who books what in the demo market, and what comes of it, as values: the same for the same seed.

Days are drawn relative to today, so that each state of a booking has its examples whenever the
market is made, on every weekday and at every hour. Pure.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from core.catalog import rules
from core.catalog.rules import BookingMode, Category, Terms, days_in
from core.clock import nairobi_date, nairobi_moment
from core.demo.plan import FIXED_NUMBERS, SEED, DemoListing, demo_vendors, phone
from core.demo.seed import CLOSED_EVERY
from core.limits import RELEASE_AFTER_SECONDS
from core.payouts.rules import run_at, week_of

# The customers of the README book nothing by chance: the first has a story told for her, the
# second begins with an empty list.
CUSTOMER = phone(1)
REGULARS = (3, 4, 5)
GUEST_PHONES_FROM = 61
GUESTS = (
    "Faith Wambui",
    "Peter Ochieng",
    "Halima Abdi",
    "James Kariuki",
    "Lilian Akinyi",
    "Daniel Kipchoge",
    "Esther Muthoni",
    "Hassan Ali",
    "Caroline Nduta",
    "Victor Wafula",
    "Salma Said",
    "George Onyango",
    "Ruth Chebet",
    "Samuel Njoroge",
    "Agnes Moraa",
    "Dennis Musyoka",
    "Joan Jepkorir",
    "Francis Maina",
    "Naomi Wairimu",
    "Omar Bakari",
    "Stella Kemunto",
    "Kevin Omondi",
    "Purity Gatwiri",
    "Moses Lekuton",
)

DRAWS_MAX = 500
# What a booking may cost before fee and tax, so that one M-Pesa payment carries it.
BASE_MAX_CENTS = 180_000_00
# Whatever is not open any more was made so many days ago at least.
SETTLED_DAYS = 2
# A weekly run is made up for when its last payment has arrived; a younger one is left to workers.
RUN_TAKES = timedelta(minutes=15)
# Not every customer's PIN is typed, and few say themselves that it is done.
CHECKED_IN_SHARE = 0.6
DONE_BY_CUSTOMER_SHARE = 0.3
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Course(StrEnum):
    """What comes of a booking. How far a paid one has come follows from its days."""

    ASKED = "asked"
    """The vendor has not answered yet."""
    HELD = "held"
    """It waits for its payment."""
    PAID = "paid"
    PAID_AGAIN = "paid_again"
    """The first prompt fails, the second is paid."""
    PAID_LATE = "paid_late"
    """The provider tells of the payment after the hold has run out."""
    DISPUTED = "disputed"
    """Paid, done, and its customer has reported a problem."""
    DECLINED = "declined"
    UNANSWERED = "unanswered"
    UNPAID = "unpaid"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Story:
    """One booking from its first word on.

    Attributes:
        answer_after: from the request to the vendor's answer.
        pay_after: from the hold to the prompt, or to the customer's change of mind.
        arrive_after: from the start to the check-in; None when nobody types the PIN.
        completed_at: when the customer says that it is done; None when time does.
        reported_at: when the customer reports a problem.
    """

    course: Course
    customer: str
    number: int
    starts_on: date
    ends_on: date
    people: int
    created_at: datetime
    answer_after: timedelta
    pay_after: timedelta
    arrive_after: timedelta | None = None
    completed_at: datetime | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    """Stories of one kind.

    Attributes:
        first_day, last_day: between which days the service starts, counted from today.
        days: the longest a stay lasts; a venue or a meal takes one day.
        done_by_customer: some customers say themselves that it is done.
    """

    count: int
    course: Course
    first_day: int
    last_day: int
    pool: Sequence[DemoListing]
    days: int = 1
    done_by_customer: bool = False


def last_run(now: datetime) -> datetime:
    """Return the moment of the last weekly run that is made up for."""
    return run_at(week_of(now - RUN_TAKES))


def stories(now: datetime, seed: int = SEED) -> tuple[Story, ...]:
    """Return all stories of a market that is made now.

    Args:
        now: an aware moment; every story has begun by then.
        seed: another seed draws another market.
    """
    author = _Author(now, seed)
    told = [*_named(author)]
    for group in _groups():
        told += [author.draw(group) for _ in range(group.count)]
    return tuple(told)


def _groups() -> Iterator[_Group]:
    listings = [
        listing
        for vendor in demo_vendors()
        for listing in vendor.listings
        if listing.number % CLOSED_EVERY or listing.number in FIXED_NUMBERS
    ]
    named = {
        listing.number
        for vendor in demo_vendors()[: len(FIXED_NUMBERS)]
        for listing in vendor.listings
    }
    # What is printed stays free to try, and its vendors have no more to answer than is told.
    others = [listing for listing in listings if listing.number not in named]
    asked = [listing for listing in others if listing.booking_mode is BookingMode.REQUEST]
    instant = [listing for listing in others if listing.booking_mode is BookingMode.INSTANT]
    stays = [listing for listing in others if listing.category is Category.STAY]
    by_day = [
        listing
        for listing in others
        if listing.category is not Category.STAY and listing.starts_at < listing.ends_at
    ]
    # Early enough for a run of payouts, also when the first one of a vendor has failed.
    yield _Group(40, Course.PAID, -48, -15, listings, days=3, done_by_customer=True)
    yield _Group(3, Course.PAID_AGAIN, -40, -15, listings)
    yield _Group(1, Course.PAID_LATE, -30, -20, instant)
    yield _Group(8, Course.PAID, -12, -4, others, days=2, done_by_customer=True)
    # Over since the day before yesterday: done yesterday, its money waits until tomorrow.
    yield _Group(6, Course.PAID, -2, -2, by_day)
    yield _Group(5, Course.PAID, -1, -1, stays, days=2)
    yield _Group(20, Course.PAID, 1, 55, others, days=3)
    yield _Group(8, Course.ASKED, 6, 25, asked)
    yield _Group(4, Course.HELD, 6, 25, asked)
    yield _Group(1, Course.HELD, 6, 25, instant)
    yield _Group(8, Course.DECLINED, -40, 12, asked)
    yield _Group(6, Course.UNANSWERED, -40, 12, asked)
    yield _Group(7, Course.UNPAID, -40, 12, others)
    yield _Group(1, Course.DISPUTED, -2, -2, by_day)
    yield _Group(7, Course.WITHDRAWN, -40, 12, others)


def _named(author: "_Author") -> Iterator[Story]:
    """The stories behind the numbers that are printed."""
    jacaranda, baraka, bahari, mama_njeri = (vendor.listings for vendor in demo_vendors()[:4])
    # Far enough away to leave the days that a newcomer tries free.
    yield author.told(Course.PAID, jacaranda[0], 48)
    yield author.told(Course.PAID, baraka[0], 52)
    yield author.told(Course.PAID, bahari[0], 16, customer=CUSTOMER)
    yield author.told(Course.PAID, mama_njeri[0], 44)
    yield author.told(Course.PAID, bahari[4], -21, customer=CUSTOMER)
    yield author.told(Course.ASKED, jacaranda[1], 9)
    yield author.told(Course.ASKED, jacaranda[3], 15)
    yield author.earned(jacaranda[2])


class _Author:
    """Draws stories; no two of them are of one listing on one day."""

    def __init__(self, now: datetime, seed: int) -> None:
        self._now = now
        self._today = nairobi_date(now)
        self._random = random.Random(seed)  # noqa: S311 -- repeatable on purpose.
        self._taken: set[tuple[int, date]] = set()
        guests = range(GUEST_PHONES_FROM, GUEST_PHONES_FROM + len(GUESTS))
        self._customers = [phone(number) for number in (*REGULARS, *guests)]

    def draw(self, group: _Group) -> Story:
        """Return a story of a group, on days that no other has taken."""
        for _ in range(DRAWS_MAX):
            listing = self._random.choice(group.pool)
            starts_on = self._today + DAY * self._random.randint(group.first_day, group.last_day)
            ends_on = starts_on + DAY * self._days(group, listing)
            if self._take(listing, starts_on, ends_on):
                return self._story(
                    group.course, listing, starts_on, ends_on, done=group.done_by_customer
                )
        raise AssertionError("the demo market is too small for its stories")

    def told(
        self, course: Course, listing: DemoListing, in_days: int, customer: str | None = None
    ) -> Story:
        """Return the story of a certain listing on a certain day."""
        starts_on = self._today + DAY * in_days
        taken = self._take(listing, starts_on, starts_on + DAY)
        assert taken, "told stories do not meet"
        return self._story(course, listing, starts_on, starts_on + DAY, customer)

    def earned(self, listing: DemoListing) -> Story:
        """Return a story whose money was released after the last run, whatever day it is."""
        released_at = last_run(self._now) + (self._now - last_run(self._now)) / 2
        completed_at = released_at - timedelta(seconds=RELEASE_AFTER_SECONDS)
        starts_on = nairobi_date(completed_at)
        if rules.starts_moment(terms_of(listing), starts_on) > completed_at:
            starts_on -= DAY
        taken = self._take(listing, starts_on, starts_on + DAY)
        assert taken, "told stories do not meet"
        return self._story(
            Course.PAID, listing, starts_on, starts_on + DAY, completed_at=completed_at
        )

    def _days(self, group: _Group, listing: DemoListing) -> int:
        if listing.category is not Category.STAY:
            return 1
        # A stay that goes on now lasts its whole length; others last as long as it happens.
        return group.days if group.first_day == -1 else self._random.randint(1, group.days)

    def _take(self, listing: DemoListing, starts_on: date, ends_on: date) -> bool:
        days = {(listing.number, day) for day in days_in(starts_on, ends_on)}
        if days & self._taken:
            return False
        self._taken |= days
        return True

    def _story(
        self,
        course: Course,
        listing: DemoListing,
        starts_on: date,
        ends_on: date,
        customer: str | None = None,
        *,
        done: bool = False,
        completed_at: datetime | None = None,
    ) -> Story:
        asked = listing.booking_mode is BookingMode.REQUEST
        answer_after = MINUTE * self._random.randint(20, 600)
        arrive_after = MINUTE * self._random.randint(0, 50)
        # Who says that it is done soon after the start needs no PIN any more.
        early = completed_at is not None
        staying = starts_on < self._today < ends_on
        comes = self._random.random() < CHECKED_IN_SHARE
        reported_at = None
        if course is Course.DISPUTED:
            reported_at = self._now - MINUTE * self._random.randint(30, 240)
        if done and self._random.random() < DONE_BY_CUSTOMER_SHARE:
            over = rules.ends_moment(terms_of(listing), ends_on)
            completed_at = over + MINUTE * self._random.randint(30, 480)
        return Story(
            course=course,
            customer=customer or self._random.choice(self._customers),
            number=listing.number,
            starts_on=starts_on,
            ends_on=ends_on,
            people=self._people(listing),
            created_at=self._created_at(course, listing, starts_on, answer_after),
            answer_after=answer_after,
            pay_after=MINUTE * self._random.randint(2, 90 if asked else 8),
            arrive_after=arrive_after if staying or (comes and not early) else None,
            completed_at=completed_at,
            reported_at=reported_at,
        )

    def _people(self, listing: DemoListing) -> int:
        most = listing.capacity
        if listing.category is Category.CATERING:
            most = min(most, BASE_MAX_CENTS // listing.price_cents)
        return self._random.randint(min(listing.people_min, most), most)

    def _created_at(
        self, course: Course, listing: DemoListing, starts_on: date, answer_after: timedelta
    ) -> datetime:
        """Return a moment that leaves the listing its lead time and the story enough of the past.

        What is still open was made so recently that its timer has not run out.
        """
        match course:
            case Course.ASKED:
                return self._now - MINUTE * self._random.randint(60, 18 * 60)
            case Course.HELD if listing.booking_mode is BookingMode.REQUEST:
                return self._now - answer_after - MINUTE * self._random.randint(60, 240)
            case Course.HELD:
                return self._now - 3 * MINUTE
        lead_days = -(-timedelta(hours=listing.lead_hours) // DAY)
        day = min(
            starts_on - DAY * (lead_days + 1 + self._random.randint(0, 9)),
            self._today - DAY * (SETTLED_DAYS + self._random.randint(0, 12)),
        )
        return nairobi_moment(day, time(self._random.randint(7, 20), self._random.randint(0, 59)))


def terms_of(listing: DemoListing) -> Terms:
    """Return what the rules need to know of a listing that is not written yet."""
    return Terms(
        category=listing.category,
        price_unit=listing.price_unit,
        price_cents=listing.price_cents,
        units=listing.units,
        capacity=listing.capacity,
        people_min=listing.people_min,
        lead_hours=listing.lead_hours,
        starts_at=listing.starts_at,
        ends_at=listing.ends_at,
    )
