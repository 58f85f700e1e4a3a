"""Photos of listings as the people who look after them see them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from core.catalog.photos import ListingPhoto, PhotoTakeDown
from core.catalog.rules import ListingStatus
from core.catalog.takedowns import PhotosView, TakenDown


class ShownPhoto(BaseModel):
    """A photo that is there."""

    number: int
    kept_at: datetime
    width: int = Field(description="In pixels.")
    height: int
    size_bytes: int = Field(description="Of the large picture.")
    path: str = Field(description="Where it is seen while the listing is on offer.")

    @classmethod
    def of(cls, photo: ListingPhoto, size_bytes: int) -> Self:
        """Return a photo with what its large picture weighs."""
        return cls(
            number=photo.number,
            kept_at=photo.created_at,
            width=photo.width,
            height=photo.height,
            size_bytes=size_bytes,
            path=f"/photos/{photo.token}/large.jpg",
        )


class DownPhoto(BaseModel):
    """A photo that we took down; the picture is gone."""

    number: int
    kept_at: datetime
    taken_down_at: datetime
    reason: str
    by: str | None = Field(description="The e-mail address of whoever of ours did it.")

    @classmethod
    def of(cls, photo: PhotoTakeDown) -> Self:
        """Return a photo that is down."""
        return cls(
            number=photo.photo_number,
            kept_at=photo.kept_at,
            taken_down_at=photo.taken_down_at,
            reason=photo.reason,
            by=photo.taken_down_by,
        )


class ToldTakeDown(BaseModel):
    """What became of taking one down."""

    photo: DownPhoto
    already: bool = Field(description="It was down before; its vendor was not told again.")

    @classmethod
    def of(cls, taken: TakenDown) -> Self:
        """Return what became of it."""
        return cls(photo=DownPhoto.of(taken.photo), already=taken.already)


class ToldPhotos(BaseModel):
    """A listing's photos, the cover first, and those that we took down, the latest first."""

    listing: int
    title: str
    status: ListingStatus
    photos: list[ShownPhoto]
    taken_down: list[DownPhoto]

    @classmethod
    def of(cls, view: PhotosView) -> Self:
        """Return a listing's photos."""
        return cls(
            listing=view.listing.number,
            title=view.listing.title,
            status=view.listing.status,
            photos=[ShownPhoto.of(photo, size) for photo, size in view.photos],
            taken_down=[DownPhoto.of(photo) for photo in view.taken_down],
        )
