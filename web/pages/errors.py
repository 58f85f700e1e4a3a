"""What a browser is shown when a page does not exist or we failed; others get JSON."""

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from web.pages.render import page

SERVER_ERROR = 500


def add_error_pages(app: FastAPI) -> None:
    """Answer every refusal and every failure of the application."""

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404 and _reads_html(request):
            return page(request, "not_found.html", status=404)
        return JSONResponse(
            {"error": error.detail}, status_code=error.status_code, headers=error.headers
        )

    @app.exception_handler(Exception)
    def failed(request: Request, _error: Exception) -> Response:
        # The server logs the error itself, with its trace.
        if _reads_html(request):
            return page(request, "broken.html", status=SERVER_ERROR)
        return JSONResponse({"error": "Internal Server Error"}, status_code=SERVER_ERROR)


def _reads_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
