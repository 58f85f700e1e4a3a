"""What a browser is shown when a page does not exist or we failed; others get JSON."""

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from core.clock import Clock
from web.api.envelope import PREFIX, failure
from web.pages.render import page

log = structlog.get_logger()

SERVER_ERROR = 500
UNAVAILABLE = 503
# By what the API calls what no route of it has answered.
CODES = {
    400: "bad_request",
    404: "not_found",
    405: "bad_method",
    413: "too_long",
    SERVER_ERROR: "failed",
    UNAVAILABLE: "unavailable",
}


def add_error_pages(app: FastAPI, clock: Clock) -> None:
    """Answer every refusal and every failure of the application."""

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404 and _reads_html(request):
            return page(request, "not_found.html", status=404)
        answer = _json(request, error.status_code, error.detail)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeout)
    def away(request: Request, error: Exception) -> Response:
        # Not a fault of the code: whoever asks may ask again, and nobody needs a trace.
        log.warning("database.away", error=type(error).__name__)
        if _reads_html(request):
            return page(request, "broken.html", status=UNAVAILABLE)
        return _json(request, UNAVAILABLE, "Service Unavailable")

    @app.exception_handler(Exception)
    def failed(request: Request, _error: Exception) -> Response:
        # The server logs the error itself, with its trace.
        if _reads_html(request):
            return page(request, "broken.html", status=SERVER_ERROR)
        return _json(request, SERVER_ERROR, "Internal Server Error")

    def _json(request: Request, status: int, words: str) -> JSONResponse:
        if request.url.path.startswith(PREFIX):
            return failure(clock, status, CODES.get(status, "refused"), words)
        return JSONResponse({"error": words}, status_code=status)


def _reads_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
