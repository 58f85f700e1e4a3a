"""Leads one hop from the provider's callback to the reply: open, play, close.

The only asynchronous part of the house. An ordinary hop costs two Redis round trips and no
thread; a hop that needs the database is played in a bounded pool of threads and waited for until
the soft deadline, so that the phone always gets an answer while the network still shows it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.clock import Clock
from core.ids import Ids
from core.logs import places
from core.networks import SESSION_SECONDS_MAX
from core.ports.calls import Reply, UssdPart, UssdTurn
from sessions import texts
from sessions.connections import Connections
from sessions.engine import Engine
from sessions.flow import End
from sessions.handover import Handover
from sessions.lanes import Lane, Lanes
from sessions.state import REPLIES_KEPT_MAX, State, dump_person, load_person
from sessions.store import Closing, Opened, Session, Store, StoreDown, Unfinished
from sessions.trail import Trail
from sessions.turns import Hop, NeedsThread, Played, digest_of, new_part, printable
from sessions.walk import RESUME

log = structlog.get_logger()
T = TypeVar("T")

THREADS = 4
# More than this many hops in line for a thread would all be answered too late.
WAITING_MAX = 200
SOFT_DEADLINE_SECONDS = 4.0
# An effect that has claimed the word commits within milliseconds; past this something is broken.
COMMIT_GRACE_SECONDS = 3.0
BUSY_PAUSE_SECONDS = 0.01
BUSY_PAUSE_MAX_SECONDS = 0.1
AWAY = (PoolTimeout, OperationalError, InterfaceError)


class HopKind(StrEnum):
    """How a hop was answered, for counting."""

    BEGUN = "begun"
    PLAYED = "played"
    REPEATED = "repeated"
    BEHIND = "behind"
    RECOVERED = "recovered"
    BUSY = "busy"
    SLOW = "slow"
    LATE = "late"
    OUTAGE = "outage"
    ERROR = "error"


TURNS = frozenset({HopKind.BEGUN, HopKind.PLAYED, HopKind.RECOVERED})
FAULTS = frozenset({HopKind.BUSY, HopKind.SLOW, HopKind.LATE, HopKind.OUTAGE, HopKind.ERROR})


class Observer(Protocol):
    """Counts hops."""

    def hop(self, kind: HopKind, reply: Reply, seconds: float) -> None:
        """Take note of an answered hop; must not raise and must be quick."""


# How a hop was answered, with what, and where the conversation then stands when that is known.
Answered = tuple[HopKind, Reply, Played | None]


class _TooSlow(Exception):
    """What ran in a thread has not ended in time; it will be of no use when it does."""


class _DatabaseAway(Exception):
    """Nothing can be asked of the database.

    Args:
        language: what the person speaks, as far as the session tells.
    """

    def __init__(self, language: str | None) -> None:
        super().__init__(language)
        self.language = language


class Conductor:
    """Answers hops.

    Args:
        engine: the rules.
        store: where conversations are kept.
        clock: tells the time.
        ids: makes this process's part of lease tokens.
        threads: how many hops may use the database at once; the database pool should be as big.
        soft_deadline_seconds: how long a phone waits for an answer of ours.
        digest_key: so that what is kept of a transcript does not tell what was typed.
        observer: counts hops.
        trail: to where it is sent how conversations go; nowhere without it.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        threads: int = THREADS,
        soft_deadline_seconds: float = SOFT_DEADLINE_SECONDS,
        digest_key: bytes = b"",
        observer: Observer | None = None,
        trail: Connections | None = None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._lanes = Lanes(threads)
        self._in_threads = 0
        self._soft_deadline_seconds = soft_deadline_seconds
        self._digest_key = digest_key
        self._observer = observer
        self._token = ids.token()
        self._trail = Trail(trail, clock, self._token) if trail is not None else None
        self._leases = 0

    async def start(self) -> None:
        """Tell a store that is new that it has lost nothing; call it once before the first hop.

        A store that is emptied later has no age, which is how a loss is noticed.
        """
        try:
            await self._store.settle(SESSION_SECONDS_MAX)
        except StoreDown:
            log.warning("sessions.store_down")

    def close(self) -> None:
        """Wait for what still runs in threads."""
        self._lanes.close()

    async def aclose(self) -> None:
        """Wait for what still runs in threads, then give back the store's connections."""
        await asyncio.get_running_loop().run_in_executor(None, self.close)
        if self._trail is not None:
            await self._trail.aclose()
        await self._store.aclose()

    async def advance(self, heard: UssdTurn | UssdPart) -> Reply:
        """Answer one hop. Never raises: whatever happens, the phone gets a sentence."""
        started = time.monotonic()
        played: Played | None = None
        try:
            turn = heard if isinstance(heard, UssdTurn) else await self._store.join(heard)
            if not turn.transcript.isprintable():
                turn = replace(turn, transcript=printable(turn.transcript))
            kind, reply, played = await self._advance(turn, started + self._soft_deadline_seconds)
        except StoreDown:
            kind, reply = HopKind.OUTAGE, Reply(texts.OUTAGE, final=True)
            log.warning("sessions.store_down")
        except _DatabaseAway as away:
            words = texts.plain(texts.BUSY, away.language) if away.language else texts.OUTAGE
            kind, reply = HopKind.OUTAGE, Reply(words, final=True)
            log.warning("sessions.database_down", error=type(away.__cause__).__name__)
        except Exception as error:  # noqa: BLE001 -- the phone gets a sentence all the same.
            kind, reply = HopKind.ERROR, Reply(texts.OUTAGE, final=True)
            log.error(  # noqa: TRY400 -- a traceback may show numbers and what was typed.
                "sessions.hop_failed", error=type(error).__name__, where=places(error)
            )
        seconds = time.monotonic() - started
        if self._observer is not None:
            self._observer.hop(kind, reply, seconds)
        if self._trail is not None:
            turned, fault = kind in TURNS, kind in FAULTS
            self._trail.note(heard, reply, seconds, played, turn=turned, fault=fault)
        return reply

    async def _advance(self, turn: UssdTurn, deadline: float) -> Answered:
        session, digest = Session.of(turn), digest_of(turn.transcript, self._digest_key)
        self._leases += 1
        token = f"{self._token}{self._leases}"
        opened = await self._opened(session, digest, token, deadline)
        if opened.reply is not None:
            return HopKind.REPEATED, opened.reply, None
        if opened.busy:
            return HopKind.BUSY, Reply(texts.OUTAGE, final=True), None
        try:
            kind, played = await self._tried(turn, opened, deadline)
            if played is None or kind is HopKind.BEHIND:
                await self._store.release(session, token)
                return kind, played.reply if played else Reply(texts.OUTAGE, final=True), played
        except BaseException:
            await self._release(session, token)
            raise
        await self._told_of(played)
        closing = self._closing(played, opened, digest)
        try:
            closed = await self._store.close(session, token, closing)
        except StoreDown:
            if not played.acted:
                raise
            # The effect and its answer are in the database; the next hop will find them there.
            return kind, played.reply, played
        if not closed:
            # The lease ran out. Either somebody else has played this hop: say what they said;
            # or nobody has, and the session is as we found it.
            again = await self._opened(session, digest, token, deadline)
            if again.reply is not None:
                return HopKind.REPEATED, again.reply, None
            if not again.busy and again.state == opened.state:
                await self._store.close(session, token, closing)
            else:
                await self._release(session, token)
        return kind, played.reply, played

    async def _opened(self, session: Session, digest: str, token: str, deadline: float) -> Opened:
        """Open a session; while somebody else plays a hop of it, wait for their answer."""
        opened = await self._store.open(session, digest, token)
        pause = BUSY_PAUSE_SECONDS
        while opened.busy and time.monotonic() < deadline:
            await asyncio.sleep(pause)
            pause = min(2 * pause, BUSY_PAUSE_MAX_SECONDS)
            opened = await self._store.open(session, digest, token)
        return opened

    async def _told_of(self, played: Played) -> None:
        """Let others whose role has changed be asked about anew when they call next."""
        try:
            for msisdn in played.changed:
                await self._store.forget_person(msisdn)
        except StoreDown:
            log.warning("sessions.person_left")

    async def _release(self, session: Session, token: str) -> None:
        """Drop a lease on the way out of an error; it would run out by itself."""
        try:
            await self._store.release(session, token)
        except StoreDown:
            log.warning("sessions.lease_left")

    async def _tried(
        self, turn: UssdTurn, opened: Opened, deadline: float
    ) -> tuple[HopKind, Played | None]:
        """Play a hop.

        Raises:
            _DatabaseAway: it could not be played now.
        """
        try:
            return await self._played(turn, opened, deadline)
        except AWAY as error:
            raise _DatabaseAway(_language(opened)) from error

    async def _played(
        self, turn: UssdTurn, opened: Opened, deadline: float
    ) -> tuple[HopKind, Played | None]:
        state = _loaded(opened.state) if opened.state else None
        if opened.state is None or state is None:
            return await self._begun(turn, opened, deadline)
        hop = Hop(turn, self._clock.now())
        if state.final is not None or not _is_new(state, turn):
            return HopKind.BEHIND, Played(state, self._engine.present(state, hop))
        acts = self._engine.acts(state, turn.transcript)
        if not acts:
            try:
                return HopKind.PLAYED, self._engine.play(state, hop)
            except NeedsThread:
                pass
        return await self._played_in_thread(opened.state, hop, deadline, acts=acts)

    async def _played_in_thread(
        self, stored: str, hop: Hop, deadline: float, *, acts: bool
    ) -> tuple[HopKind, Played]:
        handover = Handover() if acts else None
        threaded = Hop(hop.turn, hop.now, threaded=True, handover=handover)
        try:
            played = await self._in_thread(
                lambda: self._engine.play(State.load(stored), threaded), deadline, handover
            )
        except _TooSlow:
            last_words = End(texts.LATE if acts else texts.SLOW)
            ended = self._engine.ended(State.load(stored), hop, last_words, unfinished=not acts)
            return (HopKind.LATE if acts else HopKind.SLOW), ended
        return HopKind.PLAYED, played

    async def _begun(
        self, turn: UssdTurn, opened: Opened, deadline: float
    ) -> tuple[HopKind, Played | None]:
        hop = Hop(turn, self._clock.now())
        threaded = Hop(turn, hop.now, threaded=True)
        person = load_person(opened.person) if opened.person else None
        try:
            if turn.transcript and await self._store.age_seconds() < SESSION_SECONDS_MAX:
                lost = Hop(turn, hop.now, threaded=True, replay=True)
                return HopKind.RECOVERED, await self._in_thread(
                    lambda: self._engine.recover(lost), deadline
                )
            cut_off = await self._cut_off(opened.unfinished)
            if person is not None:
                try:
                    return HopKind.BEGUN, self._engine.begin(person, hop, cut_off)
                except NeedsThread:
                    pass

            def begin() -> Played:
                known = person or self._engine.who(turn.msisdn)
                return self._engine.begin(known, threaded, cut_off)

            return HopKind.BEGUN, await self._in_thread(begin, deadline)
        except _TooSlow:
            return HopKind.SLOW, None

    async def _cut_off(self, name: str | None) -> State | None:
        stored = await self._store.read(name) if name else None
        return _loaded(stored) if stored else None

    async def _in_thread(
        self, work: Callable[[], T], deadline: float, handover: Handover | None = None
    ) -> T:
        """Run in a thread and wait until the deadline.

        Raises:
            _TooSlow: it has not ended. An effect has been told that nobody waits any more, and
                finishes by itself; anything else is of no use and is left alone.
        """
        if self._in_threads >= WAITING_MAX:
            raise PoolTimeout("too many hops wait for a thread")
        self._in_threads += 1
        lane = Lane.SCREEN if handover is None else Lane.YES
        future = asyncio.wrap_future(self._lanes.submit(lane, work))
        future.add_done_callback(self._thread_done)
        await asyncio.wait([future], timeout=max(deadline - time.monotonic(), 0))
        if not future.done() and handover is not None and not handover.give_up():
            # It is committing: its answer is the true one, and it will not send an SMS.
            await asyncio.wait([future], timeout=COMMIT_GRACE_SECONDS)
        if not future.done():
            if handover is None:
                future.cancel()
            raise _TooSlow
        return future.result()

    def _thread_done(self, future: "asyncio.Future[T]") -> None:
        self._in_threads -= 1
        if not future.cancelled() and (error := future.exception()) is not None:
            log.info("sessions.thread_failed", error=type(error).__name__)

    def _closing(self, played: Played, opened: Opened, digest: str) -> Closing:
        state = played.state
        state.replies.append(digest)
        forget = state.replies.pop(0) if len(state.replies) > REPLIES_KEPT_MAX else ""
        news = played.introduced or (opened.state is None and opened.person is None)
        return Closing(
            state=state.dump(),
            digest=digest,
            reply=played.reply,
            forget=forget,
            unfinished=self._unfinished(state),
            person=dump_person(state.person) if news else "",
        )

    def _unfinished(self, state: State) -> Unfinished:
        if state.screen == RESUME:
            return Unfinished.KEEP
        home = self._engine.flow_of(state).home
        if state.screen == home or (state.final is not None and not state.unfinished):
            return Unfinished.DROP
        return Unfinished.POINT_HERE


def _language(opened: Opened) -> str | None:
    """What is spoken in a session, or by whoever begins one; None when Redis does not know."""
    if opened.state is not None:
        state = _loaded(opened.state)
        return state.person.language if state else None
    return load_person(opened.person).language if opened.person else None


def _is_new(state: State, turn: UssdTurn) -> bool:
    return new_part(state.transcript, turn.transcript, state.blanks) is not None


def _loaded(stored: str) -> State | None:
    try:
        return State.load(stored)
    except ValueError:
        return None
