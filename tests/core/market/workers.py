"""What workers do, and what time does."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)
from sqlalchemy import select

from core import outbox
from core.booking import changes, timers
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.cases.sweep import sweep
from core.db.tx import Tx
from core.disputes import timers as disputes
from core.escrow import ledger
from core.limits import STK_DELAY_SECONDS
from core.payments import attempts
from core.payments.model import Attempt
from core.payouts import runs
from core.payouts import usecases as payouts
from core.payouts.rules import next_run
from core.ports.messages import Delivery, SmsSent
from tests.core.market.rig import ERRORS, Rig, answers, often_not, picks

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


class Workers(Rig):
    """Each step of a worker is one rule, so that anything may come in between."""

    @rule(answer=answers)
    def work_on_attempts(self, answer: str) -> None:
        """A worker sends what is due; the provider answers in one of its ways."""
        if answer == "nobody":
            return
        self.clock.advance(seconds=STK_DELAY_SECONDS + 1)
        for id_ in self.run(lambda tx: attempts.due_attempts(tx, 50)):
            begun = self.do(lambda tx, id_=id_: attempts.begin(tx, id_))
            if begun is None or isinstance(begun, Attempt) or answer == "died":
                continue
            if answer == "taken":
                self.do(lambda tx, id_=id_: attempts.accepted(tx, id_, f"ws {id_}"))
            else:
                self.do(lambda tx, id_=id_: attempts.refused(tx, id_, ERRORS[answer]))

    def fire(self) -> None:
        for id_ in self.run(lambda tx: timers.due_bookings(tx, 100)):
            self.do(lambda tx, id_=id_: timers.fire(tx, id_))
        for id_ in self.run(lambda tx: changes.due_changes(tx, 100)):
            self.do(lambda tx, id_=id_: changes.fire_change(tx, id_))
        for id_ in self.run(lambda tx: disputes.due_disputes(tx, 100)):
            self.do(lambda tx, id_=id_: disputes.fire(tx, id_))

    @rule(seconds=st.sampled_from([MINUTE, 10 * MINUTE, 20 * MINUTE, 7 * HOUR, 2 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)
        self.fire()

    @rule(pick=picks)
    def go_to_a_timer(self, pick: int) -> None:
        """Of a paid booking, if there is one."""
        paid = select(Booking.due_at).where(
            Booking.due_at > self.clock.now(),
            Booking.state.in_([State.CONFIRMED, State.CHECKED_IN, State.COMPLETED]),
        )
        due = self.run(lambda tx: tx.db.scalars(paid.order_by(Booking.id)).all())
        if due:
            self.clock.set(due[pick % len(due)] or self.clock.now())
        self.fire()

    @rule(answer=answers)
    def go_to_monday(self, answer: str) -> None:
        self.clock.set(next_run(self.clock.now()))
        self.fire()
        self.work_on_payouts(answer)

    @rule(answer=answers)
    def work_on_payouts(self, answer: str) -> None:
        week = self.do(runs.open_run)
        if week is not None:
            for id_ in self.run(lambda tx: runs.vendors_owed(tx, None, 10)):
                self.do(lambda tx, id_=id_: payouts.make_payout(tx, id_))
            self.do(lambda tx: runs.close_run(tx, week))
        for id_ in self.run(lambda tx: payouts.due_payouts(tx, 10)):
            self.do(lambda tx, id_=id_: payouts.continue_payout(tx, id_))
        self.work_on_attempts(answer)

    @rule(limit=st.integers(1, 20))
    def roll_up(self, limit: int) -> None:
        self.do(lambda tx: ledger.roll_up(tx, limit))

    @rule(twice=often_not)
    def look_for_cases(self, *, twice: bool) -> None:
        self.do(sweep)
        if twice:
            assert not self.do(sweep), "each case is opened once"

    @rule(fails=st.sampled_from([None, None, "unknown", "busy"]))
    def work_on_messages(self, fails: str | None) -> None:
        for id_ in self.do(lambda tx: outbox.lease(tx, 3)) or []:
            self.do(lambda tx, id_=id_: outbox.begin(tx, id_))
            self.do(lambda tx, id_=id_: _message_went(tx, id_, fails))


def _message_went(tx: Tx, notice_id: UUID, error: str | None) -> None:
    """A message was taken and delivered, or it was not."""
    if error is not None:
        outbox.failed(tx, notice_id, error, retryable=True, unknown=error == "unknown")
        return
    message_id = f"ATXid_{notice_id}"
    outbox.sent(tx, notice_id, "at", SmsSent(message_id, 80), outbox.Words("Hello", "en", 1))
    tx.db.flush()
    outbox.report_delivery(tx, "at", message_id, Delivery.DELIVERED)
