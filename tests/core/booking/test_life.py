"""A booking's life, row by row of the table, on a real database and a clock that is told."""

from datetime import timedelta
from itertools import pairwise

import pytest

from core.booking import timers, usecases
from core.booking.lifecycle import State
from core.booking.offers import make_offer
from core.catalog.rules import BookingMode
from core.errors import IllegalMove, NotFound, NoUnits, Refused
from core.ids import CountedIds
from core.money import kes
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Kind
from core.payouts.model import PayoutState
from core.ports.money import PayRequest
from tests.core.booking.world import GOLDEN, World
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    OTHER_VENDOR,
    VENDOR,
    make_vendor,
    make_wish,
)


class Repeating(CountedIds):
    """Draws the same code again and again, then another."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__(seed=9)
        self._codes = codes

    def code(self) -> str:
        return self._codes.pop(0)


def test_a_code_that_is_taken_is_drawn_anew(world: World) -> None:
    world.database.ids = Repeating(["K7P4Q", "K7P4Q", "K7P4Q", "M3X8T"])
    first, second = world.book(), world.book(OTHER_CUSTOMER)
    assert (first.code, second.code) == ("K7P4Q", "M3X8T")


def test_a_request_goes_all_the_way_to_the_vendors_wallet(world: World) -> None:
    """The golden example: 66,700 in, 40,000 to the vendor, the rest where it belongs."""
    booking = world.book()
    assert booking.state is State.REQUESTED
    assert world.booked(booking) == 0

    world.accept(booking)
    assert world.booked(booking) == 1
    attempt = world.prompt(booking)
    assert world.paid(attempt) is None
    assert world.state(booking) is State.CONFIRMED
    assert world.balance("float:daraja") == world.balance(f"escrow:{booking.code}") == GOLDEN

    world.clock.set(booking.ends_at + timedelta(hours=24, seconds=-1))
    assert world.fire() == []
    world.clock.advance(seconds=1)
    assert world.fire() == [State.COMPLETED]

    world.clock.advance(hours=48, seconds=-1)
    assert world.fire() == []
    world.clock.advance(seconds=1)
    assert world.fire() == [State.COMPLETED]
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)
    assert world.balance("revenue:service_fee") == kes(7_500)
    assert world.balance("revenue:commission") == kes(7_500)
    assert world.balance("tax:vat") == kes(9_200)
    assert world.balance("tax:withholding") == kes(2_500)
    assert world.fire() == [], "money is released once"

    [payout] = world.monday()
    [sent] = world.send_due()
    assert isinstance(sent, PayRequest)
    assert (sent.msisdn, sent.amount) == (VENDOR, kes(40_000))
    assert world.paid(sent.attempt_id, "SFG1PAYOUT") is None
    assert world.state(booking) is State.PAID_OUT
    assert world.run(lambda tx: tx.db.get_one(type(payout), payout.id)).state is PayoutState.PAID
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert world.balance("float:daraja") == kes(26_700)

    assert world.moves(booking) == [
        ("request", None, "requested", "customer"),
        ("accept", "requested", "awaiting_payment", "vendor"),
        ("pay", "awaiting_payment", "confirmed", "provider"),
        ("complete", "confirmed", "completed", "time"),
        ("release", "completed", "completed", "time"),
        ("paid_out", "completed", "paid_out", "provider"),
    ]
    assert world.told(CUSTOMER) == ["request_accepted", "confirmed_customer", "completed"]
    assert world.told(VENDOR) == ["request_received", "confirmed_vendor", "payout_sent"]
    world.assert_sound()


def test_an_instant_booking_asks_nobody(instant: World) -> None:
    booking = instant.book()

    assert booking.state is State.AWAITING_PAYMENT
    assert booking.due_at == instant.clock.now() + timedelta(minutes=15)
    assert instant.booked(booking) == 1
    assert instant.told(VENDOR) == []

    assert instant.paid(instant.prompt(booking)) is None
    assert instant.told(VENDOR) == ["confirmed_vendor"]
    assert instant.moves(booking) == [
        ("book_instant", None, "awaiting_payment", "customer"),
        ("pay", "awaiting_payment", "confirmed", "provider"),
    ]
    instant.assert_sound()


def test_both_learn_each_others_number_and_the_pin_only_with_the_payment(world: World) -> None:
    booking = world.hold()
    before = [world.notice(topic) for topic in ("request_received", "request_accepted")]
    assert all(CUSTOMER not in str(told) and VENDOR not in str(told) for told in before)

    world.paid(world.prompt(booking))

    to_customer = world.notice("confirmed_customer")
    assert to_customer["vendor_msisdn"] == VENDOR
    assert to_customer["receipt"] == "SFF6XYQ1AB"
    assert len(to_customer["pin"]) == 4
    assert to_customer["pin"].isdigit()
    to_vendor = world.notice("confirmed_vendor")
    assert to_vendor["customer_msisdn"] == CUSTOMER
    assert "pin" not in to_vendor


def test_a_declined_customer_is_offered_what_else_is_free(world: World) -> None:
    booking = world.book()
    nearby = world.another_listing(title="Baraka Garden Tent")

    world.decline(booking)

    assert world.state(booking) is State.DECLINED
    assert world.booked(booking) == 0
    offered = world.notice("request_declined")["alternatives"]
    assert offered[0]["number"] == nearby.number
    assert 1 <= len(offered) <= 3
    assert world.read(booking).due_at is None
    with pytest.raises(IllegalMove):
        world.accept(booking)


def test_a_request_that_nobody_answers_lapses_after_a_day(world: World) -> None:
    booking = world.book()
    assert booking.due_at == world.clock.now() + timedelta(hours=24)

    world.clock.advance(hours=24, seconds=-1)
    assert world.fire() == []
    world.clock.advance(seconds=1)

    assert world.fire() == [State.EXPIRED]
    assert world.told(CUSTOMER) == ["request_expired"]
    assert world.told(VENDOR) == ["request_received", "request_missed"]
    assert world.moves(booking)[-1] == ("lapse", "requested", "expired", "time")
    world.assert_sound()


def test_a_vendor_answers_six_hours_before_the_start_at_the_latest(world: World) -> None:
    """Booked at 09:00 for 09:00 tomorrow: the answer is due at 03:00, not at 09:00."""
    booking = world.book(in_days=1)

    assert booking.due_at == booking.starts_at - timedelta(hours=6)

    world.clock.set(booking.starts_at - timedelta(hours=6))
    assert world.fire() == [State.EXPIRED]


def test_an_accepted_request_waits_half_a_day_for_its_payment(world: World) -> None:
    booking = world.book()
    world.clock.advance(hours=1)
    world.accept(booking)
    assert world.due(booking) == world.clock.now() + timedelta(hours=12)

    world.clock.advance(hours=12)
    assert world.fire() == [State.EXPIRED]
    assert world.booked(booking) == 0
    assert world.told(CUSTOMER) == ["request_accepted", "hold_expired"]
    world.assert_sound()


def test_a_late_accept_leaves_less_than_half_a_day(world: World) -> None:
    booking = world.book(in_days=1)
    world.clock.advance(hours=10)

    world.accept(booking)

    assert world.due(booking) == booking.starts_at - timedelta(hours=6)


def test_an_unpaid_hold_gives_its_units_back_after_a_quarter_of_an_hour(instant: World) -> None:
    booking = instant.book()
    instant.clock.advance(seconds=15 * 60 - 1)
    assert instant.fire() == []
    with pytest.raises(NoUnits):
        instant.book(OTHER_CUSTOMER)

    instant.clock.advance(seconds=1)
    assert instant.fire() == [State.EXPIRED]
    assert instant.told(CUSTOMER) == ["hold_expired"]

    assert instant.book(OTHER_CUSTOMER).state is State.AWAITING_PAYMENT
    assert instant.state(booking) is State.EXPIRED
    instant.assert_sound()


def test_a_hold_is_stretched_while_somebody_pays_but_not_beyond_half_an_hour(
    instant: World,
) -> None:
    booking = instant.book()
    began = instant.clock.now()
    instant.clock.advance(seconds=14 * 60)
    instant.prompt(booking)

    stretched = []
    while instant.state(booking) is State.AWAITING_PAYMENT:
        instant.clock.set(instant.due(booking))
        instant.fire()
        stretched.append(instant.clock.now() - began)

    assert stretched[0] == timedelta(minutes=15)
    assert stretched[-1] == timedelta(minutes=30)
    assert all(b - a <= timedelta(minutes=1) for a, b in pairwise(stretched))
    assert instant.state(booking) is State.EXPIRED
    assert instant.booked(booking) == 0


def test_a_failed_prompt_stretches_nothing(instant: World) -> None:
    booking = instant.book()
    instant.failed(instant.prompt(booking))

    instant.clock.set(instant.due(booking))

    assert instant.fire() == [State.EXPIRED]
    assert instant.told(CUSTOMER) == ["payment_failed", "hold_expired"]


def test_a_customer_withdraws_a_request(world: World) -> None:
    booking = world.book()
    world.withdraw(booking)

    assert world.state(booking) is State.CANCELLED
    assert world.told(VENDOR) == ["request_received", "request_withdrawn"]
    with pytest.raises(IllegalMove):
        world.accept(booking)
    world.assert_sound()


def test_a_customer_withdraws_before_paying_and_the_units_are_free(world: World) -> None:
    booking = world.hold()
    world.withdraw(booking)

    assert world.state(booking) is State.CANCELLED
    assert world.booked(booking) == 0
    assert world.told(VENDOR) == ["request_received", "request_withdrawn"]
    world.assert_sound()


def test_a_vendor_hears_nothing_of_an_instant_booking_that_was_never_paid(
    instant: World,
) -> None:
    booking = instant.book()
    instant.withdraw(booking)

    assert instant.booked(booking) == 0
    assert instant.told(VENDOR) == []


def test_nobody_withdraws_what_is_paid_for(world: World) -> None:
    booking = world.confirmed()

    with pytest.raises(IllegalMove) as refused:
        world.withdraw(booking)

    assert refused.value.data == {"state": "confirmed", "event": "withdraw"}
    assert world.booked(booking) == 1


def test_a_withdrawn_prompt_is_not_sent(instant: World) -> None:
    booking = instant.book()
    attempt = instant.run(
        lambda tx: start_collection(tx, booking.id, CUSTOMER)  # Goes out three seconds later.
    )
    instant.withdraw(booking)
    instant.clock.advance(seconds=3)

    assert instant.send_due() == []
    assert instant.attempt(attempt).state is AttemptState.FAILED
    assert "payment_failed" not in instant.told(CUSTOMER)


def test_other_peoples_bookings_are_nobodys_business(world: World) -> None:
    booking = world.book()
    stranger = world.run(lambda tx: make_vendor(tx, OTHER_VENDOR, "Other Hall")).id
    for act in (usecases.accept, usecases.decline):
        with pytest.raises(NotFound):
            world.run(lambda tx, act=act: act(tx, booking.id, stranger))
    with pytest.raises(NotFound):
        world.run(lambda tx: usecases.withdraw(tx, booking.id, stranger))
    with pytest.raises(NotFound):
        world.run(lambda tx: timers.complete_by_customer(tx, booking.id, stranger))

    assert world.state(booking) is State.REQUESTED
    assert len(world.moves(booking)) == 1


def test_rivals_that_no_longer_fit_are_declined_with_the_accept(world: World) -> None:
    winner, loser = world.book(CUSTOMER), world.book(OTHER_CUSTOMER)
    elsewhen = world.book(OTHER_CUSTOMER, in_days=11)

    world.accept(winner)

    assert world.state(loser) is State.DECLINED
    assert world.state(elsewhen) is State.REQUESTED
    assert world.moves(loser)[-1] == ("decline", "requested", "declined", "system")
    assert world.told(OTHER_CUSTOMER) == ["request_declined"]
    assert world.notice("request_declined")["alternatives"]
    world.assert_sound()


def test_a_rival_that_still_fits_keeps_its_request(world: World) -> None:
    hall = world.another_listing(units=2)
    first = world.book(CUSTOMER, hall)
    second = world.book(OTHER_CUSTOMER, hall)
    third = world.book("+254700000003", hall)

    world.accept(first)
    assert world.state(second) is world.state(third) is State.REQUESTED
    world.accept(third)
    assert world.state(second) is State.DECLINED


def test_an_accept_without_units_is_refused_and_changes_nothing(world: World) -> None:
    booking = world.book()
    world.change_listing(booking_mode=BookingMode.INSTANT)
    faster = world.book(OTHER_CUSTOMER)

    with pytest.raises(NoUnits):
        world.accept(booking)

    assert world.state(booking) is State.REQUESTED
    assert world.state(faster) is State.AWAITING_PAYMENT
    assert world.told(CUSTOMER) == []
    world.assert_sound()


def test_a_customer_holds_ten_unpaid_bookings_and_not_eleven(world: World) -> None:
    bookings = [world.book(in_days=day) for day in range(10, 20)]
    with pytest.raises(Refused, match="too_many_open") as refused:
        world.book(in_days=20)
    assert refused.value.data == {"limit": 10}

    world.withdraw(bookings[0])
    assert world.book(in_days=20).state is State.REQUESTED


def test_a_price_that_has_changed_is_not_booked(world: World) -> None:
    wish = world.run(lambda tx: make_wish(tx, world.listing))
    shown = world.run(lambda tx: make_offer(tx, wish).price.total)
    world.change_listing(price_cents=kes(51_000).cents)

    with pytest.raises(Refused, match="price_changed") as refused:
        world.run(lambda tx: usecases.book(tx, CUSTOMER, wish, shown))

    assert refused.value.data == {"total_cents": kes(68_034).cents}


def test_money_returns_are_no_part_of_a_quiet_life(world: World) -> None:
    world.confirmed()
    assert world.attempts(Kind.RETURN) == []
    assert world.balance("suspense:daraja") == kes(0)
