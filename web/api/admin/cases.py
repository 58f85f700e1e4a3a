"""What no rule decides: read and ended by a person."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from core.admins.queries import Caller
from core.cases import usecases
from core.cases.queries import case_by_number, open_cases
from core.db.tx import Tx
from core.limits import LIST_MAX
from web.api.admin.desk import After, Desk, Limit, Number, Words, behind, place
from web.api.envelope import Success
from web.desk.cases import ToldCase
from web.desk.sentences import CASES


class OpenCases(BaseModel):
    """A page of open cases."""

    cases: list[ToldCase]
    next: str | None = Field(description="`after` of the next page, none on the last.")


class Ending(BaseModel):
    """How a case ended."""

    note: Words


def case_routes(desk: Desk) -> APIRouter:
    """Return the addresses of cases."""
    router = desk.router("/cases", CASES)
    Admin = Annotated[Caller, Depends(desk.access)]  # noqa: N806 -- a type.

    @router.get("")
    def list_open(limit: Limit = LIST_MAX, after: After = None) -> Success[OpenCases]:
        """List open cases, the oldest first."""

        def page(tx: Tx) -> OpenCases:
            found = open_cases(tx, limit, behind(after))
            last = found[-1] if len(found) == limit else None
            return OpenCases(
                cases=[ToldCase.of(case, tx.now) for case in found],
                next=place(last.opened_at, last.number) if last else None,
            )

        return desk.tell(page)

    @router.get("/{number}")
    def read(number: Number) -> Success[ToldCase]:
        """Read a case, closed ones too."""
        return desk.tell(lambda tx: ToldCase.of(case_by_number(tx, number), tx.now))

    @router.post("/{number}/close")
    def close(number: Number, ending: Ending, admin: Admin) -> Success[ToldCase]:
        """End a case with a word on how; one that nobody had is then yours."""

        def end(tx: Tx) -> ToldCase:
            return ToldCase.of(usecases.close(tx, number, ending.note, admin.email), tx.now)

        return desk.do(admin, "case.closed", number, end)

    return router
