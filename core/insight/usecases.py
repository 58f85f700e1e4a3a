"""Taking note of hops and ends, and counting days.

Hops come in numbered batches; a batch that comes again changes nothing. Days are not added to but
counted anew from the sessions, so that counting twice is counting once.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    RowMapping,
    Select,
    case,
    delete,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import array, insert

from core.booking.model import Booking
from core.clock import nairobi_date
from core.db.base import Base, Json
from core.db.tx import Tx
from core.insight.model import FunnelDay, TrailSource, UssdSession
from core.insight.rules import BUCKETS_MS, Ending, HopSeen, Seen, Stage, fold, told_ending
from core.limits import (
    FUNNEL_CLOSED_MAX,
    FUNNEL_DAYS_RECOUNTED,
    SESSION_TOLD_SECONDS,
)
from core.networks import SESSION_SECONDS_MAX
from core.outbox import Notice
from core.payments.model import Attempt
from core.ports.calls import SessionEnd

_SESSIONS = Base.metadata.tables[UssdSession.__tablename__]
_SUMS = ("hops", "turns", "mistakes", "faults", "took_ms")
_SAID = ("network", "version", "language", "role", "screen", "booking_code")
_PLACES = range(len(BUCKETS_MS) + 1)
# A call's last moment is that of its last hop, whose effect commits a few seconds later at most.
EFFECT_SECONDS = 10
KINDS = ("day", "version", "network", "language", "role")


def note_hops(tx: Tx, source: str, number: int, hops: Iterable[HopSeen]) -> bool:
    """Add a batch of hops to their sessions; False when it was added before.

    Args:
        tx: the transaction in which the batch counts as taken.
        source: who numbers the batches.
        number: of the batch; a source's batches come in their order, any of them perhaps again.
        hops: in the order in which they came.
    """
    new = insert(TrailSource).values(source=source, last_number=number, seen_at=tx.now)
    claimed = tx.db.scalar(
        new.on_conflict_do_update(
            index_elements=["source"],
            set_={"last_number": number, "seen_at": tx.now},
            where=TrailSource.last_number < number,
        ).returning(TrailSource.source)
    )
    if claimed is None:
        return False
    # In one order, so that two workers never wait for each other.
    for key, seen in sorted(fold(hops).items()):
        tx.db.execute(_adding(key, seen))
    return True


def _adding(key: tuple[str, str], seen: Seen) -> Any:
    """Make the statement that writes a session's row, or adds to it."""
    known = seen.known
    new = insert(_SESSIONS).values(
        provider=key[0],
        session_id=key[1],
        day=nairobi_date(seen.begun_at),
        network=seen.last.network,
        version=known.version if known else "",
        language=known.language if known else "",
        role=known.role if known else "",
        screen=known.screen if known else "",
        begun_at=seen.begun_at,
        last_at=seen.last.at,
        hops=seen.hops,
        turns=seen.turns,
        mistakes=seen.mistakes,
        faults=seen.faults,
        took_ms=seen.took_ms,
        buckets=seen.buckets,
        stage=int(seen.stage),
        booking_code=seen.code,
        ended=seen.ended,
    )
    column, more = _SESSIONS.c, new.excluded
    return new.on_conflict_do_update(
        index_elements=[column.provider, column.session_id],
        set_={
            **{name: column[name] + more[name] for name in _SUMS},
            # What is said last holds; what is not said leaves what was said before.
            **{name: func.coalesce(func.nullif(more[name], ""), column[name]) for name in _SAID},
            "buckets": array(
                [
                    func.coalesce(column.buckets[place + 1], 0) + more.buckets[place + 1]
                    for place in _PLACES
                ]
            ),
            "stage": func.greatest(column.stage, more.stage),
            "begun_at": func.least(column.begun_at, more.begun_at),
            "day": func.least(column.day, more.day),
            # Until then it was the moment at which the end was told.
            "last_at": case(
                (column.hops == 0, more.last_at),
                else_=func.greatest(column.last_at, more.last_at),
            ),
            "ended": func.coalesce(more.ended, column.ended),
        },
    )


def note_end(tx: Tx, end: SessionEnd) -> None:
    """Keep a gateway's word that a conversation is over, and what it cost.

    It may come before its hops have been noted: how the conversation ended is decided later.
    """
    told = {
        "network": end.network,
        "told_status": end.status,
        "told_at": tx.now,
        "cost_cents": end.cost_cents,
    }
    new = insert(_SESSIONS).values(
        provider=end.provider,
        session_id=end.session_id,
        day=nairobi_date(tx.now),
        begun_at=tx.now,
        last_at=tx.now,
        **told,
    )
    network = func.coalesce(func.nullif(end.network, ""), _SESSIONS.c.network)
    tx.db.execute(
        new.on_conflict_do_update(
            index_elements=[_SESSIONS.c.provider, _SESSIONS.c.session_id],
            set_={**told, "network": network},
        )
    )


