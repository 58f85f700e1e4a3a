"""What customers, the vendor and ourselves do."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)
from sqlalchemy import select, update

from core.booking import cancel, offers, timers, usecases
from core.booking.changes import drop_open
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.policy import POLICIES
from core.catalog import calendar
from core.catalog.model import Listing
from core.clock import nairobi_date
from core.db.tx import Tx
from core.disputes import usecases as disputes
from core.disputes.model import Problem
from core.money import kes
from core.payments import refunds, suspense
from core.payments.collections import start_collection
from core.payments.lifecycle import RefundState
from core.payments.model import Receipt, Refund
from core.pricing.model import RateRow
from core.pricing.rules import RateName
from tests.core.market.rig import ahead, answers, one_of, phones, picks
from tests.core.market.workers import Workers
from tests.support.factories import make_booking, make_held


class People(Workers):
    """Customers, the vendor, and ourselves where a person decides."""

    @rule(phone=phones, day=ahead)
    def ask(self, phone: str, day: int) -> None:
        self.do(lambda tx: make_booking(tx, self.asking, phone, in_days=day))

    @rule(phone=phones, day=ahead)
    def book_at_once(self, phone: str, day: int) -> None:
        self.do(lambda tx: make_booking(tx, self.instant, phone, in_days=day))

    @rule(phone=phones, day=ahead)
    def book_and_pay(self, phone: str, day: int) -> None:
        """The way it mostly goes: asked, accepted, prompted, paid."""
        booking = self.do(lambda tx: make_held(tx, self.asking, phone, in_days=day))
        attempt = self.prompt(booking.id, phone) if booking is not None else None
        if attempt is not None:
            self.tell(self.provider.move(attempt, self.clock.now(), named=True))

    @rule(pick=picks)
    def accept(self, pick: int) -> None:
        self.with_booking(
            pick, lambda tx, it: usecases.accept(tx, it.id, it.vendor_id), State.REQUESTED
        )

    @rule(pick=picks)
    def decline(self, pick: int) -> None:
        self.with_booking(
            pick, lambda tx, it: usecases.decline(tx, it.id, it.vendor_id), State.REQUESTED
        )

    @rule(pick=picks)
    def withdraw(self, pick: int) -> None:
        self.with_booking(
            pick,
            lambda tx, it: usecases.withdraw(tx, it.id, it.customer_id),
            State.REQUESTED,
            State.AWAITING_PAYMENT,
        )

    @rule(pick=picks, phone=phones, answer=answers)
    def want_to_pay(self, pick: int, phone: str, answer: str) -> None:
        self.with_booking(
            pick,
            lambda tx, it: start_collection(tx, it.id, phone),
            State.AWAITING_PAYMENT,
        )
        self.work_on_attempts(answer)

    @rule(pick=picks, answer=answers)
    def cancel_what_was_paid(self, pick: int, answer: str) -> None:
        self.with_booking(
            pick,
            lambda tx, it: cancel.cancel_by_customer(tx, it.id, it.customer_id),
            State.CONFIRMED,
        )
        self.work_on_attempts(answer)

    @rule(pick=picks, answer=answers)
    def vendor_cancels(self, pick: int, answer: str) -> None:
        self.with_booking(
            pick, lambda tx, it: cancel.cancel_by_vendor(tx, it.id, it.vendor_id), State.CONFIRMED
        )
        self.work_on_attempts(answer)

    @rule(pick=picks, by_policy=st.booleans())
    def admin_cancels(self, pick: int, *, by_policy: bool) -> None:
        self.with_booking(
            pick,
            lambda tx, it: cancel.cancel_by_admin(tx, it.id, None, "flood", by_policy=by_policy),
            State.CONFIRMED,
        )

    @rule(pick=picks, shillings=st.sampled_from([10, 333, 20_000, 66_700]))
    def give_some_back(self, pick: int, shillings: int) -> None:
        def work(tx: Tx, booking: Booking) -> None:
            drop_open(tx, booking)
            refunds.plan_refund(tx, booking, kes(shillings))

        self.with_booking(pick, work, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED)

    @rule(pick=picks)
    def check_in(self, pick: int) -> None:
        def work(tx: Tx, booking: Booking) -> None:
            pin = tx.vault.open(booking.check_in_pin_sealed)
            usecases.check_in(tx, booking.id, booking.vendor_id, pin)

        self.with_booking(pick, work, State.CONFIRMED)

    @rule(pick=picks)
    def say_that_it_was_done(self, pick: int) -> None:
        self.with_booking(
            pick,
            lambda tx, it: timers.complete_by_customer(tx, it.id, it.customer_id),
            State.CONFIRMED,
            State.CHECKED_IN,
        )

    @rule(pick=picks, problem=st.sampled_from(list(Problem)))
    def report_a_problem(self, pick: int, problem: Problem) -> None:
        self.with_booking(
            pick,
            lambda tx, it: disputes.open_dispute(tx, it.id, it.customer_id, problem, "No water."),
            State.CHECKED_IN,
            State.COMPLETED,
        )

    @rule(pick=picks, vendor=st.booleans())
    def tell_ones_side(self, pick: int, *, vendor: bool) -> None:
        def work(tx: Tx, booking: Booking) -> None:
            if vendor:
                disputes.note_by_vendor(tx, booking.id, booking.vendor_id, "There was.")
            else:
                disputes.note_by_customer(tx, booking.id, booking.customer_id, "None at all.")

        self.with_booking(pick, work, State.DISPUTED)

    @rule(pick=picks)
    def take_a_problem_back(self, pick: int) -> None:
        self.with_booking(
            pick,
            lambda tx, it: disputes.withdraw_dispute(tx, it.id, it.customer_id),
            State.DISPUTED,
        )

    @rule(pick=picks, percent=st.sampled_from([0, 33, 50, 100]))
    def decide_a_dispute(self, pick: int, percent: int) -> None:
        self.with_booking(
            pick,
            lambda tx, it: disputes.resolve(tx, it.id, percent, None, "As both have said."),
            State.DISPUTED,
        )

    @rule(day=ahead, closed=st.booleans())
    def close_or_open_a_day(self, day: int, *, closed: bool) -> None:
        change = calendar.block if closed else calendar.free
        on = nairobi_date(self.clock.now()) + timedelta(days=day)
        listing = self.asking
        self.do(lambda tx: change(tx, listing.id, [on], vendor_id=listing.vendor_id))

    @rule(cents=st.integers(100, kes(120_000).cents))
    def change_the_price(self, cents: int) -> None:
        chosen = update(Listing).where(Listing.id == self.asking.id)
        self.do(lambda tx: tx.db.execute(chosen.values(price_cents=cents)))

    @rule(name=st.sampled_from(list(RateName)), basis_points=st.integers(0, 4_999))
    def change_a_rate(self, name: RateName, basis_points: int) -> None:
        today = nairobi_date(self.clock.now())

        def work(tx: Tx) -> None:
            on = (RateRow.name == name, RateRow.effective_from == today)
            if tx.db.scalar(select(RateRow.id).where(*on)) is None:
                row = RateRow(name=name, basis_points=basis_points, effective_from=today)
                tx.db.add(row)

        self.do(work)

    @rule(name=st.sampled_from(sorted(POLICIES)))
    def choose_a_policy(self, name: str) -> None:
        self.do(lambda tx: offers.choose_policy(tx, self.instant.number, name))

    @rule(pick=picks, phone=phones)
    def somebody_matches_suspense(self, pick: int, phone: str) -> None:
        def work(tx: Tx, booking: Booking) -> None:
            receipt = one_of(tx, select(Receipt).where(Receipt.suspense), pick)
            if receipt is not None and pick % 2:
                suspense.match(tx, receipt.id, booking.code)
            elif receipt is not None:
                suspense.send_back(tx, receipt.id, None if receipt.payer else phone)

        self.with_booking(pick, work, State.AWAITING_PAYMENT, State.EXPIRED)

    @rule(pick=picks, phone=phones)
    def somebody_sends_a_refund_again(self, pick: int, phone: str) -> None:
        def work(tx: Tx) -> None:
            failed = select(Refund).where(Refund.state == RefundState.FAILED)
            refund = one_of(tx, failed, pick)
            if refund is not None:
                refunds.retry_refund(tx, refund.id, phone)

        self.do(work)
