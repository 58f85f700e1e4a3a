"""Photos for stories, drawn when they are needed: real files of each format, and broken ones."""

import os
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image

from core.catalog.photos import Pictures
from core.catalog.pictures import make_pictures

LANDSCAPE = (800, 600)
PLACE = "Kilimani"
CAMERA = "Tecno"
COMMENT = b"taken by Wanjiru"


def scene(size: tuple[int, int] = LANDSCAPE, turn: int = 0, mode: str = "RGB") -> Image.Image:
    """A picture that shrinks as photos do; each turn is another one."""
    grey = Image.linear_gradient("L").resize(size)
    across = Image.linear_gradient("L").rotate(90 + turn).resize(size)
    return Image.merge("RGB", (grey, across, grey.rotate(180))).convert(mode)


def noise(size: tuple[int, int] = LANDSCAPE) -> Image.Image:
    """What shrinks worst."""
    return Image.frombytes("RGB", size, os.urandom(size[0] * size[1] * 3))


def written(picture: Image.Image, kind: str = "JPEG", **over: Any) -> bytes:
    """A file."""
    made = BytesIO()
    picture.save(made, kind, **over)
    return made.getvalue()


def moving(kind: str, colours: Sequence[str] = ("red", "blue")) -> bytes:
    """A file of several pictures."""
    first, *others = (Image.new("RGB", (300, 300), colour) for colour in colours)
    return written(first, kind, save_all=True, append_images=others)


def as_phones_take_it(orientation: int = 6, kind: str = "JPEG") -> bytes:
    """A photo with what a phone writes into it: where, with what, and how it was held."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E], exif[0x0110] = PLACE, CAMERA
    where = exif.get_ifd(0x8825)
    where[1], where[2] = "S", (1.0, 17.0, 30.0)
    where[3], where[4] = "E", (36.0, 49.0, 0.0)
    over: dict[str, Any] = {"exif": exif.tobytes()}
    if kind == "JPEG":
        over["comment"] = COMMENT
    return written(scene((1200, 900)), kind, **over)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that would fill the memory of whoever decodes it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * min(height, 100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows)


@cache
def made(turn: int = 0) -> Pictures:
    """What is kept of a photo; each turn is another one."""
    return make_pictures(written(scene(turn=turn)))
