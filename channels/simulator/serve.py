"""Run the simulators as a process of their own."""

import uvicorn

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from channels.simulator.state import Measure, count_characters
from core.clock import Clock

STOP_SECONDS = 3
"""Requests that a fault keeps hanging do not hold up the end."""


def run(
    config: SimulatorConfig,
    host: str,
    port: int,
    *,
    measure: Measure = count_characters,
    clock: Clock | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. Raises SystemExit when the port cannot be had."""
    uvicorn.run(
        create_app(config, measure=measure, clock=clock),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
