"""How often one caller may ask: counted in Redis over all processes.

When Redis is away nobody is refused: what is asked is only read, or, like wrong passwords, counted
in the database too.
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
# A person types one code in half a minute; a page refreshes four times an hour.
SIGN_INS = "20/minute"
SIGN_INS_PER_EMAIL = "10/minute"
SECONDS = 60


class Quota:
    """A limit of requests per caller's address, or per whatever else is counted.

    Args:
        redis_url: where it is counted.
        of: what is counted; each has counters of its own.
        most: so many in such a time; that of the previews when not given.
    """

    def __init__(self, redis_url: str, of: str = "api", most: str = "") -> None:
        storage = storage_from_string(
            redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._limit = parse(most or PREVIEWS)
        self._of = of

    def __call__(self, request: Request) -> None:
        """Count a request of an address; raises as ``count``."""
        self.count(request.client.host if request.client else "?")

    def count(self, who: str) -> None:
        """Count a request; raises Busy (data: seconds) beyond the limit."""
        try:
            fair = self._limiter.hit(self._limit, self._of, who)
        except StorageError:
            log.warning("quota.away")
            return
        if not fair:
            raise Busy(seconds=SECONDS)
