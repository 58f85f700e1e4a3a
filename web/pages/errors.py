"""What a browser is shown when a page does not exist or we failed; others get JSON."""

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from web.pages.render import page

log = structlog.get_logger()

SERVER_ERROR = 500
UNAVAILABLE = 503


def add_error_pages(app: FastAPI) -> None:
    """Answer every refusal and every failure of the application."""

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404 and _reads_html(request):
            return page(request, "not_found.html", status=404)
        return JSONResponse(
            {"error": error.detail}, status_code=error.status_code, headers=error.headers
        )

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeout)
    def away(request: Request, error: Exception) -> Response:
        # Not a fault of the code: whoever asks may ask again, and nobody needs a trace.
        log.warning("database.away", error=type(error).__name__)
        if _reads_html(request):
            return page(request, "broken.html", status=UNAVAILABLE)
        return JSONResponse({"error": "Service Unavailable"}, status_code=UNAVAILABLE)

    @app.exception_handler(Exception)
    def failed(request: Request, _error: Exception) -> Response:
        # The server logs the error itself, with its trace.
        if _reads_html(request):
            return page(request, "broken.html", status=SERVER_ERROR)
        return JSONResponse({"error": "Internal Server Error"}, status_code=SERVER_ERROR)


def _reads_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
