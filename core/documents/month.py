"""A month in Kenya: reports and statements are of one."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.clock import nairobi_date, nairobi_moment

_WRITTEN = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)
_LONGEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Month:
    """One month.

    Attributes:
        first: its first day.
    """

    first: date

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Return the month ``2026-11``; raises ValueError."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError("no month")
        return cls(date(int(found[1]), int(found[2]), 1))

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """Return the month that a moment is in."""
        return cls(nairobi_date(moment).replace(day=1))

    @property
    def before(self) -> "Month":
        """The month before it."""
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return nairobi_moment(self.first, time())

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return nairobi_moment((self.first + _LONGEST).replace(day=1), time())

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"
