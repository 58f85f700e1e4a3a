"""Prices that come in pieces: by hand, with too much, too late, or not at all."""

from datetime import timedelta
from hashlib import sha256

import pytest

from core.booking.cancel import cancel_by_vendor
from core.booking.dues import left_cents
from core.booking.lifecycle import State
from core.cases.sweep import sweep
from core.errors import Refused
from core.limits import (
    HOLD_STRETCH_SECONDS,
    LIMIT_RETRY_SECONDS,
    MPESA_DAY_MAX_CENTS,
    PART_HOLD_SECONDS,
    PARTS_TAKEN_MAX,
    REFUND_TRIES_MAX,
    RETURN_TRIES_MAX,
    STK_GIVE_UP_SECONDS,
)
from core.money import Money, kes
from core.payments import settle, suspense
from core.payments.model import Kind
from core.ports.money import MoneyEvent, Outcome, Reason
from tests.core.booking.world import GOLDEN, World
from tests.core.payments.parts import arrive, held_for
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER


def test_money_by_hand_adds_up_until_it_is_enough(world: World) -> None:
    booking = world.hold()

    assert world.paybill(booking.code, kes(20_000), "SFF0000001") is None

    assert world.state(booking) is State.AWAITING_PAYMENT
    assert world.balance(f"escrow:{booking.code}") == kes(20_000)
    told = world.notice("part_received")
    assert (told["came_cents"], told["ask_cents"]) == (20_000_00, 46_700_00)
    world.assert_sound()

    assert world.paybill(booking.code, kes(6_700), "SFF0000002") is None
    assert world.paid(world.prompt(booking), "SFF0000003") is None

    assert world.attempts(Kind.COLLECTION)[0].amount_cents == kes(40_000).cents
    assert world.state(booking) is State.CONFIRMED
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.attempts(Kind.RETURN) == []
    world.assert_sound()


def test_what_comes_beyond_the_price_goes_back_alone(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(60_000), "SFF0000001")

    assert world.paybill(booking.code, kes(10_000), "SFF0000002") is None

    assert world.state(booking) is State.CONFIRMED
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.balance("suspense:daraja") == kes(3_300)
    told = world.notice("money_returning")
    assert (told["too_much"], told["ending"]) == (True, None)
    assert arrive(world) == [(CUSTOMER, 3_300)]
    assert world.balance("float:daraja") == GOLDEN
    world.assert_sound()


def test_what_another_phone_paid_too_much_is_said_to_go_there(world: World) -> None:
    booking = world.hold()

    world.paybill(booking.code, kes(70_000), "SFF0000001", payer=OTHER_CUSTOMER)

    told = world.notice("money_returning")
    assert (told["too_much"], told["ending"]) == (True, OTHER_CUSTOMER[-3:])
    assert arrive(world) == [(OTHER_CUSTOMER, 3_300)]
    assert world.notice("money_returned")["ending"] == OTHER_CUSTOMER[-3:]


def test_the_refund_of_a_booking_paid_in_parts_goes_to_each_payer(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(20_000), "SFF0000001", payer=OTHER_CUSTOMER)
    world.clock.advance(seconds=60)
    world.paybill(booking.code, kes(50_000), "SFF0000002")
    arrive(world)

    world.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))

    assert arrive(world, "SFH") == [(CUSTOMER, 46_700), (OTHER_CUSTOMER, 20_000)]
    assert world.balance("float:daraja") == kes(0)
    world.assert_sound()


def test_everything_goes_back_when_the_rest_does_not_come(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(20_000), "SFF0000001", payer=None)
    world.paybill(booking.code, kes(10_000), "SFF0000002", payer=OTHER_CUSTOMER)
    world.clock.set(world.due(booking))

    assert world.fire() == [State.EXPIRED]

    assert world.read(booking).received_cents == 0
    assert world.booked(booking) == 0
    assert world.balance("suspense:daraja") == kes(30_000)
    assert world.notice("hold_expired")["back_cents"] == kes(30_000).cents
    world.assert_sound()
    # Whoever the paybill hides is taken for the one who booked.
    assert sorted(arrive(world)) == [(CUSTOMER, 20_000), (OTHER_CUSTOMER, 10_000)]
    assert world.balance("float:daraja") == world.balance("suspense:daraja") == kes(0)
    world.assert_sound()


