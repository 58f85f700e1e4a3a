"""Prices that come in pieces: by hand, over what M-Pesa carries, in any order, or not at all."""

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.booking import timers
from core.booking.cancel import cancel_by_vendor
from core.booking.dues import dues_of, next_part, parts_of
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.errors import BadInput, Refused
from core.invariants.run import run_all
from core.limits import (
    HOLD_STRETCH_SECONDS,
    LIMIT_RETRY_SECONDS,
    MPESA_MAX_CENTS,
    PART_HOLD_SECONDS,
    PART_NEXT_DAY_SECONDS,
    PARTS_ASKED_MAX,
    PARTS_TAKEN_MAX,
    PRICE_IN_PARTS_MAX_CENTS,
    STK_GIVE_UP_SECONDS,
    STK_REPEAT_SECONDS,
)
from core.money import Money, kes
from core.payments import settle, suspense
from core.payments.collections import start_collection
from core.payments.model import Attempt, Kind, Receipt
from core.ports.money import MoneyEvent, Outcome, Reason
from tests.core.booking.world import GOLDEN, World
from tests.core.escrow.tools import together
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER


def owed(world: World, booking: Booking) -> tuple[int, int, int] | None:
    """What is asked for next in shillings, which part that is, and of how many."""
    dues = dues_of(world.read(booking))
    return dues and (dues.ask.shillings, dues.part, dues.parts)


def arrive(world: World, prefix: str = "SFG") -> list[tuple[str, int]]:
    """Send what is due to go back and let it arrive; returns to whom, and shillings."""
    went = []
    while sent := world.send_due():
        for request in sent:
            assert world.paid(request.attempt_id, f"{prefix}{len(went):07}") is None
            went.append((request.msisdn, request.amount.shillings))
    return went


