"""What our messages cost: by topic, language and route, and for each booking.

A route tells what it takes with its answer, or never; until then the estimate counts, which is the
route's price for a segment times the segments. Messages without either are counted by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from core.clock import NAIROBI
from core.db.tx import Tx
from core.limits import COST_GROUPS_MAX
from core.outbox import Notice

_CENTS = func.coalesce(Notice.cost_cents, Notice.estimate_cents)


@dataclass(frozen=True, slots=True)
class Share:
    """What the messages of one topic, language or route cost.

    Attributes:
        name: of the topic, language or route.
        messages: how many went out.
        segments: how many the routes count.
        cents: all together.
        estimated: of how many messages no route has told the cost.
        unpriced: of how many not even an estimate is known; they are not in ``cents``.
    """

    name: str
    messages: int
    segments: int
    cents: int
    estimated: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class PerBooking:
    """What the messages of one booking cost, in cents; of all bookings that had any."""

    bookings: int
    median_cents: int
    p95_cents: int
    most_cents: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What went out in a month of Kenyan time."""

    month: date
    total: Share
    topics: Sequence[Share]
    languages: Sequence[Share]
    routes: Sequence[Share]
    per_booking: PerBooking


def costs(tx: Tx, month: date) -> Costs:
    """Return what the messages of a month cost.

    Args:
        tx: the transaction.
        month: any day of it.
    """
    begin, end = _span(month)

    def shares(column: InstrumentedAttribute[Any] | None) -> list[Share]:
        name = func.coalesce(column, "unknown") if column is not None else func.min("all")
        query = (
            select(
                name,
                func.count(),
                func.coalesce(func.sum(Notice.segments), 0),
                func.coalesce(func.sum(_CENTS), 0),
                func.count().filter(
                    Notice.cost_cents.is_(None), Notice.estimate_cents.isnot(None)
                ),
                func.count().filter(_CENTS.is_(None)),
            )
            .where(Notice.sent_at >= begin, Notice.sent_at < end)
            .order_by(func.sum(_CENTS).desc().nulls_last(), name)
            .limit(COST_GROUPS_MAX)
        )
        grouped = query.group_by(name) if column is not None else query
        return [_share(tuple(row)) for row in tx.db.execute(grouped)]

    [total] = shares(None)
    return Costs(
        begin.astimezone(NAIROBI).date(),
        total,
        shares(Notice.topic),
        shares(Notice.language),
        shares(Notice.provider),
        _per_booking(tx, begin, end),
    )


def _per_booking(tx: Tx, begin: datetime, end: datetime) -> PerBooking:
    """What bookings cost over all their life, of those to which a message of that time belongs."""
    of_month = (
        select(Notice.booking_id)
        .where(Notice.sent_at >= begin, Notice.sent_at < end, Notice.booking_id.isnot(None))
        .distinct()
    )
    each = (
        select(func.sum(_CENTS).label("cents"))
        .where(Notice.booking_id.in_(of_month), Notice.sent_at.isnot(None))
        .group_by(Notice.booking_id)
        .subquery()
    )
    row = tx.db.execute(
        select(
            func.count(),
            func.percentile_disc(0.5).within_group(each.c.cents),
            func.percentile_disc(0.95).within_group(each.c.cents),
            func.max(each.c.cents),
        )
    ).one()
    return PerBooking(row[0], *(int(value or 0) for value in row[1:]))


def _share(row: Sequence[Any]) -> Share:
    """Read a row; there are no names among no messages at all."""
    messages, segments, cents, estimated, unpriced = map(int, row[1:])
    return Share(row[0] or "all", messages, segments, cents, estimated, unpriced)


def _span(month: date) -> tuple[datetime, datetime]:
    first = month.replace(day=1)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    begin, end = (datetime.combine(day, time(), NAIROBI) for day in (first, after))
    return begin, end
