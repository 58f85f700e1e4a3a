"""Leaving something alone for a while, agreed on by all workers through Redis.

When a provider says that nothing will go through until a person acts (empty wallet, refused
credentials), every further try is wasted, and some bring a lock closer.
"""

import redis

PREFIX = "nafasi:pause"
NOTICES_PAUSE_SECONDS = 60
# A locked operator stays locked until a person acts; one try an hour finds out.
PAYOUTS_PAUSE_SECONDS = 3600


class Pauses:
    """What is being left alone.

    Args:
        store: where the pauses are kept; they end by themselves.
    """

    def __init__(self, store: redis.Redis) -> None:
        self._store = store

    def start(self, what: str, seconds: int) -> None:
        """Leave something alone for so long from now."""
        self._store.set(f"{PREFIX}:{what}", "1", ex=seconds)

    def holds(self, what: str) -> bool:
        """Tell whether something is being left alone."""
        return bool(self._store.exists(f"{PREFIX}:{what}"))

    def end(self, what: str) -> None:
        """Go on at once: the person has acted."""
        self._store.delete(f"{PREFIX}:{what}")


def sms(provider: str) -> str:
    """Name the sending of messages through a provider."""
    return f"sms:{provider}"


def payouts(provider: str) -> str:
    """Name the sending of money through a provider."""
    return f"payouts:{provider}"
