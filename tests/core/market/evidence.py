"""What the provider does, and what it tells of it."""

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select

from core.booking.changes import payable_now
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.money import Money, kes
from core.payments import settle
from core.payments.model import Attempt, Direction, Kind
from core.ports.money import MoneyEvent, Outcome, Reason
from core.reconcile.statement import Reading, Statement
from core.reconcile.usecases import take
from tests.conftest import START
from tests.core.market.opening import CUSTOMERS
from tests.core.market.provider import NAME
from tests.core.market.rig import Rig, often_not, one_of, picks
from tests.core.reconcile.statements import Given

SHORTCODE = "600123"
REASONS = [
    Reason.CANCELLED,
    Reason.BUSY,
    Reason.EXPIRED,
    Reason.BAD_RECIPIENT,
    Reason.NO_FLOAT,
    Reason.CREDENTIALS,
]
ACCOUNTS = {SHORTCODE: frozenset(Direction)}


class Evidence(Rig):
    """Money moves at the provider; the word of it comes in time, late, twice or forged."""

    @rule(pick=picks, named=st.booleans(), late=often_not)
    def approve_a_prompt(self, pick: int, *, named: bool, late: bool) -> None:
        """In time or after it was given up, by callback or learned by asking."""
        attempt = self.sent(pick, Kind.COLLECTION)
        if attempt is not None:
            event = self.provider.move(attempt, self.clock.now(), named=named)
            self.tell(event, late=late)

    @rule(pick=picks, late=often_not)
    def send_money_out(self, pick: int, *, late: bool) -> None:
        attempt = self.sent(pick, Kind.PAYOUT, Kind.RETURN, given_up=False)
        if attempt is not None:
            self.tell(self.provider.move(attempt, self.clock.now(), named=True), late=late)

    @rule(pick=picks)
    def send_out_what_was_given_up(self, pick: int) -> None:
        """Said to have failed, and it had arrived all the same."""
        attempt = self.sent(pick, Kind.PAYOUT, Kind.RETURN)
        if attempt is not None:
            self.tell(self.provider.move(attempt, self.clock.now(), named=True))

    @rule(pick=picks, reason=st.sampled_from(REASONS))
    def refuse(self, pick: int, reason: Reason) -> None:
        attempt = self.sent(pick, *Kind)
        if attempt is not None:
            self.tell(MoneyEvent(NAME, Outcome.FAILED, attempt_id=attempt.id, reason=reason))

    @rule(pick=picks)
    def know_nothing(self, pick: int) -> None:
        attempt = self.sent(pick, *Kind)
        if attempt is not None:
            self.tell(MoneyEvent(NAME, Outcome.UNKNOWN, attempt_id=attempt.id))

    @rule(
        pick=picks,
        off=st.sampled_from([0, 0, 0, 1, -1]),
        pieces=st.sampled_from([1, 1, 1, 2, 3]),
        payer=st.sampled_from([None, *CUSTOMERS]),
        late=often_not,
    )
    def pay_by_hand(
        self, pick: int, off: int, pieces: int, payer: str | None, *, late: bool
    ) -> None:
        """What is asked for, the whole price, a piece of it, or a shilling beside it."""
        booking = self.run(
            lambda tx: (
                one_of(tx, select(Booking).where(Booking.state == State.AWAITING_PAYMENT), pick)
                or one_of(tx, select(Booking), pick)
            )
        )
        if booking is None or self._told_without_a_number(booking.id):
            return  # Beside an unnamed success it would be taken for the same payment at first.
        asked = self.run(lambda tx: payable_now(tx, booking))
        owed = asked.owed.cents if asked is not None else booking.total_cents
        amount = Money(owed // pieces).up_to_shilling() + kes(off)
        if amount.cents <= 0:
            return
        self.provider.by_hand.add(booking.id)
        event = MoneyEvent(
            NAME,
            Outcome.SUCCEEDED,
            account=booking.code,
            amount=amount,
            receipt=self.provider.new_line(amount.cents, self.clock.now()),
            payer=payer,
        )
        self.tell(event, late=late)

    @rule(shillings=st.integers(1, 70_000), payer=st.sampled_from([None, *CUSTOMERS]))
    def pay_for_nothing(self, shillings: int, payer: str | None) -> None:
        """To an account that nobody has."""
        event = MoneyEvent(
            NAME,
            Outcome.SUCCEEDED,
            account="RENT 7",
            amount=kes(shillings),
            receipt=self.provider.new_line(kes(shillings).cents, self.clock.now()),
            payer=payer,
        )
        self.tell(event)

    @precondition(lambda self: self.provider.waiting)
    @rule(pick=picks)
    def tell_late(self, pick: int) -> None:
        self.tell(self.provider.waiting.pop(pick % len(self.provider.waiting)))

    @precondition(lambda self: self.provider.told)
    @rule(pick=picks)
    def say_it_again(self, pick: int) -> None:
        event = self.provider.told[pick % len(self.provider.told)]
        self.do(lambda tx: settle.apply(tx, event))

    @precondition(lambda self: self.provider.approved)
    @rule(pick=picks)
    def name_the_receipt(self, pick: int) -> None:
        approved = self.provider.approved
        attempt_id = list(approved)[pick % len(approved)]
        if any(event.attempt_id == attempt_id for event in self.provider.waiting):
            return
        self.provider.named.add(attempt_id)
        self.tell(
            MoneyEvent(
                NAME,
                Outcome.SUCCEEDED,
                attempt_id=attempt_id,
                receipt=approved[attempt_id],
            )
        )

    @rule(pick=picks)
    def forge(self, pick: int) -> None:
        attempt = self.sent(pick, *Kind)
        if attempt is None:
            return
        forged = MoneyEvent(
            NAME,
            Outcome.SUCCEEDED,
            attempt_id=attempt.id,
            receipt="FORGED",
            amount=Money(attempt.amount_cents - 100),
        )
        assert self.do(lambda tx: settle.apply(tx, forged)) == "wrong_amount"

    @precondition(lambda self: self.provider.lines)
    @rule()
    def take_in_the_statement(self) -> None:
        """Everything that has moved, told or not."""
        self.statements += 1
        lines = list(self.provider.lines)
        statement = Statement(
            NAME,
            SHORTCODE,
            f"file {self.statements}",
            START - timedelta(days=1),
            self.clock.now() + timedelta(days=1),
            len(lines),
            last_at=lines[-1].at,
            opening_cents=0,
            closing_cents=self.provider.held_cents,
        )
        self.do(lambda tx: take(tx, Reading(statement, Given(lines)), ACCOUNTS))

    def _told_without_a_number(self, booking_id: UUID) -> bool:
        unnamed = set(self.provider.approved) - self.provider.named
        if not unnamed:
            return False
        query = select(Attempt.id).where(Attempt.id.in_(unnamed), Attempt.booking_id == booking_id)
        return self.run(lambda tx: tx.db.scalar(query)) is not None
