"""The web application, from settings."""

from starlette.types import ASGIApp

from core.settings import Settings
from web.asgi import assemble
from web.bootstrap import build_parts


def create_app(settings: Settings) -> ASGIApp:
    """Return what uvicorn serves: the USSD hop in front, the framework behind it."""
    return assemble(build_parts(settings))
