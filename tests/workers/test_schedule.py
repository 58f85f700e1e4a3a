"""The schedule and the Celery application: queues, limits, expiry, a beat that starts again."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from celery import Celery
from redbeat.schedulers import get_redis

from core.db.tx import Work
from core.local_clock import add_ahead
from core.settings import Environment, Settings
from workers.app import make_celery, nudge
from workers.beat import Scheduler
from workers.parts import build_parts
from workers.schedule import BY_WORK, JOBS, VISIBILITY_SECONDS, Queue


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return Settings(env=Environment.TEST, redis_url=redis_url)


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    made = make_celery(settings)
    yield made
    made.close()


def waiting(store: redis.Redis, queue: str) -> int:
    length: Any = store.llen(queue)
    return int(length)


def test_tasks_have_the_names_that_others_send() -> None:
    assert {job.task for job in JOBS} == {
        "notices.run", "attempts.run", "inbox.run", "timers.run",
        "payouts.run", "ledger.run", "housekeeping.run",
        "checker.run", "cases.run", "float.run", "balances.run", "documents.run", "invoices.run",
        "disputes.run", "drops.run", "trail.run", "waits.run",
    }  # fmt: skip
    assert BY_WORK.keys() == set(Work)


def test_a_beat_message_expires_when_the_next_one_comes(app: Celery) -> None:
    for job in JOBS:
        entry = app.conf.beat_schedule[job.name]
        assert entry["schedule"] == timedelta(seconds=job.every_seconds)
        assert entry["options"] == {"queue": job.queue.value, "expires": job.every_seconds}


def test_every_task_has_a_time_limit_below_the_visibility_timeout(app: Celery) -> None:
    for job in JOBS:
        task = app.tasks[job.task]
        assert 0 < task.time_limit < VISIBILITY_SECONDS
        assert task.acks_late
        assert task.reject_on_worker_lost
    assert app.conf.broker_transport_options["visibility_timeout"] == VISIBILITY_SECONDS


@pytest.mark.parametrize(
    ("work", "queue"),
    [(Work.NOTICES, "urgent"), (Work.ATTEMPTS, "urgent"), (Work.INBOX, "default")],
)
def test_a_nudge_reaches_its_queue_and_no_other(
    app: Celery, store: redis.Redis, work: Work, queue: str
) -> None:
    nudge(app, work)

    assert {each.value: waiting(store, each.value) for each in Queue} == {
        each.value: int(each.value == queue) for each in Queue
    }


def test_a_nudge_into_a_broker_that_is_away_is_lost_quietly() -> None:
    nowhere = make_celery(Settings(env=Environment.TEST, redis_url="redis://127.0.0.1:1/0"))
    nudge(nowhere, Work.NOTICES)
    nowhere.close()


def make_beat(app: Celery) -> Scheduler:
    return Scheduler(app, max_interval=1)


def test_a_beat_whose_schedule_redis_forgot_writes_it_again(
    app: Celery, store: redis.Redis
) -> None:
    beat = make_beat(app)
    beat._begin_again()
    store.flushdb()

    beat.tick()

    assert store.zcard(app.redbeat_conf.schedule_key) == len(JOBS)
    held: Any = beat.lock
    assert held.owned()
    beat.close()


def test_a_beat_that_could_not_take_its_lock_takes_it_at_the_next_look(
    app: Celery, store: redis.Redis
) -> None:
    before = make_beat(app)
    before._begin_again()
    before.close()
    # Redis was away when this one began: the schedule is there, the lock was not to be had.
    beat = make_beat(app)
    assert beat.lock is None

    beat.tick()

    held: Any = beat.lock
    assert held.owned()
    beat.close()


def test_of_twin_beats_one_sends(app: Celery, settings: Settings, store: redis.Redis) -> None:
    first = make_beat(app)
    first._begin_again()
    twin_app = make_celery(settings)
    twin = make_beat(twin_app)
    lock = get_redis(twin_app).lock(twin.lock_key, timeout=10, blocking=False)

    assert not lock.acquire(), "the twin has to wait"

    first.close()
    assert lock.acquire(), "until the first one is gone"
    lock.release()
    twin_app.close()


def test_a_task_in_a_local_trial_follows_the_trials_clock(
    databases: Any, settings: Settings
) -> None:
    name = databases.migrated()
    parts = build_parts(
        settings.model_copy(update={"database_url": databases.url(name)}), lambda _work: None
    )
    before = parts.database.clock.now()
    with parts.database.transaction() as tx:
        add_ahead(tx.db, timedelta(days=3))

    parts.refresh()

    assert parts.database.clock.now() - before >= timedelta(days=3)
    parts.close()
    databases.drop(name)
