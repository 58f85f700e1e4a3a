"""Where time comes from. Aware UTC inside, Africa/Nairobi when shown."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

NAIROBI = ZoneInfo("Africa/Nairobi")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment as an aware UTC datetime."""


class SystemClock:
    """The machine's clock; in a local trial it can be set ahead.

    Attributes:
        ahead: how far the application's time is ahead of the machine's. Nothing in production.
    """

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        """Return the machine's time plus the offset, in UTC."""
        return datetime.now(UTC) + self.ahead  # noqa: TID251 -- the one place that may.


class ManualClock:
    """A clock for tests: stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        assert now.tzinfo is not None, "a clock needs an aware datetime"
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        """Return the time it was last set to."""
        return self._now

    def advance(self, *, seconds: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move forward."""
        self._now += timedelta(seconds=seconds, hours=hours, days=days)

    def set(self, moment: datetime) -> None:
        """Move to an aware moment."""
        self._now = moment.astimezone(UTC)


def nairobi_date(moment: datetime) -> date:
    """Return the calendar day in Kenya at a moment."""
    return moment.astimezone(NAIROBI).date()


def nairobi_moment(day: date, at: time) -> datetime:
    """Return the UTC moment of a Kenyan wall-clock time (Kenya has no summer time)."""
    return datetime.combine(day, at, NAIROBI).astimezone(UTC)
