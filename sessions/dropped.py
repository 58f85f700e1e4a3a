"""Calls that were cut off in the middle of a booking, and offering to go on without one.

Two things tell of one: the gateway's word that the call is over, and silence. Either way the
caller's pointer to a call that may be continued (``sessions.store``) still names it; a call that
ended as it should has none, and dialling again and going on moves it. Only a call in which a
listing and a day were chosen is worth a message: whoever has only looked hung up on purpose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis
from sqlalchemy import func, select

from core import outbox, receipts, talks
from core.catalog.queries import listing_by_number
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import DROP_QUIET_SECONDS, DROPS_A_DAY_MAX
from core.networks import SILENCE_SECONDS_MAX
from core.outbox import Notice
from core.people.model import Purpose
from core.people.usecases import may_write
from core.talks import TALK_TOKEN_LENGTH
from sessions.notices.support import DROPPED_TOPIC
from sessions.state import State
from sessions.store import UNFINISHED_SECONDS, unfinished_key
from sessions.turns import new_part

# No network waits so long for a key; what was pressed last may come late.
SILENT_SECONDS = SILENCE_SECONDS_MAX + 30
# A sweep looks at so many keys at most, and the next one goes on from there.
SCAN_KEYS, SCANS_MAX = 2_000, 20
CURSOR = "ussd:sweep"
SCREENS = frozenset(
    {"details", "about", "date", "nights", "people", "summary", "pieces", "instead"}
)


@dataclass(frozen=True, slots=True)
class Left:
    """One call that may be continued."""

    provider: str
    session_id: str
    msisdn: str

    @property
    def name(self) -> str:
        """The name of its session in the store."""
        return f"ussd:{{{self.msisdn}}}:{self.provider}:{self.session_id}"


class DroppedCalls:
    """Finds calls that were cut off and offers to go on with them.

    Args:
        store: where calls are kept.
    """

    def __init__(self, store: "redis.Redis") -> None:
        self._store = store

    def silent(self) -> Iterator[Left]:
        """Find calls in which nothing has been pressed for long; each is found once."""
        cursor = int(self._store.get(CURSOR) or 0)
        for _ in range(SCANS_MAX):
            cursor, keys = self._store.scan(cursor, match=unfinished_key("*"), count=SCAN_KEYS)
            for key in keys:
                left = self._silent(key)
                if left is not None:
                    yield left
            if cursor == 0:
                break
        self._store.set(CURSOR, cursor)

    def note(self, tx: Tx, left: Left) -> bool:
        """Keep a call that is over, to be offered soon unless it is gone on with; True if kept."""
        self._mark(left)
        state = self._state(left)
        if state is None or not _worth(state) or _done_since(tx, left, state):
            return False
        at = tx.now + timedelta(seconds=DROP_QUIET_SECONDS)
        return talks.offer(tx, left.msisdn, left.provider, state.to_json(), at)

    def send(self, tx: Tx, msisdn: str) -> bool:
        """Write the one message about a call, if they still have not dialled again."""
        talk = talks.take_offer(tx, msisdn)
        if talk is None:
            return False
        talk.offer_at = None
        state = State.from_json(talk.state) if talk.state is not None else None
        title = _title(tx, state) if state is not None else None
        if state is None or title is None or not _may_tell(tx, msisdn):
            talk.state = None
            return False
        left = Left(talk.provider, state.session, msisdn)
        if self._pointer(left) != left.name:
            talk.state = None
            return False
        talk.token = tx.ids.token()[:TALK_TOKEN_LENGTH]
        told = {"title": title, "token": talk.token}
        key = f"drop:{left.provider}:{left.session_id}"
        outbox.add(tx, DROPPED_TOPIC, msisdn, told, key=key)
        return True

    def _silent(self, key: bytes | str) -> Left | None:
        name, seconds_left = self._store.get(key), self._store.ttl(key)
        if not name or seconds_left > UNFINISHED_SECONDS - SILENT_SECONDS:
            return None
        left = _left_of(_text(name))
        return left if left is not None and self._mark(left) else None

    def _mark(self, left: Left) -> bool:
        """Note that a call has been looked at; False when it was before."""
        return bool(self._store.set(f"{left.name}:seen", 1, nx=True, ex=UNFINISHED_SECONDS))

    def _pointer(self, left: Left) -> str | None:
        found = self._store.get(unfinished_key(left.msisdn))
        return _text(found) if found else None

    def _state(self, left: Left) -> State | None:
        if self._pointer(left) != left.name:
            return None
        stored = self._store.hget(left.name, "state")
        try:
            return State.load(_text(stored)) if stored else None
        except ValueError:
            return None


def _worth(state: State) -> bool:
    over = state.final is not None and not state.unfinished
    wanted = state.draft.get("number") and state.draft.get("starts_on")
    return not over and state.screen in SCREENS and bool(wanted)


def _done_since(tx: Tx, left: Left, state: State) -> bool:
    """Tell whether the call did something after the last screen that was kept."""
    kept = receipts.of_session(tx, left.provider, left.session_id)
    later = (State.from_json(receipt.next_state).transcript for receipt in kept)
    return any(new_part(state.transcript, transcript) is not None for transcript in later)


def _title(tx: Tx, state: State) -> str | None:
    """What the call was about; None when that is not on offer any more."""
    try:
        return listing_by_number(tx, state.draft["number"]).title
    except NotFound:
        return None


def _may_tell(tx: Tx, msisdn: str) -> bool:
    since = tx.now - timedelta(days=1)
    told = select(func.count()).where(
        Notice.msisdn == msisdn, Notice.topic == DROPPED_TOPIC, Notice.created_at > since
    )
    return may_write(tx, msisdn, Purpose.OFFERS) and (
        int(tx.db.scalar(told) or 0) < DROPS_A_DAY_MAX
    )


def _left_of(name: str) -> Left | None:
    """Read a session's name: ``ussd:{+254...}:provider:session``."""
    parts = name.split(":", 3)
    if len(parts) != 4:
        return None
    _, msisdn, provider, session_id = parts
    return Left(provider, session_id, msisdn.strip("{}"))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
