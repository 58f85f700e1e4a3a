"""Parts that meet: each other, the end of a hold, all else, in any order."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.booking import timers
from core.booking.cancel import cancel_by_vendor
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.invariants.run import run_all
from core.money import Money, kes
from core.payments.model import Receipt
from tests.core.booking.world import GOLDEN, World
from tests.core.escrow.tools import together
from tests.core.payments.parts import arrive


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
