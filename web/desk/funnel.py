"""Funnels as people of ours read them."""

from collections.abc import Sequence
from typing import Any, Self

from pydantic import BaseModel, Field

from core.insight.queries import By, Funnel


class ToldFunnels(BaseModel):
    """What became of calls."""

    days: int
    by: By | None
    funnels: list[dict[str, Any]] = Field(
        description="Hops, turns, sessions, customers and bookings, each rate beside what it is "
        "a rate of."
    )

    @classmethod
    def of(cls, days: int, by: By | None, found: Sequence[Funnel]) -> Self:
        """Return the funnels of so many days."""
        return cls(days=days, by=by, funnels=[one.to_json() for one in found])
