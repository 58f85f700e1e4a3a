"""A running simulator whose clock stands still until a test moves it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from channels.simulator.credentials import new_private_key_pem
from core.clock import ManualClock
from tests.channels.simulator.rig import QUICK, Ours, Simulator
from tests.support.serving import serving

Start = Callable[..., Simulator]

BEGIN = datetime(2026, 1, 15, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def private_key_pem() -> bytes:
    return new_private_key_pem()


@pytest.fixture(scope="session")
def shared_clock() -> ManualClock:
    return ManualClock(BEGIN)


@pytest.fixture
def clock(shared_clock: ManualClock) -> ManualClock:
    shared_clock.set(BEGIN)
    return shared_clock


def _run(stack: ExitStack, key: bytes, clock: ManualClock, **changes: Any) -> Simulator:
    ours = Ours()
    ours.base = stack.enter_context(serving(ours.app()))
    config = SimulatorConfig(
        callback_secret="s3cret",
        callback_base=ours.base,
        private_key_pem=key,
        seed=7,
        **changes,
    )
    base = stack.enter_context(serving(create_app(config, clock=clock)))
    http = stack.enter_context(httpx.Client(trust_env=False, timeout=10))
    return Simulator(base, config, ours, http)


@pytest.fixture(scope="session")
def shared_simulator(private_key_pem: bytes, shared_clock: ManualClock) -> Iterator[Simulator]:
    with ExitStack() as stack:
        yield _run(stack, private_key_pem, shared_clock, waits=QUICK)


@pytest.fixture
def simulator(shared_simulator: Simulator, clock: ManualClock) -> Simulator:
    """The shared simulator, with nothing remembered."""
    shared_simulator.control("/reset", {})
    shared_simulator.ours.clear()
    return shared_simulator


@pytest.fixture
def start(private_key_pem: bytes, clock: ManualClock) -> Iterator[Start]:
    """Start a simulator of one's own: `waits` by name, the rest as in the config."""
    with ExitStack() as stack:

        def run(*, waits: dict[str, float] | None = None, **changes: Any) -> Simulator:
            quick = replace(QUICK, **(waits or {}))
            return _run(stack, private_key_pem, clock, waits=quick, **changes)

        yield run
