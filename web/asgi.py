"""How the web process is layered: hop, then headers and request id, then the framework."""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

from channels.registry import enabled_gateways
from sessions.bootstrap import build_talking
from web.api.admin.routes import admin_routes
from web.api.envelope import PREFIX, add_api_errors
from web.api.previews import preview_routes
from web.api.sign_in import sign_in_routes
from web.health import Readiness, health_routes
from web.hooks import hook_routes, keep_end
from web.hop import UssdHop
from web.inlet import Drainer
from web.local_time import ClockKeeper
from web.middleware import Surroundings
from web.pages.errors import add_error_pages
from web.pages.listing import listing_routes
from web.pages.papers.routes import paper_routes
from web.pages.paying import pay_routes
from web.pages.photos import photo_routes
from web.pages.routes import STATIC, page_routes
from web.pages.talk.routes import talk_routes
from web.pages.vendor_papers import vendor_paper_routes
from web.pages.vendor_photos import vendor_photo_routes
from web.parts import Parts
from web.simulator.routes import STATIC as SIMULATOR_STATIC
from web.simulator.routes import simulator_routes

GC_THRESHOLDS = (20_000, 50, 100)
SWITCH_SECONDS = 0.0005


def assemble(parts: Parts) -> ASGIApp:
    """Return the application around its parts; it closes them when it ends."""
    settings = parts.settings
    readiness = Readiness(settings)
    keeper = ClockKeeper(parts.database)
    drainer = Drainer(parts.inlet)

    _settle_process()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # A thread more than there are connections would only wait for one.
        limiter = anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = settings.database_pool_size
        await parts.conductor.start()
        drainer.start()
        if settings.local:
            keeper.start()
        try:
            yield
        finally:
            await parts.conductor.aclose()
            await anyio.to_thread.run_sync(_close, parts, readiness, keeper, drainer)

    # No interactive documentation: its pages load scripts from elsewhere.
    app = FastAPI(
        title="Nafasi",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        lifespan=lifespan,
        # An address is itself: nobody is led from a callback's neighbour to the callback.
        redirect_slashes=False,
    )
    parts.metrics.watch(parts.database)
    app.include_router(health_routes(settings, readiness, parts.metrics))
    app.include_router(hook_routes(parts))
    app.include_router(page_routes(settings))
    app.include_router(paper_routes(parts))
    app.include_router(pay_routes(parts))
    app.include_router(preview_routes(parts))
    app.include_router(sign_in_routes(parts))
    app.include_router(admin_routes(parts))
    app.include_router(talk_routes(parts, build_talking(settings)))
    app.include_router(vendor_paper_routes(parts))
    app.include_router(listing_routes(parts))
    app.include_router(photo_routes(parts))
    app.include_router(vendor_photo_routes(parts))
    add_api_errors(app, parts.database.clock)
    app.mount("/static", StaticFiles(directory=STATIC))
    if settings.local and settings.simulator_url:
        app.include_router(simulator_routes(parts))
        app.mount("/simulator/static", StaticFiles(directory=SIMULATOR_STATIC))
    add_error_pages(app, parts.database.clock)
    surrounded = Surroundings(
        app, parts.database.ids, secure=settings.public_url.startswith("https://")
    )
    return UssdHop(
        parts.conductor.advance,
        partial(keep_end, parts),
        enabled_gateways(settings),
        settings.callback_secret.get_secret_value(),
        surrounded,
        parts.metrics.hop_refused,
    )


def _settle_process() -> None:
    """Tune the interpreter for turns that somebody waits for.

    What lives as long as the process is left out of garbage collection, and the rest is collected
    less often: a turn makes many small objects and no cycles to speak of. Threads hand over the
    interpreter sooner than after the usual 5 ms: most turns need it for less than one.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)


def _close(parts: Parts, readiness: Readiness, keeper: ClockKeeper, drainer: Drainer) -> None:
    """Close what turns needed, the database last."""
    drainer.stop()
    keeper.stop()
    parts.nudger.close()
    readiness.close()
    parts.database.close()
