"""Our receipts beside the lines of a statement. Pure: values in, faults out.

Twelve kinds of fault are told apart (R13). A clean statement has none of them: each line is a
receipt of ours with the same direction, amount and currency, at about the same time, once, on the
account where that kind of money moves; charges belong to payments of ours; each balance follows
from the one before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from core.limits import (
    PROVIDER_CHARGE_MAX_BASIS_POINTS,
    PROVIDER_CHARGE_MAX_CENTS,
    STATEMENT_EARLY_SECONDS,
    STATEMENT_LATE_SECONDS,
)
from core.money import BASIS_POINTS, KES
from core.reconcile.statement import Line, LineKind

K = TypeVar("K")


class FaultKind(StrEnum):
    """How a statement and our books can differ."""

    MISSING_OURS = "missing_ours"
    """Money moved that we know nothing of."""
    MISSING_THEIRS = "missing_theirs"
    """We have proof of money that the statement does not show."""
    AMOUNT = "amount"
    """The same receipt, another amount."""
    DATE = "date"
    """The same receipt at another time than clocks and late callbacks explain."""
    DUPLICATE = "duplicate"
    """A receipt stands in the statement twice."""
    REVERSED = "reversed"
    """The provider took a payment back."""
    CHARGE = "charge"
    """A charge for no payment of ours, for one twice, or beyond any tariff."""
    SWAPPED = "swapped"
    """Two receipts, each with the other's amount: their references were mixed up."""
    ACCOUNT = "account"
    """A receipt of another of our accounts."""
    DIRECTION = "direction"
    """In for us, out for them, or the other way round."""
    CURRENCY = "currency"
    """The same receipt in another currency."""
    BALANCE = "balance"
    """A balance does not follow from the one before it: a line is missing or was changed."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[K]):
    """A receipt of ours.

    Attributes:
        key: whatever the caller knows it by.
        number: the provider's number of it.
        account: on which of our accounts such money moves.
        amount_cents: in is positive, out is negative.
        at: when we learned of it.
        currency: ISO 4217.
    """

    key: K
    number: str
    account: str
    amount_cents: int
    at: datetime
    currency: str = KES


@dataclass(frozen=True, slots=True)
class Fault(Generic[K]):
    """One difference.

    Attributes:
        kind: which of the twelve.
        number: the receipt in question.
        place: the line of the file, 0 when none is meant.
        ours_cents: what we say moved, in positive; 0 when we say nothing.
        theirs_cents: what the statement says.
        at: when, by whoever says anything.
        other: the other receipt of a swap, or what a charge or reversal is linked to.
        entry: our receipt, when there is one.
    """

    kind: FaultKind
    number: str
    place: int
    ours_cents: int
    theirs_cents: int
    at: datetime
    other: str = ""
    entry: Entry[K] | None = None

    @property
    def amount_cents(self) -> int:
        """The money in question: the difference, or the whole amount where both say the same."""
        return abs(self.theirs_cents - self.ours_cents) or abs(self.theirs_cents)


@dataclass(slots=True)
class Outcome(Generic[K]):
    """What came of it.

    Attributes:
        matched: our receipts that the statement confirms, each with its line.
        charges: charges of payments of ours that are to be posted: line and payment's number.
        faults: the differences.
        unexplained_cents: the sum of all lines that neither are matched nor charges.
    """

    matched: list[tuple[Entry[K], Line]] = field(default_factory=list)
    charges: list[Line] = field(default_factory=list)
    faults: list[Fault[K]] = field(default_factory=list)
    unexplained_cents: int = 0


class Matcher(Generic[K]):
    """Sees the lines of one statement in the file's order, each beside what we have for it.

    Args:
        account: the account that the statement is about.
        newest_first: how the file is ordered.
        late_seconds: how long after the money moved we may have learned of it.
    """

    def __init__(
        self,
        account: str,
        *,
        newest_first: bool = False,
        late_seconds: int = STATEMENT_LATE_SECONDS,
    ) -> None:
        self._account = account
        self._late = timedelta(seconds=late_seconds)
        self._newest_first = newest_first
        self._before: Line | None = None
        self._seen: set[str] = set()
        self._charged: set[str] = set()
        self._amounts: list[Fault[K]] = []
        self.outcome: Outcome[K] = Outcome()

    def see(self, line: Line, ours: Entry[K] | None) -> None:
        """Judge a line.

        Args:
            line: of the statement.
            ours: our receipt of that number; of the payment's number when it is a charge.
        """
        self._follow_balance(line)
        fault = self._judge(line, ours)
        if fault is None:
            return
        self.outcome.unexplained_cents += line.amount_cents
        entry = ours if line.kind is LineKind.PAYMENT else None
        ours_cents = entry.amount_cents if entry and fault is not FaultKind.DUPLICATE else 0
        found = Fault(
            fault, line.number, line.place, ours_cents, line.amount_cents, line.at,
            line.linked, entry,
        )  # fmt: skip
        (self._amounts if fault is FaultKind.AMOUNT else self.outcome.faults).append(found)

    def finish(self, unseen: Iterable[Entry[K]]) -> Outcome[K]:
        """Return the outcome once all lines were seen.

        Args:
            unseen: our receipts that the statement should show and that no line named.
        """
        self._pair_swaps()
        self.outcome.faults += [
            Fault(FaultKind.MISSING_THEIRS, e.number, 0, e.amount_cents, 0, e.at, entry=e)
            for e in unseen
            if e.number not in self._seen
        ]
        return self.outcome

    def _judge(self, line: Line, ours: Entry[K] | None) -> FaultKind | None:
        """Return what is wrong with a line; None when it is matched or an expected charge."""
        if line.kind is LineKind.REVERSAL and not _is_booked(line, ours):
            return FaultKind.REVERSED
        if line.kind is LineKind.CHARGE:
            return self._judge_charge(line, ours)
        if line.number in self._seen:
            return FaultKind.DUPLICATE
        self._seen.add(line.number)
        if ours is None or line.kind is LineKind.OWN_FUNDS:
            return FaultKind.MISSING_OURS
        self._seen.add(ours.number)
        if (wrong := self._compare(line, ours)) is not None:
            return wrong
        self.outcome.matched.append((ours, line))
        if not _about_the_same_time(line, ours, self._late):
            # The money agrees, so the receipt is matched; only a person can say why so late.
            self.outcome.faults.append(
                Fault(
                    FaultKind.DATE, line.number, line.place, ours.amount_cents,
                    line.amount_cents, line.at, entry=ours,
                )
            )  # fmt: skip
        return None

    def _compare(self, line: Line, ours: Entry[K]) -> FaultKind | None:
        if ours.account != self._account:
            return FaultKind.ACCOUNT
        if ours.currency != line.currency:
            return FaultKind.CURRENCY
        if (ours.amount_cents > 0) is not (line.amount_cents > 0):
            return FaultKind.DIRECTION
        return FaultKind.AMOUNT if ours.amount_cents != line.amount_cents else None

    def _judge_charge(self, line: Line, payment: Entry[K] | None) -> FaultKind | None:
        charged = line.linked or line.number
        if payment is None or charged in self._charged:
            return FaultKind.CHARGE
        if not 0 < -line.amount_cents <= _charge_max(payment):
            return FaultKind.CHARGE
        if line.currency != KES:
            return FaultKind.CURRENCY
        self._charged.add(charged)
        self.outcome.charges.append(line)
        return None

    def _follow_balance(self, line: Line) -> None:
        """Note where two balances do not follow from each other."""
        before, self._before = self._before, line
        if before is None:
            return
        older, newer = (line, before) if self._newest_first else (before, line)
        if older.balance_cents is None or newer.balance_cents is None:
            return
        follows = older.balance_cents + newer.amount_cents
        if follows != newer.balance_cents:
            says = newer.balance_cents
            self.outcome.faults.append(
                Fault(FaultKind.BALANCE, newer.number, newer.place, follows, says, newer.at)
            )
            # What moved unseen is part of what nobody can explain.
            self.outcome.unexplained_cents += says - follows

    def _pair_swaps(self) -> None:
        """Turn two wrong amounts that are each other's right ones into one swap."""
        waiting: dict[tuple[int, int], list[Fault[K]]] = {}
        pairs: list[Fault[K]] = []
        for fault in self._amounts:
            crosswise = waiting.get((fault.theirs_cents, fault.ours_cents))
            if crosswise:
                first = crosswise.pop(0)
                pairs.append(
                    Fault(
                        FaultKind.SWAPPED, first.number, first.place, first.ours_cents,
                        first.theirs_cents, first.at, fault.number, first.entry,
                    )
                )  # fmt: skip
            else:
                waiting.setdefault((fault.ours_cents, fault.theirs_cents), []).append(fault)
        alone = [fault for faults in waiting.values() for fault in faults]
        self.outcome.faults += [*pairs, *alone]


def _charge_max(payment: Entry[K]) -> int:
    """Return what a charge may be: a fixed sum for a payout, a share of what a customer paid."""
    share = abs(payment.amount_cents) * PROVIDER_CHARGE_MAX_BASIS_POINTS // BASIS_POINTS
    return max(PROVIDER_CHARGE_MAX_CENTS, share)


def _is_booked(line: Line, ours: Entry[K] | None) -> bool:
    """Tell whether a payment that was taken back is in our books as such."""
    return ours is not None and ours.amount_cents == line.amount_cents


def _about_the_same_time(line: Line, ours: Entry[K], late: timedelta) -> bool:
    """We learn of money after it moved: at once, or as late as the latest callback."""
    early = timedelta(seconds=STATEMENT_EARLY_SECONDS)
    if line.day_only:
        early, late = early + timedelta(days=1), late + timedelta(days=1)
    return line.at - early <= ours.at <= line.at + late
