import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
import respx

from channels.http import (
    ANSWER_MAX_BYTES,
    PACE_WAIT_SECONDS,
    Answer,
    Breaker,
    Pace,
    exchange,
    is_loopback,
    new_client,
    read_bounded,
    safe_detail,
)
from core.ports.providers import ProviderError

URL = "https://provider.test"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with new_client(URL) as client:
        yield client


def ask(client: httpx.Client) -> Answer:
    return exchange(client, "POST", "/pay", headers={}, body={"Amount": 1})


@respx.mock
def test_an_answer_comes_whole_whatever_its_status(client: httpx.Client) -> None:
    route = respx.post(f"{URL}/pay").respond(503, text="<html>", content_type="text/html")

    assert ask(client) == Answer(503, "text/html", b"<html>")
    assert route.calls.last.request.content == b'{"Amount":1}'
    assert route.calls.last.request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("failure", "code", "retryable", "unknown"),
    [
        (httpx.ConnectError, "unavailable", True, False),
        (httpx.ConnectTimeout, "unavailable", True, False),
        (httpx.PoolTimeout, "unavailable", True, False),
        (httpx.ReadTimeout, "timeout", False, True),
        (httpx.WriteTimeout, "timeout", False, True),
        (httpx.ReadError, "unavailable", False, True),
        (httpx.WriteError, "unavailable", False, True),
        (httpx.RemoteProtocolError, "unavailable", False, True),
    ],
)
@respx.mock
def test_a_failure_says_whether_the_request_may_have_been_received(
    client: httpx.Client,
    failure: type[httpx.TransportError],
    code: str,
    retryable: bool,  # noqa: FBT001
    unknown: bool,  # noqa: FBT001
) -> None:
    respx.post(f"{URL}/pay").mock(side_effect=failure)

    with pytest.raises(ProviderError) as failed:
        ask(client)

    error = failed.value
    assert (error.code, error.retryable, error.unknown) == (code, retryable, unknown)


@respx.mock
def test_an_endless_answer_is_not_read_to_its_end(client: httpx.Client) -> None:
    respx.post(f"{URL}/pay").respond(200, content=b"x" * (ANSWER_MAX_BYTES + 1))

    with pytest.raises(ProviderError, match="bad_answer") as failed:
        ask(client)

    assert failed.value.unknown


def test_a_dripping_answer_is_given_up() -> None:
    with pytest.raises(ProviderError, match="timeout") as failed:
        read_bounded([b"a", b"b"], deadline=time.monotonic() - 1)

    assert failed.value.unknown


@respx.mock
def test_redirects_are_not_followed(client: httpx.Client) -> None:
    respx.post(f"{URL}/pay").respond(302, headers={"Location": "https://elsewhere.test/"})

    assert ask(client).status == 302


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:9000/daraja", True),
        ("http://[::1]:9000", True),
        ("http://localhost", True),
        ("https://api.safaricom.co.ke", False),
        ("http://10.0.0.1", False),
    ],
)
def test_proxies_are_for_the_outside_world(url: str, here: bool) -> None:  # noqa: FBT001
    assert is_loopback(url) is here


def test_details_for_the_log_hold_no_phone_numbers() -> None:
    assert safe_detail("Invalid PhoneNumber\n 254700000001") == "Invalid PhoneNumber ****"
    assert safe_detail("2547 000 00001") == "****"
    assert safe_detail("500.001.1001 busy") == "500.001.1001 busy"
    assert len(safe_detail("x" * 1_000)) == 160


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"[" * 100_000, b"\xff"])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert Answer(200, "", body).json_object() is None


def failing(code: str) -> Callable[[], None]:
    def call() -> None:
        raise ProviderError(code)

    return call


def test_a_breaker_opens_after_failures_in_a_row_and_closes_after_a_success() -> None:
    breaker = Breaker(failures_max=3, open_seconds=0.05)
    calls: list[str] = []

    def works() -> str:
        calls.append("works")
        return "done"

    for _ in range(2):
        with pytest.raises(ProviderError):
            breaker.run(failing("unavailable"))
    assert breaker.run(works) == "done"
    for _ in range(3):
        with pytest.raises(ProviderError):
            breaker.run(failing("timeout"))

    with pytest.raises(ProviderError, match="unavailable") as left_alone:
        breaker.run(works)
    assert (left_alone.value.retryable, left_alone.value.unknown) == (True, False)
    assert len(calls) == 1

    time.sleep(0.06)
    assert breaker.run(works) == "done"
    with pytest.raises(ProviderError):
        breaker.run(failing("unavailable"))
    assert breaker.run(works) == "done"


def test_a_breaker_that_tries_again_and_fails_opens_at_once() -> None:
    breaker = Breaker(failures_max=2, open_seconds=0.05)
    for _ in range(2):
        with pytest.raises(ProviderError):
            breaker.run(failing("unavailable"))
    time.sleep(0.06)

    with pytest.raises(ProviderError, match="unavailable"):
        breaker.run(failing("unavailable"))
    with pytest.raises(ProviderError, match="left alone"):
        breaker.run(lambda: "never")


def test_a_refusal_is_an_answer_and_opens_nothing() -> None:
    breaker = Breaker(failures_max=2)
    for _ in range(5):
        with pytest.raises(ProviderError, match="bad_number"):
            breaker.run(failing("bad_number"))

    assert breaker.run(lambda: "done") == "done"


def test_a_slow_call_does_not_hold_up_another_thread() -> None:
    breaker = Breaker()
    inside, leave = threading.Event(), threading.Event()

    def slow() -> None:
        inside.set()
        assert leave.wait(5)

    thread = threading.Thread(target=breaker.run, args=(slow,))
    thread.start()
    assert inside.wait(5)
    begun = time.monotonic()
    assert breaker.run(lambda: "done") == "done"
    assert time.monotonic() - begun < 1
    leave.set()
    thread.join()


class Time:
    """Time that passes by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_calls_are_spread_evenly_after_a_burst() -> None:
    time_ = Time()
    pace = Pace(2, burst=2, now=time_.read, sleep=time_.sleep)
    time_.sleep(10)
    taken: list[float] = []

    for _ in range(5):
        pace.take()
        taken.append(time_.now - 10)

    assert taken == [0, 0, 0.5, 1, 1.5]


def test_who_would_wait_too_long_is_sent_away() -> None:
    pace = Pace(1, now=lambda: 0.0, sleep=lambda _seconds: None)
    for _ in range(int(PACE_WAIT_SECONDS) + 1):
        pace.take()

    with pytest.raises(ProviderError, match="busy") as refused:
        pace.take()

    assert refused.value.retryable
