"""The values of a turn, and how a provider's transcript is read."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Protocol, TypeVar

from core.db.tx import Tx
from core.ports.calls import Reply, UssdTurn
from core.talks import Channel
from sessions.flow import Person
from sessions.handover import Handover
from sessions.state import State

T = TypeVar("T")
# Stands for what was typed and is not to be known.
BLANK = "?"


class NeedsThread(Exception):
    """The next step waits for the database and must not do so on the event loop."""


class Hooks(Protocol):
    """What the engine asks of the rest of the application. Called in threads only."""

    def who(self, tx: Tx, msisdn: str) -> Person:
        """Return who has this number; somebody unknown gets a Person without an id."""

    def help_sms(self, tx: Tx, person: Person) -> None:
        """Write the notice with the next steps for somebody who is stuck."""

    def used(self, tx: Tx, person: Person, channel: Channel) -> None:
        """Take note that somebody has just done something on a channel."""

    def late_sms(self, tx: Tx, person: Person, text: str) -> None:
        """Write a notice with the answer that came too late for the screen."""


class Transactions(Protocol):
    """Where a conversation reads and writes: a database, or a transaction that is open already."""

    def run(self, use_case: Callable[[Tx], T]) -> T:
        """Run a use case as a whole: when it raises, nothing of it is kept."""

    def transaction(self) -> AbstractContextManager[Tx]:
        """Open a transaction; leaving the block without an error keeps what was done."""

    def reading(self) -> AbstractContextManager[Tx]:
        """Open what reads."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop as it is played.

    Attributes:
        turn: what came from the provider.
        now: the moment it came.
        threaded: it runs in a thread and may use the database.
        handover: with the waiting hop, when an effect is to be performed.
        replay: the session was lost and is being rebuilt: nothing is performed.
        channel: what it is played on.
    """

    turn: UssdTurn
    now: datetime
    threaded: bool = False
    handover: Handover | None = None
    replay: bool = False
    channel: Channel = Channel.USSD


@dataclass(frozen=True, slots=True)
class Played:
    """Where a hop led.

    Attributes:
        state: the conversation after it.
        reply: what is shown.
        acted: an effect has been committed: the answer stands whatever happens to the session.
        introduced: who is calling has changed on this hop.
        changed: numbers of others whose role has changed on this hop.
        did: the effect that was performed last on it, if any.
    """

    state: State
    reply: Reply
    acted: bool = False
    introduced: bool = False
    changed: tuple[str, ...] = ()
    did: str = ""


def printable(transcript: str) -> str:
    """Return a transcript with blanks for what no keypad can type.

    PostgreSQL refuses NUL, UTF-8 lone surrogates.
    """
    return "".join(letter if letter.isprintable() else " " for letter in transcript)


def digest_of(transcript: str, key: bytes = b"") -> str:
    """Return the name of a transcript: 128 bits are plenty among the turns of one session.

    With a key nobody without it can try which PIN a transcript holds.
    """
    return blake2b(transcript.encode(), digest_size=16, key=key).hexdigest()


def blanked(transcript: str, blanks: Iterable[Sequence[int]]) -> str:
    """Return a transcript with ``BLANK`` in the places that are not to be known."""
    for start, end in blanks:
        hidden = transcript[start:end]
        transcript = f"{transcript[:start]}{BLANK * len(hidden)}{transcript[end:]}"
    return transcript


def receipt_key(turn: UssdTurn, transcript: str) -> tuple[str, str, str]:
    """Return provider, session and digest of a turn's receipt.

    The caller is part of the digest, as of the session's name: whoever comes with another's
    session id and types the same has a turn of their own.
    """
    return turn.provider, turn.session_id, digest_of(f"{turn.msisdn} {transcript}")


def new_part(played: str, transcript: str, blanks: Iterable[Sequence[int]] = ()) -> str | None:
    """Return what is new in a transcript, or None when it is behind or contradicts.

    The provider repeats everything typed so far, joined by ``*``; an answer may hold ``*`` too,
    so only the difference to what has been played counts. What was blanked of it is not compared.
    """
    if not played:
        return transcript or None
    if (
        blanked(transcript, blanks).startswith(played)
        and transcript[len(played) : len(played) + 1] == "*"
    ):
        return transcript[len(played) + 1 :]
    return None
