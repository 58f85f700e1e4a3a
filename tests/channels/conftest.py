"""The simulators on a real server, and one of ours that hears their callbacks."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from channels.simulator.credentials import new_private_key_pem
from tests.channels.simulator.rig import QUICK, SECRET, Ours, Simulator
from tests.support.serving import serving


@pytest.fixture(scope="module")
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
