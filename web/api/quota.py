"""How often one caller may ask: counted in Redis over all processes.

When Redis is away nobody is refused: what is asked here is read and changes nothing.
"""

import structlog
from fastapi import Request
from limits import parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from web.api.envelope import Busy

log = structlog.get_logger()

PREVIEWS = "60/minute"
SECONDS = 60


class Quota:
    """A limit of requests per caller's address.

    Args:
        redis_url: where it is counted.
    """

    def __init__(self, redis_url: str) -> None:
        storage = storage_from_string(
            redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._limit = parse(PREVIEWS)

    def __call__(self, request: Request) -> None:
        """Count a request; raises Busy (data: seconds) beyond the limit."""
        caller = request.client.host if request.client else "?"
        try:
            fair = self._limiter.hit(self._limit, "api", caller)
        except StorageError:
            log.warning("quota.away")
            return
        if not fair:
            raise Busy(seconds=SECONDS)
