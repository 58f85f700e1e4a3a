"""A full hall with people who wait for it."""

from functools import partial
from typing import Self
from uuid import UUID

from core.booking.model import Booking
from core.booking.offers import Wish
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import TIMERS_BATCH_MAX
from core.waitlist.lifecycle import WaitState
from core.waitlist.model import Wait
from core.waitlist.queries import freed_listings
from core.waitlist.usecases import Taken, due_waits, fire_wait, join_line, offer_freed, take_offer
from tests.core.booking.world import World
from tests.support.factories import make_wish

AMINA, BRIAN, CAROL = "+254700000021", "+254700000022", "+254700000023"


class Line(World):
    """A world whose hall is booked up by somebody, ten days from now."""

    first: Booking

    @classmethod
    def full(cls, database: Database, clock: ManualClock, **listing: object) -> Self:
        line = cls.open(database, clock, booking_mode=BookingMode.INSTANT, **listing)
        line.first = line.confirmed()
        return line

    def wish(self, **wish: int) -> Wish:
        return self.run(lambda tx: make_wish(tx, self.listing, **wish))

    def join(self, msisdn: str = AMINA, **wish: int) -> UUID:
        wanted = self.wish(**wish)
        return self.run(lambda tx: join_line(tx, msisdn, wanted).id)

    def offer(self) -> list[UUID]:
        """What the worker does, as often as it likes; whose place was offered."""
        listings = self.run(freed_listings)
        return [
            wait.id
            for listing_id in listings
            for wait in self.run(partial(offer_freed, listing_id=listing_id))
        ]

    def yes(self, wait_id: UUID, msisdn: str = AMINA) -> Taken:
        return self.run(lambda tx: take_offer(tx, wait_id, msisdn))

    def lapse(self) -> list[WaitState | None]:
        due = self.run(lambda tx: due_waits(tx, TIMERS_BATCH_MAX))
        return [self.run(partial(fire_wait, wait_id=each)) for each in due]

    def wait(self, wait_id: UUID) -> Wait:
        return self.run(lambda tx: tx.db.get_one(Wait, wait_id))