def test_parts_of_a_withdrawn_booking_go_back_and_it_can_still_be_paid_late(world: World) -> None:
    booking = world.hold()
    attempt = world.prompt(booking)
    world.paybill(booking.code, kes(20_000), "SFF0000001")
    world.withdraw(booking)
    assert arrive(world) == [(CUSTOMER, 20_000)]

    assert world.paid(attempt, "SFF0000002") is None

    assert world.moves(booking)[-1][0] == "pay_late"
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    world.assert_sound()


def test_a_late_part_is_not_enough_to_hold_again(world: World) -> None:
    booking = world.hold()
    world.clock.set(world.due(booking))
    world.fire()

    assert world.paybill(booking.code, kes(20_000), "SFF0000001") is None

    assert world.state(booking) is State.EXPIRED
    assert arrive(world) == [(CUSTOMER, 20_000)]
    world.assert_sound()


def test_a_part_leaves_an_hour_for_the_next_and_whoever_pays_then_is_waited_for(
    world: World,
) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(20_000), "SFF0000001")
    assert world.due(booking) == world.clock.now() + timedelta(seconds=PART_HOLD_SECONDS)

    world.clock.advance(seconds=PART_HOLD_SECONDS - 60)
    world.prompt(booking)
    world.clock.set(world.due(booking))
    # Somebody is paying at this moment; but nobody pays for ever.
    waited = 0
    while world.fire() == [State.AWAITING_PAYMENT]:
        waited += HOLD_STRETCH_SECONDS
        world.clock.set(world.due(booking))
    assert waited == STK_GIVE_UP_SECONDS
    assert world.state(booking) is State.EXPIRED
    world.assert_sound()


def test_so_many_small_payments_are_taken_and_no_more(world: World) -> None:
    """Else anybody could keep a hall for days with a shilling an hour."""
    booking = world.hold()
    for turn in range(PARTS_TAKEN_MAX + 1):
        world.paybill(booking.code, kes(10), f"SFF000{turn:04}")

    assert world.balance(f"escrow:{booking.code}") == kes(10) * PARTS_TAKEN_MAX
    assert world.balance("suspense:daraja") == kes(10)
    # What confirms the booking is always welcome.
    assert world.paid(world.prompt(booking), "SFF1000000") is None
    assert world.state(booking) is State.CONFIRMED
    world.assert_sound()


@pytest.mark.parametrize(
    ("shown", "back"),
    [
        ("2547 ***** 001", [(CUSTOMER, 500)]),
        ("25470****001", [(CUSTOMER, 500)]),
        (sha256(CUSTOMER[1:].encode()).hexdigest(), [(CUSTOMER, 500)]),
        ("2547 ***** 002", []),
        (sha256(OTHER_CUSTOMER[1:].encode()).hexdigest(), []),
        ("*****", []),
        ("", []),
    ],
)
def test_a_hidden_number_is_the_customers_when_it_looks_like_it(
    world: World, shown: str, back: list[tuple[str, int]]
) -> None:
    booking = world.confirmed()
    event = MoneyEvent(
        "daraja",
        Outcome.SUCCEEDED,
        account=booking.code,
        amount=kes(500),
        receipt="SFF0000009",
        payer_shown=shown,
    )

    world.run(lambda tx: settle.apply(tx, event))

    assert arrive(world) == back


