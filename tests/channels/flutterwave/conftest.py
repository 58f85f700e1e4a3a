"""Fixtures of the Flutterwave tests: a client over a network that is played."""

from collections.abc import Iterator

import pytest
import respx

from channels.flutterwave.client import FlutterwaveClient
from tests.channels.flutterwave.rig import BASE_URL, config


@pytest.fixture
def flutterwave() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE_URL, assert_all_called=False) as router:
        yield router


@pytest.fixture
def client(flutterwave: respx.MockRouter) -> Iterator[FlutterwaveClient]:
    made = FlutterwaveClient(config())
    yield made
    made.close()
