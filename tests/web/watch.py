"""Reads the application's own log lines during a story, in the shape that production writes."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from core.logs import QUIET, configure_logs
from core.settings import Settings

CHANGED = ("", "uvicorn", "uvicorn.error", *QUIET)
# Nothing of ours has so many digits in a row but a number; ids have letters and dashes between.
WHOLE_NUMBER = re.compile(r"(?<![0-9a-f-])(?:\+?254|0)[17][0-9]{8}(?![0-9a-f-])")


@contextmanager
def watching() -> Iterator[io.StringIO]:
    """Configure logs as in production, into a buffer; all is as before when the block ends."""
    configuration = structlog.get_config()
    loggers = [logging.getLogger(name) for name in CHANGED]
    kept = [(log, log.handlers[:], log.level, log.propagate) for log in loggers]
    written = io.StringIO()
    configure_logs(Settings())
    # A cached logger would outlive the story.
    structlog.configure(cache_logger_on_first_use=False)
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    try:
        yield written
    finally:
        structlog.configure(**configuration)
        for log, handlers, level, propagate in kept:
            log.handlers[:] = handlers
            log.setLevel(level)
            log.propagate = propagate
