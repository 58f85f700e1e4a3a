"""The web process under measurement: the application itself, and beside it the floor.

The floor is the least that a durable hop could cost with the usual client: a raw route of the
same server that does two Redis round trips (one GET, one SET) and answers a screenful of text.
"""

import redis.asyncio
from starlette.types import ASGIApp, Receive, Scope, Send

from core.logs import configure_logs
from core.settings import Settings
from web.app import create_app
from web.bench.callers import FLOOR
from web.hop import read_body

SCREEN = b"CON " + b"x" * 120
HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(SCREEN)).encode()),
]


class WithFloor:
    """The application with the floor's route in front of it."""

    def __init__(self, app: ASGIApp, redis_url: str) -> None:
        self._app = app
        self._redis = redis.asyncio.Redis.from_url(redis_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["path"] != FLOOR:
            await self._app(scope, receive, send)
            return
        body = await read_body(receive)
        key = b"bench:" + body[-24:]
        await self._redis.get(key)
        await self._redis.set(key, SCREEN, ex=60)
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": SCREEN})


settings = Settings.load()
configure_logs(settings)
app = WithFloor(create_app(settings), settings.redis_url)
