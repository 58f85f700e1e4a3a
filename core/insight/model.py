"""Conversations as they are counted: one row each for a month, one row a day for ever."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Json, cents, choice
from core.insight.rules import Ending

UNKNOWN = text("''")


def _count() -> Any:
    return mapped_column(Integer, server_default=text("0"))


class UssdSession(Base):
    """One conversation: no phone number, nothing that was typed or shown."""

    __tablename__ = "ussd_sessions"
    __table_args__ = (
        Index("ix_ussd_sessions_day", "day"),
        Index("ix_ussd_sessions_open", "last_at", postgresql_where=text("ended IS NULL")),
    )

    provider: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
    """In Kenya, of the first hop."""
    network: Mapped[str] = mapped_column(server_default=UNKNOWN)
    version: Mapped[str] = mapped_column(server_default=UNKNOWN)
    language: Mapped[str] = mapped_column(server_default=UNKNOWN)
    role: Mapped[str] = mapped_column(server_default=UNKNOWN)
    """Whose menu it was: customer or vendor."""
    screen: Mapped[str] = mapped_column(server_default=UNKNOWN)
    """Where it stood last."""
    begun_at: Mapped[datetime]
    last_at: Mapped[datetime]
    hops: Mapped[int] = _count()
    turns: Mapped[int] = _count()
    mistakes: Mapped[int] = _count()
    faults: Mapped[int] = _count()
    took_ms: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    buckets: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    stage: Mapped[int] = _count()
    booking_code: Mapped[str] = mapped_column(server_default=UNKNOWN)
    ended: Mapped[Ending | None] = mapped_column(choice(Ending, "ended"))
    told_status: Mapped[str] = mapped_column(server_default=UNKNOWN)
    told_at: Mapped[datetime | None]
    cost_cents: Mapped[int | None] = cents(nullable=True)


class FunnelDay(Base):
    """What a day's conversations of one kind came to; counted anew while they may still change."""

    __tablename__ = "funnel_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    counts: Mapped[Json]


class TrailSource(Base):
    """Up to where a web process's trail has been read, so that nothing is counted twice."""

    __tablename__ = "trail_sources"

    source: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime]
