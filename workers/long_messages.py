"""Long messages whose parts come one by one: joined when all are there, given up in time.

The whole is a callback of its own, in the place of the part that came first, and is applied like
any other. Parts are sealed until then; what is kept of them has no PIN, also none that was cut in
two. Only a part is never acted on: its sender is asked to write again.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from channels.sms import HEADERS, TEXTS, Read
from core import inbox
from core.db.base import Json
from core.db.tx import Tx
from core.inbox import Inbound, Unfinished
from core.limits import (
    INBOX_HOLDS_BACK_TRIES_MAX,
    SMS_PARTS_AGAIN_SECONDS,
    SMS_PARTS_LATE_SECONDS,
    SMS_PARTS_WAIT_SECONDS,
)
from core.long_messages import Draft, Part, sort_out
from core.ports.messages import SmsIn, SmsPart
from core.ports.providers import BadCallback, Callback
from sessions.pins import hide
from workers.parts import Desk

log = structlog.get_logger()

REPEATED = "part_repeated"
LATE = "part_late"
GIVEN_UP = "parts_missing"


def join_parts(desk: Desk, tx: Tx, row: Inbound, read: Read) -> str | None:
    """Handle the first part that waits of a long message, and the others with it.

    Returns:
        None when the whole of it waits to be applied now, else why nothing is to be done.

    Raises:
        Unfinished: the rest may still come.
    """
    return _Joining(desk, tx, row, read).run()


class _Joining:
    """One look at all parts that wait of what looks like one long message."""

    def __init__(self, desk: Desk, tx: Tx, row: Inbound, read: Read) -> None:
        self._desk, self._tx, self._row, self._read = desk, tx, row, read
        self._total = _said(read, inbox.body_of(tx, row))[1].total
        self._rows = {each.id: each for each in inbox.waiting_parts(tx, row)}
        known = [(each.note, self._part(each)) for each in inbox.known_parts(tx, row)]
        self._joined = {(part.number, part.text) for note, part in known if note != GIVEN_UP}
        self._given_up = {part.number for note, part in known if note == GIVEN_UP}

    def run(self) -> str | None:
        """See ``join_parts``."""
        waiting, in_vain = list[Draft](), True
        for draft in sort_out(map(self._part, self._rows.values())):
            words, kept = self._hide(draft)
            why = self._why_known(kept)
            if len(draft.parts) == self._total or self._until(draft) <= self._tx.now:
                self._finish(draft, words, kept, why)
            else:
                waiting.append(draft)
                in_vain = in_vain and why is not None
        if self._row.applied_at is not None:
            return self._row.note
        until = min(map(self._until, waiting))
        for draft in waiting:
            for part in (*draft.parts.values(), *draft.doubles):
                self._rows[part.id].due_at = until
        # When all are known, there is most likely nothing to wait for: nobody else should.
        raise Unfinished(until, INBOX_HOLDS_BACK_TRIES_MAX if in_vain else self._tries(waiting))

    def _part(self, row: Inbound) -> Part:
        said, part = _said(self._read, inbox.body_of(self._tx, row))
        return Part(row.id, part.number, said.text, row.received_at)

    def _finish(self, draft: Draft, words: str, kept: Mapping[int, str], why: str | None) -> None:
        """Do what there is to be done with a message that is whole or given up.

        Args:
            draft: what came of it.
            words: of all that came, without a PIN.
            kept: of each part, by its number.
            why: there is nothing to be said about it; None when there is.
        """
        if len(draft.parts) == self._total:
            if why is None:
                self._store(draft, words)
        elif why is None:
            self._tell(draft, words)
            why = GIVEN_UP
        for part in (*draft.parts.values(), *draft.doubles):
            each = self._rows[part.id]
            each.payload = _with_text(inbox.body_of(self._tx, each), kept[part.number])
            inbox.settle(self._tx, each, why)

    def _hide(self, draft: Draft) -> tuple[str, dict[int, str]]:
        """Return the words of a message without a PIN, and by number what each part keeps."""
        words, kept = [], dict[int, str]()
        for run in draft.runs():
            said = "".join(part.text for part in run)
            safe = hide(self._tx, self._row.person, said)
            words.append(safe)
            # Four digits alone are hidden with whatever stood around them.
            left = safe if len(safe) == len(said) else "*" * len(said)
            for part in run:
                kept[part.number], left = left[: len(part.text)], left[len(part.text) :]
        return " ... ".join(words), kept

    def _why_known(self, kept: Mapping[int, str]) -> str | None:
        """Tell why nothing is to be said about these parts: they belong to what was done with."""
        if self._joined.issuperset(kept.items()):
            return REPEATED
        late = len(kept) < self._total and self._given_up.isdisjoint(kept)
        return LATE if self._given_up and late else None

    def _until(self, draft: Draft) -> datetime:
        """Return until when a message waits for its other parts."""
        until = draft.last_at + timedelta(seconds=SMS_PARTS_WAIT_SECONDS)
        # A part that comes meanwhile does not end a wait.
        until = max(until, self._row.due_at)
        if until <= self._tx.now and self._was_away:
            return self._tx.now + timedelta(seconds=SMS_PARTS_AGAIN_SECONDS)
        return until

    @property
    def _was_away(self) -> bool:
        """Whether we look so late that others, too, may not have had the database."""
        late_by = self._tx.now - self._row.due_at
        again = self._row.tries + 1 < INBOX_HOLDS_BACK_TRIES_MAX
        return again and late_by > timedelta(seconds=SMS_PARTS_LATE_SECONDS)

    def _tries(self, waiting: list[Draft]) -> int:
        """Return as how often tried this look counts; see ``inbox._held_back``."""
        over = self._tx.now - timedelta(seconds=SMS_PARTS_WAIT_SECONDS)
        again = any(draft.last_at <= over for draft in waiting)
        return max(1, self._row.tries + again)

    def _store(self, draft: Draft, words: str) -> None:
        first = self._rows[draft.first.id]
        body = inbox.body_of(self._tx, first)
        whole = {name: value for name, value in body.items() if name not in HEADERS}
        callback = Callback(
            first.provider,
            first.kind,
            f"{first.reference}:whole",
            _with_text(whole, words),
            once=True,
            person=first.person or "",
        )
        inbox.store(self._tx, callback, first.received_at)

    def _tell(self, draft: Draft, words: str) -> None:
        said, _ = _said(self._read, inbox.body_of(self._tx, self._rows[draft.first.id]))
        log.info(
            "sms.unfinished", provider=said.provider, came=len(draft.parts), total=self._total
        )
        self._desk.handle_unfinished(self._tx, replace(said, text=words, part=None))


def _said(read: Read, body: Json) -> tuple[SmsIn, SmsPart]:
    said = read(body)
    if not isinstance(said, SmsIn) or said.part is None:
        raise BadCallback(field="part")
    return said, said.part


def _with_text(body: Json, text: str) -> Json:
    return body | {name: text for name in TEXTS if name in body}
