"""Waking workers after a commit: a few bytes through the broker, never waited for.

The row is the truth and a sweep finds it anyway (DESIGN §3 rule 2), so a nudge may be lost; it
must not slow a turn down, nor fail it. Workers are known by task and queue name only.
"""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import structlog
from celery import Celery

from core.db.tx import Work

log = structlog.get_logger()

BROKER_TIMEOUT_SECONDS = 1.0
# A nudge that nobody took by then is of no use: the sweep has been there.
NUDGE_EXPIRES_SECONDS = 30
CLOSE_SECONDS = 3.0

QUEUES: Mapping[str, str] = {
    "notices": "urgent",
    "attempts": "urgent",
    "inbox": "default",
    "timers": "default",
    "waits": "default",
    "disputes": "default",
    "payouts": "slow",
    "ledger": "slow",
    "checker": "slow",
    "cases": "slow",
    "float": "slow",
    "housekeeping": "slow",
}
"""What can be asked of workers, and the queue that each goes through; the task is ``<it>.run``."""


class Producer:
    """Sends a task by name; raises what the broker's client raises.

    Args:
        redis_url: the broker.
    """

    def __init__(self, redis_url: str) -> None:
        self._celery = Celery("nafasi-web", broker=redis_url, set_as_current=False)
        self._celery.conf.update(
            task_ignore_result=True,
            task_serializer="json",
            broker_connection_timeout=BROKER_TIMEOUT_SECONDS,
            broker_transport_options={
                "socket_timeout": BROKER_TIMEOUT_SECONDS,
                "socket_connect_timeout": BROKER_TIMEOUT_SECONDS,
                "max_retries": 0,
            },
        )

    def send(self, work: str) -> None:
        """Ask workers for one kind of work, a key of ``QUEUES``."""
        self._celery.send_task(
            f"{work}.run",
            queue=QUEUES[work],
            expires=NUDGE_EXPIRES_SECONDS,
            ignore_result=True,
            retry=False,
        )

    def close(self) -> None:
        """Give back the connections."""
        self._celery.close()


class Nudger:
    """Passed to ``Database`` as ``wake``: notes what is wanted and returns at once.

    A thread of its own sends. Several wishes for the same work become one message, so what waits
    is bounded by the kinds of work there are.
    """

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._changed = threading.Condition()
        self._wanted: set[str] = set()
        self._closing = False
        self._thread: threading.Thread | None = None

    def __call__(self, work: Work) -> None:
        """Want workers for this; never raises, never waits."""
        with self._changed:
            if self._thread is None and not self._closing:
                # Begun here and not before: threads do not survive a fork.
                self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)
                self._thread.start()
            self._wanted.add(work.value)
            self._changed.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Send what is still wanted and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        self._producer.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closing)
                if not self._wanted:
                    return
                wanted, self._wanted = self._wanted, set()
            for work in sorted(wanted):
                try:
                    self._producer.send(work)
                except Exception as error:  # noqa: BLE001 -- whatever it is, only a nudge is lost.
                    log.warning("nudge.lost", work=work, error=type(error).__name__)
