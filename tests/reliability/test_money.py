"""R3 and R9: money is told of often, late, shuffled or strangely, and each shilling is placed."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.booking import cancel
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.models import metadata
from core.ids import CountedIds
from core.money import Money, kes
from core.payments import settle
from core.ports.money import MoneyEvent, Outcome, PayRequest, Reason
from tests.conftest import START
from tests.core.booking.world import PROVIDER, World
from tests.support.factories import OTHER_CUSTOMER
from tests.support.rehearsal import Rehearsal

MINUTE, HOUR = 60, 3600
IN_FULL = [pytest.mark.slow, pytest.mark.timeout(2 * 3600)]
# Our own tables: who looks at all that a server shares waits for others who do, and they for us.
LOOK_AT_SIZES = f"ANALYZE {', '.join(metadata.tables)}"
# What there is when all has been told.
FINAL = """
SELECT 'booking', code, state || received_cents::text FROM bookings
UNION ALL SELECT 'receipt', number, amount_cents || suspense::text FROM receipts
UNION ALL SELECT 'money', account, sum(amount_cents)::text FROM ledger_postings GROUP BY account
UNION ALL SELECT 'attempt', account, kind || state FROM attempts
ORDER BY 1, 2, 3
"""


def opened(rehearsal: Rehearsal, units: int = 1) -> World:
    clock = ManualClock(START)
    rehearsal.clock, rehearsal.ids = clock, CountedIds()
    return World.open(rehearsal, clock, booking_mode=BookingMode.INSTANT, units=units)


def told_often(world: World, payments: int, chance: Random) -> list[MoneyEvent]:
    """Send so many prompts; return all that will be said of them, each one to five times."""
    events = []
    for i in range(payments):
        phone, receipt = f"+2547000{i:05}", f"SFF{i:07}"
        booking = world.book(phone, in_days=20)
        attempt = world.prompt(booking, phone)

        def of_it(outcome: Outcome, id_: UUID = attempt.id, **over: Any) -> MoneyEvent:
            return MoneyEvent(PROVIDER, outcome, attempt_id=id_, **over)

        by_hand = MoneyEvent(
            PROVIDER,
            Outcome.SUCCEEDED,
            account=booking.code,
            amount=Money(booking.total_cents),
            receipt=receipt,
        )
        others = [
            of_it(Outcome.SUCCEEDED),
            of_it(Outcome.PENDING),
            of_it(Outcome.FAILED, reason=Reason.EXPIRED),
            by_hand,
        ]
        callback = of_it(Outcome.SUCCEEDED, receipt=receipt)
        events += [callback] * (1 + chance.randrange(5))
        events += chance.sample(others, chance.randrange(len(others) + 1))
    return events


def final_state(world: World, events: list[MoneyEvent], order: int) -> list[tuple[Any, ...]]:
    """Tell a crowd's payments in one of many orders over three days."""
    events, chance = events.copy(), Random(order)
    chance.shuffle(events)
    for event in events:
        world.clock.advance(seconds=chance.randrange(2 * 72 * HOUR // len(events)))
        world.run(lambda tx, it=event: settle.apply(tx, it))
    # What a crowd wrote in one life no autovacuum has seen: plans are still those of empty tables.
    world.run(lambda tx: tx.db.execute(text(LOOK_AT_SIZES)))
    world.assert_sound()
    return [tuple(row) for row in world.run(lambda tx: tx.db.execute(text(FINAL)).all())]


@pytest.mark.parametrize(
    ("crowds", "payments"),
    [
        (range(1), 12),
        *(
            pytest.param(range(first, first + 10), 1_000, marks=IN_FULL, id=f"R3 {first}")
            for first in range(0, 100, 10)
        ),
    ],
)
def test_whatever_is_told_in_whatever_order_money_counts_once(
    rehearsal: Rehearsal, crowds: range, payments: int
) -> None:
    """A hundred crowds of a thousand are the 100,000."""
    for crowd in crowds:
        with rehearsal.life():
            world = opened(rehearsal, payments)
            events, told_from = told_often(world, payments, Random(crowd)), world.clock.now()
            finals = []
            for order in (1, 2):
                with rehearsal.branch():
                    world.clock.set(told_from)
                    finals.append(final_state(world, events, order))
                    assert len(world.receipts()) == payments, "one effect each"
                    assert world.balance(f"float:{PROVIDER}") == kes(66_700) * payments

        assert finals[0] == finals[1]


def after_expiry(world: World) -> None:
    """The room is still free: it is held again."""
    booking = world.hold()
    attempt = world.prompt(booking)
    world.clock.advance(hours=1)
    world.fire()
    world.paid(attempt)
    assert world.state(booking) is State.CONFIRMED


def after_expiry_and_gone(world: World) -> None:
    booking = world.hold()
    attempt = world.prompt(booking)
    world.clock.advance(hours=1)
    world.fire()
    world.confirmed("SFFOTHER01", OTHER_CUSTOMER)
    world.paid(attempt)
    assert world.state(booking) is State.EXPIRED


def after_a_failure(world: World) -> None:
    booking = world.hold()
    attempt = world.prompt(booking)
    world.failed(attempt, Reason.EXPIRED)
    world.paid(attempt)
    assert world.state(booking) is State.CONFIRMED


def after_a_cancellation(world: World) -> None:
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    world.paybill(booking.code, kes(66_700), "SFFLATE001")
    assert world.state(booking) is State.CANCELLED


def twice(world: World) -> None:
    booking = world.confirmed()
    world.paybill(booking.code, kes(66_700), "SFFTWICE01")
    assert world.state(booking) is State.CONFIRMED


def too_much(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(66_800))
    assert world.state(booking) is State.CONFIRMED


def too_little(world: World) -> None:
    """A part is held as long as the booking is; then it goes back."""
    booking = world.hold()
    world.paybill(booking.code, kes(66_600))
    while world.state(booking) is State.AWAITING_PAYMENT:
        world.clock.set(world.due(booking))
        world.fire()


def for_nothing(world: World) -> None:
    world.paybill("RENT 7", kes(500))


STRANGE = (
    after_expiry,
    after_expiry_and_gone,
    after_a_failure,
    after_a_cancellation,
    twice,
    too_much,
    too_little,
    for_nothing,
)


@pytest.mark.parametrize("come", STRANGE, ids=lambda come: come.__name__)
def test_strange_money_is_a_bookings_or_back_in_a_quarter_of_an_hour(
    rehearsal: Rehearsal, come: Callable[[World], None]
) -> None:
    """R9: nobody has to act, and no shilling is nobody's."""
    with rehearsal.life():
        world = opened(rehearsal)
        come(world)
        since = world.clock.now()
        while world.clock.now() - since < timedelta(minutes=15):
            for request in world.send_due():
                assert isinstance(request, PayRequest)
                world.paid(request.attempt_id, f"SFB{len(world.receipts()):07}")
            world.clock.advance(seconds=MINUTE)

        assert world.balance(f"suspense:{PROVIDER}") == kes(0), "no orphaned shilling"
        held = sum(each.received_cents for each in paid_bookings(world))
        assert world.balance(f"float:{PROVIDER}") == Money(held)
        world.assert_sound()


def paid_bookings(world: World) -> list[Booking]:
    query = select(Booking).where(Booking.state == State.CONFIRMED)
    return world.run(lambda tx: list(tx.db.scalars(query)))
