"""What all rules of the machine stand on: one life, one way to act, and what must hold."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from copy import deepcopy
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

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
from core.limits import STK_DELAY_SECONDS
from core.payments import attempts, settle
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.people.model import Vendor
from core.ports.money import MoneyEvent, Outcome, PushRequest
from core.ports.providers import ProviderError
from tests.core.market.opening import CUSTOMERS
from tests.core.market.provider import Provider
from tests.core.market.soundness import one_statement
from tests.support.rehearsal import Rehearsal

T = TypeVar("T")

# What the provider answers when a worker sends, or that no worker came.
ERRORS = {
    "lost": ProviderError("timeout", unknown=True),
    "down": ProviderError("unavailable", retryable=True),
    "refused": ProviderError("bad_number"),
    "empty": ProviderError("no_balance", stop=True),
    "locked": ProviderError("bad_credentials", stop=True),
}


picks = st.integers(0, 30)
ahead = st.integers(2, 4)
phones = st.sampled_from(CUSTOMERS)
often_not = st.sampled_from([False, False, True])
answers = st.sampled_from(["taken"] * 7 + ["nobody", "died", *ERRORS])

FINAL = {Outcome.SUCCEEDED, Outcome.FAILED, Outcome.REVERSED}

# What is broken; then, on a line of its own, the money and the movements that are booked.
BOOKED = "booked"
SOUND = f"""
{one_statement()}
UNION ALL
SELECT '{BOOKED}', (SELECT count(*) FROM receipts)::text, coalesce(sum(amount_cents), 0)::text, ''
FROM ledger_postings WHERE account = 'float:daraja'
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
    "booking_changes": "booking_changes::text",
    "ledger_transfers": "ledger_transfers::text",
    "ledger_postings": "ledger_postings::text",
}
BUSINESS = " UNION ALL ".join(
    f"SELECT md5(string_agg({fact}, ',' ORDER BY {fact})) FROM {table}"
    for table, fact in FACTS.items()
)


class Rig(RuleBasedStateMachine):
    """One life of a market: three halls of one vendor.

    One asks first, one does not; the third costs so much that it is paid for in parts.
    """

    rehearsal: ClassVar[Rehearsal]
    vendor: ClassVar[Vendor]
    asking: ClassVar[Listing]
    instant: ClassVar[Listing]
    grand: ClassVar[Listing]
    opening: ClassVar[tuple[datetime, Provider]]

    def __init__(self) -> None:
        super().__init__()
        self.life: AbstractContextManager[None] = self.rehearsal.life()
        self.life.__enter__()
        begins_at, provider = self.opening
        self.clock = ManualClock(begins_at)
        self.rehearsal.clock = self.clock
        self.provider = deepcopy(provider)
        self.known = (0, 0, 0)
        self.statements = 0

    def teardown(self) -> None:
        try:
            self.tell_everything_again()
            self.everything_holds()
        finally:
            self.life.__exit__(None, None, None)

    def tell_everything_again(self) -> None:
        """R10: whatever was final when it was told changes nothing when it comes again."""
        before = self.rehearsal.ask(BUSINESS)
        for event in self.provider.told:
            if event.outcome in FINAL:
                self.do(lambda tx, it=event: settle.apply(tx, it))
        assert self.rehearsal.ask(BUSINESS) == before, "what was final is final"

    def run(self, work: Callable[[Tx], T]) -> T:
        """Do something in one transaction."""
        return self.rehearsal.run(work)

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

    def prompt(self, booking_id: UUID, phone: str) -> Attempt | None:
        """Let a prompt for what is to be paid now reach a phone; None when none does."""
        attempt = self.do(lambda tx: start_collection(tx, booking_id, phone))
        if attempt is None:
            return None
        self.clock.advance(seconds=STK_DELAY_SECONDS)
        request = self.run(lambda tx: attempts.begin(tx, attempt.id))
        if not isinstance(request, PushRequest):
            return None
        self.run(lambda tx: attempts.accepted(tx, attempt.id, f"ws {attempt.id}"))
        return attempt

    def tell(self, event: MoneyEvent | None, *, late: bool = False) -> None:
        """Give the provider's evidence."""
        if event is not None:
            self.provider.tell(event, self._hear, late)

    def _hear(self, event: MoneyEvent) -> None:
        self.do(lambda tx: settle.apply(tx, event))
        id_ = event.attempt_id
        if id_ is None or event.outcome is not Outcome.REVERSED:
            return
        if self.run(lambda tx: tx.db.get_one(Attempt, id_)).state is AttemptState.FAILED:
            self.provider.undone.add(id_)

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
        """Ask whenever something was written, or has moved at the provider."""
        provider = self.provider
        known = (self.rehearsal.kept, len(provider.lines), len(provider.waiting))
        if known == self.known:
            return
        self.known = known
        *broken, (_, receipts, held, _) = self.rehearsal.ask(SOUND)
        assert not broken, broken
        untold = provider.untold_cents()
        assert int(held) == provider.held_cents - sum(untold), "what has truly moved is booked"
        assert int(receipts) == len(provider.lines) - len(untold)


def one_of(tx: Tx, query: Select[T], pick: int) -> T | None:
    """The one that a number picks, in the order of ids."""
    [entity] = query.column_descriptions
    model: Any = entity["entity"]
    ids = tx.db.scalars(query.with_only_columns(model.id).order_by(model.id)).all()
    chosen: T | None = tx.db.get(model, ids[pick % len(ids)]) if ids else None
    return chosen
