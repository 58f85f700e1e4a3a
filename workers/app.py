"""The Celery application. A task carries no data: it says "look", the rows say what to do."""

from collections.abc import Callable
from typing import Any

import sentry_sdk
import structlog
from celery import Celery, signals
from kombu.entity import Exchange
from kombu.entity import Queue as KombuQueue
from sentry_sdk.integrations.celery import CeleryIntegration
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.db.tx import Work
from core.logs import configure_logs, mask_numbers
from core.settings import Settings
from workers.beat import LOCK_SECONDS, LOOP_SECONDS
from workers.parts import Parts, build_parts
from workers.schedule import (
    BY_WORK,
    JOBS,
    NUDGE_EXPIRES_SECONDS,
    VISIBILITY_SECONDS,
    Job,
    Queue,
    beat_schedule,
)

log = structlog.get_logger()

BROKER_SECONDS = 3.0
# A child is renewed after so many tasks: whatever leaks, leaks little.
TASKS_PER_CHILD_MAX = 20_000


class Workshop:
    """The parts of one process: made when the process begins to work, after its fork."""

    def __init__(self, settings: Settings, wake: Callable[[Work], None]) -> None:
        self._settings = settings
        self._wake = wake
        self._parts: Parts | None = None

    @property
    def parts(self) -> Parts:
        """The parts, opened now if they were not."""
        if self._parts is None:
            self._parts = build_parts(self._settings, self._wake)
        return self._parts

    def open(self, **_signal: Any) -> None:
        """Open error reports and parts (signal ``worker_process_init``)."""
        report_errors(self._settings)
        self._parts = build_parts(self._settings, self._wake)

    def close(self, **_signal: Any) -> None:
        """Close the parts (signal ``worker_process_shutdown``)."""
        if self._parts is not None:
            self._parts.close()
            self._parts = None


def make_celery(settings: Settings) -> Celery:
    """Compose the application: settings, queues, tasks, schedule, and what happens around them."""
    app = Celery("nafasi", broker=settings.redis_url, set_as_current=False)
    app.conf.update(_configuration(settings))
    workshop = Workshop(settings, lambda work: nudge(app, work))
    for job in JOBS:
        _register(app, job, workshop)

    def set_up_logs(**_signal: Any) -> None:
        configure_logs(settings)

    signals.setup_logging.connect(set_up_logs, weak=False)
    signals.worker_process_init.connect(workshop.open, weak=False)
    signals.worker_process_shutdown.connect(workshop.close, weak=False)
    return app


def nudge(app: Celery, work: Work) -> None:
    """Ask for a worker soon; never raises, because the row is found without it."""
    job = BY_WORK[work]
    try:
        app.send_task(job.task, queue=job.queue.value, expires=NUDGE_EXPIRES_SECONDS, retry=False)
    except Exception as error:  # noqa: BLE001 -- whatever it is, only a nudge is lost.
        log.warning("nudge.lost", work=work.value, error=type(error).__name__)


def report_errors(settings: Settings) -> None:
    """Send faults to Sentry when there is one: no values of variables, no numbers."""
    dsn = settings.sentry_dsn.get_secret_value()
    if dsn:
        sentry_sdk.init(
            dsn,
            environment=settings.env.value,
            integrations=[CeleryIntegration()],
            include_local_variables=False,
            send_default_pii=False,
            before_breadcrumb=lambda crumb, _hint: dict(mask_numbers(None, "", crumb)),
        )


def _register(app: Celery, job: Job, workshop: Workshop) -> None:
    # Not shared: otherwise every other Celery application of the process would get it too.
    @app.task(name=job.task, time_limit=job.limit_seconds, shared=False)  # type: ignore[untyped-decorator]
    def task() -> None:
        try:
            parts = workshop.parts
            parts.refresh()
            done = job.run(parts)
        except (OperationalError, PoolTimeout) as error:
            # The database is away or slow. All is as it was; the schedule comes again.
            log.warning("task.database_away", task=job.task, error=type(error).__name__)
            return
        if done:
            log.debug("task.done", task=job.task, done=done)


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        # No results are kept, so the schedule needs no cleaning of them.
        "result_expires": None,
        "enable_utc": True,
        "timezone": "UTC",
        # A task that was being run by a worker that died is run again: all of them may be.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": TASKS_PER_CHILD_MAX,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
        "task_queues": [_queue(queue.value) for queue in Queue],
        "task_default_queue": Queue.DEFAULT.value,
        "task_create_missing_queues": False,
        "task_routes": {job.task: {"queue": job.queue.value} for job in JOBS},
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": BROKER_SECONDS,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_connect_timeout": BROKER_SECONDS,
            "socket_keepalive": True,
            # A nudge does not wait for a broker that is away; the worker's own loop comes back.
            "max_retries": 0,
            "health_check_interval": 10,
        },
        "beat_scheduler": "workers.beat:Scheduler",
        "beat_schedule": beat_schedule(),
        "beat_max_loop_interval": LOOP_SECONDS,
        "redbeat_redis_url": settings.redis_url,
        "redbeat_redis_options": {"retry_period": 5},
        "redbeat_key_prefix": "nafasi:beat",
        "redbeat_lock_timeout": LOCK_SECONDS,
    }


def _queue(name: str) -> KombuQueue:
    """A queue with an exchange of its own: sharing one would put a message into all of them."""
    exchange = Exchange(name)  # type: ignore[no-untyped-call]
    return KombuQueue(name, exchange, routing_key=name)  # type: ignore[no-untyped-call]
