"""``nafasi bench sessions``: so many calls at once by people who read before they press a key.

Each caller plays one call after another and pauses before each key as long as somebody who reads
does; each hop comes on a connection of its own. One of four books a room, from the dial to the
held booking; the others look around.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import uvloop

from core.settings import Settings
from web.bench.callers import Hop, Line, Tally, post_head
from web.bench.hops import booking_call, search_call, web
from web.bench.own import interpreter, own_servers
from web.local.probes import HOST

SESSIONS = 1_000
PAUSE_SECONDS = (1.5, 8.0)
BOOKS_ONE_OF = 4
GOAL_P95_MS = 50
SEED = 20_261_120
FIRST_MOMENT_SECONDS = PAUSE_SECONDS[1]


def measure_sessions(seconds: float, sessions: int = SESSIONS) -> dict[str, Any]:
    """Run the measurement on servers of its own and return the published figures.

    Args:
        seconds: for how long calls begin; those that have begun are finished.
        sessions: how many at once.
    """
    with own_servers(durable=True) as servers, web(servers) as served:
        looking, booked = uvloop.run(_measure(served.port, seconds, sessions))
        both = Tally(
            [*looking.seconds, *booked.seconds],
            looking.errors + booked.errors,
            looking.dialogues + booked.dialogues,
            max(looking.elapsed_seconds, booked.elapsed_seconds),
        )
        return {
            "sessions_at_once": sessions,
            "pause_seconds": PAUSE_SECONDS,
            "web_processes": 1,
            "all_hops": both.summary(),
            "looking_around": looking.summary(),
            "whole_booking": booked.summary(),
            "goal_p95_ms": GOAL_P95_MS,
            "cores": os.cpu_count(),
            "servers": servers.describe(),
            "python": interpreter(),
        }


async def _measure(port: int, seconds: float, sessions: int) -> tuple[Tally, Tally]:
    hook = f"/hooks/africastalking/{Settings().callback_secret.get_secret_value()}/ussd"
    head, chance = post_head(HOST, hook), random.Random(SEED)  # noqa: S311 -- repeatable.
    first = int(time.time()) * 1_000_000  # noqa: TID251 -- only to tell runs apart.
    numbers = iter(range(first, first + 10_000_000))
    looking, booked = Tally(), Tally()
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for index in range(sessions):
            books = index % BOOKS_ONE_OF == 0
            tally = booked if books else looking
            pauses = random.Random(chance.random())  # noqa: S311 -- repeatable.
            group.create_task(
                _caller(port, head, _calls(numbers, books=books), pauses, tally, started + seconds)
            )
    looking.elapsed_seconds = booked.elapsed_seconds = time.monotonic() - started
    return looking, booked


def _calls(numbers: Iterator[int], *, books: bool) -> Iterator[list[Hop]]:
    for number in numbers:
        yield booking_call(number) if books else search_call(number)


async def _caller(
    port: int,
    head: bytes,
    calls: Iterator[list[Hop]],
    pauses: random.Random,
    tally: Tally,
    until: float,
) -> None:
    # They do not all call in the same moment.
    await asyncio.sleep(pauses.uniform(0, FIRST_MOMENT_SECONDS))
    while time.monotonic() < until:
        for hop in next(calls):
            began = time.monotonic()
            line = await Line.open(HOST, port)
            await line.play(head, hop, tally)
            # Connecting is part of what the person waits for.
            tally.seconds[-1] = time.monotonic() - began
            line.close()
            await asyncio.sleep(pauses.uniform(*PAUSE_SECONDS))
        tally.dialogues += 1
