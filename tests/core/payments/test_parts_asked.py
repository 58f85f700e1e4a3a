"""Prices over what M-Pesa carries at once: asked for in the fewest equal parts, in turn."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.booking.dues import next_part, parts_of
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.errors import BadInput
from core.limits import (
    MPESA_MAX_CENTS,
    PART_HOLD_SECONDS,
    PART_NEXT_DAY_SECONDS,
    PARTS_ASKED_MAX,
    PRICE_IN_PARTS_MAX_CENTS,
    STK_REPEAT_SECONDS,
)
from core.money import Money, kes
from core.payments.collections import start_collection
from core.payments.model import Attempt
from tests.core.booking.world import World
from tests.core.escrow.tools import together
from tests.core.payments.parts import held_for, owed
from tests.support.factories import CUSTOMER


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
