"""A market in which people disagree: what customer, vendor, admin and time do to a dispute."""

from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial

from core.booking.model import Booking
from core.booking.offers import choose_deposit
from core.disputes import timers, usecases
from core.disputes.model import Dispute, Problem
from core.disputes.queries import DisputeView, disputes_of
from core.limits import TIMERS_BATCH_MAX
from tests.core.booking.world import RECEIPT, World
from tests.support.factories import CUSTOMER


@dataclass
class Court(World):
    """A world with disputes; each method is one transaction."""

    def begun(self, receipt: str = RECEIPT, msisdn: str = CUSTOMER, **wish: int) -> Booking:
        """A paid booking on its day."""
        booking = self.confirmed(receipt, msisdn, **wish)
        self.clock.set(booking.starts_at)
        return booking

    def begun_with_a_deposit(self) -> Booking:
        """A booking in the first hours of its day whose rest may still come.

        Vendor and customer took their time, so that the rest has longer than was agreed.
        """
        number = self.listing.number
        self.run(lambda tx: choose_deposit(tx, number, 3_000, 1))
        self.change_listing(starts_at=time(14))
        self.clock.advance(hours=8)
        booking = self.book(in_days=3)
        self.clock.set(booking.starts_at - timedelta(hours=46))
        self.accept(booking)
        self.clock.set(booking.starts_at - timedelta(hours=35))
        self.paid(self.prompt(booking))
        self.clock.set(booking.starts_at - timedelta(hours=13))
        return booking

    def completed(self) -> Booking:
        """A booking that is done, whose money waits for two days."""
        booking = self.begun()
        self.clock.set(self.due(booking))
        self.fire()
        return booking

    def report(
        self, booking: Booking, problem: Problem = Problem.UNCLEAN, words: str = ""
    ) -> Dispute:
        customer = booking.customer_id
        return self.run(lambda tx: usecases.open_dispute(tx, booking.id, customer, problem, words))

    def customer_says(self, booking: Booking, words: str) -> Dispute:
        who = booking.customer_id
        return self.run(lambda tx: usecases.note_by_customer(tx, booking.id, who, words))

    def vendor_says(self, booking: Booking, words: str) -> Dispute:
        who = booking.vendor_id
        return self.run(lambda tx: usecases.note_by_vendor(tx, booking.id, who, words))

    def take_back(self, booking: Booking) -> Dispute:
        customer = booking.customer_id
        return self.run(lambda tx: usecases.withdraw_dispute(tx, booking.id, customer))

    def decide(self, booking: Booking, percent: int, why: str = "Photos by both") -> Dispute:
        return self.run(lambda tx: usecases.resolve(tx, booking.id, percent, None, why))

    def heard(self, booking: Booking) -> Booking:
        """Reported and answered: an admin may decide."""
        self.report(booking)
        self.vendor_says(booking, "It was clean when they came")
        return booking

    def fire_disputes(self) -> list[timers.Step]:
        """Let every due timer of a dispute fire once."""
        due = self.run(lambda tx: timers.due_disputes(tx, TIMERS_BATCH_MAX))
        fired = [self.run(partial(timers.fire, dispute_id=each)) for each in due]
        return [step for step in fired if step is not None]

    def file(self, booking: Booking) -> DisputeView:
        """The newest dispute of a booking, with what was said."""
        return self.run(lambda tx: disputes_of(tx, booking))[0]
