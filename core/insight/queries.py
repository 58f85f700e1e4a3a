"""Funnels: what the days' rows say, with every rate beside what it is a rate of."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from core.clock import nairobi_date
from core.db.tx import Tx
from core.insight.model import FunnelDay
from core.insight.rules import BUCKETS_MS, Ending, Stage, percentile_ms
from core.limits import FUNNEL_DAYS_SHOWN_MAX
from core.money import BASIS_POINTS
from core.networks import NETWORKS, UNKNOWN

STAGES = tuple(stage.name.lower() for stage in Stage if stage is not Stage.BEGUN)
ENDINGS = (*(ending.value for ending in Ending), "payment_pending", "open")


class By(StrEnum):
    """By what funnels are told apart."""

    NETWORK = "network"
    LANGUAGE = "language"
    VERSION = "version"
    ROLE = "role"
    DAY = "day"


@dataclass(slots=True)
class Funnel:
    """What some conversations came to.

    Attributes:
        of: what they have in common, empty for all.
        counts: hops, turns, sessions and bookings by name, and cents.
        buckets: hops by how long they took; bounds are ``rules.BUCKETS_MS``.
    """

    of: str
    counts: Counter[str] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))

    def add(self, counts: dict[str, Any]) -> None:
        """Add a day's row."""
        self.counts.update({name: n for name, n in counts.items() if name != "buckets"})
        for place, count in enumerate(counts["buckets"]):
            self.buckets[place] += count

    def to_json(self) -> dict[str, Any]:
        """Return the figures with their denominators, as the command prints them."""
        counts = self.counts
        customers, booked = counts["customer_sessions"], counts["booked"]
        spent = counts["session_cents"] + counts["sms_cents"]
        return {
            "of": self.of,
            "hops": {
                "count": counts["hops"],
                "repeated_or_late": counts["hops"] - counts["turns"] - counts["faults"],
                "faults": counts["faults"],
                "mean_ms": _ratio(counts["took_ms"], counts["hops"]),
                **{
                    f"p{percent}_ms_below": percentile_ms(self.buckets, percent)
                    for percent in (50, 95, 99)
                },
            },
            "turns": {
                "count": counts["turns"],
                "mistakes": counts["mistakes"],
                "mistakes_of_turns": _rate(counts["mistakes"], counts["turns"]),
                "a_session": _ratio(counts["turns"], counts["sessions"]),
            },
            "sessions": {
                "count": counts["sessions"],
                "ended": {name: counts[name] for name in ENDINGS},
                "ended_of_sessions": {
                    name: _rate(counts[name], counts["sessions"]) for name in ENDINGS
                },
            },
            "customers": {
                "sessions": customers,
                **{
                    name: {"sessions": counts[name], "of_sessions": _rate(counts[name], customers)}
                    for name in STAGES
                },
            },
            "bookings": {
                "made": booked,
                "paid": counts["paid"],
                "paid_of_made": _rate(counts["paid"], booked),
                "cost_cents": spent,
                "cost_cents_a_booking": _ratio(spent, booked),
                "cost_cents_a_paid_booking": _ratio(spent, counts["paid"]),
                "sessions_with_known_cost": counts["sessions_costed"],
            },
        }


def funnels(tx: Tx, days: int, by: By | None = None) -> list[Funnel]:
    """Return the funnels of the last days, today's included; the largest first, days in order.

    Args:
        tx: to read in.
        days: how many, at most ``FUNNEL_DAYS_SHOWN_MAX``.
        by: what tells them apart; without it there is one, of everything.
    """
    days = min(days, FUNNEL_DAYS_SHOWN_MAX)
    since = nairobi_date(tx.now) - timedelta(days=days - 1)
    found: dict[str, Funnel] = {"": Funnel("")} if by is None else {}
    rows = tx.db.scalars(select(FunnelDay).where(FunnelDay.day >= since).order_by(FunnelDay.day))
    for row in rows:
        of = "" if by is None else _named(by, getattr(row, by.value))
        counts = dict(row.counts)
        if row.role == "customer":
            counts["customer_sessions"] = counts["sessions"]
        found.setdefault(of, Funnel(of)).add(counts)
    if by is By.DAY:
        return list(found.values())
    return sorted(found.values(), key=lambda funnel: -funnel.counts["sessions"])


def _named(by: By, value: str | date) -> str:
    if by is By.NETWORK:
        known = NETWORKS.get(str(value))
        return known.name if known else str(value) or UNKNOWN.name
    return str(value) or "unknown"


def _rate(part: int, whole: int) -> str | None:
    """A share in percent with one decimal, as text: no figure without something to divide by."""
    if not whole:
        return None
    tenths = (part * BASIS_POINTS // whole + 5) // 10
    return f"{tenths // 10}.{tenths % 10}%"


def _ratio(total: int, count: int) -> int | None:
    return round(total / count) if count else None
