"""The demo market's bookings: every state, nothing left undone, the same each time."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from core import inbox, outbox
from core.booking.lifecycle import Event, State
from core.booking.model import Booking, BookingEvent
from core.booking.queries import bookings_of_customer, requests_of_vendor
from core.booking.timers import due_bookings
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.catalog.model import Listing
from core.catalog.rules import Category, ListingStatus, days_in, starts_moment
from core.clock import ManualClock, nairobi_date
from core.db.tx import Database, Tx
from core.demo.bookings import seed_bookings
from core.demo.plan import FIXED_NUMBERS, demo_vendors
from core.demo.seed import seed_catalog
from core.demo.stories import Course, last_run, stories, terms_of
from core.escrow import ledger
from core.ids import CountedIds
from core.invariants.run import run_all
from core.limits import MPESA_MAX_CENTS
from core.money import Money
from core.outbox import Notice, Sending
from core.payments.attempts import due_attempts
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind, Receipt
from core.payouts.model import Payout, PayoutItem, PayoutRun, PayoutState
from core.payouts.queries import earnings
from core.payouts.runs import open_run
from core.payouts.usecases import due_payouts
from core.people.usecases import find_person
from core.ports.messages import Delivery
from core.reviews.model import Review
from core.vault import Vault
from tests.support.recycling import Recycler

# Fridays and Mondays at 09:00 and 06:05 in Nairobi: long after a weekly run, and right after one.
FRIDAY = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 3, 5, tzinfo=UTC)
CUSTOMER = "+254700000001"
VENDOR = "+254700000011"
KEY = "bmFmYXNpLXRlc3RzLW9ubHktMzItYnl0ZXMtbG9uZyE="
RECEIPT = re.compile(r"[S-Z][A-L][1-9A-V][2-9A-Z]{7}")


class BrokenOff(Exception):
    """Somebody pressed Ctrl-C."""


@contextmanager
def catalog_only(recycler: Recycler, now: datetime, ids: CountedIds) -> Iterator[Database]:
    """A database with the demo vendors and nothing booked."""
    with recycler.lend(ManualClock(now), ids, Vault([KEY])) as database:
        with database.transaction() as tx:
            seed_catalog(tx)
        yield database


@pytest.fixture(scope="module")
def market(recycler: Recycler) -> Iterator[Database]:
    """The whole demo market on a Friday; the stories only look at it."""
    with catalog_only(recycler, FRIDAY, CountedIds()) as database:
        seed_bookings(database)
        yield database


@contextmanager
def trying(market: Database) -> Iterator[Tx]:
    """A transaction of which nothing stays."""
    with market.transaction() as tx:
        tried = tx.db.begin_nested()
        yield tx
        tried.rollback()


def test_every_state_has_its_examples(market: Database) -> None:
    with market.transaction() as tx:
        found = Counter(tx.db.scalars(select(Booking.state)))
        released = count(tx, Booking.state == State.COMPLETED, Booking.released_at.is_not(None))
        waiting = count(tx, Booking.state == State.COMPLETED, Booking.released_at.is_(None))
        lapses = set(
            tx.db.scalars(
                select(BookingEvent.state_before).where(BookingEvent.event == Event.LAPSE)
            )
        )
    assert set(found) == set(State)
    assert released > 0
    assert waiting > 0
    assert lapses == {State.REQUESTED, State.AWAITING_PAYMENT}


def test_it_is_as_large_and_varied_as_promised(market: Database) -> None:
    with market.transaction() as tx:
        rows = tx.db.execute(
            select(Booking.vendor_id, Booking.customer_id, Listing.category).join(
                Listing, Listing.id == Booking.listing_id
            )
        ).all()
    assert len(rows) >= 120
    assert len({row.vendor_id for row in rows}) >= 40
    assert len({row.customer_id for row in rows}) >= 20
    by_category = Counter(row.category for row in rows)
    assert all(by_category[category] >= 20 for category in Category), by_category


def test_some_guests_said_how_it_was_and_none_changed_their_mind(market: Database) -> None:
    with market.transaction() as tx:
        reviews = tx.db.scalars(select(Review)).all()

    assert len(reviews) >= 20
    assert len({review.stars for review in reviews}) >= 4
    assert {review.edited_at for review in reviews} == {None}


def test_the_books_are_clean(market: Database) -> None:
    with trying(market) as tx:
        assert run_all(tx) == []
        sweep(tx)
        assert open_cases(tx) == [], "another payout has made the failed one good"


def test_the_check_would_find_a_booking_that_did_not_come_through_the_core(
    market: Database,
) -> None:
    with trying(market) as tx:
        confirmed = select(Booking.id).where(Booking.state == State.CONFIRMED).limit(1)
        chosen = tx.db.scalars(confirmed).one()
        tx.db.execute(update(Booking).where(Booking.id == chosen).values(state=State.CANCELLED))
        found = {finding.invariant for finding in run_all(tx)}
    assert {"I7", "I11"} <= found


def test_workers_find_nothing_to_do(market: Database) -> None:
    with trying(market) as tx:
        assert outbox.lease(tx, 10) == []
        assert due_attempts(tx, 10) == []
        assert due_bookings(tx, 10) == []
        assert due_payouts(tx, 10) == []
        assert inbox.due(tx, 10) == []
        assert open_run(tx) is None
        assert ledger.roll_up(tx) == 0


def test_what_is_open_goes_on_by_itself(market: Database) -> None:
    with trying(market) as tx:
        tx.now = FRIDAY + timedelta(minutes=30)
        soon = [tx.db.get_one(Booking, due).state for due in due_bookings(tx, 100)]
        tx.now = FRIDAY + timedelta(days=3)
        later = {tx.db.get_one(Booking, due).state for due in due_bookings(tx, 100)}
        run = open_run(tx)
    assert soon == [State.AWAITING_PAYMENT]
    assert {State.REQUESTED, State.CHECKED_IN, State.COMPLETED} <= later
    assert run == MONDAY.date()


def test_messages_of_the_past_count_as_sent_then(market: Database) -> None:
    with market.transaction() as tx:
        notices = tx.db.scalars(select(Notice)).all()
    assert len(notices) > 300
    assert {notice.state for notice in notices} == {Sending.SENT}
    assert {notice.delivery for notice in notices} == {Delivery.DELIVERED}
    assert {notice.text for notice in notices} == {None}
    for notice in notices:
        assert notice.sent_at is not None
        assert notice.created_at < notice.sent_at <= FRIDAY


def test_one_payout_failed_three_times_and_was_made_good(market: Database) -> None:
    with market.transaction() as tx:
        failed = tx.db.scalars(select(Payout).where(Payout.state == PayoutState.FAILED)).one()
        tries = tx.db.scalars(select(Attempt.state).where(Attempt.payout_id == failed.id)).all()
        items = select(PayoutItem.booking_id).where(PayoutItem.payout_id == failed.id)
        later = set(
            tx.db.scalars(
                select(Payout.state)
                .join(PayoutItem, PayoutItem.payout_id == Payout.id)
                .where(PayoutItem.booking_id.in_(items), PayoutItem.live)
            )
        )
        states = set(tx.db.scalars(select(Booking.state).where(Booking.id.in_(items))))
    assert tries == [AttemptState.FAILED] * 3
    assert later == {PayoutState.PAID}
    assert states == {State.PAID_OUT}


def test_payouts_were_made_on_mondays(market: Database) -> None:
    with market.transaction() as tx:
        weeks = tx.db.scalars(select(PayoutRun.week).order_by(PayoutRun.week)).all()
        made = tx.db.scalars(select(Payout.created_at)).all()
        finished = tx.db.scalars(select(PayoutRun.finished_at)).all()
    assert {week.weekday() for week in weeks} == {0}
    assert {nairobi_date(moment) for moment in made} <= set(weeks)
    assert None not in finished


def test_some_paid_at_the_second_try_and_one_too_late(market: Database) -> None:
    with market.transaction() as tx:
        tries = tx.db.execute(
            select(Attempt.booking_id, Attempt.state)
            .where(Attempt.kind == Kind.COLLECTION)
            .order_by(Attempt.created_at)
        ).all()
        late = tx.db.scalars(
            select(BookingEvent.booking_id).where(BookingEvent.event == Event.PAY_LATE)
        ).one()
        moves = tx.db.scalars(
            select(BookingEvent.event)
            .where(BookingEvent.booking_id == late)
            .order_by(BookingEvent.id)
        ).all()
    by_booking: dict[object, list[AttemptState]] = {}
    for row in tries:
        by_booking.setdefault(row.booking_id, []).append(row.state)
    assert [AttemptState.FAILED, AttemptState.SUCCEEDED] in by_booking.values()
    assert moves[:3] == ["book_instant", "lapse", "pay_late"]


def test_receipts_look_like_receipts(market: Database) -> None:
    with market.transaction() as tx:
        numbers = tx.db.scalars(select(Receipt.number)).all()
    assert len(numbers) > 100
    assert all(RECEIPT.fullmatch(number) for number in numbers), numbers[:5]


def test_the_printed_customer_has_one_coming_and_one_that_was_paid_out(market: Database) -> None:
    with market.transaction() as tx:
        hers = [view.booking for view in bookings_of_customer(tx, CUSTOMER)]
    assert {booking.state for booking in hers} == {State.CONFIRMED, State.PAID_OUT}
    assert len(hers) == 2
    assert next(b for b in hers if b.state is State.CONFIRMED).starts_at > FRIDAY


def test_the_printed_vendor_has_two_requests_and_earnings(market: Database) -> None:
    with market.transaction() as tx:
        vendor_id = find_person(tx, VENDOR).vendor_id
        assert vendor_id is not None
        requests = requests_of_vendor(tx, vendor_id)
        money = earnings(tx, vendor_id)
    assert len(requests) == 2
    assert money.payable > Money(0)
    assert money.waiting > Money(0)


def test_the_printed_listings_stay_free_but_for_one_booking_each(market: Database) -> None:
    today = nairobi_date(FRIDAY)
    with market.transaction() as tx:
        coming = tx.db.scalars(
            select(Listing.number)
            .join(Booking, Booking.listing_id == Listing.id)
            .where(Listing.number.in_(FIXED_NUMBERS), Booking.ends_on > today)
        ).all()
    assert sorted(coming) == sorted(FIXED_NUMBERS)


def test_a_second_run_changes_nothing(market: Database) -> None:
    before = everything(market)
    told: list[int] = []

    seed_bookings(market, lambda done, _all: told.append(done))

    assert everything(market) == before
    assert told == []


def test_the_same_clock_makes_the_same_market(market: Database, recycler: Recycler) -> None:
    told: list[tuple[int, int]] = []
    with catalog_only(recycler, FRIDAY, CountedIds(seed=1)) as other:
        seed_bookings(other, lambda done, total: told.append((done, total)))
        assert totals(other) == totals(market)
        assert codes(other).isdisjoint(codes(market))
    assert told == [(step, len(told)) for step in range(1, len(told) + 1)]


def test_right_after_a_weekly_run_was_due_it_is_left_to_the_workers(recycler: Recycler) -> None:
    with catalog_only(recycler, MONDAY, CountedIds()) as database:
        closed = stories(MONDAY)[-1].number
        with database.transaction() as tx:
            paused = update(Listing).where(Listing.number == closed)
            tx.db.execute(paused.values(status=ListingStatus.PAUSED))

        seed_bookings(database)

        with database.transaction() as tx:
            assert run_all(tx) == []
            assert due_attempts(tx, 10) == []
            assert set(tx.db.scalars(select(Booking.state))) == set(State)
            assert open_run(tx) == MONDAY.date()
            off = sum(story.number == closed for story in stories(MONDAY))
            assert count(tx) == len(stories(MONDAY)) - off


def test_nobody_sees_half_a_history_and_one_that_is_broken_off_leaves_nothing(
    recycler: Recycler,
) -> None:
    seen: list[int] = []

    def look(done: int, _all: int) -> None:
        if done == 10:
            with database.transaction() as tx:
                seen.append(len(outbox.lease(tx, 50)))
            raise BrokenOff

    with catalog_only(recycler, FRIDAY, CountedIds()) as database:
        with pytest.raises(BrokenOff):
            seed_bookings(database, look)
        with database.transaction() as tx:
            assert count(tx) == 0
            assert tx.db.scalars(select(Notice.id)).all() == []
    assert seen == [0]


@pytest.mark.parametrize("hours", range(0, 14 * 24, 17))
def test_stories_fit_the_calendar_on_every_day_and_hour(hours: int) -> None:
    now = FRIDAY + timedelta(hours=hours)
    listings = {each.number: each for vendor in demo_vendors() for each in vendor.listings}
    told = stories(now)
    taken = [
        (story.number, day) for story in told for day in days_in(story.starts_on, story.ends_on)
    ]
    assert len(set(taken)) == len(taken)
    assert {story.course for story in told} == set(Course)
    for story in told:
        listing = listings[story.number]
        start = starts_moment(terms_of(listing), story.starts_on)
        assert story.created_at < now
        assert story.created_at + timedelta(hours=listing.lead_hours) <= start
        assert listing.people_min <= story.people <= listing.capacity * listing.units
    said = [story.completed_at for story in told if story.completed_at is not None]
    assert any(last_run(now) < at + timedelta(days=2) < now for at in said)


def test_another_seed_tells_other_stories() -> None:
    assert stories(FRIDAY, seed=1) == stories(FRIDAY, seed=1)
    assert stories(FRIDAY, seed=1) != stories(FRIDAY, seed=2)


def test_no_booking_is_dearer_than_one_payment_carries(market: Database) -> None:
    with market.transaction() as tx:
        dearest = tx.db.scalar(select(func.max(Booking.total_cents)))
        made = count(tx)
    assert dearest is not None
    assert dearest <= MPESA_MAX_CENTS
    assert made == len(stories(FRIDAY)), "no story was left out because it did not fit"


def count(tx: Tx, *conditions: object) -> int:
    return tx.db.query(Booking).filter(*conditions).count()  # type: ignore[arg-type]


def codes(database: Database) -> set[str]:
    with database.transaction() as tx:
        return set(tx.db.scalars(select(Booking.code)))


def totals(database: Database) -> dict[str, object]:
    """All that should not depend on ids."""
    with database.transaction() as tx:
        bookings = select(
            Listing.number, Booking.starts_on, Booking.state, Booking.total_cents, Booking.due_at
        ).join(Listing, Listing.id == Booking.listing_id)
        payouts = select(Payout.created_at, Payout.amount_cents, Payout.state)
        notices = select(Notice.topic, Notice.created_at, Notice.msisdn)
        return {
            "bookings": sorted(map(tuple, tx.db.execute(bookings))),
            "payouts": sorted(map(tuple, tx.db.execute(payouts))),
            "notices": sorted(map(tuple, tx.db.execute(notices))),
            "balances": ledger.trial_balance(tx),
        }


def everything(database: Database) -> dict[str, list[str]]:
    tables = (
        "users",
        "bookings",
        "booking_events",
        "listing_days",
        "attempts",
        "receipts",
        "payouts",
        "payout_items",
        "payout_runs",
        "notices",
        "ledger_transfers",
        "ledger_postings",
        "ledger_accounts",
    )
    with database.transaction() as tx:
        return {
            table: list(tx.db.scalars(text(f"SELECT t::text FROM {table} t ORDER BY 1")))
            for table in tables
        }
