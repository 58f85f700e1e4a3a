"""How many messages a second a route takes, kept to by all workers together through Redis.

A route has as many places as it takes messages a second. A message takes a place before it is
sent and leaves it a second after its answer is there. So whenever the route gets a message, that
message and all others that it got in the second before hold a place, and there are never more than
its rate: in no second, wherever it begins. Whoever waits takes a place before it takes a message,
so that the most urgent message of that moment is the one that goes. One worker at a time waits for
a route; the others have prompts to push and payments to note.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import redis

from workers.budget import Budget

PREFIX = "nafasi:rate"
WINDOW_MS = 1_000
# A place of somebody who died is free again after longer than any provider may take to answer.
PLACE_MS = 60_000
# A worker that died waiting keeps the others from it for so long; longer than any run.
WAITER_MS = 30_000
# Whoever waits looks again at the latest after this: a place may be given back early.
LOOK_SECONDS = 0.25
# One message of so many is a bulk one while any waits, however much else there is.
BULK_SHARE = 10

# KEYS: the places, a counter. ARGV: how many there are, ours, how long we may keep it.
# Returns {1, which place since ever} or {0, microseconds until one may be free}.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
    redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[2])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    return {1, redis.call('INCR', KEYS[2])}
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return {0, math.ceil((first - now) * 1000)}
"""
# KEYS: the places. ARGV: ours, how long it stays taken.
LEAVE = """
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + time[2] / 1000 + ARGV[2], ARGV[1])
"""


@dataclass(slots=True)
class Place:
    """Leave to send one message by a route.

    Attributes:
        route: its name.
        limited: whether the route has a rate; without one a place is for any number.
        serves_bulk: this one is for a bulk message, should there be one.
        used: something was sent, or may have been.
    """

    route: str
    limited: bool = False
    serves_bulk: bool = False
    used: bool = False


class Rates:
    """The places of all routes.

    Args:
        per_second: messages a second by route; a route that is not named takes any number.
        store: Redis, which keeps the places and whose clock counts.
        name: of this process, unlike any other's.
    """

    def __init__(
        self,
        per_second: Mapping[str, int] | None = None,
        store: redis.Redis | None = None,
        name: str = "",
    ) -> None:
        self._per_second = per_second or {}
        self._store = store
        self._names = (f"{name}:{number}" for number in count(1))

    @contextmanager
    def place(self, route: str, budget: Budget) -> Iterator[Place | None]:
        """Wait for a place; None when there is none in time, or when another worker waits.

        A place that was not used is free at once.
        """
        most = self._per_second.get(route, 0)
        if not most or self._store is None:
            yield Place(route)
            return
        key, name = f"{PREFIX}:{{{route}}}", next(self._names)
        number = _wait(self._store, key, name, most, budget)
        if number is None:
            yield None
            return
        place = Place(route, limited=True, serves_bulk=number % BULK_SHARE == 0)
        try:
            yield place
        finally:
            if place.used:
                _run(self._store, LEAVE, [key], [name, WINDOW_MS])
            else:
                self._store.zrem(key, name)


def _wait(store: redis.Redis, key: str, name: str, most: int, budget: Budget) -> int | None:
    """Take a place; return which one since ever, None when there is none for us."""
    waiting = False
    try:
        while True:
            got, number = _run(store, TAKE, [key, f"{key}:taken"], [most, name, PLACE_MS])
            if got:
                return int(number)
            waiting = waiting or bool(store.set(f"{key}:waiter", name, nx=True, px=WAITER_MS))
            if not waiting or budget.spent:
                return None
            time.sleep(min(number / 1_000_000, LOOK_SECONDS))
    finally:
        if waiting:
            store.delete(f"{key}:waiter")


def _run(store: redis.Redis, script: str, keys: list[str], values: list[str | int]) -> Any:
    return store.eval(script, len(keys), *keys, *map(str, values))
