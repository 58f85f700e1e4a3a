"""The landing page."""

from pathlib import Path

from fastapi import APIRouter, Request, Response

from core.msisdn import local_form
from core.settings import Settings
from sessions.texts import plain, t
from web.pages.render import language_of, page

STATIC = Path(__file__).parent / "static"
PAGE_SECONDS = 300


def page_routes(settings: Settings) -> APIRouter:
    """Return the public pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def landing(request: Request) -> Response:
        language = language_of(request)
        help_text = t(
            "Send HELP by SMS to {shortcode} or call {phone}.",
            shortcode=settings.africastalking_shortcode,
            phone=local_form(settings.help_phone),
        )
        answer = page(
            request,
            "landing.html",
            {
                "ussd_code": settings.ussd_code,
                # "#" ends an address unless it is escaped.
                "dial_link": f"tel:{settings.ussd_code.replace('#', '%23')}",
                "help_text": plain(help_text, language),
                "simulator": settings.local and bool(settings.simulator_url),
            },
        )
        answer.headers["Cache-Control"] = f"public, max-age={PAGE_SECONDS}"
        return answer

    return router