def close_sessions(tx: Tx) -> int:
    """Decide how conversations ended that we did not end; return how many were decided.

    By the gateway's word; without one, by our own timer, once a network's would have run out.
    """
    quiet = tx.now - timedelta(seconds=SESSION_SECONDS_MAX)
    told = tx.now - timedelta(seconds=SESSION_TOLD_SECONDS)
    open_ones = (
        select(UssdSession)
        .where(
            UssdSession.ended.is_(None),
            # An end may be faster than the hops before it.
            (UssdSession.told_at < told) | (UssdSession.last_at < quiet),
        )
        .order_by(UssdSession.last_at)
        .limit(FUNNEL_CLOSED_MAX)
        .with_for_update(skip_locked=True)
    )
    found = tx.db.scalars(open_ones).all()
    for row in found:
        row.ended = Ending.ABANDONED
        if row.told_at is not None:
            silent, lasted = row.told_at - row.last_at, row.told_at - row.begun_at
            row.ended = told_ending(row.told_status, row.network, silent, lasted)
    return len(found)


def count_days(tx: Tx) -> int:
    """Count the last days anew, as money may still come for them; return how many rows."""
    since = nairobi_date(tx.now) - timedelta(days=FUNNEL_DAYS_RECOUNTED - 1)
    # Two who count at once would both write the rows that both have deleted.
    tx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext("funnel"))))
    rows = [
        {**{name: row[name] for name in KINDS}, "counts": _counts(row)}
        for row in tx.db.execute(_counted(since)).mappings()
    ]
    # A session may have changed its kind since: its network is told, its language chosen.
    tx.db.execute(delete(FunnelDay).where(FunnelDay.day >= since))
    if rows:
        tx.db.execute(insert(FunnelDay), rows)
    return len(rows)


def _counts(row: RowMapping) -> Json:
    counts = {str(name): int(n or 0) for name, n in row.items() if name not in KINDS}
    buckets = [counts.pop(f"bucket_{place}") for place in _PLACES]
    return {**counts, "buckets": buckets}


def _counted(since: date) -> Select[Any]:
    session, booking = _SESSIONS.c, Booking.__table__.c
    spent = (
        select(Notice.booking_id, func.sum(Notice.cost_cents).label("cents"))
        .where(
            Notice.booking_id.in_(
                select(Booking.id)
                .join(UssdSession, UssdSession.booking_code == Booking.code)
                .where(UssdSession.day >= since)
            )
        )
        .group_by(Notice.booking_id)
        .subquery()
    )
    made = session.stage == int(Stage.BOOKED)
    paid = booking.received_cents > 0
    asked = exists().where(
        Attempt.booking_id == booking.id,
        Attempt.created_at >= session.begun_at,
        Attempt.created_at <= session.last_at + timedelta(seconds=EFFECT_SECONDS),
    )
    pending = (session.ended == Ending.FINISHED) & (booking.received_cents == 0) & asked
    return (
        select(
            *(session[name] for name in KINDS),
            func.count().label("sessions"),
            _how_many(session.ended.is_(None), "open"),
            *(
                _how_many((session.ended == ending) & ~func.coalesce(pending, False), ending.value)
                for ending in Ending
            ),
            _how_many(pending, "payment_pending"),
            *(
                _how_many(session.stage >= int(stage), stage.name.lower())
                for stage in Stage
                if stage is not Stage.BEGUN
            ),
            _how_many(made & paid, "paid"),
            *(func.sum(session[name]).label(name) for name in _SUMS),
            func.sum(session.cost_cents).label("session_cents"),
            func.count(session.cost_cents).label("sessions_costed"),
            func.sum(case((made, spent.c.cents))).label("sms_cents"),
            *(
                func.sum(session.buckets[n + 1], type_=Integer).label(f"bucket_{n}")
                for n in _PLACES
            ),
        )
        .select_from(_SESSIONS)
        .outerjoin(Booking, (booking.code == session.booking_code) & (session.booking_code != ""))
        .outerjoin(spent, spent.c.booking_id == booking.id)
        .where(session.day >= since)
        .group_by(*(session[name] for name in KINDS))
    )


def _how_many(condition: ColumnElement[bool], name: str) -> ColumnElement[int]:
    return func.count().filter(condition).label(name)
