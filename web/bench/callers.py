"""Callers: a fixed number of connections, each playing one dialogue after another."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    ).encode()
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
    reader, writer = await asyncio.open_connection(host, port)
    while time.monotonic() < until:
        for hop in script(next(numbers)):
            sent = time.monotonic()
            writer.write(b"%b%d\r\n\r\n%b" % (head, len(hop.body), hop.body))
            answer = await _answer(reader)
            tally.seconds.append(time.monotonic() - sent)
            if not answer.startswith(hop.expects):
                tally.errors += 1
        tally.dialogues += 1
    writer.close()
    await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    headers = await reader.readuntil(b"\r\n\r\n")
    length = headers.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length))
    return body if headers.startswith(b"HTTP/1.1 200") else b""
