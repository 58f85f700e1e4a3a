"""What all routes for admins share: who asks, what is taken, and how one pages."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import StringConstraints

from core.admins.queries import Caller
from core.db.tx import Database, Tx
from core.limits import API_BODY_MAX_BYTES, LIST_MAX
from web.api.access import Access
from web.api.envelope import (
    PREFIX,
    SENTENCES,
    SIGNED_IN_RESPONSES,
    Bounded,
    Success,
    unkept,
)

log = structlog.get_logger()
T = TypeVar("T")

NUMBER_MAX = 2**63 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A moment in microseconds until the year 2286, and a number that PostgreSQL can hold.
_PLACE = r"^[0-9]{1,16}-[0-9]{1,18}$"

Number = Annotated[int, Path(ge=1, le=NUMBER_MAX)]
Limit = Annotated[int, Query(ge=1, le=LIST_MAX)]
After = Annotated[
    str | None, Query(pattern=_PLACE, description="`next` of the page before; none for the first.")
]
# PostgreSQL keeps no NUL; how long words may be, the core decides.
Words = Annotated[
    str, StringConstraints(max_length=API_BODY_MAX_BYTES, pattern=re.compile(r"^[^\x00]*$"))
]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a group of routes works with.

    Attributes:
        database: opens transactions.
        access: says who asks.
    """

    database: Database
    access: Access

    def router(self, path: str, sentences: Mapping[str, str]) -> APIRouter:
        """Return a router whose refusals are said in these sentences."""
        return APIRouter(
            prefix=f"{PREFIX}/admin{path}",
            tags=["admin"],
            dependencies=[Depends(self.access), Depends(_saying(sentences)), Depends(unkept)],
            responses=SIGNED_IN_RESPONSES,
            route_class=Bounded,
        )

    def tell(self, read: Callable[[Tx], T]) -> Success[T]:
        """Answer with what is read."""
        with self.database.reading() as tx:
            return Success(data=read(tx), timestamp=tx.now)

    def do(self, admin: Caller, deed: str, subject: object, act: Callable[[Tx], T]) -> Success[T]:
        """Answer with what an act returns, and write down who of ours has done it."""
        done = self.database.run(lambda tx: Success(data=act(tx), timestamp=tx.now))
        log.info("admin.did", admin_id=str(admin.admin_id), deed=deed, subject=str(subject))
        return done


def place(moment: datetime, number: int) -> str:
    """Return where a row stands in a list that is sorted by a moment and a number."""
    return f"{(moment - EPOCH) // timedelta(microseconds=1)}-{number}"


def behind(after: str | None) -> tuple[datetime, int] | None:
    """Return the moment and the number of a ``place``."""
    if after is None:
        return None
    moment, _, number = after.partition("-")
    return EPOCH + timedelta(microseconds=int(moment)), int(number)


def _saying(sentences: Mapping[str, str]) -> Callable[[Request], None]:
    def say(request: Request) -> None:
        setattr(request.state, SENTENCES, sentences)

    return say
