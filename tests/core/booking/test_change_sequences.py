"""Whatever is changed, paid, refused and cancelled, in whatever order: the books are right.

After each step a paid booking's escrow is its price and what is on its way back (I5, I6). At the
end everything must hold (I7: the calendar counts what is booked; I10: each share is exact), and
what the provider has of ours is what came less what went.
"""

from contextlib import suppress
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core.booking import cancel, usecases
from core.booking.model import Booking
from core.booking.offers import choose_deposit
from core.catalog.model import Listing
from core.catalog.rules import BookingMode
from core.clock import ManualClock, nairobi_date
from core.db.tx import Database, Tx
from core.documents.usecases import issue_due
from core.errors import Refused
from core.money import Money, kes
from core.payments.lifecycle import RefundState
from core.payments.model import Attempt, Direction, Receipt, Refund
from core.ports.money import PayRequest
from tests.core.booking.kitchen import PLATES, meals
from tests.core.booking.world import World
from tests.core.documents.papers import SELLER, vat_of
from tests.support.factories import CUSTOMER

EXAMPLES, STEPS_MAX = 10, 9

people = st.sampled_from([1, 40, 99, 100, 150, PLATES])
days = st.sampled_from([None, None, 6, 9, 30])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("change"), days, people),
        st.tuples(st.just("change"), days, st.none()),
        st.tuples(st.just("change_and_pay"), days, people),
        st.tuples(st.sampled_from(["pay", "pay", "refuse", "yes", "no", "keep", "issue"])),
        st.tuples(st.just("reprice"), st.sampled_from([33_333, 50_000, 61_117])),
        st.tuples(st.just("wait"), st.sampled_from([1, 13, 25, 60])),
    ),
    max_size=STEPS_MAX,
)
ends = st.sampled_from(["customer", "vendor", "nobody"])


class Story:
    """One paid booking, what its people do, and the provider in between."""

    def __init__(self, world: World, listing: Listing) -> None:
        self.world = world
        self.listing = listing
        self.prompts: list[Attempt] = []
        self.booking = world.hold(CUSTOMER, listing, people=100, in_days=8)
        assert world.paid(world.prompt(self.booking), self.receipt()) is None

    def receipt(self) -> str:
        return self.world.run(lambda tx: f"SFF{tx.db.scalar(select(func.count(Receipt.id))):07}")

    def change(self, in_days: int | None, count: int | None) -> None:
        self.world.change(self.booking, in_days=in_days, people=count)

    def change_and_pay(self, in_days: int | None, count: int | None) -> None:
        """What most people do: ask, get a yes, and pay what is asked."""
        self.change(in_days, count)
        with suppress(Refused):
            self.yes()
            self.world.prompt(self.booking)
        self.pay()

    def yes(self) -> None:
        self.world.say_yes(self.booking)

    def no(self) -> None:
        self.world.say_no(self.booking)

    def keep(self) -> None:
        self.world.keep_as_was(self.booking)

    def reprice(self, cents: int) -> None:
        """The vendor asks another price: a change costs what it costs on its day."""

        def write(tx: Tx) -> None:
            tx.db.get_one(Listing, self.listing.id).price_cents = cents

        self.world.run(write)

    def wait(self, hours: int) -> None:
        self.world.clock.advance(hours=hours)
        self.world.fire_changes()
        self.world.fire()

    def pay(self) -> None:
        """The newest prompt is paid: in time, or when nothing waits for it any more."""
        self.send()
        if self.prompts:
            self.world.paid(self.prompts.pop(), self.receipt())

    def refuse(self) -> None:
        self.send()
        if self.prompts:
            self.world.failed(self.prompts[-1])

    def issue(self) -> None:
        """The documents of what has moved so far; later they may be of another price."""
        self.world.run(lambda tx: issue_due(tx, SELLER))

    def send(self) -> None:
        """Whatever is due goes out; what goes back arrives."""
        world = self.world
        world.clock.advance(seconds=5)
        for request in world.send_due():
            if isinstance(request, PayRequest):
                assert world.paid(request.attempt_id, self.receipt()) is None
            else:
                sent = request.attempt_id
                self.prompts.append(world.run(lambda tx, id_=sent: tx.db.get_one(Attempt, id_)))

    def end(self, how: str) -> None:
        """Somebody cancels, or it is given; every prompt is paid, however late."""
        world, booking = self.world, self.booking
        with suppress(Refused):
            if how == "customer":
                who = booking.customer_id
                world.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, who))
            elif how == "vendor":
                world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
        while (due := world.read(booking).due_at) is not None:
            world.clock.set(max(due, world.clock.now()))
            world.fire_changes()
            world.fire()
        while self.prompts:
            self.pay()
        self.send()
        self.issue()

    def check(self) -> None:
        """Escrow is the price and what is on its way; of what is over, only the latter."""
        now = self.world.read(self.booking)
        price = now.total_cents - now.refunds_cents if now.released_at is None else 0
        under_way = self.world.run(lambda tx: _under_way(tx, now))
        assert self.world.balance(f"escrow:{now.code}") == Money(price + under_way)


