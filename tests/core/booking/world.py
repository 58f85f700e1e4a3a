"""A small market on a real database, told what people, providers and time do.

Each method is one transaction, as one turn, callback or task would be.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import select, update

from core.booking import changes, modify, timers, usecases
from core.booking.lifecycle import ChangeState, State
from core.booking.model import Booking, BookingChange, BookingEvent
from core.booking.offers import Wish
from core.catalog import calendar
from core.catalog.model import Listing
from core.clock import ManualClock, nairobi_date
from core.db.tx import Database, Tx
from core.escrow import ledger
from core.invariants.run import run_all
from core.limits import ATTEMPTS_BATCH_MAX, STK_DELAY_SECONDS, TIMERS_BATCH_MAX
from core.money import Money, kes
from core.outbox import Notice
from core.payments import attempts, settle
from core.payments.collections import start_collection
from core.payments.model import Attempt, Kind, Receipt
from core.payouts import runs
from core.payouts import usecases as payouts
from core.payouts.model import Payout
from core.payouts.rules import next_run
from core.people.model import User, Vendor
from core.ports.money import MoneyEvent, Outcome, PushRequest, Reason
from tests.support.factories import (
    CUSTOMER,
    make_booking,
    make_held,
    make_listing,
    make_vendor,
)

PROVIDER = "daraja"
RECEIPT = "SFF6XYQ1AB"
GOLDEN = kes(66_700)
T = TypeVar("T")


@dataclass
class World:
    """One vendor with one hall, and everything that can happen to it."""

    database: Database
    clock: ManualClock
    vendor: Vendor
    listing: Listing

    @classmethod
    def open(cls, database: Database, clock: ManualClock, **listing: Any) -> Self:
        """A market that has been running: the payout run of the past week is behind it."""

        def begin(tx: Tx) -> tuple[Vendor, Listing]:
            assert runs.open_run(tx) is None
            vendor = make_vendor(tx)
            return vendor, _listing(tx, vendor, **listing)

        return cls(database, clock, *database.run(begin))

    def run(self, use_case: Callable[[Tx], T]) -> T:
        return self.database.run(use_case)

    # People.

    def book(self, msisdn: str = CUSTOMER, listing: Listing | None = None, **wish: Any) -> Booking:
        return self.run(lambda tx: make_booking(tx, listing or self.listing, msisdn, **wish))

    def hold(self, msisdn: str = CUSTOMER, listing: Listing | None = None, **wish: Any) -> Booking:
        """A booking that waits for its payment."""
        return self.run(lambda tx: make_held(tx, listing or self.listing, msisdn, **wish))

    def another_listing(self, **over: Any) -> Listing:
        """A further hall of the same vendor."""
        return self.run(lambda tx: _listing(tx, self.vendor, **over))

    def change_listing(self, **values: Any) -> None:
        chosen = update(Listing).where(Listing.id == self.listing.id).values(**values)
        self.run(lambda tx: tx.db.execute(chosen))

    def accept(self, booking: Booking) -> None:
        self.run(lambda tx: usecases.accept(tx, booking.id, booking.vendor_id))

    def decline(self, booking: Booking) -> None:
        self.run(lambda tx: usecases.decline(tx, booking.id, booking.vendor_id))

    def withdraw(self, booking: Booking) -> None:
        self.run(lambda tx: usecases.withdraw(tx, booking.id, booking.customer_id))

    def preview(self, booking: Booking, **wish: Any) -> modify.Change:
        """What a change would mean; ``in_days``, ``days`` and ``people`` as when booking."""

        def look(tx: Tx) -> modify.Change:
            fresh = tx.db.get_one(Booking, booking.id)
            return modify.preview_change(tx, fresh, _wish(tx, fresh, **wish))

        return self.run(look)

    def change(
        self,
        booking: Booking,
        agreed: Money | None = None,
        customer_id: UUID | None = None,
        **wish: Any,
    ) -> BookingChange:
        """The customer asks for other days or people."""

        def ask(tx: Tx) -> BookingChange:
            wanted = _wish(tx, tx.db.get_one(Booking, booking.id), **wish)
            who = customer_id or booking.customer_id
            return modify.request_change(tx, booking.id, who, wanted, agreed)

        return self.run(ask)

    def say_yes(self, booking: Booking) -> BookingChange:
        return self.run(lambda tx: modify.accept_change(tx, booking.id, booking.vendor_id))

    def say_no(self, booking: Booking) -> BookingChange:
        return self.run(lambda tx: modify.decline_change(tx, booking.id, booking.vendor_id))

    def keep_as_was(self, booking: Booking) -> BookingChange:
        return self.run(lambda tx: modify.keep_as_was(tx, booking.id, booking.customer_id))

    # Providers.

    def send_prompt(self) -> Attempt:
        """Send the prompt that has been planned; the provider takes it."""
        self.clock.advance(seconds=STK_DELAY_SECONDS)
        [sent] = self.send_due()
        return self.run(lambda tx: tx.db.get_one(Attempt, sent.attempt_id))

    def prompt(self, booking: Booking, msisdn: str = CUSTOMER) -> Attempt:
        """Plan a prompt, wait the seconds that it takes, and send it."""
        attempt = self.run(lambda tx: start_collection(tx, booking.id, msisdn))
        self.clock.advance(seconds=STK_DELAY_SECONDS)
        sent = self.run(lambda tx: attempts.begin(tx, attempt.id))
        assert isinstance(sent, PushRequest)
        self.run(lambda tx: attempts.accepted(tx, attempt.id, f"ws_CO_{attempt.id}"))
        return self.attempt(attempt)

    def send_due(self) -> list[attempts.Request]:
        """Take every due step of attempts; the provider accepts whatever is sent."""
        sent: list[attempts.Request] = []
        for attempt_id in self.run(lambda tx: attempts.due_attempts(tx, ATTEMPTS_BATCH_MAX)):
            request = self.run(lambda tx, id_=attempt_id: attempts.begin(tx, id_))
            if isinstance(request, attempts.Request):
                self.run(lambda tx, id_=attempt_id: attempts.accepted(tx, id_, f"ref {id_}"))
                sent.append(request)
        return sent

    def tell(self, attempt: Attempt | UUID, outcome: Outcome, **over: Any) -> str | None:
        """The provider's evidence about an attempt; returns the note."""
        attempt_id = attempt if isinstance(attempt, UUID) else attempt.id
        event = MoneyEvent(PROVIDER, outcome, attempt_id=attempt_id, **over)
        return self.run(lambda tx: settle.apply(tx, event))

    def paid(self, attempt: Attempt | UUID, receipt: str | None = RECEIPT) -> str | None:
        return self.tell(attempt, Outcome.SUCCEEDED, receipt=receipt)

    def failed(self, attempt: Attempt | UUID, reason: Reason = Reason.OTHER) -> str | None:
        return self.tell(attempt, Outcome.FAILED, reason=reason)

    def paybill(
        self,
        account: str,
        amount: Money,
        receipt: str = RECEIPT,
        payer: str | None = CUSTOMER,
    ) -> str | None:
        """A payment by hand, confirmed by the paybill."""
        event = MoneyEvent(
            PROVIDER,
            Outcome.SUCCEEDED,
            account=account,
            amount=amount,
            receipt=receipt,
            payer=payer,
        )
        return self.run(lambda tx: settle.apply(tx, event))

    def confirmed(self, receipt: str = RECEIPT, msisdn: str = CUSTOMER, **wish: Any) -> Booking:
        """A booking that has been paid for."""
        booking = self.hold(msisdn, **wish)
        assert self.paid(self.prompt(booking, msisdn), receipt) is None
        return booking

    def released(self, receipt: str = RECEIPT, msisdn: str = CUSTOMER, **wish: Any) -> Booking:
        """A booking whose money has become the vendor's."""
        booking = self.confirmed(receipt, msisdn, **wish)
        self.release(booking)
        return booking

    def release(self, booking: Booking) -> None:
        """A paid booking ends, and nobody complains."""
        for _ in range(2):
            self.clock.set(self.due(booking))
            self.fire()

    # Time.

    def fire(self) -> list[State]:
        """Let every due timer fire once."""
        due = self.run(lambda tx: timers.due_bookings(tx, TIMERS_BATCH_MAX))
        fired = [self.run(lambda tx, id_=each: timers.fire(tx, id_)) for each in due]
        return [state for state in fired if state is not None]

    def fire_changes(self) -> list[ChangeState]:
        """Let the timer of every due change fire once."""
        due = self.run(lambda tx: changes.due_changes(tx, TIMERS_BATCH_MAX))
        fired = [self.run(lambda tx, id_=each: changes.fire_change(tx, id_)) for each in due]
        return [state for state in fired if state is not None]

    def due(self, booking: Booking) -> datetime:
        moment = self.read(booking).due_at
        assert moment is not None, "a timer is set"
        return moment

    def monday(self) -> list[Payout]:
        """Go to the next run and make the payouts of it, as the workers do."""
        self.clock.set(next_run(self.clock.now()))
        return self.pay_out()

    def pay_out(self) -> list[Payout]:
        week = self.run(runs.open_run)
        made: list[Payout | None] = []
        if week is not None:
            made = [
                self.run(lambda tx, id_=vendor_id: payouts.make_payout(tx, id_))
                for vendor_id in self.run(lambda tx: runs.vendors_owed(tx, None, 100))
            ]
            self.run(lambda tx: runs.close_run(tx, week))
        for payout_id in self.run(lambda tx: payouts.due_payouts(tx, 100)):
            self.run(lambda tx, id_=payout_id: payouts.continue_payout(tx, id_))
        return [payout for payout in made if payout is not None]

    # What there is to see.

    def read(self, booking: Booking) -> Booking:
        return self.run(lambda tx: tx.db.get_one(Booking, booking.id))

    def state(self, booking: Booking) -> State:
        return self.read(booking).state

    def attempt(self, attempt: Attempt | UUID) -> Attempt:
        id_ = attempt if isinstance(attempt, UUID) else attempt.id
        return self.run(lambda tx: tx.db.get_one(Attempt, id_))

    def attempts(self, kind: Kind) -> list[Attempt]:
        query = (
            select(Attempt).where(Attempt.kind == kind).order_by(Attempt.created_at, Attempt.id)
        )
        return self.run(lambda tx: list(tx.db.scalars(query)))

    def receipts(self) -> list[Receipt]:
        return self.run(lambda tx: list(tx.db.scalars(select(Receipt).order_by(Receipt.number))))

    def balance(self, path: str) -> Money:
        return self.run(lambda tx: ledger.balance(tx, path))

    def booked(self, booking: Booking) -> int:
        days = self.run(
            lambda tx: calendar.availability(
                tx, booking.listing_id, booking.starts_on, booking.ends_on
            )
        )
        return max(day.booked for day in days)

    def change_of(self, booking: Booking) -> BookingChange:
        """The newest change of a booking."""
        query = select(BookingChange).where(BookingChange.booking_id == booking.id)
        newest = query.order_by(BookingChange.created_at.desc(), BookingChange.id.desc()).limit(1)
        return self.run(lambda tx: tx.db.scalars(newest).one())

    def told(self, msisdn: str) -> list[str]:
        """What somebody has been told, in order."""
        query = select(Notice.topic).where(Notice.msisdn == msisdn)
        return self.run(lambda tx: list(tx.db.scalars(query.order_by(Notice.id))))

    def notice(self, topic: str) -> dict[str, Any]:
        """The values of the one message of a topic."""
        query = select(Notice.params).where(Notice.topic == topic)
        return self.run(lambda tx: tx.db.scalars(query).one())

    def notices(self) -> Counter[str]:
        return Counter(self.run(lambda tx: list(tx.db.scalars(select(Notice.topic)))))

    def moves(self, booking: Booking) -> list[tuple[str, str | None, str, str]]:
        """The audit rows: event, from, to, who."""
        query = (
            select(BookingEvent)
            .where(BookingEvent.booking_id == booking.id)
            .order_by(BookingEvent.id)
        )
        return [
            (row.event, row.state_before, row.state_after, row.actor)
            for row in self.run(lambda tx: list(tx.db.scalars(query)))
        ]

    def user_id(self, msisdn: str) -> UUID:
        query = select(User.id).where(User.msisdn == msisdn)
        return self.run(lambda tx: tx.db.scalars(query).one())

    def assert_sound(self) -> None:
        """Everything that must be true is true; no worker runs here, so nothing can be late."""
        found = self.run(run_all)
        late = {"timers fire", "changes fire", "no notice is late", "no callback is late"}
        assert [each for each in found if each.rule not in late] == []


def _listing(tx: Tx, vendor: Vendor, **over: Any) -> Listing:
    """A listing with the number that the database gave it."""
    listing = make_listing(tx, vendor, **over)
    tx.db.refresh(listing, ["number"])
    return listing


def _wish(tx: Tx, booking: Booking, *, in_days: int | None = None, **wish: Any) -> Wish:
    """A booking's days and people with some of them changed; the day is counted from now."""
    day = None if in_days is None else nairobi_date(tx.now) + timedelta(days=in_days)
    return modify.wish_of(tx, booking, starts_on=day, **wish)
