"""The provider of the machine: it alone knows which money has truly moved.

It approves prompts, refuses them, sends money out, and tells of it at once, later, twice or never
with the receipt's number. What it has moved is what the books must say in the end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.payments.model import Attempt, Kind
from core.ports.money import MoneyEvent, Outcome
from core.reconcile.statement import Line

NAME = "daraja"
OUTGOING = frozenset({Kind.PAYOUT, Kind.RETURN})


@dataclass
class Provider:
    """What has moved, and what has been told of it.

    Attributes:
        lines: every movement, as the provider's statement will show it.
        approved: attempts whose money has moved, with its receipt.
        named: those of them that somebody was told the receipt of.
        by_hand: bookings that somebody has paid for by hand.
        told: evidence that was given; it may be given again.
        waiting: evidence that is still on its way.
        came_back: payouts that came back, with the number of their return.
        undone: those of them that we heard of before we knew that they had arrived.
    """

    lines: list[Line] = field(default_factory=list)
    approved: dict[UUID, str] = field(default_factory=dict)
    named: set[UUID] = field(default_factory=set)
    by_hand: set[UUID] = field(default_factory=set)
    told: list[MoneyEvent] = field(default_factory=list)
    waiting: list[MoneyEvent] = field(default_factory=list)
    came_back: dict[UUID, str] = field(default_factory=dict)
    undone: set[UUID] = field(default_factory=set)

    @property
    def held_cents(self) -> int:
        """What of ours lies with it."""
        return sum(line.amount_cents for line in self.lines)

    def move(self, attempt: Attempt, now: datetime, *, named: bool) -> MoneyEvent:
        """Move an attempt's money; return what there is to tell."""
        out = attempt.kind in OUTGOING
        receipt = self.new_line(-attempt.amount_cents if out else attempt.amount_cents, now)
        self.approved[attempt.id] = receipt
        # The same of a payment by hand: only a receipt tells the two apart.
        told = named or out or attempt.booking_id in self.by_hand
        if told:
            self.named.add(attempt.id)
        return MoneyEvent(
            NAME, Outcome.SUCCEEDED, attempt_id=attempt.id, receipt=receipt if told else None
        )

    def bring_back(self, attempt: Attempt, now: datetime, *, named: bool) -> MoneyEvent:
        """Return a payout that had arrived; return what there is to tell."""
        number = self.came_back[attempt.id] = self.new_line(attempt.amount_cents, now)
        return MoneyEvent(
            NAME, Outcome.REVERSED, attempt_id=attempt.id, receipt=number if named else None
        )

    def untold_cents(self) -> list[int]:
        """What each movement was that our books cannot know of."""
        moved = {line.number: line.amount_cents for line in self.lines}
        events = [event for event in self.waiting if event.attempt_id not in self.undone]
        untold = [moved[self._number_of(event)] for event in events]
        for id_ in self.undone:
            untold += [moved[self.approved[id_]], moved[self.came_back[id_]]]
        return untold

    def _number_of(self, event: MoneyEvent) -> str:
        if event.receipt is not None:
            return event.receipt
        assert event.attempt_id is not None, "a payment by hand has a receipt"
        kept = self.came_back if event.outcome is Outcome.REVERSED else self.approved
        return kept[event.attempt_id]

    def new_line(self, cents: int, now: datetime) -> str:
        """Write a movement into the statement and return its receipt."""
        place = len(self.lines) + 1
        receipt = f"SFF{place:07}"
        self.lines.append(Line(place, receipt, now, cents))
        return receipt

    def tell(self, event: MoneyEvent, apply: Callable[[MoneyEvent], object], late: bool) -> None:  # noqa: FBT001 -- drawn by chance.
        """Give evidence now, or keep it for later."""
        if late:
            self.waiting.append(event)
            return
        apply(event)
        self.told.append(event)
