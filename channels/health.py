"""Which money providers are being left alone, agreed on by all processes through Redis.

Each call's result is told here; after ``FAILURES_MAX`` outages in a row a provider counts as down
for a while, and new attempts go to another. When the while is over it is tried again, and one
more outage is enough; one answer of any kind ends it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
import structlog

from channels.http import OUTAGES
from core.ports.providers import ProviderError

log = structlog.get_logger()

PREFIX = "nafasi:health"
FAILURES_MAX = 3
DOWN_SECONDS = 30
# Failures further apart than this are no row.
MEMORY_SECONDS = 600
# A turn waits for this: it looks so often at the most, and Redis has that long to answer.
LOOK_SECONDS = 1.0
ANSWER_SECONDS = 0.2


class SharedHealth:
    """What is known of how providers are; the core's ``Health``.

    Without Redis nobody is known to be down: an attempt then meets the outage itself.

    Args:
        store: Redis; must answer or give up quickly, as ``health_store`` does.
        providers: whom it is about.
        look_seconds: how old an answer may be.
        now: monotonic seconds.
    """

    def __init__(
        self,
        store: redis.Redis,
        providers: Sequence[str],
        *,
        look_seconds: float = LOOK_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._providers = tuple(providers)
        self._look_seconds = look_seconds
        self._now = now
        self._looked_at = float("-inf")
        self._down: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def down(self) -> frozenset[str]:
        """Return who is being left alone, as seen at the last look."""
        with self._lock:
            if self._providers and self._now() - self._looked_at >= self._look_seconds:
                self._looked_at = self._now()
                self._down = self._look()
            return self._down

    def note(self, provider: str, error: ProviderError | None) -> None:
        """Tell how a call went: an outage counts, any answer (a refusal too) clears it."""
        try:
            if error is not None and error.code in OUTAGES:
                self._failed(provider)
            elif self._store.delete(_failures(provider), _left_alone(provider)):
                self._forget()
        except redis.RedisError as trouble:
            log.warning("health.not_noted", provider=provider, error=type(trouble).__name__)

    def close(self) -> None:
        """Let go of the connections."""
        self._store.close()

    def _failed(self, provider: str) -> None:
        with self._store.pipeline() as pipe:
            pipe.incr(_failures(provider))
            pipe.expire(_failures(provider), MEMORY_SECONDS)
            count = int(pipe.execute()[0])
        if count < FAILURES_MAX:
            return
        if self._store.set(_left_alone(provider), "1", ex=DOWN_SECONDS, nx=True):
            log.warning("health.down", provider=provider, failures=count)
        self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._looked_at = float("-inf")

    def _look(self) -> frozenset[str]:
        try:
            found: Any = self._store.mget([_left_alone(name) for name in self._providers])
        except redis.RedisError as trouble:
            log.warning("health.unknown", error=type(trouble).__name__)
            return frozenset()
        return frozenset(
            name for name, held in zip(self._providers, found, strict=True) if held is not None
        )


def health_store(url: str) -> redis.Redis:
    """Return a client for looking: it gives up quickly, because a person may be waiting."""
    store: redis.Redis = redis.Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        max_connections=4,
    )
    return store


def _failures(provider: str) -> str:
    return f"{PREFIX}:{provider}:failures"


def _left_alone(provider: str) -> str:
    return f"{PREFIX}:{provider}:down"