def _under_way(tx: Tx, booking: Booking) -> int:
    query = select(func.sum(Refund.amount_cents)).where(
        Refund.booking_id == booking.id, Refund.state != RefundState.RETURNED
    )
    return int(tx.db.scalar(query) or 0)


def _moved(tx: Tx, direction: Direction) -> int:
    query = select(func.sum(Receipt.amount_cents)).where(Receipt.direction == direction)
    return int(tx.db.scalar(query) or 0)


def test_in_any_order_of_changes_payments_and_a_cancellation_the_books_are_right(
    database: Database, clock: ManualClock
) -> None:
    world = meals(database, clock, BookingMode.INSTANT)
    asked = world.another_listing(
        **{
            name: getattr(world.listing, name)
            for name in ("category", "price_unit", "price_cents", "units", "capacity")
        }
    )

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(listing=st.sampled_from([world.listing, asked]), planned=steps, end=ends)
    def any_story(listing: Listing, planned: list[tuple[Any, ...]], end: str) -> None:
        story = Story(world, listing)
        for name, *values in planned:
            with suppress(Refused):  # People may be told no; anything else is a fault.
                getattr(story, name)(*values)
            story.check()
        world.assert_sound()
        story.end(end)
        story.check()
        world.assert_sound()
        came, went = (world.run(lambda tx, way=way: _moved(tx, way)) for way in Direction)
        assert world.balance("float:daraja") == Money(came - went)
        assert world.balance("suspense:daraja") == kes(0)
        printed, posted = world.run(partial(vat_of, booking=story.booking))
        assert printed == posted, "receipts less credit notes have the tax that the ledger posts"

    any_story()


def test_before_it_is_paid_a_booking_becomes_what_it_would_have_been_from_the_start(
    database: Database, clock: ManualClock
) -> None:
    world = meals(database, clock, BookingMode.INSTANT)
    number = world.listing.number
    wishes = st.lists(st.tuples(st.sampled_from([2, 9, 30]), people), min_size=2, max_size=5)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(percent=st.sampled_from([5, 50, 60, 95]), wished=wishes)
    def any_story(percent: int, wished: list[tuple[int, int]]) -> None:
        world.run(lambda tx: choose_deposit(tx, number, percent * 100, 7))
        (in_days, count), *later = wished
        booking = world.hold(in_days=in_days, people=count)
        for in_days, count in later:
            with suppress(Refused):  # The same again, or too often.
                world.change(booking, in_days=in_days, people=count)
        now = world.read(booking)
        in_days = (now.starts_on - nairobi_date(clock.now())).days
        world.run(lambda tx: usecases.withdraw(tx, booking.id, booking.customer_id))
        anew = world.hold(in_days=in_days, people=now.people)
        for name in ("total_cents", "deposit_cents", "rest_due_at", "starts_at"):
            assert getattr(now, name) == getattr(anew, name), name
        world.run(lambda tx: usecases.withdraw(tx, anew.id, anew.customer_id))
        world.assert_sound()

    any_story()