def test_a_wallet_that_may_receive_no_more_today_is_tried_tomorrow(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(20_000), "SFF0000001")
    world.withdraw(booking)
    [request] = world.send_due()

    world.failed(request.attempt_id, Reason.LIMIT)

    planned = world.attempts(Kind.RETURN)[-1]
    assert planned.due_at == world.clock.now() + timedelta(seconds=LIMIT_RETRY_SECONDS)
    world.clock.set(planned.due_at)
    assert arrive(world) == [(CUSTOMER, 20_000)]
    world.assert_sound()


def days_to_arrive(world: World) -> int:
    """Send what goes back to a wallet that takes what M-Pesa allows; return on how many days."""
    days = 0
    while sent := world.send_due():
        days += 1
        room_cents = MPESA_DAY_MAX_CENTS
        for place, request in enumerate(sent):
            room_cents -= request.amount.cents
            if room_cents >= 0:
                assert world.paid(request.attempt_id, f"SFG{days:02}{place:05}") is None
            else:
                world.failed(request.attempt_id, Reason.LIMIT)
        world.clock.advance(seconds=LIMIT_RETRY_SECONDS)
    return days


def test_many_parts_go_back_to_one_wallet_over_as_many_days_as_it_takes(world: World) -> None:
    booking = held_for(world, 1_900_000)
    for number in range(7):
        world.paybill(booking.code, kes(250_000), f"SFF{number:07}")
    world.withdraw(booking)

    assert days_to_arrive(world) == 4 > RETURN_TRIES_MAX

    assert world.balance("float:daraja") == kes(0)
    assert world.run(sweep) == []
    world.assert_sound()


def test_so_do_many_refunds(world: World) -> None:
    """Eleven of almost 170,000: only two of them fit on a day."""
    booking = held_for(world, 1_869_990)
    for number in range(11):
        left = Money(left_cents(world.read(booking)))
        world.paybill(booking.code, min(left, kes(170_000)), f"SFF{number:07}")
    assert world.state(booking) is State.CONFIRMED
    world.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))

    assert days_to_arrive(world) == 6 > REFUND_TRIES_MAX

    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.run(sweep) == []
    world.assert_sound()


def test_a_wallet_that_takes_nothing_for_days_is_for_a_person(world: World) -> None:
    world.paybill("NOBODY", GOLDEN, "SFF0000001")
    for _ in range(RETURN_TRIES_MAX):
        assert world.run(sweep) == []
        [request] = world.send_due()
        world.failed(request.attempt_id, Reason.LIMIT)
        world.clock.advance(seconds=LIMIT_RETRY_SECONDS)

    assert world.send_due() == []
    assert len(world.run(sweep)) == 1


def test_a_person_can_give_a_booking_a_part_too(world: World) -> None:
    booking = world.hold()
    world.paybill("ZZZZZ", kes(20_000), "SFF0000001", payer=None)
    [receipt] = world.receipts()

    world.run(lambda tx: suspense.match(tx, receipt.id, booking.code))

    assert world.state(booking) is State.AWAITING_PAYMENT
    assert world.balance(f"escrow:{booking.code}") == kes(20_000)
    world.assert_sound()


def test_a_part_that_a_person_gave_and_that_goes_back_is_no_case(world: World) -> None:
    booking = world.hold()
    world.paybill("ZZZZZ", kes(20_000), "SFF0000001", payer=None)
    [receipt] = world.receipts()
    world.run(lambda tx: suspense.match(tx, receipt.id, booking.code))
    world.clock.set(world.due(booking))
    assert world.fire() == [State.EXPIRED]

    assert arrive(world) == [(CUSTOMER, 20_000)]

    assert world.run(sweep) == [], "it went back once, and the booking has nothing of it"
    assert world.balance("suspense:daraja") == kes(0)


def test_money_that_a_booking_gave_back_is_not_given_to_another(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(5), "SFF0000001", payer=None)
    world.withdraw(booking)
    other = world.hold(in_days=12)
    [receipt] = world.receipts()

    with pytest.raises(Refused, match="already_used"):
        world.run(lambda tx: suspense.match(tx, receipt.id, other.code))
