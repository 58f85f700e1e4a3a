"""Offers of what became free go out by day, once a unit; one broken listing holds up nobody."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from core.booking.usecases import withdraw
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Tx
from core.outbox import Notice
from core.waitlist.usecases import WAIT_OFFERED_TOPIC, join_line
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    make_held,
    make_listing,
    make_vendor,
    make_wish,
)
from tests.workers.conftest import Crew
from workers.waits import run_waits

# The suite's clock stands at nine in the morning in Kenya.
EVENING, MORNING = timedelta(hours=11), timedelta(hours=23)


def told(crew: Crew) -> list[str]:
    query = select(Notice.msisdn).where(Notice.topic == WAIT_OFFERED_TOPIC)
    with crew.database.transaction() as tx:
        return list(tx.db.scalars(query))


def waited_for(tx: Tx, hall: Listing, **wish: Any) -> Listing:
    """A hall that became free while somebody waits for it."""
    tx.db.refresh(hall, ["number"])
    held = make_held(tx, hall, OTHER_CUSTOMER, **wish)
    join_line(tx, CUSTOMER, make_wish(tx, hall, **wish))
    withdraw(tx, held.id, held.customer_id)
    return hall


def test_nobody_is_woken_for_an_offer(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        waited_for(tx, make_listing(tx, make_vendor(tx)))
    begin = clock.now()
    clock.set(begin + EVENING)
    assert run_waits(crew.parts) == 0

    clock.set(begin + MORNING)

    assert run_waits(crew.parts) == 1
    assert run_waits(crew.parts) == 0
    assert told(crew) == [CUSTOMER]

    clock.set(begin + MORNING + EVENING)

    assert run_waits(crew.parts) == 1, "time ends at night too"
    assert run_waits(crew.parts) == 0


def test_one_listing_that_fails_holds_up_no_other(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        vendor = make_vendor(tx)
        broken = waited_for(tx, make_listing(tx, vendor, title="Broken"))
    clock.advance(seconds=1)
    with crew.database.transaction() as tx:
        waited_for(tx, make_listing(tx, vendor, title="Whole"), in_days=20)
        # A policy that nobody knows: its offer cannot be made.
        tx.db.execute(update(Listing).where(Listing.id == broken.id).values(policy="lost"))

    assert run_waits(crew.parts) == 1
    assert len(told(crew)) == 1
