"""What is counted of a conversation, and how it is told how one ended.

Four things are counted, each with its own name and never one by the other's number: *hops*
(answered callbacks, repeated ones too), *turns* (inputs answered for the first time), *sessions*,
and *bookings*.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from core.networks import network_of

# Upper bounds of how long hops took; what took longer than the last is counted behind it.
BUCKETS_MS = (2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000, 4_000, 8_000)
# The end is told a moment after it; and what a network counts begins on the phone.
SILENCE_SLACK_SECONDS = 2
# Words of gateways for an end that was no person's doing and no network's timer.
FAILED_WORDS = frozenset({"failed", "failure", "error"})
ENDED_WORDS = frozenset({"success", "completed"})
TIMED_OUT_WORDS = frozenset({"timeout"})


class Stage(IntEnum):
    """How far somebody came who set out to book. What a booking becomes is the booking's state."""

    BEGUN = 0
    LOOKED = 1
    OFFERED = 2
    PRICED = 3
    BOOKED = 4


class Ending(StrEnum):
    """How a conversation ended; each has exactly one."""

    FINISHED = "finished"
    """We said END as it was meant; counted apart while money that was to follow has not come."""
    STUCK = "stuck"
    """We said END after the third mistake in a row, with the help SMS."""
    CANCELLED = "cancelled"
    """The person hung up."""
    TIMED_OUT = "timed_out"
    """The network's timer ran out, by the gateway's word."""
    ERROR = "error"
    """Something of ours or of the gateway's failed."""
    ABANDONED = "abandoned"
    """Nobody told us of an end, and by our own timer it must be over: a guess."""


@dataclass(frozen=True, slots=True)
class HopSeen:
    """One answered hop.

    Attributes:
        provider: who brought it.
        session: the gateway's name of the conversation.
        at: when it was answered.
        took_ms: how long that took.
        network: the network's code, empty when not told.
        turn: an input (or the dial) was answered for the first time.
        fault: it could not be answered as it should.
        version: of the flow; empty when the conversation was not opened for it, as language, role
            and screen then are.
        stage: how far it shows that they have come.
        mistaken: the input was refused.
        code: of the booking that was made or paid for on it.
        ended: how it ended the conversation, None when it did not.
    """

    provider: str
    session: str
    at: datetime
    took_ms: int
    network: str = ""
    turn: bool = False
    fault: bool = False
    version: str = ""
    language: str = ""
    role: str = ""
    screen: str = ""
    stage: Stage = Stage.BEGUN
    mistaken: bool = False
    code: str = ""
    ended: Ending | None = None


@dataclass(slots=True)
class Seen:
    """What some hops of one session add up to."""

    last: HopSeen
    begun_at: datetime
    hops: int = 0
    turns: int = 0
    mistakes: int = 0
    faults: int = 0
    took_ms: int = 0
    stage: Stage = Stage.BEGUN
    known: HopSeen | None = None
    code: str = ""
    ended: Ending | None = None
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))


def fold(hops: Iterable[HopSeen]) -> dict[tuple[str, str], Seen]:
    """Add hops up by session, in the order in which they came."""
    found: dict[tuple[str, str], Seen] = {}
    for hop in hops:
        seen = found.setdefault((hop.provider, hop.session), Seen(hop, hop.at))
        seen.last = hop
        seen.hops += 1
        seen.turns += hop.turn
        seen.mistakes += hop.mistaken
        seen.faults += hop.fault
        seen.took_ms += hop.took_ms
        seen.stage = max(seen.stage, hop.stage)
        seen.buckets[bisect_left(BUCKETS_MS, hop.took_ms)] += 1
        if hop.version:
            seen.known = hop
        seen.code = hop.code or seen.code
        seen.ended = hop.ended or seen.ended
    return found


def told_ending(status: str, network: str, silent: timedelta, lasted: timedelta) -> Ending:
    """Return how a conversation ended that we had not ended, by a gateway's word.

    Most gateways have one word for a person who hangs up and a timer that runs out. The timers are
    known: an end that comes when one of them must have run out was not the person's.

    Args:
        status: the gateway's word.
        network: the network's code.
        silent: from our last answer to the end.
        lasted: from the dial to the end.
    """
    word = status.lower()
    if word in FAILED_WORDS:
        return Ending.ERROR
    if word in ENDED_WORDS:
        return Ending.FINISHED
    timers = network_of(network)
    patience = timers.silence_seconds - SILENCE_SLACK_SECONDS
    whole = timers.session_seconds - SILENCE_SLACK_SECONDS
    ran_out = silent.total_seconds() >= patience or lasted.total_seconds() >= whole
    return Ending.TIMED_OUT if ran_out or word in TIMED_OUT_WORDS else Ending.CANCELLED


def percentile_ms(buckets: Iterable[int], percent: int) -> int | None:
    """Return the bound below which so many percent of hops stayed; None when that is not known."""
    counts = list(buckets)
    wanted, passed = sum(counts) * percent, 0
    for bound, count in zip(BUCKETS_MS, counts, strict=False):
        passed += count
        if wanted and passed * 100 >= wanted:
            return bound
    return None
