"""The trail that conversations leave for whoever wants to know how they go.

A hop pays for a few values in a list. Every other second what came together goes to Redis as one
numbered batch, and a worker takes it from there to the database (``core.insight``). What Redis
does not take is kept, up to a bound, and sent again under its number; what a killed process had in
hand is not counted, nor is what comes while Redis or the workers are away for long. There is no
phone number in it, and nothing that was typed or shown.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import redis
import structlog
from pydantic_core import from_json, to_json
from redis.exceptions import RedisError

from core.clock import Clock
from core.insight.rules import Ending, HopSeen, Stage
from core.ports.calls import Reply, UssdPart, UssdTurn
from sessions.connections import Connections
from sessions.turns import Played

log = structlog.get_logger()

KEY = "nafasi:trail"
FLUSH_SECONDS = 2.0
# A batch is a message of some ten kilobytes; a second of a busy process is a few.
BATCH_HOPS_MAX = 500
# Half an hour of everybody without a worker; what is older is forgotten first.
BATCHES_KEPT_MAX = 20_000
# What one process holds while Redis is away.
HOPS_HELD_MAX = 50_000

STAGES: Mapping[str, Stage] = {
    **dict.fromkeys(
        ("place", "which_place", "date", "nights", "people", "budget", "code"), Stage.LOOKED
    ),
    **dict.fromkeys(("results", "details", "about", "instead"), Stage.OFFERED),
    **dict.fromkeys(("summary", "pieces"), Stage.PRICED),
}
BOOKS = "book"
PAYS = frozenset({BOOKS, "pay"})


class Trail:
    """Notes hops and sends them off.

    Args:
        connections: to Redis.
        clock: tells when a hop was answered.
        source: names this process among the sources of batches.
    """

    def __init__(self, connections: Connections, clock: Clock, source: str) -> None:
        self._connections = connections
        self._now = clock.now
        self._source = source
        self._number = 0
        self._held: deque[list[Any]] = deque(maxlen=HOPS_HELD_MAX)
        self._batch: tuple[int, str] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._closing = False

    def note(
        self,
        heard: UssdTurn | UssdPart,
        reply: Reply,
        seconds: float,
        played: Played | None,
        *,
        turn: bool,
        fault: bool,
    ) -> None:
        """Take note of an answered hop; quick, and never raises.

        Args:
            heard: the hop.
            reply: its answer.
            seconds: how long that took.
            played: the conversation after it, when it was opened.
            turn: an input, or the dial, was answered for the first time.
            fault: it could not be answered as it should.
        """
        hop: list[Any] = [
            heard.provider,
            heard.session_id,
            int(self._now().timestamp() * 1000),
            int(seconds * 1000),
            heard.network,
            (1 if turn else 0) + (2 if fault else 0),
        ]
        ended = Ending.ERROR if fault else Ending.FINISHED
        if played is not None:
            state, did = played.state, played.did
            who = state.person
            stage = Stage.BOOKED if did == BOOKS else STAGES.get(state.screen, Stage.BEGUN)
            code = state.draft.get("code") if did in PAYS else None
            hop += [
                state.version,
                who.language,
                "vendor" if who.vendor_id else "customer",
                state.screen,
                int(stage),
                1 if state.mistakes and turn else 0,
                code or "",
            ]
            if state.unfinished and not fault:
                ended = Ending.STUCK
        # The same words again end nothing.
        if reply.final and (turn or fault):
            hop.append(ended.value)
        self._held.append(hop)
        self._later()

    def _begin(self) -> None:
        self._timer = None
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self.flush())
        else:
            self._later()

    def _later(self) -> None:
        if self._timer is None and not self._closing:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._begin)

    async def flush(self) -> None:
        """Send what is held; what cannot be sent is tried again later, under its number."""
        try:
            while self._batch is not None or self._held:
                if self._batch is None:
                    hops = [
                        self._held.popleft() for _ in range(min(BATCH_HOPS_MAX, len(self._held)))
                    ]
                    self._number += 1
                    self._batch = self._number, to_json(hops).decode()
                number, hops_text = self._batch
                fields = ("source", self._source, "number", number, "hops", hops_text)
                limit = ("MAXLEN", "~", BATCHES_KEPT_MAX)
                await self._connections.ask("XADD", KEY, *limit, "*", *fields)
                self._batch = None
        except (RedisError, OSError) as error:
            log.warning("trail.kept_back", hops=len(self._held), error=type(error).__name__)
            self._later()

    async def aclose(self) -> None:
        """Send what is left, then give back the connection."""
        # First the timer: what it began beside the last sending would send the same once more, on
        # a connection of its own that nobody closes.
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self._sending is not None:
            await self._sending
        await self.flush()
        await self._connections.aclose()


class TrailReader:
    """Takes batches off the trail, for a worker.

    Args:
        store: Redis.
    """

    def __init__(self, store: redis.Redis) -> None:
        self._store = store

    def take(self, apply: Callable[[str, int, list[HopSeen]], object], limit: int) -> int:
        """Hand the oldest batches to ``apply`` and forget each that it has taken.

        A batch comes again when somebody dies between the two: ``apply`` knows it by its number.

        Args:
            apply: given source, number and hops; raises when it cannot take them.
            limit: so many batches at the most.
        """
        entries: Any = self._store.xrange(KEY, count=limit)
        for name, fields in entries:
            try:
                source, number = fields[b"source"].decode(), int(fields[b"number"])
                hops = [hop_of(words) for words in from_json(fields[b"hops"])]
            except (ValueError, KeyError, TypeError) as error:
                # Of another version of ours: it must not keep all others waiting.
                log.warning("trail.unreadable", error=type(error).__name__)
            else:
                apply(source, number, hops)
            self._store.xdel(KEY, name)
        return len(entries)


def hop_of(words: list[Any]) -> HopSeen:
    """Return the hop that ``Trail.note`` wrote."""
    provider, session, at_ms, took_ms, network, flags, *rest = words
    ended = Ending(rest.pop()) if len(rest) in (1, 8) else None
    version, language, role, screen, stage, mistaken, code = rest or ("", "", "", "", 0, 0, "")
    return HopSeen(
        provider=provider,
        session=session,
        at=datetime.fromtimestamp(at_ms / 1000, UTC),
        took_ms=took_ms,
        network=network,
        turn=bool(flags & 1),
        fault=bool(flags & 2),
        version=version,
        language=language,
        role=role,
        screen=screen,
        stage=Stage(stage),
        mistaken=bool(mistaken),
        code=code,
        ended=ended,
    )
