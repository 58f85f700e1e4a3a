"""The values of a turn, and how a provider's transcript is read."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from core.db.tx import Tx
from core.ports import Reply, UssdTurn
from sessions.flow import Person
from sessions.handover import Handover
from sessions.state import State


class NeedsThread(Exception):
    """The next step waits for the database and must not do so on the event loop."""


class Hooks(Protocol):
    """What the engine asks of the rest of the application. Called in threads only."""

    def who(self, tx: Tx, msisdn: str) -> Person:
        """Return who has this number; somebody unknown gets a Person without an id."""

    def help_sms(self, tx: Tx, person: Person) -> None:
        """Write the notice with the next steps for somebody who is stuck."""

    def late_sms(self, tx: Tx, person: Person, text: str) -> None:
        """Write a notice with the answer that came too late for the screen."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop as it is played.

    Attributes:
        turn: what came from the provider.
        now: the moment it came.
        threaded: it runs in a thread and may use the database.
        handover: with the waiting hop, when an effect is to be performed.
        replay: the session was lost and is being rebuilt: nothing is performed.
    """

    turn: UssdTurn
    now: datetime
    threaded: bool = False
    handover: Handover | None = None
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """Where a hop led.

    Attributes:
        state: the conversation after it.
        reply: what is shown.
        acted: an effect has been committed: the answer stands whatever happens to the session.
        introduced: who is calling has changed on this hop.
        did: the effect that was performed last on it, if any.
    """

    state: State
    reply: Reply
    acted: bool = False
    introduced: bool = False
    did: str = ""


def digest_of(transcript: str) -> str:
    """Return the name of a transcript: 128 bits are plenty among the turns of one session."""
    return blake2b(transcript.encode(), digest_size=16).hexdigest()


def receipt_key(turn: UssdTurn, transcript: str) -> tuple[str, str, str]:
    """Return provider, session and digest of a turn's receipt.

    The caller is part of the digest, as of the session's name: whoever comes with another's
    session id and types the same has a turn of their own.
    """
    return turn.provider, turn.session_id, digest_of(f"{turn.msisdn} {transcript}")


def new_part(played: str, transcript: str) -> str | None:
    """Return what is new in a transcript, or None when it is behind or contradicts.

    The provider repeats everything typed so far, joined by ``*``; an answer may hold ``*`` too,
    so only the difference to what has been played counts.
    """
    if not played:
        return transcript or None
    if transcript.startswith(played) and transcript[len(played) : len(played) + 1] == "*":
        return transcript[len(played) + 1 :]
    return None
