"""Reads the application's own log lines during a story, in the shape that production writes.

They must not hold anybody's number, PIN or words, nor our secret.
"""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import select

from core.booking.model import Booking
from core.logs import QUIET, configure_logs
from core.settings import Settings
from tests.web.market import Market
from tests.web.rig import SECRET

CHANGED = ("", "uvicorn", "uvicorn.error", *QUIET)
# Nothing of ours has so many digits in a row but a number; ids have letters and dashes between.
WHOLE_NUMBER = re.compile(r"(?<![0-9a-f-])(?:\+?254|0)[17][0-9]{8}(?![0-9a-f-])")
# Words that occur in what people write in these stories, and nowhere else.
PRIVATE = ("mgeni-wangu", "siri-yangu")


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


@contextmanager
def private(market: Market) -> Iterator[io.StringIO]:
    """Watch a story, let the worker finish what it left, and look for what must not be there."""
    with watching() as written:
        yield written
        market.work()
    said = written.getvalue()
    assert WHOLE_NUMBER.findall(said) == []
    assert [word for word in (SECRET, *PRIVATE) if word in said] == []
    with market.database.transaction() as tx:
        sealed = tx.db.scalars(select(Booking.check_in_pin_sealed)).all()
        pins = [tx.vault.open(pin) for pin in sealed]
    assert [pin for pin in pins if re.search(rf"(?<![0-9a-f.-]){pin}(?![0-9a-f-])", said)] == []
