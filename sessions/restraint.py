"""How much we answer one number: floods are told once, two machines are cut off from each other.

Counted in Redis by the messages' own names, so that a message which is looked at twice counts
once, and by the application's clock. Nothing of a message is kept but a digest, for minutes. When
Redis is away everybody is answered: a flood costs money, silence costs a booking.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

import redis
import structlog
from redis.exceptions import RedisError

from core.msisdn import mask

log = structlog.get_logger()

# Nobody reads and answers more often by hand; a whole booking takes six messages.
MESSAGES_A_MINUTE_MAX = 12
MESSAGES_AN_HOUR_MAX = 60
MINUTE_SECONDS, HOUR_SECONDS = 60, 3600
# The fifth answer of a machine gets none. A machine says the same again, in more than a word or
# two, or answers within seconds with what nobody understands.
LOOP_MAX = 5
SAME_WITHIN_SECONDS = 600
QUICK_SECONDS = 15
SAME_LETTERS_MIN = 16
KEPT_SECONDS = 2 * HOUR_SECONDS


class Verdict(StrEnum):
    """What becomes of a message."""

    ANSWER = "answer"
    TELL = "told"
    """It is one too many: say so, and do nothing else."""
    FLOOD = "flood"
    """They have been told: say nothing."""
    LOOP = "loop"
    """It is a machine that answers ours: say nothing."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, as far as it matters how often there are such.

    Attributes:
        name: the message's own, unique.
        understood: it was a command or an answer.
    """

    msisdn: str
    name: str
    text: str
    understood: bool
    now: datetime


class Restraint(Protocol):
    """Decides whether a message is answered."""

    def judge(self, heard: Heard) -> Verdict:
        """Return what becomes of a message; the same one again gets the same verdict."""


class Unrestrained:
    """Answers everything, for a desk that nobody floods."""

    def judge(self, _heard: Heard) -> Verdict:
        """Return that it is answered."""
        return Verdict.ANSWER


class RedisRestraint:
    """Counts in Redis, for all workers together."""

    def __init__(self, store: "redis.Redis") -> None:
        self._store = store

    def judge(self, heard: Heard) -> Verdict:
        """See ``Restraint``."""
        try:
            if self._machine(heard):
                return Verdict.LOOP
            return self._often(heard)
        except RedisError as error:
            log.warning("sms.unrestrained", error=type(error).__name__)
            return Verdict.ANSWER

    def _often(self, heard: Heard) -> Verdict:
        """Count the messages of the last minute and hour up to this one."""
        name, at = f"sms:{{{heard.msisdn}}}:heard", heard.now.timestamp()
        with self._store.pipeline() as pipe:
            pipe.zadd(name, {heard.name: at}, nx=True)
            pipe.zremrangebyscore(name, "-inf", at - HOUR_SECONDS)
            pipe.zcount(name, at - MINUTE_SECONDS, "+inf")
            pipe.zcard(name)
            pipe.expire(name, KEPT_SECONDS)
            _, _, in_minute, in_hour, _ = pipe.execute()
        if in_minute <= MESSAGES_A_MINUTE_MAX and in_hour <= MESSAGES_AN_HOUR_MAX:
            return Verdict.ANSWER
        return self._told_once(heard, at)

    def _told_once(self, heard: Heard, at: float) -> Verdict:
        key = f"sms:{{{heard.msisdn}}}:told"
        told_by, told_at = self._store.hmget(key, "name", "at")
        if told_at is not None and at - float(told_at) < HOUR_SECONDS:
            return Verdict.TELL if _text(told_by) == heard.name else Verdict.FLOOD
        self._store.hset(key, mapping={"name": heard.name, "at": at})
        self._store.expire(key, KEPT_SECONDS)
        log.warning("sms.flood", sender=mask(heard.msisdn))
        return Verdict.TELL

    def _machine(self, heard: Heard) -> bool:
        """Count the messages in a row that a machine may have sent; True from the fifth."""
        key, at = f"sms:{{{heard.msisdn}}}:again", heard.now.timestamp()
        said = " ".join(heard.text.casefold().split())
        digest = blake2b(said.encode(), digest_size=8).hexdigest()
        last, last_at, last_name, count = map(
            _text, self._store.hmget(key, "digest", "at", "name", "count")
        )
        times = int(count or 0)
        if last_name != heard.name:
            since = at - float(last_at) if last_at else float("inf")
            same = digest == last and len(said) >= SAME_LETTERS_MIN
            again = (same and since <= SAME_WITHIN_SECONDS) or (
                not heard.understood and since <= QUICK_SECONDS
            )
            times = times + 1 if again else 1
            self._store.hset(
                key,
                mapping={"digest": digest, "at": at, "name": heard.name, "count": times},
            )
            self._store.expire(key, KEPT_SECONDS)
            if times == LOOP_MAX:
                log.error("sms.loop_cut", sender=mask(heard.msisdn), messages=times)
        return times >= LOOP_MAX


def _text(value: bytes | str | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
