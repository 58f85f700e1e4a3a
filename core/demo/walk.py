"""A walk through the past: steps in the order of their moments, each told the time it belongs to.

All steps share one transaction. Nobody else sees half a history, so no worker sends a message or
a prompt of the past, and a walk that is broken off leaves nothing behind.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.clock import NAIROBI
from core.db.tx import Tx
from core.ids import CODE_ALPHABET
from core.money import Money
from core.payments import attempts, settle
from core.payments.model import Attempt
from core.ports.money import MoneyEvent, Outcome, Reason

Step = Callable[[Tx], None]

STEPS_MAX = 100_000
ACCEPTED_AFTER = timedelta(seconds=1)
RECEIPT_LETTERS = 7
RECEIPT_YEAR = 2024
RECEIPT_DAYS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"


class Walk:
    """An agenda of steps from the past to now.

    Args:
        tx: the transaction; its ``now`` is where the walk ends.
    """

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._agenda: list[tuple[datetime, int, Step]] = []
        self._numbers = itertools.count()

    def at(self, moment: datetime, step: Step) -> None:
        """Plan a step; one of the future is left to the future."""
        if moment <= self._tx.now:
            heapq.heappush(self._agenda, (moment, next(self._numbers), step))

    def play(self) -> None:
        """Play all steps, also those that are planned on the way."""
        moment = datetime.min.replace(tzinfo=UTC)
        for _ in range(STEPS_MAX):
            if not self._agenda:
                return
            planned, _number, step = heapq.heappop(self._agenda)
            moment = max(moment, planned)
            step(replace(self._tx, now=moment, woken=set()))
        raise AssertionError("the walk does not end")


class Teller:
    """Plays the provider of the past: takes requests, and brings evidence a while later.

    Args:
        walk: where its steps are planned.
        seed: of the receipts.
    """

    def __init__(self, walk: Walk, seed: int) -> None:
        self._walk = walk
        self._random = random.Random(seed)  # noqa: S311 -- repeatable on purpose.

    def handle(
        self,
        attempt: Attempt,
        after: timedelta,
        then: Step,
        reason: Reason | None = None,
    ) -> None:
        """Send a planned attempt when it is due, and tell its outcome.

        Args:
            attempt: a queued one.
            after: from the sending to the evidence.
            then: what follows the evidence.
            reason: why it fails; None when the money moves.
        """
        assert attempt.due_at is not None, "a queued attempt is due"
        self._walk.at(attempt.due_at, lambda tx: self._send(tx, attempt))
        self._walk.at(
            attempt.due_at + ACCEPTED_AFTER + after,
            lambda tx: self._tell(tx, attempt, then, reason),
        )

    def _send(self, tx: Tx, attempt: Attempt) -> None:
        begun = attempts.begin(tx, attempt.id)
        if begun is not None:
            self._walk.at(tx.now + ACCEPTED_AFTER, lambda later: self._take(later, attempt))

    def _take(self, tx: Tx, attempt: Attempt) -> None:
        attempts.accepted(tx, attempt.id, f"demo-{attempt.id}")
        self._follow(attempt)

    def _follow(self, attempt: Attempt) -> None:
        if attempt.due_at is not None:
            self._walk.at(attempt.due_at, lambda tx: self._ask(tx, attempt))

    def _ask(self, tx: Tx, attempt: Attempt) -> None:
        """What a worker does with a silent attempt: ask in vain, in the end give it up."""
        if attempt.due_at is not None and attempt.due_at <= tx.now:
            attempts.begin(tx, attempt.id)
            self._follow(attempt)

    def _tell(self, tx: Tx, attempt: Attempt, then: Step, reason: Reason | None) -> None:
        moved = reason is None
        note = settle.apply(
            tx,
            MoneyEvent(
                provider=attempt.provider,
                outcome=Outcome.SUCCEEDED if moved else Outcome.FAILED,
                attempt_id=attempt.id,
                reference=attempt.reference,
                receipt=self._receipt(tx.now) if moved else None,
                amount=Money(attempt.amount_cents),
                payer=attempt.msisdn,
                reason=reason,
                code="0" if moved else "1",
                at=tx.now,
            ),
        )
        assert note is None, f"the evidence fits: {note}"
        then(tx)

    def _receipt(self, moment: datetime) -> str:
        """Return a receipt as people know them: ten letters and digits that begin with the day."""
        local = moment.astimezone(NAIROBI)
        year = chr(ord("S") + (local.year - RECEIPT_YEAR) % 8)
        month = chr(ord("A") + local.month - 1)
        rest = "".join(self._random.choice(CODE_ALPHABET) for _ in range(RECEIPT_LETTERS))
        return f"{year}{month}{RECEIPT_DAYS[local.day]}{rest}"
