"""Logs: one JSON object a line on stdout, phone numbers masked wherever they stand.

Bodies and message texts are never logged by anybody; this is the net below that habit.
"""

import logging
import logging.config
import re
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import PurePath
from typing import Any

import structlog
from structlog.typing import Processor

from core.msisdn import mask
from core.settings import Settings

# +254712345678, 254712345678, and any other number written internationally.
_NUMBER = re.compile(r"\+[0-9]{8,15}|(?<![0-9A-Za-z-])254[17][0-9]{8}(?![0-9A-Za-z])")
DEPTH_MAX = 5
PLACES_MAX = 12
# These write whole addresses, which hold our secret, or every message that passes.
QUIET = (
    *("httpx", "httpcore", "urllib3", "uvicorn.access"),
    *("celery.worker.strategy", "celery.app.trace"),
)


def masked(value: Any, depth: int = DEPTH_MAX) -> Any:
    """Return a value with every phone number in it masked; what lies too deep is dropped."""
    if isinstance(value, str):
        return _NUMBER.sub(lambda found: mask(found[0]), value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if depth == 0:
        return "..."
    if isinstance(value, dict):
        return {masked(str(key)): masked(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(inner, depth - 1) for inner in value]
    return masked(str(value))


def mask_numbers(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask every field of a log line; a structlog processor."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = masked(value)
    return event


def places(error: Exception) -> list[str]:
    """Return the places in our own code that an error passed, without any value.

    A traceback may show numbers and what was typed.
    """
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename
    ]
    return [
        f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in ours[-PLACES_MAX:]
    ]


def configure_logs(settings: Settings) -> None:
    """Send all logs, the libraries' included, to stdout in one shape.

    JSON; lines for reading when a person looks on in a local trial.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_numbers,
    ]
    readable = settings.local and sys.stdout.isatty()
    last: Processor = (
        structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
        ),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        # Uvicorn writes a line for each request as soon as anybody could hear of it.
        logging.getLogger(name).propagate = name != "uvicorn.access"
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
