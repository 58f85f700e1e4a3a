"""What is still to happen, in the order of its moments."""

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

from core.clock import ManualClock

Happening = Callable[[], object]
TICK = timedelta(milliseconds=1)


class TickingClock(ManualClock):
    """Stands still but for a tick at each transaction: no two of them are at one moment."""

    def tick(self) -> None:
        """Let a transaction's worth of time pass."""
        self._now += TICK


class Agenda:
    """Happenings by moment; those of one moment in the order in which they were planned."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._planned: list[tuple[datetime, int, Happening]] = []
        self._numbers = itertools.count()

    def at(self, moment: datetime, happening: Happening) -> None:
        """Plan something for a moment."""
        heapq.heappush(self._planned, (moment, next(self._numbers), happening))

    def after(self, seconds: float, happening: Happening) -> None:
        """Plan something for so many seconds from now."""
        self.at(self._clock.now() + timedelta(seconds=seconds), happening)

    def next_at(self) -> datetime | None:
        """When the next happening is; None when there is none."""
        return self._planned[0][0] if self._planned else None

    def take_due(self) -> Happening | None:
        """Return the next happening that is due; None when there is none."""
        if self._planned and self._planned[0][0] <= self._clock.now():
            return heapq.heappop(self._planned)[2]
        return None
