"""What no change is made of: what is refused, and what ends a wish that waits."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core.booking import cancel, modify, usecases
from core.booking.lifecycle import ChangeState, State
from core.booking.model import BookingChange
from core.booking.offers import choose_deposit
from core.errors import BadInput, IllegalMove, NotFound, NoUnits, Refused
from core.limits import CHANGES_PER_BOOKING_MAX
from core.money import kes
from tests.core.booking.kitchen import MORE, PLATES, finish, plates
from tests.core.booking.world import World
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER


def test_an_open_change_ends_with_its_booking(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, in_days=12, people=150)
    prompt = kitchen.send_prompt()

    kitchen.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id))

    assert kitchen.change_of(booking).state is ChangeState.DROPPED
    assert (plates(kitchen, 10), plates(kitchen, 12)) == (0, 0)
    assert kitchen.paid(prompt, MORE) is None
    back = sorted(each.amount for each in kitchen.send_due())
    assert back == [kes(33_350), kes(53_360)], "the refund, and the late difference whole"
    kitchen.assert_sound()


def test_who_has_come_has_nothing_to_change_any_more(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.clock.set(booking.starts_at - timedelta(hours=6, minutes=1))
    kitchen.change(booking, people=150)
    kitchen.say_yes(booking)
    pin = kitchen.database.vault.open(booking.check_in_pin_sealed)

    assert kitchen.run(lambda tx: usecases.check_in(tx, booking.id, booking.vendor_id, pin))

    assert kitchen.change_of(booking).state is ChangeState.DROPPED
    assert kitchen.booked(booking) == 100, "what was held for it is free"
    kitchen.assert_sound()


def test_while_a_prompt_for_another_sum_is_open_no_difference_is_asked_for(
    kitchen: World,
) -> None:
    """One prompt on a phone at a time: its PIN must not pay for something else."""
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, people=150)
    kitchen.send_prompt()
    kitchen.keep_as_was(booking)

    with pytest.raises(Refused, match="prompt_open"):
        kitchen.change(booking, people=200)

    assert plates(kitchen, 10) == 100, "nothing is left of the try"
    assert kitchen.change(booking, people=60).state is ChangeState.APPLIED
    kitchen.assert_sound()


def test_a_deposit_is_of_the_new_price_and_what_is_partly_paid_stays_as_it_is(
    kitchen: World,
) -> None:
    kitchen.run(lambda tx: choose_deposit(tx, kitchen.listing.number, 3_000, 7))
    booking = kitchen.hold(people=100, in_days=30)
    kitchen.change(booking, kes(40_020), people=60)
    deposit = kitchen.send_prompt()
    assert deposit.amount_cents == kes(12_006).cents
    assert kitchen.paid(deposit) is None

    with pytest.raises(Refused, match="rest_unpaid"):
        kitchen.change(booking, people=50)

    assert kitchen.paid(kitchen.prompt(booking), MORE) is None
    assert kitchen.change(booking, people=50).state is ChangeState.APPLIED
    assert kitchen.read(booking).people == 50
    kitchen.assert_sound()


@pytest.mark.parametrize("people", [60, 50])
def test_the_new_price_may_be_no_more_than_the_old_deposit(kitchen: World, people: int) -> None:
    """60 % of what a hundred pay is all that sixty pay, and more than fifty do."""
    kitchen.run(lambda tx: choose_deposit(tx, kitchen.listing.number, 6_000, 7))
    booking = kitchen.hold(people=100, in_days=30)
    assert kitchen.read(booking).deposit_cents == kes(40_020).cents

    kitchen.change(booking, kes(667 * people), people=people)

    deposit = kitchen.send_prompt()
    assert deposit.amount_cents == kitchen.read(booking).deposit_cents
    assert 0 <= deposit.amount_cents - kes(667 * people).cents * 6 // 10 < 100
    assert kitchen.paid(deposit) is None
    assert kitchen.state(booking) is State.CONFIRMED
    kitchen.assert_sound()


def test_of_a_difference_paid_by_hand_what_is_too_much_goes_back(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, people=150)

    for shillings, receipt, people in ((33_000, MORE, 100), (34_000, "SFF6XYQ3EF", 150)):
        assert kitchen.paybill(booking.code, kes(shillings), receipt) is None
        assert kitchen.read(booking).people == people

    kitchen.clock.advance(seconds=5)
    assert sorted(each.amount for each in kitchen.send_due()) == [kes(650), kes(33_000)]
    kitchen.assert_sound()


def test_a_cost_that_was_not_shown_is_not_charged(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change_listing(price_cents=kes(600).cents)

    with pytest.raises(Refused, match="change_cost") as refused:
        kitchen.change(booking, kes(33_350), people=150)

    assert refused.value.data == {"agreed_cents": kes(53_360).cents}
    assert kitchen.read(booking).people == 100


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({}, "no_change"),
        ({"people": 100}, "no_change"),
        ({"people": 0}, "people_zero"),
        ({"people": PLATES + 1}, "too_many_people"),
        ({"in_days": 0}, "date_too_soon"),
        ({"in_days": -1}, "date_past"),
        ({"in_days": 400}, "date_too_far"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(kitchen: World, wish: Any, code: str) -> None:
    booking = kitchen.confirmed(people=100)

    with pytest.raises(BadInput, match=code):
        kitchen.change(booking, **wish)

    assert kitchen.run(lambda tx: tx.db.scalar(select(func.count(BookingChange.id)))) == 0


def test_a_booking_is_changed_so_often_and_one_wish_at_a_time(asked: World) -> None:
    booking = asked.confirmed(people=100)
    asked.change(booking, people=90)
    with pytest.raises(Refused, match="change_open"):
        asked.change(booking, people=80)
    for people in range(80, 80 - CHANGES_PER_BOOKING_MAX + 1, -1):
        asked.say_no(booking)
        asked.change(booking, people=people)
    asked.say_no(booking)

    with pytest.raises(Refused, match="too_many_changes"):
        asked.change(booking, people=70)


def test_nobody_changes_what_is_somebody_elses_begun_or_over(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    other = kitchen.confirmed(MORE, OTHER_CUSTOMER, people=10)
    with pytest.raises(NotFound):
        kitchen.change(booking, customer_id=other.customer_id, people=60)
    kitchen.clock.set(booking.starts_at)
    with pytest.raises(Refused, match="already_begun"):
        kitchen.change(booking, people=60)
    finish(kitchen, booking)
    with pytest.raises(IllegalMove):
        kitchen.change(booking, people=60)
    kitchen.assert_sound()


def test_a_vendor_has_time_to_answer_or_is_not_asked(asked: World) -> None:
    booking = asked.confirmed(people=100)
    asked.clock.set(booking.starts_at - timedelta(hours=6))

    with pytest.raises(Refused, match="too_late"):
        asked.change(booking, people=90)


def test_a_yes_that_comes_when_the_plates_are_gone_is_refused(asked: World) -> None:
    booking = asked.confirmed(people=100)
    asked.change(booking, people=250)
    asked.confirmed("SFF6XYQ3EF", OTHER_CUSTOMER, people=100)

    with pytest.raises(NoUnits):
        asked.say_yes(booking)

    assert asked.change_of(booking).state is ChangeState.ASKED
    assert asked.read(booking).people == 100
    asked.assert_sound()


def test_an_admin_changes_for_a_customer(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.run(
        lambda tx: modify.request_change(
            tx, booking.id, None, modify.wish_of(tx, booking, people=60)
        )
    )

    assert kitchen.moves(booking)[-1] == ("change", "confirmed", "confirmed", "admin")
    assert kitchen.told(CUSTOMER)[-1] == "changed_customer"
