"""Photos of the demo's best-known halls, drawn when it is seeded: a front, a hall, a garden."""

from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw
from sqlalchemy import select

from core.catalog.model import Listing
from core.catalog.photos import add_photo, new_photo_link
from core.catalog.pictures import make_pictures
from core.db.tx import Tx
from core.people.deeds import Deed, VendorDeed
from core.people.model import Vendor

NUMBERS = (4507, 4508)
WIDTH, HEIGHT, HORIZON = 800, 600, 400
WALLS = ("#c89f6d", "#d8c8b0")
SKY, GRASS, ROOF, DARK, FLOOR, CLOTH, LEAVES = (
    *("#9cc9e8", "#6f9a4d", "#8c3f2b", "#4a3426", "#a9825a", "#f4f1ea", "#3f6b35"),
)


def seed_photos(tx: Tx) -> None:
    """Send photos of some halls, as their vendors would; what they have changed since stays."""
    for number, wall in zip(NUMBERS, WALLS, strict=True):
        listing = tx.db.scalar(select(Listing).where(Listing.number == number))
        if listing is None or _has_sent(tx, listing):
            continue
        owner = tx.db.get_one(Vendor, listing.vendor_id).user_id
        token = new_photo_link(tx, owner, listing.id).token
        for draw in (_front, _hall, _garden):
            add_photo(tx, token, make_pictures(_drawn(draw, wall)))


def _has_sent(tx: Tx, listing: Listing) -> bool:
    sent = select(VendorDeed.id).where(
        VendorDeed.vendor_id == listing.vendor_id,
        VendorDeed.deed == Deed.PHOTO_ADDED.value,
        VendorDeed.subject == str(listing.number),
    )
    return tx.db.scalar(sent.limit(1)) is not None


def _drawn(draw: Callable[[ImageDraw.ImageDraw, str], None], wall: str) -> bytes:
    picture = Image.new("RGB", (WIDTH, HEIGHT), SKY)
    draw(ImageDraw.Draw(picture), wall)
    file = BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def _front(on: ImageDraw.ImageDraw, wall: str) -> None:
    on.rectangle((0, HORIZON, WIDTH, HEIGHT), fill=GRASS)
    on.rectangle((150, 220, 650, 460), fill=wall)
    on.polygon([(110, 220), (400, 90), (690, 220)], fill=ROOF)
    on.rectangle((355, 320, 445, 460), fill=DARK)
    for left in (200, 540):
        on.rectangle((left, 290, left + 70, 360), fill=SKY, outline=DARK, width=6)


def _hall(on: ImageDraw.ImageDraw, wall: str) -> None:
    on.rectangle((0, 0, WIDTH, HORIZON), fill=wall)
    on.rectangle((0, HORIZON, WIDTH, HEIGHT), fill=FLOOR)
    for left in range(60, WIDTH, 190):
        on.rectangle((left, 90, left + 110, 300), fill=SKY, outline=DARK, width=6)
        on.ellipse((left - 20, 440, left + 130, 510), fill=CLOTH, outline=DARK, width=3)


def _garden(on: ImageDraw.ImageDraw, wall: str) -> None:
    on.rectangle((0, HORIZON - 60, WIDTH, HEIGHT), fill=GRASS)
    for left in (40, 610):
        on.rectangle((left + 60, 260, left + 85, 430), fill=DARK)
        on.ellipse((left, 110, left + 150, 300), fill=LEAVES)
    on.polygon([(230, 300), (400, 180), (570, 300)], fill=CLOTH)
    on.rectangle((240, 300, 560, 440), fill=wall)
