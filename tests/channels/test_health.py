"""What all processes know of how providers are, on a real Redis."""

from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs

from channels.health import DOWN_SECONDS, FAILURES_MAX, SharedHealth, health_store
from core.ports.providers import ProviderError

NAMES = ("daraja", "flutterwave")
DOWN = ProviderError("unavailable", retryable=True)
SLOW = ProviderError("timeout", unknown=True)
REFUSED = ProviderError("bad_number")


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    client = health_store(redis_url)
    yield client
    client.close()


@pytest.fixture
def worker(store: redis.Redis) -> SharedHealth:
    return SharedHealth(store, NAMES, look_seconds=0)


@pytest.fixture
def web(store: redis.Redis) -> SharedHealth:
    """Another process."""
    return SharedHealth(store, NAMES, look_seconds=0)


def fail(health: SharedHealth, times: int, error: ProviderError = DOWN) -> None:
    for _ in range(times):
        health.note("daraja", error)


def test_outages_in_a_row_are_known_to_everybody(worker: SharedHealth, web: SharedHealth) -> None:
    fail(worker, FAILURES_MAX - 1)
    assert web.down() == frozenset()
    fail(worker, 1, SLOW)
    assert web.down() == frozenset({"daraja"})


def test_processes_count_together(worker: SharedHealth, web: SharedHealth) -> None:
    fail(worker, FAILURES_MAX - 1)
    fail(web, 1)
    assert worker.down() == frozenset({"daraja"})


@pytest.mark.parametrize("answer", [None, REFUSED], ids=["done", "refused"])
def test_an_answer_of_any_kind_ends_the_row(
    worker: SharedHealth, answer: ProviderError | None
) -> None:
    fail(worker, FAILURES_MAX - 1)
    worker.note("daraja", answer)
    fail(worker, FAILURES_MAX - 1)
    assert worker.down() == frozenset()

    fail(worker, 1)
    assert worker.down() == frozenset({"daraja"})
    worker.note("daraja", answer)
    assert worker.down() == frozenset()


def test_after_the_while_one_more_outage_is_enough(
    worker: SharedHealth, store: redis.Redis
) -> None:
    fail(worker, FAILURES_MAX)
    key = "nafasi:health:daraja:down"
    assert 0 < int(store.ttl(key)) <= DOWN_SECONDS
    store.delete(key)  # The while is over.
    assert worker.down() == frozenset()

    fail(worker, 1)
    assert worker.down() == frozenset({"daraja"})


def test_a_look_is_kept_for_a_moment(store: redis.Redis, worker: SharedHealth) -> None:
    moment = [0.0]
    turn = SharedHealth(store, NAMES, look_seconds=1.0, now=lambda: moment[0])
    assert turn.down() == frozenset()
    fail(worker, FAILURES_MAX)

    moment[0] = 0.9
    assert turn.down() == frozenset()
    moment[0] = 1.0
    assert turn.down() == frozenset({"daraja"})


def test_without_redis_nobody_is_known_to_be_down_and_nothing_raises() -> None:
    health = SharedHealth(health_store("redis://127.0.0.1:1/0"), NAMES)
    with capture_logs() as lines:
        health.note("daraja", DOWN)
        assert health.down() == frozenset()
    assert [line["event"] for line in lines] == ["health.not_noted", "health.unknown"]
