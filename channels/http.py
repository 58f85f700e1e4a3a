"""Talking HTTP to a provider: one kind of client, one bounded answer, one meaning per failure.

Every provider is called through here or, where an SDK brings its own HTTP, answers in the same
terms. What a failure means is decided by one question: can the request have been carried out?
"""

import ipaddress
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pybreaker

from core.ports.providers import ProviderError

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
# A read timeout counts from byte to byte; this one counts the whole answer.
ANSWER_SECONDS = 60.0
ANSWER_MAX_BYTES = 256 * 1024
DETAIL_MAX = 160

BREAKER_FAILURES_MAX = 5
BREAKER_OPEN_SECONDS = 30.0
OUTAGES = frozenset({"unavailable", "timeout"})

PACE_WAIT_SECONDS = 10.0

_LONG_NUMBER = re.compile(r"[0-9][0-9 ]{6,}[0-9]")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered: HTTP status, content type, body of bounded length."""

    status: int
    content_type: str
    body: bytes

    def json_object(self) -> dict[str, Any] | None:
        """Return the body as a JSON object whatever its content type says, or None."""
        try:
            said = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return said if isinstance(said, dict) else None

    def detail(self) -> str:
        """Return the beginning of the body for a log line, without phone numbers."""
        return safe_detail(f"HTTP {self.status} {self.body[:DETAIL_MAX].decode(errors='replace')}")


def safe_detail(text: str) -> str:
    """Return a provider's words on one line, cut, with long digit runs masked."""
    return _LONG_NUMBER.sub("****", " ".join(text.split()))[:DETAIL_MAX]


def is_loopback(base_url: str) -> bool:
    """Tell whether a URL names this very machine, which a proxy cannot reach."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def new_client(
    base_url: str,
    *,
    connect_seconds: float = CONNECT_SECONDS,
    read_seconds: float = READ_SECONDS,
) -> httpx.Client:
    """Return a client of one provider: explicit timeouts, no redirects, no retries.

    The proxy settings of the environment hold for the outside world, not for a simulator here.
    """
    return httpx.Client(
        base_url=base_url,
        # What is not packed cannot unpack into more than we are ready to read.
        headers={"Accept-Encoding": "identity"},
        timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
        follow_redirects=False,
        trust_env=not is_loopback(base_url),
        verify=_trusted(),
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed; reading them takes longer than opening all clients."""
    return httpx.create_ssl_context()


def exchange(
    client: httpx.Client,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request and read its whole answer, whatever the status.

    ``body`` goes as JSON, ``form`` as a form.

    Raises:
        ProviderError: ``unavailable`` and retryable when no connection was made; ``timeout`` or
            ``unavailable`` and unknown when the request may have been received; ``bad_answer``
            and unknown when the answer has no end.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    try:
        with client.stream(
            method, path, headers=headers, json=body, data=form, params=query
        ) as response:
            content = read_bounded(response.iter_bytes(), deadline)
            kind = response.headers.get("content-type", "")
            return Answer(response.status_code, kind, content)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise ProviderError("unavailable", retryable=True, detail=type(error).__name__) from error
    except httpx.TimeoutException as error:
        raise ProviderError("timeout", unknown=True, detail=type(error).__name__) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise ProviderError("unavailable", unknown=True, detail=type(error).__name__) from error


def read_bounded(chunks: Any, deadline: float) -> bytes:
    """Join the pieces of an answer up to ``ANSWER_MAX_BYTES`` and a ``time.monotonic`` moment.

    Raises:
        ProviderError: ``bad_answer`` when it is too long, ``timeout`` when it drips; the request
            was received, so both are unknown.
    """
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > ANSWER_MAX_BYTES:
            raise ProviderError("bad_answer", unknown=True, detail="answer too long")
        if time.monotonic() > deadline:
            raise ProviderError("timeout", unknown=True, detail="answer too slow")
    return bytes(content)


class Breaker:
    """Leaves a provider alone for a while after it failed several times in a row.

    Only ``unavailable`` and ``timeout`` count; a refusal is an answer. pybreaker keeps the books,
    but it holds its lock during a call that it makes itself, so the call happens outside and only
    its result is told: threads do not queue behind one slow answer.
    """

    def __init__(
        self,
        *,
        failures_max: int = BREAKER_FAILURES_MAX,
        open_seconds: float = BREAKER_OPEN_SECONDS,
    ) -> None:
        # Two successes close it: being let in is the first, the provider's answer the second.
        self._circuit = pybreaker.CircuitBreaker(
            fail_max=failures_max,
            reset_timeout=open_seconds,
            success_threshold=2,
            throw_new_error_on_trip=False,
        )

    def run(self, call: Callable[[], _T]) -> _T:
        """Make a call.

        Raises:
            ProviderError: the call's own; ``unavailable`` and retryable, without calling, while
                the provider is being left alone.
        """
        if self._circuit.current_state == pybreaker.STATE_OPEN:
            try:
                self._circuit.call(_tell, None)
            except pybreaker.CircuitBreakerError as error:
                raise ProviderError(
                    "unavailable", retryable=True, detail="left alone after failures"
                ) from error
        try:
            result = call()
        except ProviderError as error:
            self._note(error if error.code in OUTAGES else None)
            raise
        self._note(None)
        return result

    def _note(self, outage: ProviderError | None) -> None:
        # Another thread may have opened it meanwhile: then this result is old news.
        with suppress(pybreaker.CircuitBreakerError, ProviderError):
            self._circuit.call(_tell, outage)


def _tell(outage: ProviderError | None) -> None:
    if outage is not None:
        raise outage


class Pace:
    """Spreads calls evenly: at most so many a second in this process, with a small burst.

    The generic cell rate algorithm: each call reserves the next free moment and waits for it.

    Args:
        per_second: calls a second, above zero.
        burst: calls that may go at once after a rest.
        now: monotonic seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        per_second: float,
        *,
        burst: int = 1,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap_seconds = 1 / per_second
        self._slack_seconds = (burst - 1) * self._gap_seconds
        self._now = now
        self._sleep = sleep
        self._free_at = now()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait for this call's turn.

        Raises:
            ProviderError: ``busy`` and retryable when it would take over ``PACE_WAIT_SECONDS``.
        """
        with self._lock:
            now = self._now()
            turn = max(self._free_at, now - self._slack_seconds)
            wait_seconds = turn - now
            if wait_seconds > PACE_WAIT_SECONDS:
                raise ProviderError("busy", retryable=True, detail="our own pace")
            self._free_at = turn + self._gap_seconds
        if wait_seconds > 0:
            self._sleep(wait_seconds)
