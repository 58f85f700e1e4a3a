"""Notices: messages that we owe somebody, written in the transaction that causes them.

A row says what happened (topic and values); the words are made when it is sent. A worker leases a
row, marks it ``sending`` in a commit of its own, calls the provider, and notes the outcome. A row
found ``sending`` after its lease is ``unknown``: no provider of SMS can be asked by our id, so it
is never sent again by itself (better one message missing than a code sent twice).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Index,
    SmallInteger,
    String,
    bindparam,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Json, choice
from core.db.tx import Tx, Work
from core.limits import OUTBOX_LEASE_SECONDS, OUTBOX_PAUSE_MAX_SECONDS, OUTBOX_TRIES_MAX
from core.msisdn import MSISDN_MAX
from core.ports.messages import FINAL_DELIVERIES, Delivery, SmsSent


class Lane(IntEnum):
    """What goes first."""

    OTP = 0
    TRANSACTIONAL = 1
    BULK = 2


class Sending(StrEnum):
    """How far a notice has come on our side."""

    WAITING = "waiting"
    LEASED = "leased"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    DEAD = "dead"
    DROPPED = "dropped"
    """It shall not go out: its person wants none, or one of ours has said so."""


class Notice(Base):
    """One message to one person."""

    __tablename__ = "notices"
    __table_args__ = (
        Index(
            "ix_notices_due",
            "lane",
            "due_at",
            postgresql_where=text("state IN ('waiting', 'leased', 'sending')"),
        ),
        Index("ix_notices_provider_message", "provider", "message_id"),
        Index(
            "ix_notices_dead",
            "created_at",
            postgresql_where=text("state IN ('dead', 'unknown')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(unique=True)
    """Makes it once: a second notice with the same key is not written."""
    topic: Mapped[str]
    lane: Mapped[int] = mapped_column(SmallInteger)
    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX), index=True)
    params: Mapped[Json]
    booking_id: Mapped[UUID | None] = mapped_column(index=True)
    state: Mapped[Sending] = mapped_column(choice(Sending, "state"), default=Sending.WAITING)
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    text: Mapped[str | None]
    provider: Mapped[str | None]
    message_id: Mapped[str | None]
    language: Mapped[str | None]
    """In which it went out."""
    cost_cents: Mapped[int | None]
    """What the provider says that it costs."""
    estimate_cents: Mapped[int | None]
    """What it should cost by the route's price, for as long as the provider has not said."""
    segments: Mapped[int | None]
    delivery: Mapped[Delivery | None] = mapped_column(choice(Delivery, "delivery"))
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


# Built once: each message passes through all of them.
_NOTICES = Base.metadata.tables[Notice.__tablename__]
_COLUMNS = _NOTICES.columns
_NOW: BindParameter[datetime] = bindparam("now")
_UNTIL: BindParameter[datetime] = bindparam("until")
_LANE: BindParameter[int | None] = bindparam("only_lane", type_=SmallInteger)
_ID: BindParameter[UUID] = bindparam("notice_id")


def _is(state: Sending) -> ColumnElement[bool]:
    """Return a condition that a prepared plan, too, can find in the index of what is due."""
    return _COLUMNS.state == literal_column(f"'{state.value}'")


