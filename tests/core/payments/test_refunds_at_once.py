"""Never more goes back than came, however many ask at once."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import select, text

from core.booking import cancel
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.db.tx import Tx
from core.errors import IllegalMove, Refused, Unposted
from core.invariants.run import run_all
from core.money import kes
from core.payments import refunds
from core.payments.model import Kind
from tests.core.booking.world import GOLDEN, World
from tests.core.escrow.tools import together
from tests.core.payments.refunding import plan, planned, refunds_of

CALLERS = 8


def test_eight_refunds_at_once_never_give_back_more_than_came(world: World) -> None:
    booking = world.confirmed()

    results = together(CALLERS, lambda _: plan(world, booking, kes(20_000)))

    assert Counter(type(each).__name__ for each in results) == {"list": 3, "Refused": 5}
    assert planned(world) == kes(60_000).cents
    world.assert_sound()


def one_race(world: World, chance: Random, round_: int) -> None:
    """Eight at once: refunds of all and of parts, cancellations, a second payment sent back."""
    booking = world.confirmed(f"SFR{round_:05}")
    parts = [kes(chance.choice([66_700, chance.randrange(10, 66_700)])) for _ in range(CALLERS)]
    cancels = chance.random() < 0.5

    def one(i: int) -> object:
        if i == 0:
            return world.paybill(booking.code, GOLDEN, f"SFD{round_:05}")
        if i == 1 and cancels:
            return world.run(
                lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id)
            )
        return plan(world, booking, parts[i])

    results = together(CALLERS, one)

    assert {type(each) for each in results} <= {type(None), list, Booking, Refused, IllegalMove}
    made = refunds_of(world, booking)
    assert sum(each.amount_cents for each in made) <= GOLDEN.cents
    if not cancels:
        assert world.state(booking) is State.CONFIRMED, "the good booking survives"
    extra = [each for each in world.attempts(Kind.RETURN) if each.refund_id is None]
    assert [each.amount_cents for each in extra if each.booking_id == booking.id] == [GOLDEN.cents]


@pytest.mark.parametrize(
    "rounds", [20, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])]
)
def test_races_of_refunds_cancellations_and_a_second_payment(world: World, rounds: int) -> None:
    chance = Random(20261120)
    big = replace(world, listing=world.another_listing(units=rounds))

    for round_ in range(rounds):
        one_race(big, chance, round_)

    big.assert_sound()


def test_eight_cancellations_at_once_are_one(world: World) -> None:
    booking = world.confirmed()

    def one(i: int) -> None:
        if i % 2:
            world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
        else:
            world.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id))

    results = together(CALLERS, one)

    assert Counter(type(each).__name__ for each in results) == {"NoneType": 1, "IllegalMove": 7}
    assert planned(world) <= GOLDEN.cents
    assert len(world.attempts(Kind.RETURN)) == 1
    world.assert_sound()


def plan_unlocked(world: World, booking: Booking) -> None:
    """Plan as one would without thinking of others: look, then write; no lock."""

    def work(tx: Tx) -> None:
        seen = tx.db.scalars(select(Booking).where(Booking.id == booking.id)).one()
        tx.db.execute(text("SELECT pg_sleep(0.05)"))
        refunds.plan_refund(tx, seen, kes(20_000))

    world.run(work)


def test_without_the_lock_more_would_go_back_than_came(world: World) -> None:
    """The negative control: each caller counts from what it saw, and the CHECK sees no wrong."""
    booking = world.confirmed()

    together(CALLERS, lambda _: plan_unlocked(world, booking))

    assert planned(world) > GOLDEN.cents
    broken = {each.invariant for each in world.run(run_all)}
    assert "I6" in broken, "the live checker says so"


def test_even_then_the_ledger_lets_no_more_out_of_escrow_than_came(world: World) -> None:
    booking = world.confirmed()
    together(CALLERS, lambda _: plan_unlocked(world, booking))
    requests = world.send_due()
    assert len(requests) > 3

    for i, request in enumerate(requests[:3]):
        assert world.paid(request.attempt_id, f"SFG1REFUN{i}") is None

    with pytest.raises(Unposted) as refused:
        world.paid(requests[3].attempt_id, "SFG1REFUN3")

    assert refused.value.data["reason"] == "overdrawn"
    assert world.balance(f"escrow:{booking.code}") == kes(6_700)
