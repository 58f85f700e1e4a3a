"""Where conversations are kept between hops: Redis, in two scripts a hop.

Keys, all of one caller in one hash slot:

- ``ussd:{+254...}:<provider>:<session>`` a hash: ``state``, and under each digest the reply to
  that transcript (``+`` goes on, ``.`` was the last). Lives ``SESSION_TTL_SECONDS``.
- the same with ``:lease``: the token of whoever plays a hop of it now.
- ``ussd:{+254...}:person``: who it is, so that a call can open without the database.
- ``ussd:{+254...}:unfinished``: the session that a redial may go on with.
- the first with ``:typed``: what was typed so far, of a gateway that brings only the last key;
  sealed, for it may be a PIN.
- ``ussd:epoch``: since when this Redis remembers; missing after it has lost everything.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from core.ports.calls import Reply, UssdPart, UssdTurn
from sessions.connections import Connections
from sessions.scripts import SCRIPTS
from sessions.sealing import KEY_BYTES, Sealing

REDIS_TIMEOUT_SECONDS = 1.0
REDIS_CONNECTIONS_MAX = 64
# A call that was cut off can be continued for this long (DESIGN §4).
UNFINISHED_SECONDS = 30 * 60
SESSION_TTL_SECONDS = UNFINISHED_SECONDS + 5 * 60
PERSON_SECONDS = 60 * 60
# Longer than the soft deadline and the closing script together, so that a hop that is still
# waited for keeps its lease; short enough that a killed process holds nobody up for long.
LEASE_MS = 6_000
# Between two screens lie a reader, a keypad and the network: seconds at the least.
REPEATED_WITHIN_MS = 2_000


class StoreDown(Exception):
    """The store does not answer, or refuses to."""


class Unfinished(StrEnum):
    """What becomes of the pointer to a call that may be continued."""

    KEEP = ""
    POINT_HERE = "here"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Session:
    """The names of one session's keys."""

    name: str
    msisdn: str

    @classmethod
    def of(cls, turn: UssdTurn | UssdPart) -> "Session":
        """Return the session of a hop; the caller belongs to its name."""
        return cls(f"ussd:{{{turn.msisdn}}}:{turn.provider}:{turn.session_id}", turn.msisdn)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was found when a hop came in. Exactly one of the first three, or a new session.

    Attributes:
        reply: the answer that this transcript has had already.
        busy: somebody else plays a hop of this session now.
        state: the session's state; the lease is ours.
        person: of a new session: who is calling, when known.
        unfinished: of a new session: the name of a call that may be continued.
    """

    reply: Reply | None = None
    busy: bool = False
    state: str | None = None
    person: str | None = None
    unfinished: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """What a played hop leaves behind.

    Attributes:
        state: the new state.
        digest: of the transcript that was answered.
        reply: the answer.
        forget: the digest whose reply need not be kept any longer, or empty.
        unfinished: what happens to the caller's pointer.
        person: who it is, when that is new, or empty.
    """

    state: str
    digest: str
    reply: Reply
    forget: str = ""
    unfinished: Unfinished = Unfinished.KEEP
    person: str = ""


class Store(Protocol):
    """Keeps conversations. Every method raises StoreDown when it cannot."""

    async def open(self, session: Session, digest: str, token: str) -> Opened:
        """Take the lease and read the session, unless the reply is known or somebody has it."""

    async def join(self, part: UssdPart) -> UssdTurn:
        """Put what was typed last behind what was typed before; a repeated hop adds nothing."""

    async def close(self, session: Session, token: str, closing: Closing) -> bool:
        """Write everything and drop the lease; False when the lease is no longer ours."""

    async def release(self, session: Session, token: str) -> None:
        """Drop the lease and change nothing."""

    async def read(self, name: str) -> str | None:
        """Return the state of a session by name."""

    async def settle(self, age_seconds: int) -> None:
        """Give a store that is new an age, so that nothing is looked for that never was there."""

    async def age_seconds(self) -> int:
        """Return for how long the store has remembered; 0 when it begins now."""

    async def forget_person(self, msisdn: str) -> None:
        """Let the next call ask anew who has this number."""

    async def aclose(self) -> None:
        """Give back what the store holds open."""


_EPOCH_KEY = "ussd:epoch"


def person_key(msisdn: str) -> str:
    """Return the key under which it is remembered who has a number.

    Whoever changes a person's language, name or vendor outside a call deletes it.
    """
    return f"ussd:{{{msisdn}}}:person"


def connect(url: str, connections_max: int = REDIS_CONNECTIONS_MAX) -> redis.asyncio.Redis:
    """Return a Redis client for hops: short timeouts, no retries, a bounded pool.

    A hop has no time to try twice: it says so, and the person dials again.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=REDIS_TIMEOUT_SECONDS,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    return redis.asyncio.Redis.from_pool(pool)


