import threading
import time

import httpx
import pytest
import redis
import respx
from redis.backoff import NoBackoff
from redis.retry import Retry

from channels.daraja.client import DarajaClient
from channels.daraja.tokens import LIFE_UNREAD_SECONDS, Tokens
from channels.http import Pace, new_client
from core.ports.providers import ProviderError
from tests.channels.daraja.rig import (
    BASE_URL,
    TOKEN_URL,
    config,
    error_answer,
    flags,
    token_answer,
)

ASK = f"{BASE_URL}/ask"
PACE = Pace(1_000.0)


def tokens(store: redis.Redis, **changes: str) -> Tokens:
    key = changes.get("consumer_key", "key-for-tests")
    return Tokens(new_client(BASE_URL), store, key, "secret-for-tests")


def test_one_token_serves_every_process_until_four_fifths_of_its_life(
    store: redis.Redis, daraja: respx.MockRouter
) -> None:
    asked = daraja.get(TOKEN_URL).mock(return_value=token_answer("token-1"))

    assert tokens(store).current() == "token-1"
    assert tokens(store).current() == "token-1"

    assert asked.call_count == 1
    request = asked.calls.last.request
    assert request.url.query == b"grant_type=client_credentials"
    assert request.headers["authorization"] == "Basic a2V5LWZvci10ZXN0czpzZWNyZXQtZm9yLXRlc3Rz"
    (key,) = store.keys("nafasi:daraja:token:*")
    assert 2_870 <= store.ttl(key) <= 2_879


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        ("3599", 2_879),
        (10, 8),
        (0, 1),
        (10**12, LIFE_UNREAD_SECONDS * 8 // 10),
        (999_999_999, 69_120),
        ("soon", LIFE_UNREAD_SECONDS * 8 // 10),
        (None, LIFE_UNREAD_SECONDS * 8 // 10),
        (True, LIFE_UNREAD_SECONDS * 8 // 10),
    ],
)
def test_the_life_of_a_token_is_a_number_or_text_or_rubbish(
    store: redis.Redis, daraja: respx.MockRouter, expires_in: object, seconds: int
) -> None:
    daraja.get(TOKEN_URL).mock(return_value=token_answer("token-1", expires_in))

    tokens(store).current()

    (key,) = store.keys("nafasi:daraja:token:*")
    assert seconds - 1 <= store.ttl(key) <= seconds


def test_applications_do_not_share_a_token(store: redis.Redis, daraja: respx.MockRouter) -> None:
    daraja.get(TOKEN_URL).side_effect = [token_answer("token-1"), token_answer("token-2")]

    assert tokens(store).current() == "token-1"
    assert tokens(store, consumer_key="another-key").current() == "token-2"


def test_many_who_start_at_once_fetch_one_token(
    store: redis.Redis, daraja: respx.MockRouter
) -> None:
    def slowly(_request: httpx.Request) -> httpx.Response:
        time.sleep(0.1)
        return token_answer("token-1")

    asked = daraja.get(TOKEN_URL)
    asked.side_effect = slowly
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.append(tokens(store).current())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == ["token-1"] * 8
    assert asked.call_count == 1


def test_a_refused_token_is_replaced_by_the_first_who_notices(
    store: redis.Redis, daraja: respx.MockRouter
) -> None:
    asked = daraja.get(TOKEN_URL)
    asked.side_effect = [token_answer("token-1"), token_answer("token-2")]
    first, second = tokens(store), tokens(store)
    assert first.current() == second.current() == "token-1"

    assert first.replace("token-1") == "token-2"
    assert second.replace("token-1") == "token-2"

    assert asked.call_count == 2


@pytest.mark.parametrize(
    "refusal",
    [
        error_answer(404, "404.001.03", "Invalid Access Token"),
        error_answer(401, "401.002.01", "Error Occurred - Invalid Access Token"),
        error_answer(401, "401.003.01", "Error Occurred: Invalid Access Token"),
        error_answer(400, "400.003.01", "Invalid Access Token"),
        httpx.Response(401, json={"fault": {"faultstring": "Invalid access token", "detail": {}}}),
    ],
)
def test_a_request_whose_token_was_refused_is_replayed_once_with_a_new_one(
    client: DarajaClient, daraja: respx.MockRouter, refusal: httpx.Response
) -> None:
    daraja.get(TOKEN_URL).side_effect = [token_answer("token-1"), token_answer("token-2")]
    asked = daraja.post(ASK)
    asked.side_effect = [refusal, httpx.Response(200, json={"ResponseCode": "0"})]

    assert client.send("/ask", {"Amount": 1}, PACE) == {"ResponseCode": "0"}

    assert [call.request.headers["authorization"] for call in asked.calls] == [
        "Bearer token-1",
        "Bearer token-2",
    ]
    assert asked.calls[0].request.content == asked.calls[1].request.content == b'{"Amount":1}'


def test_a_request_that_is_refused_twice_is_not_sent_a_third_time(
    client: DarajaClient, daraja: respx.MockRouter
) -> None:
    daraja.get(TOKEN_URL).side_effect = [token_answer("token-1"), token_answer("token-2")]
    asked = daraja.post(ASK)
    asked.mock(return_value=error_answer(404, "404.001.03", "Invalid Access Token"))

    with pytest.raises(ProviderError, match="bad_credentials") as refused:
        client.send("/ask", {}, PACE)

    assert flags(refused.value) == {"retryable", "stop"}
    assert asked.call_count == 2


@pytest.mark.parametrize(
    ("answer", "code", "expected"),
    [
        (httpx.Response(400), "bad_credentials", {"retryable", "stop"}),
        (
            error_answer(400, "400.008.01", "Invalid Authentication passed"),
            "bad_credentials",
            {"retryable", "stop"},
        ),
        (httpx.Response(503, text="<html>"), "unavailable", {"retryable"}),
        (httpx.Response(429), "busy", {"retryable"}),
        (httpx.Response(200, text="<html>"), "bad_answer", {"retryable"}),
        (httpx.Response(200, text='{"access_token": "tok'), "bad_answer", {"retryable"}),
        (httpx.Response(200, json={"access_token": 5}), "bad_answer", {"retryable"}),
    ],
)
def test_without_a_token_nothing_was_asked(
    client: DarajaClient,
    daraja: respx.MockRouter,
    answer: httpx.Response,
    code: str,
    expected: set[str],
) -> None:
    daraja.get(TOKEN_URL).mock(return_value=answer)
    asked = daraja.post(ASK)

    with pytest.raises(ProviderError) as failed:
        client.send("/ask", {}, PACE)

    assert failed.value.code == code
    assert flags(failed.value) == expected
    assert "tok" not in failed.value.data["detail"].replace("token", "")
    assert not asked.called


def test_a_late_token_is_no_unknown_payment(
    client: DarajaClient, daraja: respx.MockRouter
) -> None:
    daraja.get(TOKEN_URL).mock(side_effect=httpx.ReadTimeout)

    with pytest.raises(ProviderError, match="timeout") as late:
        client.send("/ask", {}, PACE)

    assert flags(late.value) == {"retryable"}


def test_without_redis_nothing_is_asked(daraja: respx.MockRouter) -> None:
    # Port 1 is reserved and nobody listens there.
    with redis.Redis(port=1, retry=Retry(NoBackoff(), 0)) as gone:
        client = DarajaClient(config(), gone)
        with pytest.raises(ProviderError, match="token store") as failed:
            client.send("/ask", {}, PACE)
        client.close()

    assert flags(failed.value) == {"retryable"}
    assert not daraja.calls
