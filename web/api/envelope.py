"""What every answer of the API is wrapped in, as the seeds have it: success, data or error, time.

``{"success": true, "data": …, "message": …, "timestamp": …}``, or ``{"success": false,
"error": {"code", "message", "details"}, "timestamp": …}``. Codes are those of ``core.errors``.
"""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from core.clock import Clock
from core.errors import NafasiError, NotFound, Refused
from sessions.texts import plain, why
from web.pages.render import language_of

PREFIX = "/api/v1"
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


class Busy(NafasiError):
    """One caller asks more often than is fair."""

    code = "too_many_requests"


def add_api_errors(app: FastAPI, clock: Clock) -> None:
    """Answer what the core refuses, and what cannot be read, in the API's own form."""

    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        status = 404 if isinstance(error, NotFound) else 422
        message = plain(why(error), language_of(request))
        return _failure(status, error.code, message, error.data)

    @app.exception_handler(Busy)
    def busy(_request: Request, error: Busy) -> Response:
        answer = _failure(429, error.code, "Wait a minute, then ask again.", error.data)
        answer.headers["Retry-After"] = str(error.data["seconds"])
        return answer

    @app.exception_handler(RequestValidationError)
    def unreadable(_request: Request, error: RequestValidationError) -> Response:
        fields = {_field(each): each["msg"] for each in error.errors()}
        return _failure(422, "bad_request", "Some fields cannot be read.", fields)

    def _failure(status: int, code: str, message: str, details: dict[str, Any]) -> JSONResponse:
        problem = Problem(code=code, message=message, details=details)
        body = Failure(error=problem, timestamp=clock.now())
        return JSONResponse(jsonable_encoder(body), status_code=status)


def _field(error: dict[str, Any]) -> str:
    """Name the field that an error is about, without where in the request it stands."""
    return ".".join(str(part) for part in error["loc"][1:])
