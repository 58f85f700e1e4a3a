"""Photos of listings: seen by staff, and taken down."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from core.admins.queries import Caller
from core.catalog import takedowns
from core.catalog.model import NUMBER_MAX, NUMBER_MIN
from core.db.tx import Tx
from web.api.admin.desk import Desk, Number, Words
from web.api.envelope import Success
from web.desk.photos import ToldPhotos, ToldTakeDown
from web.desk.sentences import PHOTOS

ListingNumber = Annotated[
    int, Path(alias="number", ge=NUMBER_MIN, le=NUMBER_MAX, description="The listing's number.")
]


class Grounds(BaseModel):
    """Why a photo is not to be shown."""

    reason: Words = Field(description="Its vendor reads it in an SMS.")


def photo_routes(desk: Desk) -> APIRouter:
    """Return the addresses of listings' photos."""
    router = desk.router("/listings", PHOTOS)
    Admin = Annotated[Caller, Depends(desk.access)]  # noqa: N806 -- a type.

    @router.get("/{number}/photos")
    def look(listing: ListingNumber) -> Success[ToldPhotos]:
        """List a listing's photos, on offer or not, and those that were taken down."""
        return desk.tell(lambda tx: ToldPhotos.of(takedowns.photos_for_staff(tx, listing)))

    @router.post("/{number}/photos/{photo}/take-down")
    def take_down(
        listing: ListingNumber, photo: Number, grounds: Grounds, admin: Admin
    ) -> Success[ToldTakeDown]:
        """Take a photo down for good; its vendor is told why, in their language.

        Once more changes nothing and says that it was down `already`, and who did it.
        """

        def away(tx: Tx) -> ToldTakeDown:
            taken = takedowns.take_down(tx, listing, photo, grounds.reason, admin.email)
            return ToldTakeDown.of(taken)

        return desk.do(admin, "photo.taken_down", f"{listing} {photo}", away)

    return router
