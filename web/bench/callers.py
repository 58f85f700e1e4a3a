"""Callers: a fixed number of connections, each playing one dialogue after another."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlencode

FLOOR = "/bench/floor"
SERVICE_CODE = "*384*7781#"


@dataclass(slots=True)
class Tally:
    """What was seen: a duration for each hop in seconds, and hops that were not answered well."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    dialogues: int = 0
    elapsed_seconds: float = 0.0

    def rate(self) -> float:
        """Hops a second."""
        return len(self.seconds) / self.elapsed_seconds

    def percentile_ms(self, percent: int) -> float:
        """The duration in milliseconds that so many percent of the hops stayed below."""
        ranked = sorted(self.seconds)
        return round(ranked[min(len(ranked) * percent // 100, len(ranked) - 1)] * 1000, 2)

    def summary(self) -> dict[str, float | int]:
        """Return the figures that are published."""
        return {
            "hops_per_second": round(self.rate(), 1),
            "hops": len(self.seconds),
            "dialogues": self.dialogues,
            "p50_ms": self.percentile_ms(50),
            "p95_ms": self.percentile_ms(95),
            "p99_ms": self.percentile_ms(99),
            "errors": self.errors,
        }


@dataclass(frozen=True, slots=True)
class Hop:
    """One request, and how its answer's body must begin."""

    body: bytes
    expects: bytes


Script = Callable[[int], Sequence[Hop]]
"""The hops of the n-th dialogue."""


def dialogue(number: int, msisdn: str, answers: Sequence[str], last: bytes = b"CON ") -> list[Hop]:
    """Return the hops of a conversation: the dial, then each answer on top of the ones before."""
    hops, transcript = [], ""
    for i in range(len(answers) + 1):
        if i:
            transcript = f"{transcript}*{answers[i - 1]}" if transcript else answers[i - 1]
        form = {
            "sessionId": f"bench-{number}",
            "phoneNumber": msisdn,
            "networkCode": "63902",
            "serviceCode": SERVICE_CODE,
            "text": transcript,
        }
        hops.append(Hop(urlencode(form).encode(), last if i == len(answers) else b"CON "))
    return hops


async def play(
    host: str, port: int, path: str, script: Script, callers: int, seconds: float, first: int
) -> Tally:
    """Let callers play dialogues for some seconds, and tally every hop.

    Args:
        host: where the server is.
        port: where the server is.
        path: what is posted to.
        script: the dialogues.
        callers: how many connections, each with one request under way.
        seconds: how long; dialogues that have begun are finished.
        first: the number of the first dialogue, so that runs do not share sessions.
    """
    tally, numbers = Tally(), iter(range(first, first + 10_000_000))
    started = time.monotonic()
    head = post_head(host, path)
    await asyncio.gather(
        *(
            _caller(host, port, head, script, numbers, tally, started + seconds)
            for _ in range(callers)
        )
    )
    tally.elapsed_seconds = time.monotonic() - started
    return tally


async def _caller(
    host: str,
    port: int,
    head: bytes,
    script: Script,
    numbers: Iterator[int],
    tally: Tally,
    until: float,
) -> None:
    line = await Line.open(host, port)
    while time.monotonic() < until:
        for hop in script(next(numbers)):
            await line.play(head, hop, tally)
        tally.dialogues += 1
    line.close()


class Line(asyncio.Protocol):
    """One connection that sends a request at a time.

    Bare, because callers share the machine with what they measure: a stream reader for each would
    take as much of it as a server does.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._seen = b""
        self._answer: asyncio.Future[bytes] | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> "Line":
        """Connect."""
        _, line = await asyncio.get_running_loop().create_connection(cls, host, port)
        return line

    async def play(self, head: bytes, hop: Hop, tally: Tally) -> None:
        """Send a hop, wait for its answer and tally it."""
        sent = time.monotonic()
        answer = await self.ask(b"%b%d\r\n\r\n%b" % (head, len(hop.body), hop.body))
        tally.seconds.append(time.monotonic() - sent)
        if not answer.startswith(hop.expects):
            tally.errors += 1

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of a 200, nothing of any other answer."""
        assert self._transport is not None, "the line is open"
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # The loop's own kind does not say that it is one.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop: an answer, or a piece of one."""
        self._seen = self._seen + data if self._seen else data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) >= int(length):
            self._seen = b""
            self._tell(body if head.startswith(b"HTTP/1.1 200") else b"")

    def connection_lost(self, _error: Exception | None) -> None:
        """Called by the loop: whoever waits has got nothing."""
        self._tell(b"")

    def _tell(self, body: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(body)


def post_head(host: str, path: str) -> bytes:
    """Return the head of a form's request up to the number of its bytes."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    ).encode()
