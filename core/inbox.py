"""Callbacks as they came: stored raw, answered at once, applied by a worker.

A callback is itself by provider, kind, reference and the digest of its body, or by its reference
alone where the provider promises that (``Callback.once``): the same one again is the same row.
Applying it and marking it applied commit together. What one person sends is applied in the order
in which it came, however many workers there are; different people do not wait for each other.

Parts of a long message are callbacks like others, sealed until somebody has joined them. The first
of them that waits is applied for all; that it waits for the others is no failure.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Index,
    Select,
    String,
    UniqueConstraint,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, aliased, mapped_column

from core.db.base import Base, Json, choice
from core.db.tx import Tx, Work
from core.limits import (
    INBOX_HOLDS_BACK_TRIES_MAX,
    INBOX_TRIES_MAX,
    SMS_PARTS_KNOWN_SECONDS,
    SMS_PARTS_TOGETHER_MAX,
    SMS_PARTS_WAIT_SECONDS,
)
from core.msisdn import MSISDN_MAX
from core.ports.providers import Callback


class Arrival(StrEnum):
    """How far a callback has come."""

    WAITING = "waiting"
    APPLIED = "applied"
    IGNORED = "ignored"
    DEAD = "dead"


class Inbound(Base):
    """One callback."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("provider", "kind", "reference", "digest"),
        # In the order in which they are applied: after an outage thousands wait.
        Index("ix_inbox_waiting", "received_at", "id", postgresql_where=text("state = 'waiting'")),
        # Few: what waits for its next try, and may hold back others of the same person.
        Index(
            "ix_inbox_postponed",
            "person",
            "received_at",
            postgresql_where=text("state = 'waiting' AND tries > 0"),
        ),
        Index("ix_inbox_dead", "received_at", postgresql_where=text("state = 'dead'")),
        Index(
            "ix_inbox_person",
            "person",
            "received_at",
            postgresql_where=text("state = 'waiting' AND person IS NOT NULL"),
        ),
        Index(
            "ix_inbox_part_of",
            "person",
            "part_of",
            "received_at",
            postgresql_where=text("part_of IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    kind: Mapped[str]
    reference: Mapped[str]
    digest: Mapped[str]
    person: Mapped[str | None] = mapped_column(String(MSISDN_MAX))
    """Whose word it is, where it is a person's."""
    part_of: Mapped[str | None]
    """Which of this person's long messages it is a part of; comes round, as phones count so."""
    payload: Mapped[Json]
    state: Mapped[Arrival] = mapped_column(choice(Arrival, "state"), default=Arrival.WAITING)
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    note: Mapped[str | None]
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class NotYet(Exception):
    """What a callback speaks of is not stored yet; try again later."""


class Unfinished(Exception):
    """A long message is not whole yet. What was written by then counts.

    Attributes:
        until: when to look again, unless another part comes before.
        tries: as how often tried it counts then, at the least.
    """

    def __init__(self, until: datetime, tries: int) -> None:
        super().__init__("unfinished")
        self.until = until
        self.tries = tries


class Unreadable(Exception):
    """A callback tells of something that must not be lost, and cannot be read: for a person."""


# What a part's body stands under until somebody has seen the whole: a PIN may be cut in two.
SEALED = "sealed"

# Built once: each callback passes through all of them.
_Earlier = aliased(Inbound)
_NOW: BindParameter[datetime] = bindparam("now")
_SINCE: BindParameter[datetime] = bindparam("since")
# Written out, so that a prepared plan, too, can find them in the indexes of what waits.
_WAITING: ColumnElement[Arrival] = literal_column(f"'{Arrival.WAITING}'")
_NEVER_TRIED: ColumnElement[int] = literal_column("0")


def _held_back(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """An earlier word of the same person waits. One that another worker applies still does.

    One that fails again and again ends to hold back the others, and so does a part whose others do
    not come.
    """
    return exists().where(
        _Earlier.person == Inbound.person,
        _Earlier.state == _WAITING,
        _Earlier.tries < INBOX_HOLDS_BACK_TRIES_MAX,
        or_(_Earlier.part_of.is_(None), _Earlier.received_at > _SINCE),
        tuple_(_Earlier.received_at, _Earlier.id) < tuple_(Inbound.received_at, Inbound.id),
        *more,
    )


_ADD = (
    insert(Base.metadata.tables[Inbound.__tablename__])
    .on_conflict_do_nothing()
    .returning(Inbound.id)
)
_WHOLE_FIRST = (
    select(_Earlier.id)
    .where(
        _Earlier.person == Inbound.person,
        _Earlier.part_of == Inbound.part_of,
        _Earlier.state == _WAITING,
    )
    .order_by(_Earlier.received_at, _Earlier.id)
    .limit(1)
    .scalar_subquery()
)
_OF_ANOTHER = or_(Inbound.part_of.is_(None), _Earlier.part_of.is_distinct_from(Inbound.part_of))
_DUE = (
    select(func.coalesce(_WHOLE_FIRST, Inbound.id))
    .where(
        Inbound.state == _WAITING,
        Inbound.due_at <= _NOW,
        ~_held_back(_Earlier.tries > _NEVER_TRIED, _Earlier.due_at > _NOW, _OF_ANOTHER),
    )
    .order_by(Inbound.received_at, Inbound.id)
    .limit(bindparam("at_most"))
)
_TAKE = (
    select(Inbound)
    .where(Inbound.id == bindparam("inbound_id"), Inbound.state == _WAITING, ~_held_back())
    .with_for_update(skip_locked=True, of=Inbound)
)


def store(tx: Tx, callback: Callback, received_at: datetime | None = None) -> bool:
    """Keep a callback; False when this very one is kept already.

    Args:
        tx: the transaction.
        callback: as it came.
        received_at: when it came, if it had to wait elsewhere; else it comes now.
    """
    came = received_at or tx.now
    body = json.dumps(callback.payload, sort_keys=True, default=str)
    itself = "" if callback.once else body
    payload = json.loads(body)
    if callback.part_of:
        payload = {SEALED: tx.vault.seal(payload).decode()}
    added = tx.db.scalar(
        _ADD,
        {
            "id": tx.ids.uuid(),
            "provider": callback.provider,
            "kind": callback.kind,
            "reference": callback.reference,
            "digest": hashlib.sha256(itself.encode()).hexdigest(),
            "person": callback.person or None,
            "part_of": callback.part_of or None,
            "payload": payload,
            "state": Arrival.WAITING,
            "due_at": came,
            "tries": 0,
            "received_at": came,
        },
    )
    tx.wake(Work.INBOX)
    return added is not None


def due(tx: Tx, limit: int) -> list[UUID]:
    """Return waiting callbacks in the order in which they came.

    Those whose turn has not come, because an earlier one of the same person waits for its next
    try, are left out: they must not fill the list. For a part that nobody has looked at, the first
    of its message is named, which may have waited for it.
    """
    found = tx.db.scalars(_DUE, {"now": tx.now, "since": _parts_since(tx), "at_most": limit})
    return list(dict.fromkeys(found))


def apply(tx: Tx, inbound_id: UUID, handle: Callable[[Tx, Inbound], str | None]) -> bool:
    """Apply one waiting callback; False when another worker has it or had it, or when it waits.

    Args:
        tx: the transaction that carries both the effect and the mark.
        inbound_id: which callback.
        handle: does the effect; returns a note when there was nothing to do, raises Unfinished
            when the rest of it may still come, Unreadable when it is for a person.
    """
    row = tx.db.scalar(_TAKE, {"inbound_id": inbound_id, "since": _parts_since(tx)})
    if row is None:
        return False
    try:
        note = handle(tx, row)
    except Unfinished as rest:
        row.due_at, row.tries = rest.until, max(rest.tries, row.tries)
        return False
    except Unreadable as lost:
        row.note = str(lost)
        row.state = Arrival.DEAD
        return True
    settle(tx, row, note)
    return True


def settle(tx: Tx, row: Inbound, note: str | None) -> None:
    """Mark a callback as done with; a note says that there was nothing to do, and why."""
    row.note = note
    row.state = Arrival.IGNORED if note else Arrival.APPLIED
    row.applied_at = tx.now


def waiting_parts(tx: Tx, row: Inbound) -> list[Inbound]:
    """Return the parts that wait of what a callback is a part of, as they came, and lock them."""
    return list(
        tx.db.scalars(
            _parts_of(row, Inbound.state == Arrival.WAITING)
            .order_by(Inbound.received_at, Inbound.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def known_parts(tx: Tx, row: Inbound) -> list[Inbound]:
    """Return those that were done with a short while ago, the last ones first."""
    since = tx.now - timedelta(seconds=SMS_PARTS_KNOWN_SECONDS)
    known = _parts_of(row, Inbound.applied_at > since)
    return list(tx.db.scalars(known.order_by(Inbound.applied_at.desc())))


def _parts_of(row: Inbound, *which: ColumnElement[bool]) -> Select[Inbound]:
    same = (Inbound.person == row.person, Inbound.part_of == row.part_of)
    return select(Inbound).where(*same, *which).limit(SMS_PARTS_TOGETHER_MAX)


def body_of(tx: Tx, row: Inbound) -> Json:
    """Return a callback's body, also of a part that is still sealed."""
    sealed = row.payload.get(SEALED)
    return tx.vault.open(sealed.encode()) if isinstance(sealed, str) else row.payload


def _parts_since(tx: Tx) -> datetime:
    """Since when a part that came keeps the others of its person waiting."""
    return tx.now - timedelta(seconds=SMS_PARTS_WAIT_SECONDS)


def postpone(tx: Tx, inbound_id: UUID, note: str) -> Arrival:
    """Note why a callback could not be applied; it comes again, a limited number of times.

    Of two workers that failed at once one has noted it already: that was one try.
    """
    row = tx.db.get_one(Inbound, inbound_id, with_for_update=True)
    if row.state is Arrival.WAITING and row.due_at <= tx.now:
        row.tries += 1
        row.note = note
        row.due_at = tx.now + timedelta(seconds=2**row.tries)
        if row.tries >= INBOX_TRIES_MAX:
            row.state = Arrival.DEAD
    return row.state
