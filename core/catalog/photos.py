"""Photos of a listing: sent through a link of an SMS, shown to whoever looks at the listing.

What is kept is made by ``core.catalog.pictures``, never what was sent. It stays in the database:
a listing has few photos, each small, and they are backed up and gone with the rest. A photo does
not change, so that its address can be kept by browsers; another photo has another address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.catalog.fits import on_offer
from core.catalog.model import Listing
from core.db.base import Base
from core.db.tx import Tx
from core.errors import NotFound, Refused
from core.limits import (
    DOCUMENT_TOKEN_LENGTH,
    PHOTO_LARGE_MAX_BYTES,
    PHOTO_LINK_SECONDS,
    PHOTO_LINKS_A_DAY_MAX,
    PHOTO_SMALL_MAX_BYTES,
    PHOTOS_PER_LINK_MAX,
    PHOTOS_PER_LISTING_MAX,
)
from core.links import good_until
from core.people.deeds import Deed, note
from core.people.model import Vendor


class Size(StrEnum):
    """Which of the two pictures that are kept of a photo."""

    LARGE = "large"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Pictures:
    """A photo as it is kept: two JPEGs without anything but what is seen.

    Attributes:
        large: as wide as a phone.
        width, height: of the large one, in pixels.
        small: a square of ``PHOTO_SMALL_PIXELS``.
    """

    large: bytes
    width: int
    height: int
    small: bytes


class ListingPhoto(Base):
    """One photo. The first that is there is the listing's cover."""

    __tablename__ = "listing_photos"
    __table_args__ = (
        UniqueConstraint("listing_id", "position"),
        UniqueConstraint("listing_id", "digest"),
        CheckConstraint(f"octet_length(large) <= {PHOTO_LARGE_MAX_BYTES}", name="large"),
        CheckConstraint(f"octet_length(small) <= {PHOTO_SMALL_MAX_BYTES}", name="small"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    """What we call it by; never another photo's, so that nobody takes down what came after it."""
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"))
    token: Mapped[str] = mapped_column(unique=True)
    """Its name in addresses, which nobody can guess."""
    position: Mapped[int]
    """By arrival; there are gaps where photos were removed."""
    width: Mapped[int]
    height: Mapped[int]
    large: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    small: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the large one."""
    uploader_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """Whose link it came through."""
    created_at: Mapped[datetime]


class PhotoTakeDown(Base):
    """A photo that we took down: which, who did it and why. The picture itself is gone."""

    __tablename__ = "listing_photo_take_downs"

    photo_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """The photo's: the same picture is not kept again for this listing."""
    kept_at: Mapped[datetime]
    """When the photo came."""
    reason: Mapped[str]
    """As its vendor was told."""
    taken_down_at: Mapped[datetime]
    taken_down_by: Mapped[str | None]
    """Whose e-mail address; empty when it was done at the console."""


class PhotoLink(Base):
    """A link that somebody was sent to look after the photos of one listing."""

    __tablename__ = "listing_photo_links"
    __table_args__ = (
        Index("ix_listing_photo_links_user_id_expires_at", "user_id", "expires_at"),
        Index("ix_listing_photo_links_expires_at", "expires_at"),
    )

    token: Mapped[str] = mapped_column(primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime]
    used: Mapped[int] = mapped_column(default=0)
    """How many photos came through it."""


def new_photo_link(tx: Tx, user_id: UUID, listing_id: UUID) -> PhotoLink:
    """Make a link for somebody who may look after a listing, which the caller has checked.

    Raises:
        Refused: ``too_many_links`` (data: limit): each costs an SMS.
    """
    expires_at = good_until(
        tx,
        PhotoLink.expires_at,
        PHOTO_LINK_SECONDS,
        PHOTO_LINKS_A_DAY_MAX,
        PhotoLink.user_id == user_id,
    )
    link = PhotoLink(
        token=tx.ids.token()[:DOCUMENT_TOKEN_LENGTH],
        listing_id=listing_id,
        user_id=user_id,
        expires_at=expires_at,
        used=0,
    )
    tx.db.add(link)
    tx.db.flush()
    return link


def photo_link(tx: Tx, token: str) -> PhotoLink:
    """Return a link that is still good; raises NotFound (``no_link``)."""
    link = tx.db.get(PhotoLink, token)
    if link is None or link.expires_at <= tx.now:
        raise NotFound("no_link")
    return link


def add_photo(tx: Tx, token: str, pictures: Pictures) -> ListingPhoto:
    """Keep a photo that came through a link, behind those that are there.

    Raises:
        NotFound: ``no_link``.
        Refused: ``too_many_photos`` (data: limit), ``same_photo``; ``photo_taken_down``: by us,
            before; ``link_used_up``: so many came through this link, whatever became of them.
    """
    link = photo_link(tx, token)
    listing = lock_listing(tx, link.listing_id)
    tx.db.refresh(link)
    if link.used >= PHOTOS_PER_LINK_MAX:
        raise Refused("link_used_up")
    there = photos_of(tx, listing.id)
    if len(there) >= PHOTOS_PER_LISTING_MAX:
        raise Refused("too_many_photos", limit=PHOTOS_PER_LISTING_MAX)
    digest = sha256(pictures.large).digest()
    if any(photo.digest == digest for photo in there):
        raise Refused("same_photo")
    if _was_taken_down(tx, listing.id, digest):
        raise Refused("photo_taken_down")
    link.used += 1
    photo = ListingPhoto(
        id=tx.ids.uuid(),
        listing_id=listing.id,
        token=tx.ids.token()[:DOCUMENT_TOKEN_LENGTH],
        position=there[-1].position + 1 if there else 1,
        width=pictures.width,
        height=pictures.height,
        large=pictures.large,
        small=pictures.small,
        digest=digest,
        uploader_id=link.user_id,
        created_at=tx.now,
    )
    tx.db.add(photo)
    note(tx, listing.vendor_id, link.user_id, Deed.PHOTO_ADDED, str(listing.number))
    return photo


def remove_photo(tx: Tx, token: str, photo_token: str) -> None:
    """Remove a photo of the listing that a link is for; one that is gone is gone.

    Raises:
        NotFound: ``no_link``.
    """
    link = photo_link(tx, token)
    listing = lock_listing(tx, link.listing_id)
    photo = next((one for one in photos_of(tx, listing.id) if one.token == photo_token), None)
    if photo is None:
        return
    tx.db.delete(photo)
    note(tx, listing.vendor_id, link.user_id, Deed.PHOTO_REMOVED, str(listing.number))


def photos_of(tx: Tx, listing_id: UUID) -> Sequence[ListingPhoto]:
    """Return a listing's photos, the cover first, without what is in them."""
    query = select(ListingPhoto).where(ListingPhoto.listing_id == listing_id)
    return tx.db.scalars(query.order_by(ListingPhoto.position).limit(PHOTOS_PER_LISTING_MAX)).all()


def public_photo(tx: Tx, photo_token: str) -> ListingPhoto:
    """Return a photo of a listing that is on offer; raises NotFound (``no_photo``)."""
    photo = tx.db.scalar(
        select(ListingPhoto)
        .join(Listing, Listing.id == ListingPhoto.listing_id)
        .join(Vendor, Vendor.id == Listing.vendor_id)
        .where(ListingPhoto.token == photo_token, on_offer())
    )
    if photo is None:
        raise NotFound("no_photo")
    return photo


def own_photo(tx: Tx, token: str, photo_token: str) -> ListingPhoto:
    """Return a photo of the listing that a link is for, whether that is on offer or not.

    Raises:
        NotFound: ``no_link``, ``no_photo``.
    """
    link = photo_link(tx, token)
    photo = tx.db.scalar(
        select(ListingPhoto).where(
            ListingPhoto.token == photo_token, ListingPhoto.listing_id == link.listing_id
        )
    )
    if photo is None:
        raise NotFound("no_photo")
    return photo


def body_of(photo: ListingPhoto, size: Size) -> bytes:
    """Return one of a photo's two JPEGs; only this reads it."""
    return photo.large if size is Size.LARGE else photo.small


def lock_listing(tx: Tx, listing_id: UUID) -> Listing:
    """Return a listing, locked: its photos come and go one after another."""
    return tx.db.get_one(Listing, listing_id, with_for_update={"key_share": True})


def _was_taken_down(tx: Tx, listing_id: UUID, digest: bytes) -> bool:
    query = select(PhotoTakeDown.photo_number).where(
        PhotoTakeDown.listing_id == listing_id, PhotoTakeDown.digest == digest
    )
    return tx.db.scalar(query.limit(1)) is not None
