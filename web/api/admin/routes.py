"""All routes for admins."""

from fastapi import APIRouter

from web.api.access import Access
from web.api.admin.cases import case_routes
from web.api.admin.desk import Desk
from web.api.admin.disputes import dispute_routes
from web.api.admin.funnel import funnel_routes
from web.api.admin.photos import photo_routes
from web.api.admin.tickets import ticket_routes
from web.parts import Parts


def admin_routes(parts: Parts) -> APIRouter:
    """Return the addresses under /api/v1/admin."""
    desk = Desk(parts.database, Access(parts.settings, parts.database))
    router = APIRouter()
    for routes in (ticket_routes, case_routes, dispute_routes, photo_routes, funnel_routes):
        router.include_router(routes(desk))
    return router
