"""The least that a hop could cost: raw routes of the server that we use, with ever less Redis.

``two``: one GET and one SET by the usual client. ``script``: one script by the same client.
``piped``: the same script, all requests on one connection that never waits for an answer before it
sends the next. ``raw``: no Redis at all.
"""

import asyncio
import os
from collections import deque
from urllib.parse import urlsplit

import hiredis
import redis.asyncio
from starlette.types import Receive, Scope, Send

from web.hop import read_body

SCREEN = b"CON " + b"x" * 120
LAST = b"END " + b"x" * 120
ENTRIES_BEFORE_LAST = b"%2A1%2A"
KEPT_SECONDS = 60
SCRIPT = """
local before = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return before
"""


class Pipe:
    """One connection to Redis; answers come in the order of the questions."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[object]] = deque()
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect, and listen from then on."""
        stream, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        self._listener = asyncio.create_task(self._listen(stream))

    async def aclose(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._listener.cancel()
            self._writer.close()

    async def ask(self, *words: bytes | int) -> object:
        """Send a command and wait for its answer, though the next may be sent before it comes."""
        assert self._writer is not None, "the server has started"
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(hiredis.pack_command(words))  # type: ignore[arg-type]
        return await answer

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(65_536):
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not False:
                self._waiting.popleft().set_result(answer)


class Floors:
    """Serves the four routes."""

    def __init__(self, redis_url: str) -> None:
        self._client = redis.asyncio.Redis.from_url(redis_url)
        self._script = self._client.register_script(SCRIPT)
        self._pipe = Pipe(redis_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a hop with a screenful of text."""
        if scope["type"] == "lifespan":
            await self._pipe.open()
            for done in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
                await receive()
                await send({"type": done})
            await self._pipe.aclose()
            await self._client.aclose()
            return
        body = await read_body(receive)
        key = b"floor:" + body[:40]
        match scope["path"]:
            case "/two":
                await self._client.get(key)
                await self._client.set(key, SCREEN, ex=KEPT_SECONDS)
            case "/script":
                await self._script(keys=[key], args=[SCREEN, KEPT_SECONDS])
            case "/piped":
                await self._pipe.ask(b"EVAL", SCRIPT.encode(), 1, key, SCREEN, KEPT_SECONDS)
        screen = LAST if ENTRIES_BEFORE_LAST in body else SCREEN
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(screen)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": screen})


def make() -> Floors:
    """Return the server for the Redis that the environment names."""
    return Floors(os.environ["NAFASI_REDIS_URL"])
