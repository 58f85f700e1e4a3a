"""Fixtures of the Daraja tests: a client on a real Redis, over a network that is played."""

from collections.abc import Iterator

import pytest
import redis
import respx

from channels.daraja.client import DarajaClient
from tests.channels.daraja.rig import BASE_URL, TOKEN_URL, config, token_answer


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def daraja() -> Iterator[respx.MockRouter]:
    """Daraja, which has given out one token."""
    with respx.mock(base_url=BASE_URL, assert_all_called=False) as router:
        router.get(TOKEN_URL).mock(return_value=token_answer("token-1"))
        yield router


@pytest.fixture
def client(store: redis.Redis, daraja: respx.MockRouter) -> Iterator[DarajaClient]:
    made = DarajaClient(config(), store)
    yield made
    made.close()
