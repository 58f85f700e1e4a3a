"""The simulators on a real server, and one of ours that hears their callbacks."""

from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

import httpx
import pytest
import redis

from channels.daraja.b2c import DarajaPayouts
from channels.daraja.client import DarajaClient
from channels.daraja.config import DarajaConfig
from channels.daraja.stk import DarajaCollections
from channels.http import new_client
from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from channels.simulator.credentials import new_private_key_pem
from core.clock import SystemClock
from core.ids import CountedIds
from tests.channels.daraja.simulated import READ_SECONDS
from tests.channels.simulator.rig import QUICK, SECRET, Ours, Simulator
from tests.support.serving import serving


@pytest.fixture(scope="session")
def served() -> Iterator[Simulator]:
    with ExitStack() as stack:
        ours = Ours()
        ours.base = stack.enter_context(serving(ours.app()))
        config = SimulatorConfig(
            callback_secret=SECRET,
            callback_base=ours.base,
            private_key_pem=new_private_key_pem(),
            waits=QUICK,
        )
        base = stack.enter_context(serving(create_app(config)))
        http = stack.enter_context(httpx.Client(trust_env=False, timeout=10))
        yield Simulator(base, config, ours, http)


@pytest.fixture
def simulator(served: Simulator) -> Simulator:
    served.control("/reset", {})
    served.ours.clear()
    return served


@pytest.fixture
def client(simulator: Simulator, redis_url: str) -> Iterator[DarajaClient]:
    """Daraja's, on the simulator; a story of another provider has its own."""
    told = simulator.config
    config = DarajaConfig(
        base_url=f"{simulator.base}/daraja",
        consumer_key=told.consumer_key,
        consumer_secret=told.consumer_secret,
        shortcode=told.shortcode,
        passkey=told.passkey,
        b2c_shortcode=told.b2c_shortcode,
        initiator_name=told.initiator_name,
        initiator_password=told.initiator_password,
        certificate=simulator.http.get(f"{simulator.base}/simulator/certificate.pem").text,
        public_url=told.callback_base,
        callback_secret=told.callback_secret,
        pushes_per_second=1_000.0,
        payouts_per_second=1_000.0,
        questions_per_second=1_000.0,
    )
    with redis.Redis.from_url(redis_url) as store:
        http = new_client(config.base_url, read_seconds=READ_SECONDS)
        made = DarajaClient(config, store, http=http)
        yield made
        made.close()


@pytest.fixture
def collections(client: DarajaClient) -> DarajaCollections:
    return DarajaCollections(client, SystemClock())


@pytest.fixture
def payouts(client: DarajaClient) -> DarajaPayouts:
    return DarajaPayouts(client)


@pytest.fixture
def attempt_id(ids: CountedIds) -> UUID:
    return ids.uuid()
