"""Dead letters: messages and callbacks that nothing moves any more, until a person does.

A message is dead when a route refused it for good or all its tries are used up, a callback when it
could not be applied so often. None of them is lost: they are listed with their age, taken up
again, or dropped with a reason. A message of which nobody knows whether it went out is among them,
too: only a person may have it sent again.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from core.db.tx import Tx, Work
from core.errors import BadInput, NotFound, Refused
from core.inbox import Arrival, Inbound
from core.limits import DEAD_LETTER_WHY_MAX, DEAD_LETTERS_MAX
from core.outbox import Notice, Sending

LOST = (Sending.DEAD, Sending.UNKNOWN)


class Box(StrEnum):
    """Which way it was going."""

    MESSAGE = "message"
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One of them.

    Attributes:
        id: of the message or the callback.
        box: which of the two it is.
        what: a message's topic; a callback's provider and kind.
        state: ``dead``, or ``unknown`` of a message that may have gone out.
        why: the last error, or the note of the last try.
        person: to or from whom, where it is a person.
        tries: how often it was tried.
        since: when it was owed, or came.
    """

    id: UUID
    box: Box
    what: str
    state: str
    why: str
    person: str | None
    tries: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Pile:
    """How many there are in one box and state, and since when."""

    box: Box
    state: str
    count: int
    oldest: datetime | None


def dead_letters(tx: Tx, why: str | None = None) -> list[DeadLetter]:
    """Return dead letters, the oldest first, ``DEAD_LETTERS_MAX`` at the most.

    Args:
        tx: the transaction.
        why: only those with this last error or note.
    """
    notices = select(Notice).where(Notice.state.in_(LOST)).order_by(Notice.created_at, Notice.id)
    rows = select(Inbound).where(Inbound.state == Arrival.DEAD)
    rows = rows.order_by(Inbound.received_at, Inbound.id)
    if why is not None:
        notices, rows = notices.where(Notice.error == why), rows.where(Inbound.note == why)
    found = [
        *map(_of_notice, tx.db.scalars(notices.limit(DEAD_LETTERS_MAX))),
        *map(_of_callback, tx.db.scalars(rows.limit(DEAD_LETTERS_MAX))),
    ]
    return sorted(found, key=lambda letter: letter.since)[:DEAD_LETTERS_MAX]


def dead_letter(tx: Tx, letter_id: UUID) -> DeadLetter:
    """Return one; raises NotFound."""
    found = _locked(tx, letter_id)
    return _of_notice(found) if isinstance(found, Notice) else _of_callback(found)


def piles(tx: Tx) -> list[Pile]:
    """Return how many there are of each sort, and how old the oldest is."""
    notices = tx.db.execute(
        select(Notice.state, func.count(), func.min(Notice.created_at))
        .where(Notice.state.in_(LOST))
        .group_by(Notice.state)
    )
    rows = tx.db.execute(
        select(Inbound.state, func.count(), func.min(Inbound.received_at))
        .where(Inbound.state == Arrival.DEAD)
        .group_by(Inbound.state)
    )
    known: dict[tuple[Box, str], tuple[int, datetime]] = {}
    known |= {(Box.MESSAGE, state.value): (count, oldest) for state, count, oldest in notices}
    known |= {(Box.CALLBACK, state.value): (count, oldest) for state, count, oldest in rows}
    sorts = [*((Box.MESSAGE, state.value) for state in LOST), (Box.CALLBACK, Arrival.DEAD.value)]
    return [Pile(*sort, *known.get(sort, (0, None))) for sort in sorts]


def retry(tx: Tx, letter_id: UUID, *, maybe_twice: bool = False) -> DeadLetter:
    """Take one up again with all its tries.

    Args:
        tx: the transaction.
        letter_id: which one.
        maybe_twice: also a message that may have gone out, whose person may then read it twice.

    Raises:
        NotFound: there is no such dead letter.
        Refused: ``may_have_gone``.
    """
    found = _locked(tx, letter_id)
    if isinstance(found, Notice):
        letter = _of_notice(found)
        if found.state is Sending.UNKNOWN and not maybe_twice:
            raise Refused("may_have_gone")
        found.state, found.leased_until = Sending.WAITING, None
        tx.wake(Work.NOTICES)
    else:
        letter = _of_callback(found)
        found.state = Arrival.WAITING
        tx.wake(Work.INBOX)
    found.tries, found.due_at = 0, tx.now
    return letter


def drop(tx: Tx, letter_id: UUID, why: str) -> DeadLetter:
    """Give one up for good.

    Raises:
        BadInput: ``empty`` or ``too_long`` reason.
        NotFound: there is no such dead letter.
    """
    why = why.strip()
    if not why:
        raise BadInput("empty")
    if len(why) > DEAD_LETTER_WHY_MAX:
        raise BadInput("too_long")
    found = _locked(tx, letter_id)
    if isinstance(found, Notice):
        letter = _of_notice(found)
        found.state, found.error = Sending.DROPPED, why
    else:
        letter = _of_callback(found)
        found.state, found.note, found.applied_at = Arrival.IGNORED, why, tx.now
    return letter


def _locked(tx: Tx, letter_id: UUID) -> Notice | Inbound:
    notice = tx.db.get(Notice, letter_id, with_for_update=True)
    if notice is not None and notice.state in LOST:
        return notice
    row = tx.db.get(Inbound, letter_id, with_for_update=True)
    if row is not None and row.state is Arrival.DEAD:
        return row
    raise NotFound


def _of_notice(notice: Notice) -> DeadLetter:
    return DeadLetter(
        notice.id,
        Box.MESSAGE,
        notice.topic,
        notice.state.value,
        notice.error or "",
        notice.msisdn,
        notice.tries,
        notice.created_at,
    )


def _of_callback(row: Inbound) -> DeadLetter:
    return DeadLetter(
        row.id,
        Box.CALLBACK,
        f"{row.provider} {row.kind}",
        row.state.value,
        row.note or "",
        row.person,
        row.tries,
        row.received_at,
    )
