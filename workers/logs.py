"""Logs of a worker: one JSON object a line on stdout, phone numbers masked wherever they stand."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from core.msisdn import mask
from core.settings import Settings

_NUMBER = re.compile(r"\+[0-9]{8,15}|(?<![0-9A-Za-z-])254[17][0-9]{8}(?![0-9A-Za-z])")
# These write whole addresses, which hold our secret, or every message that passes.
QUIET = ("httpx", "httpcore", "urllib3", "celery.worker.strategy", "celery.app.trace")


def mask_numbers(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask every field of a log line; what is no number or flag is logged as text."""
    for key, value in event.items():
        if not key.startswith("_") and not isinstance(value, bool | int | float | None):
            event[key] = _NUMBER.sub(lambda found: mask(found[0]), str(value))
    return event


def configure_logs(settings: Settings) -> None:
    """Send all logs, Celery's included, to stdout in one shape."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_numbers,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
