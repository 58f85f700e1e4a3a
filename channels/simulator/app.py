"""The simulators as one ASGI application.

`/africastalking`, `/twilio`, `/kannel`, `/daraja`, `/flutterwave/v3` and `/etims` speak the
providers' wire formats, so that an adapter needs nothing but a base URL; `/simulator/api` is our
own control JSON; `/simulator/certificate.pem` is what Safaricom publishes for security
credentials. Imports nothing of the project but the core.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from channels.simulator import (
    africastalking,
    control,
    daraja,
    daraja_b2c,
    daraja_balance,
    daraja_c2b,
    daraja_reversal,
    daraja_stk,
    etims,
    flutterwave_cards,
    flutterwave_charges,
    flutterwave_refunds,
    flutterwave_transfers,
    kannel,
    twilio,
)
from channels.simulator.callbacks import Overloaded
from channels.simulator.config import SimulatorConfig
from channels.simulator.credentials import certificate_pem
from channels.simulator.state import Measure, World, count_characters
from channels.simulator.wire import TooLarge
from core.clock import Clock, SystemClock


def create_app(
    config: SimulatorConfig,
    *,
    measure: Measure = count_characters,
    clock: Clock | None = None,
) -> Starlette:
    """The application, with a world of its own.

    `measure` counts the septets and segments of a text for the phone page. `clock` is the
    providers' own and does not follow when the application's clock is moved. Waits run on the
    event loop, whatever the clock says.
    """
    return app_of(World(config, measure, clock or SystemClock()))


def app_of(world: World) -> Starlette:
    """The application around a world that somebody else has in hand too."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await world.open()
        try:
            yield
        finally:
            await world.close()

    async def certificate(_request: Request) -> Response:
        pem = certificate_pem(world.private_key, world.now())
        return Response(pem, media_type="application/x-pem-file")

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    daraja_routes = [
        daraja.oauth_route(world),
        *daraja_stk.routes(world),
        *daraja_c2b.routes(world),
        *daraja_b2c.routes(world),
        *daraja_balance.routes(world),
        *daraja_reversal.routes(world),
    ]
    flutterwave_routes = [
        *flutterwave_cards.routes(world),
        *flutterwave_charges.routes(world),
        *flutterwave_refunds.routes(world),
        *flutterwave_transfers.routes(world),
    ]
    return Starlette(
        routes=[
            Route("/healthz", health),
            Mount("/africastalking", routes=africastalking.routes(world)),
            Mount("/twilio", routes=twilio.routes(world)),
            Mount("/kannel", routes=kannel.routes(world)),
            Mount("/daraja", app=_daraja(world, daraja_routes)),
            Mount("/flutterwave/v3", routes=flutterwave_routes),
            Mount("/etims", routes=etims.routes(world)),
            Route("/simulator/certificate.pem", certificate),
            Mount("/simulator/api", routes=control.routes(world)),
        ],
        exception_handlers={TooLarge: _too_large, Overloaded: _overloaded},
        lifespan=lifespan,
    )


def _daraja(world: World, routes: list[Route]) -> ASGIApp:
    """Daraja words its own 404, so an unknown path must not fall to the framework's."""

    async def unknown(_request: Request) -> Response:
        return daraja.refuse(world, daraja.Refusal(404, "404.001.01", "Resource not found"))

    everything = Route(
        "/{path:path}", unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    )
    return Starlette(
        routes=[*routes, everything],
        exception_handlers={TooLarge: _too_large, Overloaded: _overloaded},
    )


async def _too_large(_request: Request, _error: Exception) -> Response:
    return Response(status_code=413)


async def _overloaded(_request: Request, _error: Exception) -> Response:
    return Response(status_code=503)
