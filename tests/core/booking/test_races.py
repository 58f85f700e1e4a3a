"""Many at once on a real PostgreSQL; each guard is shown to matter by what happens without it."""

from collections import Counter
from dataclasses import replace
from threading import Barrier
from typing import Any

from sqlalchemy import text

from core.booking import timers, usecases
from core.booking.lifecycle import Actor, Event, State
from core.booking.model import Booking
from core.booking.moves import move
from core.catalog.rules import BookingMode
from core.db.tx import Database, Tx
from core.errors import IllegalMove, NoUnits, Refused
from core.limits import OPEN_BOOKINGS_PER_CUSTOMER_MAX
from core.money import kes
from tests.core.booking.world import GOLDEN, World
from tests.core.escrow.tools import number, run_sql, together
from tests.support.factories import make_booking
from tests.support.races import meet

CLIENTS = 32
REQUESTS = 16
FITTING = 3


def phone(i: int) -> str:
    return f"+2547000000{i:02}"


def kinds(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def book_all(world: World) -> list[Any]:
    return together(CLIENTS, lambda i: world.book(phone(i)))


def booked_units(database: Database) -> int:
    return number(database, "SELECT max(booked) FROM listing_days")


def holding(database: Database) -> int:
    return number(
        database, "SELECT count(*) FROM bookings WHERE state NOT IN ('requested', 'declined')"
    )


def test_thirty_two_clients_book_the_last_unit_and_one_has_it(instant: World) -> None:
    results = book_all(instant)

    assert kinds(results) == {"Booking": 1, "NoUnits": CLIENTS - 1}
    assert holding(instant.database) == booked_units(instant.database) == 1
    instant.assert_sound()


LOOK = "SELECT booked < units FROM listing_days"


def claim_naively(tx: Tx, booking: Booking) -> None:
    """Claim as one would without thinking of others: look, then count, no lock."""
    looked = text(f"{LOOK} WHERE listing_id = :listing")
    if tx.db.execute(looked, {"listing": booking.listing_id}).scalar() is False:
        raise NoUnits
    tx.db.execute(
        text(
            "INSERT INTO listing_days (listing_id, day, units, booked)"
            " VALUES (:listing, :day, 1, 1) ON CONFLICT (listing_id, day)"
            " DO UPDATE SET booked = listing_days.booked + 1"
        ),
        {"listing": booking.listing_id, "day": booking.starts_on},
    )


def two_book_naively(world: World) -> list[Any]:
    """The second looks and counts between the first one's look and count."""

    def book_it(i: int) -> Booking:
        def work(tx: Tx) -> Booking:
            booking = make_booking(tx, world.listing, phone(i))
            claim_naively(tx, booking)
            return booking

        return world.run(work)

    return list(meet(world.database, lambda: book_it(0), LOOK, lambda: book_it(1)))


def test_without_the_calendars_lock_only_the_database_refuses(world: World) -> None:
    results = two_book_naively(world)

    assert kinds(results) == {"Booking": 1, "IntegrityError": 1}
    assert booked_units(world.database) == 1


def test_without_the_lock_and_the_check_the_last_unit_is_sold_more_than_once(
    world: World,
) -> None:
    run_sql(world.database, "ALTER TABLE listing_days DROP CONSTRAINT ck_listing_days_booked")

    results = two_book_naively(world)

    assert kinds(results) == {"Booking": 2}
    assert booked_units(world.database) == 2


def competing(world: World) -> tuple[World, list[Booking]]:
    """Sixteen requests for a listing of which three exist."""
    listing = world.another_listing(units=FITTING)
    world = replace(world, listing=listing)
    return world, [world.book(phone(i)) for i in range(REQUESTS)]


def test_sixteen_accepts_on_competing_requests_take_exactly_what_fits(world: World) -> None:
    world, requests = competing(world)

    results = together(REQUESTS, lambda i: world.accept(requests[i]))

    states = Counter(world.state(booking) for booking in requests)
    assert states == {State.AWAITING_PAYMENT: FITTING, State.DECLINED: REQUESTS - FITTING}
    assert kinds(results) == {"NoneType": FITTING, "IllegalMove": REQUESTS - FITTING}
    assert booked_units(world.database) == FITTING
    assert world.notices()["request_declined"] == REQUESTS - FITTING
    assert (
        number(
            world.database,
            "SELECT min(jsonb_array_length(params -> 'alternatives')) FROM notices"
            " WHERE topic = 'request_declined'",
        )
        >= 1
    )
    world.assert_sound()


def accept_without_decline(world: World, booking: Booking) -> None:
    """``usecases.accept`` without the decline of those who no longer fit."""
    with world.database.transaction() as tx:
        usecases._lock_listing_of(tx, booking.id)
        mine = usecases._of_vendor(tx, booking.id, booking.vendor_id)
        move(tx, mine, Event.ACCEPT, Actor.VENDOR, mine.vendor_id)
        usecases._claim(tx, mine)


def accept_without_lock(world: World, booking: Booking, both_have_theirs: Barrier) -> None:
    """``usecases.accept`` without the listing's lock; none claims before each has its request."""
    with world.database.transaction() as tx:
        mine = usecases._of_vendor(tx, booking.id, booking.vendor_id)
        move(tx, mine, Event.ACCEPT, Actor.VENDOR, mine.vendor_id)
        both_have_theirs.wait(timeout=30)
        usecases._claim(tx, mine)
        usecases._decline_rivals(tx, mine)


def test_without_the_rivals_decline_those_who_lost_are_never_told(world: World) -> None:
    world, requests = competing(world)

    together(REQUESTS, lambda i: accept_without_decline(world, requests[i]))

    states = Counter(world.state(booking) for booking in requests)
    assert states == {State.AWAITING_PAYMENT: FITTING, State.REQUESTED: REQUESTS - FITTING}
    assert world.notices()["request_declined"] == 0


def test_without_the_listings_lock_accepts_die_of_each_other(world: World) -> None:
    """One has the day and wants the other's request, which waits for the day: a deadlock."""
    requests = [world.book(phone(i)) for i in range(2)]
    both_have_theirs = Barrier(2)

    results = together(2, lambda i: accept_without_lock(world, requests[i], both_have_theirs))

    died = [getattr(getattr(result, "orig", None), "sqlstate", None) for result in results]
    assert died.count("40P01") == 1


def test_two_phones_of_one_customer_cannot_hold_more_than_one_may(instant: World) -> None:
    listing = instant.another_listing(units=50, booking_mode=BookingMode.INSTANT)

    results = together(
        OPEN_BOOKINGS_PER_CUSTOMER_MAX + 6, lambda _: instant.book(phone(1), listing)
    )

    assert kinds(results) == {"Booking": OPEN_BOOKINGS_PER_CUSTOMER_MAX, "Refused": 6}
    assert all(result.code == "too_many_open" for result in results if isinstance(result, Refused))


def test_eight_workers_with_one_receipt_post_it_once(instant: World) -> None:
    booking = instant.book()
    attempt = instant.prompt(booking)

    notes = together(8, lambda _: instant.paid(attempt))

    assert Counter(notes) == {None: 1, "repeat": 7}
    assert instant.balance(f"escrow:{booking.code}") == GOLDEN
    assert number(instant.database, "SELECT count(*) FROM ledger_transfers") == 1
    assert instant.notices()["confirmed_customer"] == 1
    instant.assert_sound()


def test_a_callback_and_a_paybill_confirmation_at_once_are_one_payment(instant: World) -> None:
    for turn in range(4):
        booking = instant.book(in_days=10 + turn)
        attempt = instant.prompt(booking)
        receipt = f"SFF000000{turn}"

        def tell(i: int, booking: Any = booking, attempt: Any = attempt, r: str = receipt) -> Any:
            if i % 2:
                return instant.paybill(booking.code, GOLDEN, r, payer=None)
            # An answer to a question names no receipt; the callback does.
            return instant.paid(attempt, r if i % 4 else None)

        together(8, tell)

        assert instant.state(booking) is State.CONFIRMED
        assert instant.balance(f"escrow:{booking.code}") == GOLDEN
    assert instant.balance("suspense:daraja") == kes(0)
    assert len(instant.receipts()) == 4
    instant.assert_sound()


def test_money_and_the_end_of_the_hold_at_once_leave_a_paid_booking(instant: World) -> None:
    """Whichever is first: the lapse gives the units back, the money takes them again."""
    ways = set()
    for turn in range(6):
        booking = instant.book(in_days=10 + turn)
        attempt = instant.prompt(booking)
        instant.clock.set(booking.created_at)
        instant.clock.advance(seconds=30 * 60)

        def race(i: int, booking: Any = booking, attempt: Any = attempt, t: int = turn) -> Any:
            if i == 0:
                return instant.paid(attempt, f"SFF000000{t}")
            return instant.run(lambda tx: timers.fire(tx, booking.id))

        together(3, race)

        assert instant.state(booking) is State.CONFIRMED
        assert instant.booked(booking) == 1
        ways.add(instant.moves(booking)[-1][0])
    assert ways <= {"pay", "pay_late"}
    instant.assert_sound()


def test_two_timer_workers_let_a_timer_fire_once(world: World) -> None:
    booking = world.confirmed()
    world.clock.set(world.due(booking))

    fired = together(2, lambda _: world.run(lambda tx: timers.fire(tx, booking.id)))

    assert Counter(fired) == {State.COMPLETED: 1, None: 1}
    assert [event for event, *_ in world.moves(booking)].count("complete") == 1
    assert world.notices()["completed"] == 1


def test_without_the_due_time_under_the_lock_a_timer_fires_twice(world: World) -> None:
    """The second worker would complete what the first has: only the table stops it."""
    booking = world.confirmed()
    world.clock.set(world.due(booking))

    def blindly(tx: Tx) -> None:
        mine = tx.db.get_one(Booking, booking.id, with_for_update=True)
        timers.complete(tx, mine, Actor.TIME)

    results = together(2, lambda _: world.run(blindly))

    assert kinds(results) == {"NoneType": 1, "IllegalMove": 1}


def test_a_withdrawal_and_an_accept_at_once_leave_no_unit_behind(world: World) -> None:
    for turn in range(5):
        booking = world.book(in_days=10 + turn)

        results = together(2, lambda i, b=booking: world.accept(b) if i else world.withdraw(b))

        # Accepted first: withdrawn after it. Withdrawn first: nothing left to accept.
        assert results[0] is None
        assert results[1] is None or isinstance(results[1], IllegalMove)
        assert world.state(booking) is State.CANCELLED
        assert world.booked(booking) == 0
    world.assert_sound()
