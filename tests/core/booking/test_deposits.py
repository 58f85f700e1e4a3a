"""A part now, the rest before the start: shown, reminded of, shared out, or the end of it."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.booking import timers
from core.booking.cancel import cancel_by_customer, cancel_by_vendor
from core.booking.dues import dues_of
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.offers import choose_deposit, make_offer
from core.booking.usecases import check_in
from core.clock import nairobi_date
from core.errors import BadInput, Refused
from core.limits import (
    REST_LEAD_SECONDS,
    REST_LEAST_SECONDS,
    REST_REMINDER_SECONDS,
    STK_GIVE_UP_SECONDS,
)
from core.money import Money, kes
from core.payments.model import Kind
from tests.core.booking.world import GOLDEN, World
from tests.core.escrow.tools import run_sql, together
from tests.support.factories import CUSTOMER, make_wish

DEPOSIT, REST = kes(20_010), kes(46_690)
FAR = 30


def asking(world: World, basis_points: int = 3_000, rest_days: int = 7) -> World:
    """The hall asks for 30 % first and the rest a week before."""
    number = world.listing.number
    world.run(lambda tx: choose_deposit(tx, number, basis_points, rest_days))
    return world


@pytest.fixture
def hall(instant: World) -> World:
    return asking(instant)


def begun(world: World) -> Booking:
    """A booking whose deposit has come."""
    booking = world.hold(in_days=FAR)
    world.paid(world.prompt(booking), "SFF0000001")
    return booking


def rest_by(world: World, booking: Booking) -> timedelta:
    """How long the rest may still wait."""
    moment = world.read(booking).rest_due_at
    assert moment is not None, "a deposit leaves a rest"
    return moment - world.clock.now()


def to_the_end(world: World, booking: Booking) -> None:
    """Let every timer fire until the rest is due, and that too."""
    while world.state(booking) is State.CONFIRMED:
        world.clock.set(world.due(booking))
        world.fire()


def test_a_deposit_confirms_and_the_rest_completes_the_price(hall: World) -> None:
    booking = begun(hall)

    assert hall.state(booking) is State.CONFIRMED
    assert hall.balance(f"escrow:{booking.code}") == DEPOSIT
    told = hall.notice("confirmed_customer")
    assert (told["received_cents"], told["rest_cents"]) == (DEPOSIT.cents, REST.cents)
    hall.assert_sound()

    hall.clock.advance(hours=1)
    assert hall.paid(hall.prompt(booking), "SFF0000002") is None

    assert hall.attempts(Kind.COLLECTION)[-1].amount_cents == REST.cents
    assert hall.balance(f"escrow:{booking.code}") == GOLDEN
    assert hall.due(booking) == booking.ends_at + timedelta(hours=24)
    assert hall.notice("rest_received")["came_cents"] == REST.cents
    hall.assert_sound()


def test_it_is_shared_out_as_if_it_had_been_paid_at_once(hall: World) -> None:
    booking = begun(hall)
    hall.paybill(booking.code, REST, "SFF0000002")
    for _ in range(2):
        hall.clock.set(hall.due(booking))
        hall.fire()

    assert hall.balance("payable:1") == kes(40_000)
    assert hall.balance("revenue:service_fee") == hall.balance("revenue:commission") == kes(7_500)
    assert hall.balance("tax:vat") == kes(9_200)
    hall.assert_sound()


def test_what_comes_beyond_the_deposit_counts_for_the_rest(hall: World) -> None:
    booking = hall.hold(in_days=FAR)

    hall.paybill(booking.code, DEPOSIT + kes(10_000), "SFF0000001")

    dues = dues_of(hall.read(booking))
    assert dues is not None
    assert dues.ask == REST - kes(10_000)
    assert hall.paybill(booking.code, REST, "SFF0000002") is None
    assert hall.balance(f"escrow:{booking.code}") == GOLDEN
    assert hall.balance("suspense:daraja") == kes(10_000)
    hall.assert_sound()


def test_the_terms_are_those_that_were_shown(hall: World) -> None:
    booking = hall.hold(in_days=FAR)
    hall.run(lambda tx: choose_deposit(tx, hall.listing.number, None, None))

    now = hall.read(booking)
    assert (now.deposit_cents, now.total_cents) == (DEPOSIT.cents, GOLDEN.cents)
    assert hall.hold(in_days=FAR + 1).deposit_cents is None


def test_whoever_books_near_the_day_pays_all_at_once(hall: World) -> None:
    """The rest must be able to wait for two days at least."""

    def deposit_in(days: int) -> Money | None:
        def offered(tx: object) -> Money | None:
            offer = make_offer(tx, make_wish(tx, hall.listing, in_days=days))  # type: ignore[arg-type]
            return offer.deposit and offer.deposit.now

        return hall.run(offered)

    asked = [days for days in range(2, 15) if deposit_in(days) is not None]
    first_day = nairobi_date(hall.clock.now()) + timedelta(days=asked[0])
    assert asked == list(range(asked[0], 15))
    assert asked[0] in {7 + 2, 7 + 3}, first_day
    assert REST_LEAD_SECONDS == 48 * 3600


@pytest.mark.parametrize(
    ("basis_points", "rest_days", "field"),
    [
        (499, 7, "basis_points"),
        (9_501, 7, "basis_points"),
        (3_000, 0, "rest_days"),
        (3_000, 91, "rest_days"),
        (3_000, None, "rest_days"),
        (None, 7, "basis_points"),
    ],
)
def test_a_deposit_that_makes_no_sense_is_refused(
    world: World, basis_points: int | None, rest_days: int | None, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        world.run(lambda tx: choose_deposit(tx, world.listing.number, basis_points, rest_days))
    assert (refused.value.code, refused.value.data["field"]) == ("bad_deposit", field)


def test_the_rest_is_asked_for_three_days_and_one_day_before_it_is_due(hall: World) -> None:
    booking = begun(hall)
    reminded = []
    while hall.state(booking) is State.CONFIRMED:
        hall.clock.set(hall.due(booking))
        left = rest_by(hall, booking)
        hall.fire()
        if hall.state(booking) is State.CONFIRMED:
            reminded.append(left.total_seconds())

    assert tuple(reminded) == REST_REMINDER_SECONDS == (72 * 3600, 24 * 3600)
    assert hall.told(CUSTOMER).count("rest_due") == 2


def test_a_rest_that_does_not_come_ends_it_as_a_cancellation_would(hall: World) -> None:
    """80 % of the deposit goes back; of the rest of it each has its share."""
    booking = begun(hall)

    to_the_end(hall, booking)

    assert hall.moves(booking)[-1] == ("cancel", "confirmed", "cancelled", "time")
    assert hall.booked(booking) == 0
    refund = DEPOSIT.share(8_000)
    assert hall.notice("cancelled_customer")["refund_cents"] == refund.cents
    kept = DEPOSIT - refund
    shares = [
        hall.balance(path)
        for path in ("payable:1", "revenue:service_fee", "revenue:commission", "tax:vat")
    ]
    whole = sum([*shares, hall.balance("tax:withholding")], start=kes(0))
    assert whole == kept
    assert hall.balance("payable:1") == kes(2_400), "40,000 of 66,700, of 4,002"
    [back] = hall.send_due()
    assert back.amount == refund
    hall.paid(back.attempt_id, "SFG0000001")
    assert hall.balance(f"escrow:{booking.code}") == kes(0)
    hall.assert_sound()


def test_cancelling_gives_back_what_the_policy_says_of_what_was_paid(hall: World) -> None:
    booking = begun(hall)

    hall.run(lambda tx: cancel_by_customer(tx, booking.id, booking.customer_id))

    assert hall.notice("cancelled_customer")["refund_cents"] == DEPOSIT.share(8_000).cents
    hall.assert_sound()


def test_a_vendor_who_cancels_gives_back_the_deposit(hall: World) -> None:
    booking = begun(hall)

    hall.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))

    [back] = hall.send_due()
    assert back.amount == DEPOSIT
    assert hall.balance("payable:1") == kes(0)
    hall.assert_sound()


def test_the_rest_that_comes_after_the_end_goes_back(hall: World) -> None:
    booking = begun(hall)
    to_the_end(hall, booking)

    assert hall.paybill(booking.code, REST, "SFF0000002") is None

    assert hall.state(booking) is State.CANCELLED
    assert hall.balance("suspense:daraja") == REST
    assert {sent.amount for sent in hall.send_due()} == {REST, DEPOSIT.share(8_000)}
    hall.assert_sound()


def test_whoever_is_paying_at_the_deadline_is_waited_for(hall: World) -> None:
    booking = begun(hall)
    deadline = hall.read(booking).rest_due_at
    assert deadline is not None
    hall.clock.set(deadline - timedelta(seconds=5))
    hall.fire()
    attempt = hall.prompt(booking)
    hall.clock.set(deadline)
    assert hall.fire() == [State.CONFIRMED]

    assert hall.paid(attempt, "SFF0000002") is None
    assert hall.balance(f"escrow:{booking.code}") == GOLDEN

    other = hall.hold(in_days=FAR + 20)
    hall.paid(hall.prompt(other), "SFF0000003")
    until = hall.read(other).rest_due_at
    assert until is not None
    hall.clock.set(until)
    hall.fire()
    hall.clock.advance(seconds=STK_GIVE_UP_SECONDS)
    hall.fire()
    # Nobody pays for ever.
    assert hall.state(other) is State.CANCELLED
    hall.assert_sound()


def test_who_is_confirmed_late_still_has_a_day_for_the_rest(hall: World) -> None:
    booking = hall.hold(in_days=FAR)
    attempt = hall.prompt(booking)
    hall.clock.set(hall.due(booking))
    hall.clock.advance(hours=1)
    hall.fire()
    hall.clock.set(booking.rest_due_at or booking.starts_at)

    assert hall.paid(attempt, "SFF0000001") is None

    assert hall.state(booking) is State.CONFIRMED
    assert rest_by(hall, booking) == timedelta(seconds=REST_LEAST_SECONDS)
    hall.assert_sound()


def test_a_great_deposit_and_a_great_rest_are_each_asked_for_in_parts(hall: World) -> None:
    hall.change_listing(price_cents=kes(1_000_000).cents)
    booking = hall.hold(in_days=FAR)
    asked = []
    turn = 0
    while (dues := dues_of(hall.read(booking))) is not None:
        asked.append((dues.part, dues.parts))
        hall.paid(hall.prompt(booking), f"SFF000000{turn}")
        hall.clock.advance(hours=1)
        turn += 1

    # 1,334,000 in all: 400,200 first, then 933,800.
    assert asked == [(1, 2), (2, 2), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert hall.balance(f"escrow:{booking.code}") == Money(booking.total_cents)
    hall.assert_sound()


def test_nothing_is_served_before_all_of_it_is_paid(hall: World) -> None:
    booking = begun(hall)
    # The worker that should have ended it is away.
    hall.clock.set(booking.starts_at + timedelta(hours=1))
    pin = str(hall.database.vault.open(booking.check_in_pin_sealed))

    with pytest.raises(Refused, match="rest_unpaid"):
        hall.run(lambda tx: check_in(tx, booking.id, booking.vendor_id, pin))
    with pytest.raises(Refused, match="rest_unpaid"):
        hall.run(lambda tx: timers.complete_by_customer(tx, booking.id, booking.customer_id))
    # And if the code erred, the database would not.
    for state in ("checked_in", "completed", "paid_out"):
        with pytest.raises(IntegrityError, match="ck_bookings_paid"):
            run_sql(hall.database, f"UPDATE bookings SET state = '{state}'")


def test_nothing_is_confirmed_before_its_deposit_has_come(hall: World) -> None:
    hall.hold(in_days=FAR)
    with pytest.raises(IntegrityError, match="ck_bookings_paid"):
        run_sql(hall.database, "UPDATE bookings SET state = 'confirmed'")


def test_the_rest_and_its_deadline_at_once_lose_nothing(hall: World) -> None:
    """Paid in full, or cancelled with the rest on its way back."""
    for turn in range(3):
        booking = hall.hold(in_days=FAR + turn)
        hall.paid(hall.prompt(booking), f"SFF00{turn}0001")
        deadline = hall.read(booking).rest_due_at
        assert deadline is not None
        hall.clock.set(deadline)
        # The reminders are behind us.
        hall.run(
            lambda tx, at=deadline: tx.db.execute(
                text("UPDATE bookings SET due_at = :at WHERE due_at < :at"), {"at": at}
            )
        )

        def race(i: int, booking: Booking = booking, turn: int = turn) -> object:
            if i == 0:
                return hall.paybill(booking.code, REST, f"SFF00{turn}0002")
            return hall.run(lambda tx: timers.fire(tx, booking.id))

        together(3, race)

        paid = hall.state(booking) is State.CONFIRMED
        assert hall.read(booking).received_cents == (GOLDEN if paid else DEPOSIT).cents
        hall.clock.set(booking.created_at)
    hall.assert_sound()
