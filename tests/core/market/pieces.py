"""Prices that come in pieces, and bookings that become something else."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)
from sqlalchemy import select

from core.booking import modify, offers
from core.booking.lifecycle import ChangeState, State
from core.booking.model import Booking, BookingChange
from core.clock import nairobi_date
from core.db.tx import Tx
from core.payments.collections import start_collection
from tests.core.market.rig import answers, often_not, one_of, phones, picks
from tests.core.market.workers import Workers
from tests.support.factories import make_booking

SHARES = st.sampled_from([None, 500, 3_000, 9_500])


class Pieces(Workers):
    """Deposits, the rest after them, parts of a large price, changes of days and people."""

    @rule(phone=phones, day=st.integers(2, 6))
    def book_a_feast(self, phone: str, day: int) -> None:
        """More than M-Pesa carries at once; a deposit first, if there is time for the rest."""
        self.do(lambda tx: make_booking(tx, self.grand, phone, in_days=day))

    @rule(share=SHARES, days=st.integers(1, 2), grand=st.booleans())
    def choose_a_deposit(self, share: int | None, days: int, *, grand: bool) -> None:
        listing = self.grand if grand else self.asking
        rest_days = days if share is not None else None
        self.do(lambda tx: offers.choose_deposit(tx, listing.number, share, rest_days))

    @rule(pick=picks, phone=phones, late=often_not)
    def pay_what_is_due(self, pick: int, phone: str, *, late: bool) -> None:
        """The deposit, the next part, the rest, or the difference of a change."""
        waiting = select(Booking).where(
            Booking.state.in_([State.AWAITING_PAYMENT, State.CONFIRMED])
        )
        booking = self.run(lambda tx: one_of(tx, waiting, pick))
        attempt = self.prompt(booking.id, phone) if booking is not None else None
        if attempt is not None:
            self.tell(self.provider.move(attempt, self.clock.now(), named=True), late=late)

    @rule(
        pick=picks,
        day=st.integers(1, 6),
        days=st.integers(1, 3),
        people=st.sampled_from([20, 50, 200]),
        paid=st.sampled_from([True, True, False]),
        answer=answers,
    )
    def wish_for_something_else(
        self, pick: int, day: int, days: int, people: int, answer: str, *, paid: bool
    ) -> None:
        def work(tx: Tx, booking: Booking) -> None:
            starts_on = nairobi_date(tx.now) + timedelta(days=day)
            wish = modify.wish_of(tx, booking, starts_on=starts_on, days=days, people=people)
            modify.request_change(tx, booking.id, booking.customer_id, wish)

        unpaid = [State.AWAITING_PAYMENT, State.REQUESTED]
        self.with_booking(pick, work, *([State.CONFIRMED] if paid else unpaid))
        self.work_on_attempts(answer)

    @rule(pick=picks, agrees=st.booleans())
    def vendor_answers_a_wish(self, pick: int, *, agrees: bool) -> None:
        answer = modify.accept_change if agrees else modify.decline_change

        def work(tx: Tx) -> None:
            asked = select(BookingChange).where(BookingChange.state == ChangeState.ASKED)
            change = one_of(tx, asked, pick)
            if change is not None:
                answer(tx, change.booking_id, self.vendor.id)

        self.do(work)

    @rule(pick=picks)
    def keep_it_as_it_was(self, pick: int) -> None:
        self.with_booking(
            pick, lambda tx, it: modify.keep_as_was(tx, it.id, it.customer_id), State.CONFIRMED
        )

    @rule(pick=picks, phone=phones)
    def ask_for_what_is_due(self, pick: int, phone: str) -> None:
        """A prompt that is only planned: much may happen before it leaves."""
        self.with_booking(pick, lambda tx, it: start_collection(tx, it.id, phone), State.CONFIRMED)
