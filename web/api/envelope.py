"""What every answer of the API is wrapped in, as the seeds have it: success, data or error, time.

``{"success": true, "data": …, "message": …, "timestamp": …}``, or ``{"success": false,
"error": {"code", "message", "details"}, "timestamp": …}``. Codes are those of ``core.errors``.
"""

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import Message

from core.clock import Clock
from core.errors import NafasiError, NotFound, Refused
from core.limits import API_BODY_MAX_BYTES
from sessions.texts import plain, why
from web.hop import Gone, TooLong, read_body
from web.pages.render import language_of

PREFIX = "/api/v1"
UNKEPT = {"Cache-Control": "no-store"}
SENTENCES = "sentences"
STRANGERS = {
    "not_signed_in": "Sign in first.",
    "token_expired": "Refresh your access token, then ask again.",
    "wrong_sign_in": "E-mail, password or code is wrong. After several wrong tries none is taken"
    " for a quarter of an hour.",
}
# RFC 6750, section 3: an error is named only to those who brought a token.
CHALLENGES = {
    "not_signed_in": 'Bearer realm="nafasi"',
    "token_expired": 'Bearer realm="nafasi", error="invalid_token"',
    "wrong_sign_in": 'Bearer realm="nafasi"',
}
T = TypeVar("T")

RESPONSES: dict[int | str, dict[str, Any]] = {}


class Success(BaseModel, Generic[T]):
    """An answer that is no refusal."""

    success: Literal[True] = True
    data: T
    message: str = "OK"
    timestamp: datetime


class Problem(BaseModel):
    """What was refused, by a code that does not change, and in words that may."""

    code: str
    message: str
    details: dict[str, Any] = {}


class Failure(BaseModel):
    """A refusal."""

    success: Literal[False] = False
    error: Problem
    timestamp: datetime


for _status, _when in ((404, "There is none."), (422, "It cannot be."), (429, "Too many.")):
    RESPONSES[_status] = {"model": Failure, "description": _when}
SIGNED_IN_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": when}
    for status, when in (
        (400, "The body cannot be read."),
        (401, "Not signed in."),
        (404, "There is none."),
        (413, "The body is too long."),
        (422, "It cannot be."),
    )
}


class Busy(NafasiError):
    """One caller asks more often than is fair."""

    code = "too_many_requests"


class NotSignedIn(NafasiError):
    """Only those who are signed in are told; ``token_expired`` says that they were."""

    code = "not_signed_in"


class Bounded(APIRoute):
    """A route that reads no more of a body than the API needs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the framework's own handler, behind the limit."""
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            try:
                body = await read_body(request.receive, API_BODY_MAX_BYTES)
            except TooLong:
                raise HTTPException(413) from None
            except Gone:
                raise HTTPException(400) from None

            async def once() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            return await handle(Request(request.scope, once))

        return bounded


def add_api_errors(app: FastAPI, clock: Clock) -> None:
    """Answer what the core refuses, and what cannot be read, in the API's own form."""

    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        status = 404 if isinstance(error, NotFound) else 422
        # Routes for people of ours have sentences of their own.
        own: Mapping[str, str] = getattr(request.state, SENTENCES, {})
        message = (
            own[error.code].format(**error.data)
            if error.code in own
            else plain(why(error), language_of(request))
        )
        return failure(clock, status, error.code, message, error.data)

    @app.exception_handler(Busy)
    def busy(_request: Request, error: Busy) -> Response:
        answer = failure(clock, 429, error.code, "Wait a minute, then ask again.", error.data)
        answer.headers["Retry-After"] = str(error.data["seconds"])
        return answer

    @app.exception_handler(NotSignedIn)
    def stranger(_request: Request, error: NotSignedIn) -> Response:
        answer = failure(clock, 401, error.code, STRANGERS[error.code])
        answer.headers["WWW-Authenticate"] = CHALLENGES[error.code]
        return answer

    @app.exception_handler(RequestValidationError)
    def unreadable(_request: Request, error: RequestValidationError) -> Response:
        fields = {_field(each): each["msg"] for each in error.errors()}
        return failure(clock, 422, "bad_request", "Some fields cannot be read.", fields)


def failure(
    clock: Clock, status: int, code: str, message: str, details: dict[str, Any] | None = None
) -> JSONResponse:
    """Return a refusal; nobody keeps it."""
    problem = Problem(code=code, message=message, details=details or {})
    body = Failure(error=problem, timestamp=clock.now())
    return JSONResponse(jsonable_encoder(body), status, headers=UNKEPT)


def _field(error: dict[str, Any]) -> str:
    """Name the field that an error is about, without where in the request it stands."""
    return ".".join(str(part) for part in error["loc"][1:])


def unkept(response: Response) -> None:
    """Let nobody keep an answer that is one person's."""
    response.headers.update(UNKEPT)
