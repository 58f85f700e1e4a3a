"""All that people, providers and time can do, in any order, with the books right throughout.

The machine plays the provider: it knows which money has truly moved. After each step the ledger
must say the same, every receipt must have been posted once, and no unit sold twice.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from core.booking import timers, usecases
from core.booking.lifecycle import CLAIMING, State
from core.booking.model import Booking
from core.catalog.model import Listing
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Tx
from core.errors import Refused
from core.escrow import accounts
from core.escrow.model import Posting
from core.ids import CountedIds
from core.money import Money, kes
from core.payments import attempts
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind, Receipt
from core.ports import Outcome, ProviderError, Reason
from core.vault import Vault
from tests.conftest import START, VAULT_KEY
from tests.core.booking.world import PROVIDER, World
from tests.support.recycling import Recycler

CUSTOMERS = [f"+2547000000{n:02}" for n in range(1, 6)]
UNITS = 2
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
HOLDING = CLAIMING - {State.AWAITING_PAYMENT}

picks = st.integers(0, 30)
days = st.integers(2, 4)
phones = st.sampled_from(CUSTOMERS)


class Market(RuleBasedStateMachine):
    """Two halls of one vendor: one that asks first, one that does not."""

    def __init__(self, recycler: Recycler) -> None:
        super().__init__()
        self._clock = ManualClock(START)
        self._lent = ExitStack()
        database = self._lent.enter_context(
            recycler.lend(self._clock, CountedIds(), Vault([VAULT_KEY]))
        )
        self.world = World.open(database, self._clock, units=UNITS)
        self.bookings: list[Booking] = []
        self.approved: dict[UUID, str] = {}
        self.moved_in: dict[str, int] = {}
        self.moved_out: dict[str, int] = {}
        self.by_hand: set[UUID | None] = set()
        self.told: list[Callable[[], object]] = []

    def teardown(self) -> None:
        self._lent.close()

    @initialize(paid=st.integers(0, 2))
    def open_halls(self, paid: int) -> None:
        """A second hall, and people who have paid already."""
        self.instant: Listing = self.world.another_listing(
            booking_mode=BookingMode.INSTANT, price_cents=kes(1_333, 33).cents
        )
        for phone in CUSTOMERS[:paid]:
            self.ask(phone, 2)
            self.accept(paid)
            self.want_to_pay(0, phone)
            self.work_on_attempts("taken")
            self.approve_a_prompt(0, named=True)

    def try_to(self, act: Callable[[], object]) -> None:
        """People may be told no; anything else is a fault."""
        with suppress(Refused):
            act()

    def booking(self, pick: int, *states: State) -> Booking:
        """A booking in one of some states; any booking when there is none or it is all one."""
        now = [self.world.read(booking) for booking in self.bookings]
        chosen = [booking for booking in now if booking.state in states] or now
        return chosen[pick % len(chosen)]

    def receipt(self) -> str:
        return f"SFF{len(self.moved_in) + len(self.moved_out):07}"

    def sent(self, *kinds: Kind) -> list[Attempt]:
        """Attempts that reached the provider and whose money has not moved."""
        return [
            attempt
            for kind in kinds
            for attempt in self.world.attempts(kind)
            if attempt.sent_at is not None and attempt.id not in self.approved
        ]

    # People.

    @rule(phone=phones, day=days)
    def ask(self, phone: str, day: int) -> None:
        self.try_to(lambda: self.bookings.append(self.world.book(phone, in_days=day)))

    @rule(phone=phones, day=days)
    def book_at_once(self, phone: str, day: int) -> None:
        self.try_to(
            lambda: self.bookings.append(self.world.book(phone, self.instant, in_days=day))
        )

    @precondition(lambda self: self.bookings)
    @rule(pick=picks)
    def accept(self, pick: int) -> None:
        self.try_to(lambda: self.world.accept(self.booking(pick, State.REQUESTED)))

    @precondition(lambda self: self.bookings)
    @rule(pick=picks)
    def decline(self, pick: int) -> None:
        self.try_to(lambda: self.world.decline(self.booking(pick, State.REQUESTED)))

    @precondition(lambda self: self.bookings)
    @rule(pick=picks)
    def withdraw(self, pick: int) -> None:
        self.try_to(
            lambda: self.world.withdraw(
                self.booking(pick, State.REQUESTED, State.AWAITING_PAYMENT)
            )
        )

    @precondition(lambda self: self.bookings)
    @rule(pick=picks)
    def check_in(self, pick: int) -> None:
        booking = self.booking(pick, State.CONFIRMED)
        world = self.world
        pin = world.database.vault.open(booking.check_in_pin_sealed)
        self.try_to(
            lambda: world.run(lambda tx: usecases.check_in(tx, booking.id, booking.vendor_id, pin))
        )

    @precondition(lambda self: self.bookings)
    @rule(pick=picks)
    def say_that_it_was_done(self, pick: int) -> None:
        booking = self.booking(pick, State.CONFIRMED, State.CHECKED_IN)
        self.try_to(
            lambda: self.world.run(
                lambda tx: timers.complete_by_customer(tx, booking.id, booking.customer_id)
            )
        )

    @precondition(lambda self: self.bookings)
    @rule(pick=picks, phone=phones)
    def want_to_pay(self, pick: int, phone: str) -> None:
        booking = self.booking(pick, State.AWAITING_PAYMENT)
        self.try_to(
            lambda: self.world.run(lambda tx: attempts.start_collection(tx, booking.id, phone))
        )

    # Workers and time.

    @rule(answer=st.sampled_from(["taken", "taken", "taken", "lost", "down", "refused", "died"]))
    def work_on_attempts(self, answer: str) -> None:
        """A worker sends what is due; the provider answers in one of its ways."""
        world = self.world
        world.clock.advance(seconds=5)
        errors = {
            "lost": ProviderError("timeout", unknown=True),
            "down": ProviderError("unavailable", retryable=True),
            "refused": ProviderError("bad_number"),
        }
        for id_ in world.run(lambda tx: attempts.due_attempts(tx, 50)):
            begun = world.run(lambda tx, id_=id_: attempts.begin(tx, id_))
            if begun is None or isinstance(begun, Attempt) or answer == "died":
                continue
            if answer == "taken":
                world.run(lambda tx, id_=id_: attempts.accepted(tx, id_, f"ws {id_}"))
            else:
                world.run(lambda tx, id_=id_: attempts.refused(tx, id_, errors[answer]))

    @rule(seconds=st.sampled_from([MINUTE, 10 * MINUTE, 20 * MINUTE, 7 * HOUR, 2 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)
        self.world.fire()

    @precondition(lambda self: self.bookings)
    @rule(pick=picks)
    def go_to_a_timer(self, pick: int) -> None:
        """Of a paid booking, if there is one."""
        booking = self.booking(pick, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED)
        if booking.due_at is not None and booking.due_at > self.world.clock.now():
            self.world.clock.set(booking.due_at)
        self.world.fire()

    @rule()
    def go_to_monday(self) -> None:
        self.world.fire()
        self.world.monday()

    @rule()
    def work_on_payouts(self) -> None:
        self.world.pay_out()

    # The provider.

    def say(self, tell: Callable[[], object]) -> None:
        """Give evidence; it may be given again later."""
        tell()
        self.told.append(tell)

    @precondition(lambda self: self.sent(Kind.COLLECTION))
    @rule(pick=picks, named=st.booleans())
    def approve_a_prompt(self, pick: int, *, named: bool) -> None:
        """In time or late, by callback or learned by asking."""
        waiting = self.sent(Kind.COLLECTION)
        attempt = waiting[pick % len(waiting)]
        receipt = self.receipt()
        self.approved[attempt.id] = receipt
        self.moved_in[receipt] = attempt.amount_cents
        # The same of a payment by hand: only a receipt tells the two apart.
        known = named or attempt.booking_id in self.by_hand
        self.say(lambda: self.world.paid(attempt, receipt if known else None))

    @precondition(lambda self: self.sent(Kind.COLLECTION, Kind.PAYOUT, Kind.RETURN))
    @rule(pick=picks, reason=st.sampled_from([Reason.CANCELLED, Reason.BUSY, Reason.EXPIRED]))
    def refuse(self, pick: int, reason: Reason) -> None:
        waiting = self.sent(Kind.COLLECTION, Kind.PAYOUT, Kind.RETURN)
        attempt = waiting[pick % len(waiting)]
        self.say(lambda: self.world.failed(attempt, reason))

    @precondition(lambda self: self.sent(Kind.PAYOUT, Kind.RETURN))
    @rule(pick=picks)
    def send_money_out(self, pick: int) -> None:
        """What was refused for certain stays refused: a wallet is credited once at the most."""
        waiting = [
            attempt
            for attempt in self.sent(Kind.PAYOUT, Kind.RETURN)
            if attempt.state is not AttemptState.FAILED
        ]
        if waiting:
            attempt = waiting[pick % len(waiting)]
            receipt = self.receipt()
            self.approved[attempt.id] = receipt
            self.moved_out[receipt] = attempt.amount_cents
            self.say(lambda: self.world.paid(attempt, receipt))

    @precondition(lambda self: self.bookings)
    @rule(pick=picks, off=st.sampled_from([0, 0, 0, 1]), payer=st.sampled_from([None, *CUSTOMERS]))
    def pay_by_hand(self, pick: int, off: int, payer: str | None) -> None:
        booking = self.booking(pick, State.AWAITING_PAYMENT)
        amount = Money(booking.total_cents) + kes(off)
        prompts = self.world.attempts(Kind.COLLECTION)
        if any(a.booking_id == booking.id and a.id in self.approved for a in prompts):
            return  # Beside an unnamed success it would be taken for the same payment at first.
        receipt = self.receipt()
        self.moved_in[receipt] = amount.cents
        self.by_hand.add(booking.id)
        self.say(lambda: self.world.paybill(booking.code, amount, receipt, payer))

    @precondition(lambda self: self.told)
    @rule(pick=picks)
    def say_it_again(self, pick: int) -> None:
        self.told[pick % len(self.told)]()

    @precondition(lambda self: self.approved)
    @rule(pick=picks)
    def name_the_receipt(self, pick: int) -> None:
        attempt_id = list(self.approved)[pick % len(self.approved)]
        self.world.paid(attempt_id, self.approved[attempt_id])

    @precondition(lambda self: self.sent(Kind.COLLECTION))
    @rule(pick=picks)
    def forge(self, pick: int) -> None:
        waiting = self.sent(Kind.COLLECTION)
        attempt = waiting[pick % len(waiting)]
        note = self.world.tell(
            attempt, Outcome.SUCCEEDED, receipt="FORGED", amount=Money(attempt.amount_cents - 100)
        )
        assert note == "wrong_amount"

    # What must hold after each step.

    @invariant()
    def the_books_are_right(self) -> None:
        self.world.assert_sound()
        bookings, held, receipts = self.world.run(books)
        truly = sum(self.moved_in.values()) - sum(self.moved_out.values())

        assert held.get(accounts.float_of(PROVIDER), 0) == truly, "what has truly moved is booked"
        assert receipts == len(self.moved_in) + len(self.moved_out)
        assert sum(held.values()) == 2 * truly, "and all of it is somebody's"
        for booking in bookings:
            due = booking.total_cents if booking.state in HOLDING else 0
            due = 0 if booking.released_at is not None else due
            assert held.get(accounts.escrow(booking.code), 0) == due, booking.state

    @invariant()
    def no_day_is_sold_twice(self) -> None:
        bookings, _, _ = self.world.run(books)
        claimed = Counter({(booking.listing_id, booking.starts_on): 0 for booking in bookings})
        for booking in bookings:
            if booking.state in CLAIMING:
                claimed[booking.listing_id, booking.starts_on] += booking.quantity
        for (listing_id, _), taken in claimed.items():
            assert taken <= (UNITS if listing_id == self.world.listing.id else 1)


def books(tx: Tx) -> tuple[list[Booking], dict[str, int], int]:
    """All bookings, all balances on their normal sides, and how many receipts there are."""
    posted = tx.db.execute(
        select(Posting.account, func.sum(Posting.amount_cents)).group_by(Posting.account)
    )
    held = {path: int(cents) * accounts.sign_of(accounts.kind_of(path)) for path, cents in posted}
    receipts = tx.db.scalar(select(func.count()).select_from(Receipt)) or 0
    return list(tx.db.scalars(select(Booking))), held, receipts


def test_in_any_order_the_books_stay_right(recycler: Recycler) -> None:
    run_state_machine_as_test(
        lambda: Market(recycler),
        settings=settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
