"""Vendors who are paid elsewhere, payouts that are held or come back, providers that stop."""

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)
from sqlalchemy import select

from core.money import Money
from core.payments.looked_up import book_reversal
from core.payments.model import Attempt, Kind
from core.payouts import details, halts
from core.payouts import usecases as payouts
from core.payouts.balances import answered, begin_round
from core.people.model import PayoutMethod
from core.ports.money import Balance, Outcome
from tests.core.market.provider import NAME
from tests.core.market.rig import often_not, one_of, picks
from tests.core.market.workers import Workers
from tests.support.factories import OTHER_VENDOR, VENDOR

BANK = {"bank": "01", "account": "0012345678", "name": "Baraka Gardens"}


class Payees(Workers):
    """What stands between a released booking and its vendor."""

    @rule(pick=picks, named=st.booleans(), late=often_not)
    def let_a_payout_come_back(self, pick: int, *, named: bool, late: bool) -> None:
        """It had arrived; we may not have heard of that yet, or have given it up."""
        arrived = select(Attempt).where(
            Attempt.kind == Kind.PAYOUT,
            Attempt.id.in_(self.provider.approved),
            Attempt.id.not_in(self.provider.came_back),
        )
        attempt = self.run(lambda tx: one_of(tx, arrived, pick))
        if attempt is not None:
            event = self.provider.bring_back(attempt, self.clock.now(), named=named)
            self.tell(event, late=late)

    @rule(pick=picks, named=st.booleans(), late=often_not)
    def let_a_payout_bounce(self, pick: int, *, named: bool, late: bool) -> None:
        """It arrives and comes back, and we hear of its arrival after that, or never."""
        attempt = self.sent(pick, Kind.PAYOUT)
        if attempt is not None:
            now = self.clock.now()
            self.tell(self.provider.move(attempt, now, named=True), late=True)
            self.tell(self.provider.bring_back(attempt, now, named=named), late=late)

    @precondition(lambda self: self.provider.came_back)
    @rule(pick=picks)
    def somebody_books_what_came_back(self, pick: int) -> None:
        """From a statement, before or after the provider has told of it."""
        provider = self.provider
        attempt_id, number = list(provider.came_back.items())[pick % len(provider.came_back)]
        receipt = provider.approved[attempt_id]
        if self.do(lambda tx: book_reversal(tx, NAME, receipt, number)) is not None:
            provider.waiting = [
                event
                for event in provider.waiting
                if (event.attempt_id, event.outcome) != (attempt_id, Outcome.REVERSED)
            ]

    @rule(to=st.sampled_from([VENDOR, OTHER_VENDOR, None]))
    def be_paid_elsewhere(self, to: str | None) -> None:
        method = PayoutMethod.BANK if to is None else PayoutMethod.MPESA
        place = BANK if to is None else {"msisdn": to}
        self.do(lambda tx: details.change_details(tx, self.vendor.number, method, place))

    @rule(kyc=st.booleans(), payout=st.sampled_from([True, True, False]))
    def check_who_is_paid(self, *, kyc: bool, payout: bool) -> None:
        self.do(lambda tx: details.verify(tx, self.vendor.number, kyc=kyc, payout=payout))

    @rule(holds=st.booleans())
    def hold_or_release_payouts(self, *, holds: bool) -> None:
        number = self.vendor.number
        if holds:
            self.do(
                lambda tx: payouts.hold_by_admin(tx, details.find_vendor(tx, number), "Who is it?")
            )
        else:
            self.do(lambda tx: payouts.release_by_admin(tx, details.find_vendor(tx, number)))

    @rule(answer=st.sampled_from(["taken", "died"]))
    def try_a_failed_payout_again(self, answer: str) -> None:
        number = self.vendor.number
        self.do(lambda tx: payouts.retry_payout(tx, details.find_vendor(tx, number)))
        self.work_on_attempts(answer)

    @rule(answer=st.sampled_from(["taken", "nobody"]))
    def go_on_after_a_halt(self, answer: str) -> None:
        self.do(lambda tx: halts.resume(tx, NAME))
        self.work_on_attempts(answer)

    @rule(short=often_not)
    def hear_what_is_there(self, *, short: bool) -> None:
        """The provider tells what it holds: enough, or next to nothing."""
        held = Money(max(self.provider.held_cents, 0))
        available = Money(100) if short else held
        for reading in self.do(lambda tx: begin_round(tx, NAME, ["600123"])) or []:
            id_ = reading.id
            self.do(lambda tx, id_=id_: answered(tx, id_, Balance(NAME, available, held)))
