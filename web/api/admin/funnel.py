"""How far callers get."""

from typing import Annotated

from fastapi import APIRouter, Query

from core.insight.queries import By, funnels
from core.limits import FUNNEL_DAYS_SHOWN_MAX
from web.api.admin.desk import Desk
from web.api.envelope import Success
from web.desk.funnel import ToldFunnels

WEEK_DAYS = 7


def funnel_routes(desk: Desk) -> APIRouter:
    """Return the address of the funnels."""
    router = desk.router("/funnel", {})

    @router.get("")
    def funnel(
        days: Annotated[int, Query(ge=1, le=FUNNEL_DAYS_SHOWN_MAX)] = WEEK_DAYS,
        by: By | None = None,
    ) -> Success[ToldFunnels]:
        """Tell what became of the calls of the last days, as `nafasi funnel --json` does."""
        return desk.tell(lambda tx: ToldFunnels.of(days, by, funnels(tx, days, by)))

    return router
