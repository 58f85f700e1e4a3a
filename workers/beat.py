"""The scheduler: redbeat, which keeps schedule and lock in Redis, made to outlive Redis.

Twin beats share a lock, so only one of them sends. When Redis restarts empty the lock and the
schedule are gone: then the beat takes the lock anew and writes the schedule again, instead of
ending or of ticking over nothing.
"""

import time
from typing import Any

import structlog
from redbeat.schedulers import RedBeatScheduler, acquire_distributed_beat_lock, get_redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.lock import Lock

log = structlog.get_logger()

RETRY_SECONDS = 1.0
LOOP_SECONDS = 1.0
# How long a beat that died keeps its twin waiting.
LOCK_SECONDS = 10


class Scheduler(RedBeatScheduler):  # type: ignore[misc]  # redbeat is untyped.
    """Redbeat's scheduler, which begins again when Redis has forgotten it."""

    lock: Lock | None = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; return seconds until the next look."""
        try:
            # Without a lock: Redis was away when it was asked for, at the start or just now.
            if self.lock is None or self._forgotten():
                self._begin_again()
            return min(float(super().tick(*args, **kwargs)), LOOP_SECONDS)
        except LockError:
            self._begin_again()
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            log.warning("beat.redis_away", error=type(error).__name__)
            time.sleep(RETRY_SECONDS)
        return RETRY_SECONDS

    def _forgotten(self) -> bool:
        """Tell whether the schedule is no longer in Redis."""
        return not get_redis(self.app).exists(self.app.redbeat_conf.schedule_key)

    def _begin_again(self) -> None:
        log.warning("beat.begins_again")
        self.lock = None
        # Waits as long as a twin holds the lock.
        acquire_distributed_beat_lock(_Service(self))
        self.setup_schedule()


class _Service:
    """What redbeat's lock hook looks at."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