def held_for(world: World, shillings: int, **wish: int) -> Booking:
    """A hold of a hall that costs so much in all, fee and tax included."""
    world.change_listing(price_cents=kes(shillings).cents * 50_000 // 66_700)
    booking = world.hold(**wish)
    assert abs(booking.total_cents - kes(shillings).cents) < 500, "the price is as asked for"
    return booking


@pytest.fixture
def big(world: World) -> Booking:
    """700,000 to pay, asked for in three parts."""
    return held_for(world, 700_000)


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
    assert world.notice("money_returning")["too_much"] is True
    assert arrive(world) == [(CUSTOMER, 3_300)]
    assert world.balance("float:daraja") == GOLDEN
    world.assert_sound()


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


def test_the_price_of_a_great_booking_is_asked_for_in_equal_parts(
    world: World, big: Booking
) -> None:
    asked = []
    for turn in range(3):
        asked.append(owed(world, big))
        attempt = world.prompt(big)
        assert attempt.amount_cents <= MPESA_MAX_CENTS
        assert world.paid(attempt, f"SFF000000{turn}") is None
        world.clock.advance(seconds=STK_REPEAT_SECONDS)

    sizes = [ask for ask, _, _ in filter(None, asked)]
    assert max(sizes) - min(sizes) <= 1
    assert [(part, of) for _, part, of in filter(None, asked)] == [(1, 3), (2, 3), (3, 3)]
    assert sum(sizes) * 100 == big.total_cents
    assert world.state(big) is State.CONFIRMED
    assert world.balance(f"escrow:{big.code}") == Money(big.total_cents)
    world.assert_sound()


def test_a_day_is_left_where_the_accounts_limit_for_today_may_be_used_up(
    world: World,
) -> None:
    booking = held_for(world, 700_000)
    world.paid(world.prompt(booking), "SFF0000001")
    day = timedelta(seconds=PART_NEXT_DAY_SECONDS)
    assert world.due(booking) == world.clock.now() + day

    # 500,000 fit into one day.
    small = held_for(world, 499_000, in_days=12)
    world.paid(world.prompt(small), "SFF0000002")
    assert world.due(small) == world.clock.now() + timedelta(seconds=PART_HOLD_SECONDS)


def test_an_equal_part_waits_out_the_two_minutes_in_which_it_would_be_refused(
    world: World, big: Booking
) -> None:
    """233,333 twice to one phone: M-Pesa refuses the second within two minutes (code 17)."""
    for turn in range(2):
        world.clock.advance(seconds=STK_REPEAT_SECONDS)
        world.paid(world.prompt(big), f"SFF000000{turn}")
    paid_at = world.clock.now()
    world.clock.advance(seconds=10)

    third = world.run(lambda tx: start_collection(tx, big.id, CUSTOMER))

    assert third.due_at == paid_at + timedelta(seconds=STK_REPEAT_SECONDS)


def test_a_prompt_for_more_than_is_left_is_not_sent(world: World, big: Booking) -> None:
    world.run(lambda tx: start_collection(tx, big.id, CUSTOMER))
    for turn in range(2):
        world.paybill(big.code, Money(MPESA_MAX_CENTS), f"SFF000000{turn}")
    world.clock.advance(seconds=60)

    assert world.send_due() == []


def test_more_than_eight_parts_are_not_asked_of_anybody(world: World) -> None:
    world.change_listing(price_cents=kes(1_600_000).cents)
    with pytest.raises(BadInput) as refused:
        world.hold()
    assert (refused.value.code, refused.value.data["max_cents"]) == (
        "too_expensive",
        PRICE_IN_PARTS_MAX_CENTS,
    )
    assert PRICE_IN_PARTS_MAX_CENTS == PARTS_ASKED_MAX * MPESA_MAX_CENTS == kes(2_000_000).cents


@settings(deadline=None)
@given(st.integers(1, PRICE_IN_PARTS_MAX_CENTS // 100))
def test_parts_are_the_fewest_and_differ_by_a_shilling(shillings: int) -> None:
    left, parts = kes(shillings), []
    while left.cents:
        parts.append(next_part(left))
        left -= parts[-1]

    assert len(parts) == parts_of(kes(shillings).cents)
    assert all(0 < part.cents <= MPESA_MAX_CENTS for part in parts)
    sizes = [part.cents for part in parts]
    assert max(sizes) - min(sizes) <= kes(1).cents


# Money in suspense that a person gives to a booking.


def test_a_person_can_give_a_booking_a_part_too(world: World) -> None:
    booking = world.hold()
    world.paybill("ZZZZZ", kes(20_000), "SFF0000001", payer=None)
    [receipt] = world.receipts()

    world.run(lambda tx: suspense.match(tx, receipt.id, booking.code))

    assert world.state(booking) is State.AWAITING_PAYMENT
    assert world.balance(f"escrow:{booking.code}") == kes(20_000)
    world.assert_sound()


def test_money_that_a_booking_gave_back_is_not_given_to_another(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(5), "SFF0000001", payer=None)
    world.withdraw(booking)
    other = world.hold(in_days=12)
    [receipt] = world.receipts()

    with pytest.raises(Refused, match="already_used"):
        world.run(lambda tx: suspense.match(tx, receipt.id, other.code))


# Many at once.


def test_two_parts_at_once_both_count(world: World) -> None:
    """Each has the other's lock to wait for; none of the shillings is counted twice or lost."""
    for turn in range(4):
        booking = world.hold(in_days=10 + turn)
        pay = [(kes(33_350), f"SFF00{turn}000{i}") for i in range(3)]

        together(3, lambda i, b=booking, p=pay: world.paybill(b.code, p[i][0], p[i][1]))

        assert world.state(booking) is State.CONFIRMED
        assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.balance("suspense:daraja") == kes(33_350) * 4
    world.assert_sound()


def test_without_the_bookings_lock_a_part_is_lost_and_the_checker_says_so(world: World) -> None:
    """Both have read that nothing has come before either has written that something has."""
    booking = world.hold()

    def count_blindly(i: int) -> None:
        with world.database.transaction() as tx:
            seen = tx.db.get_one(Booking, booking.id).received_cents
            tx.db.execute(text("SELECT pg_sleep(0.05)"))
            tx.db.execute(
                text("UPDATE bookings SET received_cents = :now WHERE id = :id"),
                {"now": seen + kes(10_000).cents, "id": booking.id},
            )
            tx.db.add(
                Receipt(
                    id=tx.ids.uuid(),
                    provider="daraja",
                    number=f"SFF{i}",
                    direction="in",
                    amount_cents=kes(10_000).cents,
                    booking_id=booking.id,
                    at=tx.now,
                )
            )

    together(2, count_blindly)

    assert world.read(booking).received_cents == kes(10_000).cents
    rules = {finding.rule for finding in world.run(run_all)}
    assert "a booking counts what was taken for it" in rules


def test_the_last_part_and_the_end_of_the_hold_at_once_lose_nothing(world: World) -> None:
    """Either it is confirmed with all of it, or everything is on its way back."""
    for turn in range(4):
        booking = world.hold(in_days=10 + turn)
        world.paybill(booking.code, kes(20_000), f"SFF00{turn}0001")
        world.clock.set(world.due(booking))

        def race(i: int, booking: Booking = booking, turn: int = turn) -> object:
            if i == 0:
                return world.paybill(booking.code, kes(46_700), f"SFF00{turn}0002")
            return world.run(lambda tx: timers.fire(tx, booking.id))

        together(3, race)

        came = GOLDEN if world.state(booking) is State.CONFIRMED else kes(0)
        assert world.state(booking) in {State.CONFIRMED, State.EXPIRED}
        assert world.balance(f"escrow:{booking.code}") == came
    world.assert_sound()


def test_a_hold_that_ends_as_its_last_part_comes_looks_again_under_the_lock(
    world: World,
) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(20_000), "SFF0000001")
    world.clock.set(world.due(booking))
    [due] = world.run(lambda tx: timers.due_bookings(tx, 10))
    world.paybill(booking.code, kes(46_700), "SFF0000002")

    assert world.run(lambda tx: timers.fire(tx, due)) is None
    assert world.state(booking) is State.CONFIRMED


def test_without_that_lock_a_paid_booking_is_given_away(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(20_000), "SFF0000001")
    world.clock.set(world.due(booking))
    with world.database.transaction() as tx:
        stale = tx.db.get_one(Booking, booking.id)
        world.paybill(booking.code, kes(46_700), "SFF0000002")
        timers._lapse_hold(tx, stale)

    assert world.notices()["confirmed_customer"] == 1
    assert world.state(booking) is State.EXPIRED


def test_a_part_by_prompt_and_its_paybill_confirmation_are_one_payment(
    world: World, big: Booking
) -> None:
    """Three equal parts, each told of by callback, question and confirmation at once."""
    for turn in range(3):
        attempt = world.prompt(big)
        receipt = f"SFF000000{turn}"

        def tell(i: int, attempt: Attempt = attempt, receipt: str = receipt) -> object:
            if i == 0:
                return world.paybill(big.code, Money(attempt.amount_cents), receipt, payer=None)
            return world.paid(attempt, receipt if i == 1 else None)

        together(3, tell)
        world.clock.advance(seconds=STK_REPEAT_SECONDS)

    assert world.state(big) is State.CONFIRMED
    assert len(world.receipts()) == 3
    assert world.balance("float:daraja") == Money(big.total_cents)
    assert world.balance("suspense:daraja") == kes(0)
    world.assert_sound()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(10, 80_000)),
        st.tuples(st.just("prompt"), st.just(0)),
        st.tuples(st.just("lapse"), st.just(0)),
        st.tuples(st.just("withdraw"), st.just(0)),
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_in_any_order_escrow_is_empty_open_or_full_and_all_else_went_back(
    world: World, steps: list[tuple[str, int]]
) -> None:
    booking = world.hold(in_days=10)
    before = world.balance("float:daraja")
    came = kes(0)
    for turn, (what, shillings) in enumerate(steps):
        receipt = f"S{booking.code}{turn}"
        if what == "pay":
            came += kes(shillings)
            world.paybill(booking.code, kes(shillings), receipt)
        elif what == "prompt" and world.state(booking) is State.AWAITING_PAYMENT:
            attempt = world.prompt(booking)
            came += Money(attempt.amount_cents)
            world.paid(attempt, receipt)
        elif what == "lapse" and world.state(booking) is State.AWAITING_PAYMENT:
            world.clock.set(world.due(booking))
            world.fire()
        elif what == "withdraw" and world.state(booking) is State.AWAITING_PAYMENT:
            world.withdraw(booking)
    if world.state(booking) is State.AWAITING_PAYMENT:
        world.withdraw(booking)

    back = sum((kes(each) for _, each in arrive(world, f"R{booking.code}")), start=kes(0))

    full = GOLDEN if world.state(booking) is State.CONFIRMED else kes(0)
    assert world.balance(f"escrow:{booking.code}") == full
    assert came - back == full
    assert world.balance("float:daraja") - before == full
    assert world.balance("suspense:daraja") == kes(0)
    if full.cents:
        # The next example books the same day.
        world.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))
        arrive(world, f"Q{booking.code}")
    world.assert_sound()
