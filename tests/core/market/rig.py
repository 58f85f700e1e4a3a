"""What all rules of the machine stand on: one life, one way to act, and what must hold."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from copy import deepcopy
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)
from sqlalchemy import Select, select

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Tx
from core.errors import Refused
from core.invariants.run import run_all
from core.payments import settle
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.ports import MoneyEvent, Outcome, ProviderError
from tests.core.market.opening import CUSTOMERS
from tests.core.market.provider import Provider
from tests.core.market.soundness import LATE, one_statement
from tests.support.rehearsal import Rehearsal

T = TypeVar("T")

# What the provider answers when a worker sends, or that no worker came.
ERRORS = {
    "lost": ProviderError("timeout", unknown=True),
    "down": ProviderError("unavailable", retryable=True),
    "refused": ProviderError("bad_number"),
}


picks = st.integers(0, 30)
ahead = st.integers(2, 4)
phones = st.sampled_from(CUSTOMERS)
often_not = st.sampled_from([False, False, True])
answers = st.sampled_from(["taken", "taken", "taken", "taken", "nobody", "died", *ERRORS])

SOUND = one_statement()
BOOKED = """
SELECT
    (SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_postings
        WHERE account = 'float:daraja'),
    (SELECT count(*) FROM receipts)
"""


# The business as it stands, byte by byte. When an attempt is looked at next is no part of it.
FACTS = {
    "bookings": "bookings::text",
    "attempts": "concat(id, state, reason, finished_at)",
    "receipts": "receipts::text",
    "refunds": "refunds::text",
    "payouts": "concat(id, state, amount_cents, paid_cents)",
    "payout_items": "payout_items::text",
    "disputes": "disputes::text",
    "ledger_transfers": "ledger_transfers::text",
    "ledger_postings": "ledger_postings::text",
}
BUSINESS = " UNION ALL ".join(
    f"SELECT md5(string_agg({fact}, ',' ORDER BY {fact})) FROM {table}"
    for table, fact in FACTS.items()
)


class Rig(RuleBasedStateMachine):
    """One life of a market: two halls of one vendor, one that asks first and one that does not."""

    rehearsal: ClassVar[Rehearsal]
    asking: ClassVar[Listing]
    instant: ClassVar[Listing]
    opening: ClassVar[tuple[datetime, Provider]]

    def __init__(self) -> None:
        super().__init__()
        self.life: AbstractContextManager[None] = self.rehearsal.life()
        self.life.__enter__()
        begins_at, provider = self.opening
        self.clock = ManualClock(begins_at)
        self.rehearsal.clock = self.clock
        self.provider = deepcopy(provider)
        self.changed = True
        self.statements = 0

    def teardown(self) -> None:
        try:
            found = self.run(run_all)
            broken = [each for each in found if each.rule not in LATE]
            assert not broken, broken
            self.tell_everything_again()
        finally:
            self.life.__exit__(None, None, None)

    def tell_everything_again(self) -> None:
        """R10: whatever was final when it was told changes nothing when it comes again."""
        before = self.rehearsal.ask(BUSINESS)
        for event in self.provider.told:
            if event.outcome in {Outcome.SUCCEEDED, Outcome.FAILED}:
                self.do(lambda tx, it=event: settle.apply(tx, it))
        assert self.rehearsal.ask(BUSINESS) == before, "what was final is final"

    def run(self, work: Callable[[Tx], T]) -> T:
        """Do something in one transaction."""
        done = self.rehearsal.run(work)
        self.changed = True
        return done

    def do(self, work: Callable[[Tx], T]) -> T | None:
        """Try something. People may be told no; anything else is a fault."""
        with suppress(Refused):
            return self.run(work)
        return None

    def with_booking(self, pick: int, work: Callable[[Tx, Booking], Any], *states: State) -> None:
        """Do something with a booking in one of some states; with any when there is none."""

        def chosen(tx: Tx) -> None:
            booking = one_of(tx, select(Booking).where(Booking.state.in_(states)), pick)
            booking = booking or one_of(tx, select(Booking), pick)
            if booking is not None:
                work(tx, booking)

        self.do(chosen)

    def tell(self, event: MoneyEvent | None, *, late: bool = False) -> None:
        """Give the provider's evidence."""
        if event is not None:
            self.provider.tell(event, lambda it: self.do(lambda tx: settle.apply(tx, it)), late)

    def sent(self, pick: int, *kinds: Kind, given_up: bool = True) -> Attempt | None:
        """An attempt that reached the provider and whose money has not moved."""
        gone = [AttemptState.QUEUED] if given_up else [AttemptState.QUEUED, AttemptState.FAILED]
        query = select(Attempt).where(
            Attempt.kind.in_(kinds),
            Attempt.sent_at.is_not(None),
            Attempt.state.not_in(gone),
            Attempt.id.not_in(self.provider.approved),
        )
        return self.run(lambda tx: one_of(tx, query, pick))

    @invariant()
    def everything_holds(self) -> None:
        if not self.changed:
            return
        self.changed = False
        broken = self.rehearsal.ask(SOUND)
        assert not broken, broken
        waiting = sum(self._cents_of(event) for event in self.provider.waiting)
        truly = self.provider.held_cents - waiting
        [(held, receipts)] = self.rehearsal.ask(BOOKED)
        assert held == truly, "what has truly moved is booked"
        assert receipts == len(self.provider.lines) - len(self.provider.waiting)

    def _cents_of(self, event: MoneyEvent) -> int:
        receipt = event.receipt
        if receipt is None:
            assert event.attempt_id is not None, "a payment by hand has a receipt"
            receipt = self.provider.approved[event.attempt_id]
        return next(line.amount_cents for line in self.provider.lines if line.number == receipt)


def one_of(tx: Tx, query: Select[T], pick: int) -> T | None:
    """The one that a number picks, in the order of ids."""
    [entity] = query.column_descriptions
    found = tx.db.scalars(query.order_by(entity["entity"].id)).all()
    return found[pick % len(found)] if found else None