_ADD = insert(_NOTICES).on_conflict_do_nothing(index_elements=["key"])
_LOST = (
    update(_NOTICES)
    .where(_is(Sending.SENDING), _COLUMNS.leased_until < _NOW)
    .values(state=Sending.UNKNOWN, error="worker_lost")
    .cte("lost")
)
_DUE = (
    select(_COLUMNS.id)
    .where(
        (_is(Sending.WAITING) & (_COLUMNS.due_at <= _NOW))
        | (_is(Sending.LEASED) & (_COLUMNS.leased_until < _NOW)),
        _LANE.is_(None) | (_COLUMNS.lane == _LANE),
    )
    .order_by(_COLUMNS.lane, _COLUMNS.due_at, _COLUMNS.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_LEASE = (
    update(_NOTICES)
    .where(_COLUMNS.id == _DUE.c.id)
    .values(state=Sending.LEASED, leased_until=_UNTIL)
    .returning(_COLUMNS.lane, _COLUMNS.due_at, _COLUMNS.id)
    .add_cte(_LOST)
)
_BEGIN = (
    update(Notice)
    .where(Notice.id == _ID, _is(Sending.LEASED))
    .values(state=Sending.SENDING, tries=Notice.tries + 1, leased_until=_UNTIL)
    .returning(Notice)
    .execution_options(synchronize_session=False)
)
_SENT = (
    update(_NOTICES)
    .where(_COLUMNS.id == _ID)
    .values(
        state=Sending.SENT,
        sent_at=_NOW,
        provider=bindparam("by"),
        message_id=bindparam("answer_id"),
        cost_cents=bindparam("cost"),
        estimate_cents=bindparam("estimate"),
        text=bindparam("body"),
        language=bindparam("spoken"),
        segments=bindparam("parts"),
        error=None,
        # Its report may have come before the answer.
        delivery=func.coalesce(_COLUMNS.delivery, Delivery.ACCEPTED),
    )
)


def add(
    tx: Tx,
    topic: str,
    msisdn: str,
    params: Mapping[str, Any],
    *,
    key: str | None = None,
    lane: Lane = Lane.TRANSACTIONAL,
    booking_id: UUID | None = None,
) -> None:
    """Owe somebody a message; nothing is written when one with the same key is owed already."""
    tx.db.execute(
        _ADD,
        {
            "id": tx.ids.uuid(),
            "key": key,
            "topic": topic,
            "lane": int(lane),
            "msisdn": msisdn,
            "params": dict(params),
            "booking_id": booking_id,
            "state": Sending.WAITING,
            "due_at": tx.now,
            "tries": 0,
            "created_at": tx.now,
        },
    )
    tx.wake(Work.NOTICES)


def lease(tx: Tx, limit: int, lane: Lane | None = None) -> list[UUID]:
    """Take due notices, the urgent lane first; each is ours until its lease runs out.

    With a lane only those of that one.

    A notice whose lease ran out before it was being sent is taken again; one that was being sent
    becomes ``unknown``.
    """
    chosen = {"now": tx.now, "at_most": limit, "until": _lease_end(tx), "only_lane": lane}
    taken = tx.db.execute(_LEASE, chosen)
    return [notice_id for _lane, _due_at, notice_id in sorted(map(tuple, taken))]


def begin(tx: Tx, notice_id: UUID) -> Notice | None:
    """Mark a leased notice as being sent; None when it is no longer ours to send."""
    return tx.db.scalars(_BEGIN, {"notice_id": notice_id, "until": _lease_end(tx)}).first()


def _lease_end(tx: Tx) -> datetime:
    return tx.now + timedelta(seconds=OUTBOX_LEASE_SECONDS)


@dataclass(frozen=True, slots=True)
class Words:
    """What went out.

    Attributes:
        body: the text.
        language: of the text.
        segments: how many messages a route counts it as.
        estimate_cents: what that should cost; None where the route has no known price.
    """

    body: str
    language: str
    segments: int
    estimate_cents: int | None = None


def sent(tx: Tx, notice_id: UUID, provider: str, answer: SmsSent, words: Words) -> None:
    """Note that the provider took it, with the words that went out."""
    tx.db.execute(
        _SENT,
        {
            "notice_id": notice_id,
            "now": tx.now,
            "by": provider,
            "answer_id": answer.message_id,
            "cost": answer.cost_cents,
            "estimate": words.estimate_cents,
            "body": words.body,
            "spoken": words.language,
            "parts": words.segments,
        },
    )


def failed(tx: Tx, notice_id: UUID, error: str, *, retryable: bool, unknown: bool) -> Sending:
    """Note why it did not go out, and plan the next try with growing pauses when one may help."""
    notice = tx.db.get_one(Notice, notice_id, with_for_update=True)
    notice.error = error
    if unknown:
        notice.state = Sending.UNKNOWN
    elif retryable and notice.tries < OUTBOX_TRIES_MAX:
        notice.state = Sending.WAITING
        notice.due_at = tx.now + timedelta(
            seconds=min(5 * 2**notice.tries, OUTBOX_PAUSE_MAX_SECONDS)
        )
    else:
        notice.state = Sending.DEAD
    return notice.state


def drop(tx: Tx, notice_id: UUID, why: str) -> None:
    """Note that it shall not go out, and why."""
    notice = tx.db.get_one(Notice, notice_id, with_for_update=True)
    notice.state = Sending.DROPPED
    notice.error = why


def postpone(tx: Tx, notice_id: UUID, until: datetime, error: str) -> None:
    """Put back a notice that was begun but not sent, through no fault of its own.

    The try does not count: a wallet without money must not use up the tries of every message.
    """
    notice = tx.db.get_one(Notice, notice_id, with_for_update=True)
    notice.state = Sending.WAITING
    notice.due_at = until
    notice.tries -= 1
    notice.error = error


def report_delivery(tx: Tx, provider: str, message_id: str, delivery: Delivery) -> bool:
    """Move a notice's delivery forward, never back; False when no such message is known (yet)."""
    notice = tx.db.scalar(
        select(Notice)
        .where(Notice.provider == provider, Notice.message_id == message_id)
        .with_for_update()
    )
    if notice is None:
        return False
    rank = list(Delivery).index
    if notice.delivery is None or (
        notice.delivery not in FINAL_DELIVERIES and rank(delivery) > rank(notice.delivery)
    ):
        notice.delivery = delivery
    return True
