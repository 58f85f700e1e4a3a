"""Makes what is kept of a photo: two small JPEGs, with nothing in them but what is seen.

A file from a stranger is decoded, so: three formats whatever the file calls itself, its pixels
counted before any is decoded, and whatever a decoder stumbles over is a refusal. Where a photo was
taken, with what and when (EXIF, XMP, comments, colour profiles) goes with the rest of the file; it
is turned the way it was held first. Pure; takes up to a second of one core.
"""

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from core.catalog.photos import Pictures
from core.errors import BadInput
from core.limits import (
    PHOTO_HEIGHT_MAX_PIXELS,
    PHOTO_LARGE_MAX_BYTES,
    PHOTO_MAX_BYTES,
    PHOTO_MAX_PIXELS,
    PHOTO_SMALL_MAX_BYTES,
    PHOTO_SMALL_PIXELS,
    PHOTO_WIDTH_MAX_PIXELS,
)

FORMATS = ("JPEG", "PNG", "WEBP")
# What these three decode to, but for greys of 16 bits, which no phone takes.
MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
# Quality goes down in these steps until a picture is small enough; below the last one blocks
# show, so that a picture which is still too large gets narrower instead.
QUALITIES = (82, 74, 66, 58, 50, 42)
SCALES = (1.0, 0.75, 0.5)
ORIENTATION = 0x0112
LYING = frozenset({5, 6, 7, 8})
"""Values of the EXIF orientation whose width is the height of what was seen."""
WHITE = (255, 255, 255)
# What Pillow's decoders raise for broken files, beside its own errors.
BROKEN = (
    *(OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError),
    *(OverflowError, ZeroDivisionError, AttributeError, struct.error, zlib.error),
)


def make_pictures(body: bytes) -> Pictures:
    """Return what is kept of a photo.

    Raises:
        BadInput: ``photo_too_big``: of its bytes; ``photo_type``: no JPEG, PNG or WebP;
            ``photo_broken``: truncated or damaged; ``photo_pixels``: more than are decoded;
            ``photo_small``: a side is shorter than the small picture's, once it fits.
    """
    if len(body) > PHOTO_MAX_BYTES:
        raise BadInput("photo_too_big")
    try:
        seen = _seen(body)
    except UnidentifiedImageError:
        raise BadInput("photo_type") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput("photo_pixels") from None
    except BROKEN:
        raise BadInput("photo_broken") from None
    if min(seen.size) < PHOTO_SMALL_PIXELS:
        raise BadInput("photo_small")
    large, width, height = _fitted(seen, PHOTO_LARGE_MAX_BYTES)
    square = ImageOps.fit(seen, (PHOTO_SMALL_PIXELS, PHOTO_SMALL_PIXELS))
    small, _, _ = _fitted(square, PHOTO_SMALL_MAX_BYTES)
    return Pictures(large, width, height, small)


def _seen(body: bytes) -> Image.Image:
    """What a photo shows, upright, no larger than it is kept, and nothing else of it.

    Of something that moves it is the first picture.
    """
    with Image.open(BytesIO(body), formats=FORMATS) as photo:
        if photo.width * photo.height > PHOTO_MAX_PIXELS:
            raise Image.DecompressionBombError
        if photo.mode not in MODES:
            raise UnidentifiedImageError
        box = (PHOTO_WIDTH_MAX_PIXELS, PHOTO_HEIGHT_MAX_PIXELS)
        if photo.getexif().get(ORIENTATION) in LYING:
            box = box[::-1]
        if photo.mode in {"1", "P", "PA"}:
            photo.load()
            picture: Image.Image = photo.convert("RGBA")
            picture.getexif().update(photo.getexif())
        else:
            picture = photo
        picture.thumbnail(box)
        picture = ImageOps.exif_transpose(picture)
        # Onto a new one: what stands beside the pixels (comments, profiles) stays behind.
        clean = Image.new("RGB", picture.size, WHITE)
        if picture.has_transparency_data:
            layer = picture.convert("RGBA")
            clean.paste(layer, mask=layer.getchannel("A"))
        else:
            clean.paste(picture.convert("RGB"))
        return clean


def _fitted(picture: Image.Image, most_bytes: int) -> tuple[bytes, int, int]:
    """A JPEG of at most so many bytes, with its width and height."""
    for scale in SCALES:
        size = (round(picture.width * scale), round(picture.height * scale))
        scaled = picture if size == picture.size else picture.resize(size)
        for quality in QUALITIES:
            body = _jpeg(scaled, quality)
            if len(body) <= most_bytes:
                return body, *size
    raise BadInput("photo_broken")


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    made = BytesIO()
    picture.save(made, "JPEG", quality=quality, optimize=True, progressive=True)
    return made.getvalue()
