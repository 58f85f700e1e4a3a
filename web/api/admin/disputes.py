"""What customers and vendors disagree about: read and decided."""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from core.admins.queries import Caller
from core.booking.moves import find_by_code
from core.db.tx import Tx
from core.disputes.queries import DisputeView, disputes_of, open_disputes
from core.disputes.usecases import resolve
from core.ids import CODE_LENGTH
from core.limits import LIST_MAX
from web.api.admin.desk import Desk, Limit, Words
from web.api.envelope import Success
from web.desk.disputes import ToldDispute
from web.desk.sentences import DISPUTES

Code = Annotated[
    str, Path(pattern=rf"^[0-9A-Za-z]{{{CODE_LENGTH}}}$", description="The booking's code.")
]


class Disputes(BaseModel):
    """Some disputes."""

    disputes: list[ToldDispute]

    @classmethod
    def of(cls, views: Sequence[DisputeView]) -> Self:
        """Return disputes with what each side says."""
        return cls(disputes=[ToldDispute.of(view) for view in views])


class Verdict(BaseModel):
    """What an admin decides."""

    # Nobody's "true" is one percent.
    customer_percent: Annotated[
        int, Field(strict=True, ge=0, le=100, description="Goes back; the rest is released.")
    ]
    why: Words = Field(description="The grounds; kept with the dispute.")


def dispute_routes(desk: Desk) -> APIRouter:
    """Return the addresses of disputes."""
    router = desk.router("/disputes", DISPUTES)
    Admin = Annotated[Caller, Depends(desk.access)]  # noqa: N806 -- a type.

    @router.get("")
    def list_open(limit: Limit = LIST_MAX) -> Success[Disputes]:
        """List open disputes with what each side says, by when they are to be decided."""
        return desk.tell(lambda tx: Disputes.of(open_disputes(tx, limit)))

    @router.get("/{code}")
    def read(code: Code) -> Success[Disputes]:
        """Read a booking's disputes, the newest first."""
        return desk.tell(lambda tx: Disputes.of(disputes_of(tx, find_by_code(tx, code))))

    @router.post("/{code}/resolve")
    def decide(code: Code, verdict: Verdict, admin: Admin) -> Success[ToldDispute]:
        """Decide: a part goes back to the customer, the rest is released; both are told."""

        def settle(tx: Tx) -> ToldDispute:
            booking = find_by_code(tx, code)
            resolve(tx, booking.id, verdict.customer_percent, admin.admin_id, verdict.why)
            return ToldDispute.of(disputes_of(tx, booking)[0])

        return desk.do(admin, "dispute.resolved", code.upper(), settle)

    return router
