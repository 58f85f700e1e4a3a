"""Leaving something alone for a while, agreed on by all workers through Redis.

When a provider of messages says that nothing will go through until a person acts (an empty
wallet), every further try is wasted. Halts of money are in the database (``core.payouts.halts``).
"""

import redis

PREFIX = "nafasi:pause"
NOTICES_PAUSE_SECONDS = 60


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
