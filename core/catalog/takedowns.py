"""Photos as people of ours see them, and taking one down.

What is taken down is gone at once, as what its vendor removes is: nothing of ours is done with it
later. Its vendor is told why, and which photo it was, who took it down and why stays known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from core import outbox
from core.catalog.listings import any_listing
from core.catalog.model import Listing
from core.catalog.photos import ListingPhoto, PhotoTakeDown, lock_listing, photos_of
from core.db.tx import Tx
from core.errors import BadInput, NotFound
from core.limits import LIST_MAX, PHOTO_REASON_MAX, PHOTOS_PER_LISTING_MAX
from core.people.deeds import Deed, note
from core.people.notices import VendorTopic
from core.people.queries import owner_by_id


@dataclass(frozen=True, slots=True)
class PhotosView:
    """A listing's photos.

    Attributes:
        listing: on offer or not.
        photos: those that are there, the cover first, each with the bytes of its large picture.
        taken_down: those that we took down, the latest first.
    """

    listing: Listing
    photos: Sequence[tuple[ListingPhoto, int]]
    taken_down: Sequence[PhotoTakeDown]


@dataclass(frozen=True, slots=True)
class TakenDown:
    """A photo that is down.

    Attributes:
        photo: which one, and who took it down, when and why.
        already: it was down before; nobody was told anything now.
    """

    photo: PhotoTakeDown
    already: bool


def photos_for_staff(tx: Tx, number: int) -> PhotosView:
    """Return a listing's photos, whether it is on offer or not.

    Raises:
        NotFound: ``no_listing``.
    """
    listing = any_listing(tx, number)
    there = (
        select(ListingPhoto, func.octet_length(ListingPhoto.large))
        .where(ListingPhoto.listing_id == listing.id)
        .order_by(ListingPhoto.position)
        .limit(PHOTOS_PER_LISTING_MAX)
    )
    down = (
        select(PhotoTakeDown)
        .where(PhotoTakeDown.listing_id == listing.id)
        .order_by(PhotoTakeDown.taken_down_at.desc())
        .limit(LIST_MAX)
    )
    photos = [(photo, size_bytes) for photo, size_bytes in tx.db.execute(there)]
    return PhotosView(listing, photos, tx.db.scalars(down).all())


def take_down(
    tx: Tx, number: int, photo_number: int, reason: str, by: str | None = None
) -> TakenDown:
    """Take a photo down for good; its vendor is told why, and the same picture is not kept again.

    Args:
        tx: the caller's transaction.
        number: the listing's.
        photo_number: the photo's own.
        reason: as the vendor reads it.
        by: the e-mail address of whoever takes it down.

    Raises:
        NotFound: ``no_listing``; ``no_photo``: none of this listing, or removed by its vendor.
        BadInput: ``bad_reason`` (data: most).
    """
    grounds = " ".join(reason.split())
    if not 0 < len(grounds) <= PHOTO_REASON_MAX:
        raise BadInput("bad_reason", most=PHOTO_REASON_MAX)
    listing = lock_listing(tx, any_listing(tx, number).id)
    photo = next((one for one in photos_of(tx, listing.id) if one.number == photo_number), None)
    if photo is None:
        return TakenDown(_taken_before(tx, listing, photo_number), already=True)
    down = PhotoTakeDown(
        photo_number=photo.number,
        listing_id=listing.id,
        digest=photo.digest,
        kept_at=photo.created_at,
        reason=grounds,
        taken_down_at=tx.now,
        taken_down_by=by,
    )
    tx.db.add(down)
    tx.db.delete(photo)
    tx.db.flush()
    note(tx, listing.vendor_id, None, Deed.PHOTO_TAKEN_DOWN, f"{number} {photo_number}")
    _tell_owner(tx, listing, grounds)
    return TakenDown(down, already=False)


def _taken_before(tx: Tx, listing: Listing, photo_number: int) -> PhotoTakeDown:
    down = tx.db.get(PhotoTakeDown, photo_number)
    if down is None or down.listing_id != listing.id:
        raise NotFound("no_photo")
    return down


def _tell_owner(tx: Tx, listing: Listing, reason: str) -> None:
    told = {"listing": listing.title, "reason": reason}
    outbox.add(tx, VendorTopic.PHOTO_TAKEN_DOWN.value, owner_by_id(tx, listing.vendor_id), told)
