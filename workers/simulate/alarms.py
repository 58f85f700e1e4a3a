"""Hears what workers log: a fault that a loop caught and went on from is still a fault."""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, NoReturn

import structlog

WRONG_MAX = 20


class Alarms:
    """Collects faults of ours from the log; nothing else is logged while it listens."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take over the log of this process, and give it back."""
        before = structlog.get_config()
        structlog.configure(
            processors=[self._hear],
            wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
            cache_logger_on_first_use=False,
        )
        try:
            yield
        finally:
            structlog.configure(**before)

    def _hear(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> NoReturn:
        if event.get("exc_info") and len(self.heard) < WRONG_MAX:
            fault = sys.exc_info()[1]
            said = f"{event.get('event')}: {type(fault).__name__}: {fault}"
            if said not in self.heard:
                self.heard.append(said)
        raise structlog.DropEvent
