"""``/simulator``: the page with the phones, and the way through to the simulators' control JSON.

Only in a local trial, and only while simulators run. The page talks to us alone, so the browser
needs to reach nothing else.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import structlog
from fastapi import APIRouter, Body, HTTPException, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from web.hop import Gone, TooLong, read_body
from web.parts import Parts
from web.trial_clock import ADVANCE_DAYS_MAX, Advance, WorkersIdle
from web.wake import Producer

log = structlog.get_logger()

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
# A screen may take as long as a network waits for it, and then some.
PROXY_SECONDS = 20.0
CONNECTIONS_MAX = 50
_PATH = re.compile(r"[a-z]+(/[A-Za-z0-9_-]{1,80}|\.csv)?")


def simulator_routes(parts: Parts) -> APIRouter:
    """Return the page, the clock and the way through."""
    settings = parts.settings
    assert settings.local, "production has no simulator"
    client = httpx.AsyncClient(
        base_url=settings.simulator_url,
        timeout=PROXY_SECONDS,
        limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        trust_env=False,
    )

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        async with client:
            yield

    router = APIRouter(prefix="/simulator", include_in_schema=False, lifespan=lifespan)

    @router.get("")
    def show() -> Response:
        return FileResponse(FOLDER / "simulator.html", media_type="text/html")

    _clock(router, parts)
    _way_through(router, client)
    return router


def _clock(router: APIRouter, parts: Parts) -> None:
    @router.get("/api/clock")
    def read_clock() -> dict[str, str]:
        return {"now": parts.database.clock.now().isoformat()}

    @router.post("/api/clock")
    def move_clock(hours: Annotated[int, Body(embed=True, ge=1, le=24 * ADVANCE_DAYS_MAX)]) -> Any:
        producer = Producer(parts.settings.redis_url)
        try:
            arrived = Advance(parts.database, producer.send).by(timedelta(hours=hours))
        except WorkersIdle as error:
            detail = f"Nobody does what is due: {', '.join(error.data['due'])}."
            return JSONResponse({"error": {"code": error.code, "message": detail}}, 503)
        finally:
            producer.close()
        return {"now": arrived.isoformat()}


def _way_through(router: APIRouter, client: httpx.AsyncClient) -> None:
    @router.api_route("/api/{path:path}", methods=["GET", "POST", "DELETE"])
    async def pass_on(path: str, request: Request) -> Response:
        if not _PATH.fullmatch(path):
            raise HTTPException(404)
        try:
            body = await read_body(request.receive)
            answer = await client.request(
                request.method,
                f"/simulator/api/{path}",
                params=request.query_params,
                content=body,
                headers={"content-type": "application/json"},
            )
        except TooLong:
            raise HTTPException(413) from None
        except Gone:
            raise HTTPException(400) from None
        except httpx.HTTPError as error:
            log.warning("simulator.unreachable", error=type(error).__name__)
            raise HTTPException(502, "the simulator does not answer") from None
        return Response(
            answer.content, answer.status_code, media_type=answer.headers.get("content-type")
        )
