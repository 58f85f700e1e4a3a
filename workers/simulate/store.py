"""What workers and adapters ask of Redis, in this process and by the simulated clock.

A real server counts the seconds of its own clock: a provider that is left alone for half a minute
would stay so for months of simulated time, and no two runs would be the same.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from core.clock import Clock


class SimulatedStore:
    """Keeps values until their time is over; forgets all of them when it is flushed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[bytes, datetime | None]] = {}

    def flush(self) -> None:
        """Forget everything, as a server that restarts empty."""
        self._kept.clear()

    def close(self) -> None:
        """Do nothing: there are no connections."""

    def get(self, name: str) -> bytes | None:
        """Return a value, or None."""
        kept = self._kept.get(name)
        if kept is None:
            return None
        value, until = kept
        if until is not None and until <= self._clock.now():
            del self._kept[name]
            return None
        return value

    def mget(self, names: Sequence[str]) -> list[bytes | None]:
        """Return several values."""
        return [self.get(name) for name in names]

    def set(
        self,
        name: str,
        value: str | int,
        ex: int | None = None,
        *,
        nx: bool = False,
    ) -> bool | None:
        """Keep a value for so many seconds; None when it had to be new and is not."""
        if nx and self.get(name) is not None:
            return None
        until = self._clock.now() + timedelta(seconds=ex) if ex is not None else None
        self._kept[name] = (str(value).encode(), until)
        return True

    def exists(self, name: str) -> int:
        """Tell whether a value is kept, as a number."""
        return int(self.get(name) is not None)

    def delete(self, *names: str) -> int:
        """Forget values; return how many there were."""
        there = [name for name in names if self.get(name) is not None]
        for name in there:
            del self._kept[name]
        return len(there)

    def incr(self, name: str) -> int:
        """Count one up and return the count; its time goes on."""
        counted = int(self.get(name) or b"0") + 1
        until = self._kept[name][1] if name in self._kept else None
        self._kept[name] = (str(counted).encode(), until)
        return counted

    def expire(self, name: str, seconds: int) -> bool:
        """Give a value a new time."""
        value = self.get(name)
        if value is None:
            return False
        self._kept[name] = (value, self._clock.now() + timedelta(seconds=seconds))
        return True

    @contextmanager
    def lock(self, _name: str, **_options: Any) -> Iterator[None]:
        """Nobody else is here: the lock is free."""
        yield

    @contextmanager
    def pipeline(self) -> Iterator["_Pipeline"]:
        """Collect commands and run them together."""
        yield _Pipeline(self)


class _Pipeline:
    """Commands that wait for ``execute``."""

    def __init__(self, store: SimulatedStore) -> None:
        self._store = store
        self._commands: list[Callable[[], Any]] = []

    def incr(self, name: str) -> None:
        self._commands.append(lambda: self._store.incr(name))

    def expire(self, name: str, seconds: int) -> None:
        self._commands.append(lambda: self._store.expire(name, seconds))

    def execute(self) -> list[Any]:
        return [command() for command in self._commands]