class RedisStore:
    """The store of production. Needs the Redis 7.0 command set.

    Args:
        client: made by ``connect``.
        key: seals what is kept of single entries.
    """

    def __init__(self, client: redis.asyncio.Redis, key: bytes = bytes(KEY_BYTES)) -> None:
        self._sealing = Sealing(key)
        self._connections = Connections(
            client.connection_pool, REDIS_CONNECTIONS_MAX, REDIS_TIMEOUT_SECONDS
        )

    async def open(self, session: Session, digest: str, token: str) -> Opened:
        """See ``Store.open``."""
        name = session.name
        answer = await self._run(
            "open",
            name,
            f"{name}:lease",
            person_key(session.msisdn),
            unfinished_key(session.msisdn),
            digest,
            token,
            LEASE_MS,
        )
        match answer:
            case ["state", state]:
                return Opened(state=state)
            case ["reply", reply]:
                return Opened(reply=decode_reply(reply))
            case ["new", person, unfinished]:
                return Opened(person=person or None, unfinished=unfinished or None)
            case _:
                return Opened(busy=True)

    async def join(self, part: UssdPart) -> UssdTurn:
        """See ``Store.join``."""
        name = Session.of(part).name
        kept = await self._run(
            "join",
            f"{name}:typed",
            f"{name}:lease",
            self._sealing.seal(part.typed),
            "" if part.number is None else part.number,
            int(part.begins),
            SESSION_TTL_SECONDS,
            REPEATED_WITHIN_MS,
        )
        first, *more = map(self._sealing.open, kept)
        # Nothing was dialled after the code: then the first key is the beginning.
        return part.within("*".join([first, *more] if first else more))

    async def close(self, session: Session, token: str, closing: Closing) -> bool:
        """See ``Store.close``."""
        name = session.name
        done = await self._run(
            "close",
            name,
            f"{name}:lease",
            person_key(session.msisdn),
            unfinished_key(session.msisdn),
            token,
            closing.state,
            closing.digest,
            encode_reply(closing.reply),
            SESSION_TTL_SECONDS,
            closing.forget,
            closing.unfinished.value,
            UNFINISHED_SECONDS,
            closing.person,
            PERSON_SECONDS,
        )
        return bool(done)

    async def release(self, session: Session, token: str) -> None:
        """See ``Store.release``."""
        await self._run("release", f"{session.name}:lease", token)

    async def read(self, name: str) -> str | None:
        """See ``Store.read``."""
        state: str | None = await self._asked("HGET", name, "state")
        return state

    async def settle(self, age_seconds: int) -> None:
        """See ``Store.settle``."""
        await self._run("age", _EPOCH_KEY, age_seconds)

    async def age_seconds(self) -> int:
        """See ``Store.age_seconds``."""
        return int(await self._run("age", _EPOCH_KEY, 0))

    async def forget_person(self, msisdn: str) -> None:
        """See ``Store.forget_person``."""
        await self._asked("DEL", person_key(msisdn))

    async def _run(self, name: str, *args: str | int) -> Any:
        script = SCRIPTS[name]
        try:
            return await self._asked("EVALSHA", script.sha, script.keys, *args)
        except NoScriptError:
            return await self._asked("EVAL", script.source, script.keys, *args)

    async def aclose(self) -> None:
        """See ``Store.aclose``; used again, the store connects again."""
        await self._connections.aclose()

    async def _asked(self, *command: str | int) -> Any:
        """Send a command; once more when the connection had died while it lay idle.

        All that is sent here may be sent twice: a lease that is ours stays ours, and a closing
        that was done already is refused and its reply then found.
        """
        try:
            return await self._connections.ask(*command)
        except NoScriptError:
            raise
        except redis.exceptions.ConnectionError:
            pass
        except (RedisError, OSError) as error:
            raise StoreDown from error
        try:
            return await self._connections.ask(*command)
        except NoScriptError:
            raise
        except (RedisError, OSError) as error:
            raise StoreDown from error


def forget_person(client: "redis.Redis", msisdn: str) -> None:
    """Let the next call ask anew who has this number; for code that is not asynchronous."""
    client.delete(person_key(msisdn))


def encode_reply(reply: Reply) -> str:
    """Return a reply as it is stored."""
    return f"{'.' if reply.final else '+'}{reply.text}"


def decode_reply(stored: str) -> Reply:
    """Return the reply of ``encode_reply``."""
    return Reply(stored[1:], stored[0] == ".")


def unfinished_key(msisdn: str) -> str:
    """Return the key of the pointer to a caller's call that may be continued."""
    return f"ussd:{{{msisdn}}}:unfinished"
