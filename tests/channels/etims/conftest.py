"""The simulators' own fixtures: the adapter talks to them."""

from tests.channels.simulator.conftest import (  # noqa: F401
    clock,
    private_key_pem,
    shared_clock,
    shared_simulator,
    simulator,
)
