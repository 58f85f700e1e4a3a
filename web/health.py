"""For whoever runs us: ``/healthz`` ``/readyz`` ``/metrics`` ``/version``.

``/healthz`` touches nothing: it says that the process answers. ``/readyz`` says whether work can
be done here now; a balancer acts on it, nobody restarts a process for it.
"""

import hmac
import platform
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from importlib.metadata import version

import redis
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from core.settings import Settings
from web.metrics import Metrics
from web.schema import head_on_disk, revision_of

CHECK_SECONDS = 2
# Probes that hang (a host that swallows packets) keep a thread until their driver gives up.
THREADS = 6
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Check = Callable[[], None]


class NotReady(Exception):
    """A check found something; the text says what, without addresses or secrets."""


class Readiness:
    """The checks, each within ``CHECK_SECONDS``, side by side.

    They open connections of their own: a busy pool is not an outage, and a pool full of good
    connections does not prove that a new one can be had.
    """

    def __init__(self, settings: Settings) -> None:
        # Reading all migrations takes a while: not within a probe's time.
        self._head = head_on_disk()
        self._engine = create_engine(
            settings.database_url,
            poolclass=NullPool,
            connect_args={
                "connect_timeout": CHECK_SECONDS,
                "options": f"-c statement_timeout={CHECK_SECONDS * 1000}",
            },
        )
        self._redis = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=CHECK_SECONDS,
            socket_connect_timeout=CHECK_SECONDS,
            max_connections=THREADS,
        )
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="ready")
        self._checks: dict[str, Check] = {
            "database": self._database,
            "migrations": self._migrations,
            "redis": self._ping_redis,
        }

    def ask(self) -> dict[str, str]:
        """Return what each check says, ``ok`` or what is wrong."""
        started = {name: self._pool.submit(check) for name, check in self._checks.items()}
        wait(started.values(), timeout=CHECK_SECONDS)
        return {name: _said(future) for name, future in started.items()}

    def close(self) -> None:
        """Give everything back."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._redis.close()
        self._engine.dispose()

    def _database(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def _migrations(self) -> None:
        with self._engine.connect() as connection:
            found = revision_of(connection)
        if found != self._head:
            raise NotReady(f"the database is at {found}, the code at {self._head}")

    def _ping_redis(self) -> None:
        self._redis.ping()


def _said(check: "Future[None]") -> str:
    if not check.done():
        check.cancel()
        return f"no answer within {CHECK_SECONDS} s"
    error = check.exception()
    if error is None:
        return "ok"
    # Drivers' texts hold addresses; the kind of error is enough to know where to look.
    return str(error) if isinstance(error, NotReady) else type(error).__name__


def health_routes(settings: Settings, readiness: Readiness, metrics: Metrics) -> APIRouter:
    """Return the four routes."""
    router = APIRouter(include_in_schema=False)
    token = settings.metrics_token.get_secret_value().encode()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz() -> JSONResponse:
        checks = readiness.ask()
        ready = all(said == "ok" for said in checks.values())
        return JSONResponse(
            {"status": "ready" if ready else "not ready", "checks": checks},
            status_code=200 if ready else 503,
        )

    @router.get("/metrics")
    def show_metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if token and not hmac.compare_digest(given, b"Bearer " + token):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return Response(metrics.render(), media_type=METRICS_TYPE)

    @router.get("/version")
    async def show_version() -> dict[str, str]:
        return {
            "name": "nafasi",
            "version": version("nafasi"),
            "python": platform.python_version(),
            "schema": head_on_disk(),
        }

    return router
