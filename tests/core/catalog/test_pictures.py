"""Files from strangers become two small pictures, or a refusal in a word."""

import random
from io import BytesIO

import pytest
from PIL import Image

from core.catalog.pictures import make_pictures
from core.errors import BadInput
from core.limits import (
    PHOTO_LARGE_MAX_BYTES,
    PHOTO_MAX_BYTES,
    PHOTO_SMALL_MAX_BYTES,
    PHOTO_SMALL_PIXELS,
)
from tests.support.pictures import (
    CAMERA,
    COMMENT,
    PLACE,
    as_phones_take_it,
    bomb,
    moving,
    noise,
    scene,
    written,
)

JPEG, PNG, WEBP = (written(scene(), kind) for kind in ("JPEG", "PNG", "WEBP"))
CLEAR = scene(mode="RGBA")
CLEAR.putalpha(0)

TAKEN = [
    ("jpeg", JPEG, (640, 480)),
    ("png", PNG, (640, 480)),
    ("webp", WEBP, (640, 480)),
    ("grey", written(scene(mode="L")), (640, 480)),
    ("CMYK, as printers want it", written(scene(mode="CMYK")), (640, 480)),
    ("palette", written(scene(mode="P"), "PNG"), (640, 480)),
    ("black and white", written(Image.new("1", (300, 300)), "PNG"), (300, 300)),
    ("transparent", written(CLEAR, "PNG"), (640, 480)),
    ("moving png", moving("PNG"), (300, 300)),
    ("moving webp", moving("WEBP"), (300, 300)),
    ("several in one jpeg", moving("MPO"), (300, 300)),
    ("upright", written(scene((900, 1600))), (540, 960)),
    ("wide", written(scene((2000, 500))), (640, 160)),
    ("small, not enlarged", written(scene((200, 160))), (200, 160)),
    ("said to be something else", PNG, (640, 480)),
]
REFUSED = [
    ("empty", b"", "photo_type"),
    ("HTML named .jpg", b"<html><script>alert(1)</script>", "photo_type"),
    ("another kind of picture", written(scene(mode="P"), "GIF"), "photo_type"),
    ("PDF", b"%PDF-1.7 and so on", "photo_type"),
    ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo_type"),
    ("16 bits of grey", written(Image.new("I;16", (300, 300)), "PNG"), "photo_type"),
    ("1x1", written(Image.new("RGB", (1, 1)), "PNG"), "photo_small"),
    ("a strip", written(scene((4000, 200))), "photo_small"),
    ("a bomb", bomb(20_000, 20_000), "photo_pixels"),
    ("a smaller bomb", bomb(9_600, 9_600), "photo_pixels"),
    ("as many bytes as nobody sends", JPEG.ljust(PHOTO_MAX_BYTES + 1), "photo_too_big"),
    ("only a beginning", JPEG[:3], "photo_type"),
    ("half a header", JPEG[:200], "photo_broken"),
    ("half a jpeg", JPEG[: len(JPEG) // 2], "photo_broken"),
    ("a jpeg but for its end", JPEG[:-10], "photo_broken"),
    ("half a png", PNG[: len(PNG) // 2], "photo_broken"),
    ("half a webp", WEBP[: len(WEBP) // 2], "photo_broken"),
]


@pytest.mark.parametrize(
    ("body", "size"), [case[1:] for case in TAKEN], ids=[case[0] for case in TAKEN]
)
def test_what_shows_something_is_made_small(body: bytes, size: tuple[int, int]) -> None:
    made = make_pictures(body)

    assert (made.width, made.height) == size
    for kept, pixels, most_bytes in (
        (made.large, size, PHOTO_LARGE_MAX_BYTES),
        (made.small, (PHOTO_SMALL_PIXELS,) * 2, PHOTO_SMALL_MAX_BYTES),
    ):
        with Image.open(BytesIO(kept)) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", pixels)
        assert len(kept) <= most_bytes


@pytest.mark.parametrize(
    ("body", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_is_no_photo_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        make_pictures(body)

    assert refused.value.code == code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_is_kept_but_what_is_seen(kind: str) -> None:
    sent = as_phones_take_it(kind=kind)
    with Image.open(BytesIO(sent)) as photo:
        assert photo.getexif().get_ifd(0x8825)[3] == "E", "it did say where"

    made = make_pictures(sent)

    for kept in (made.large, made.small):
        with Image.open(BytesIO(kept)) as picture:
            assert not picture.getexif()
            assert not picture.getexif().get_ifd(0x8825)
            assert not {"exif", "xmp", "comment", "icc_profile"} & picture.info.keys()
        for word in (b"Exif", PLACE.encode(), CAMERA.encode(), COMMENT):
            assert word not in kept


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_the_way_it_was_held(orientation: int) -> None:
    """What was the upper left corner is dark red, wherever the file has it."""
    corners = ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0), (0, 1), (1, 1), (1, 0))
    across, down = corners[orientation - 1]
    held = Image.new("RGB", (800, 600), "white")
    left, top = across * 600, down * 400
    held.paste((140, 0, 0), (left, top, left + 200, top + 200))
    exif = Image.Exif()
    exif[0x0112] = orientation

    made = make_pictures(written(held, exif=exif.tobytes()))

    assert (made.width, made.height) == ((640, 480) if orientation < 5 else (600, 800))
    with Image.open(BytesIO(made.large)) as picture:
        red, green, _ = picture.convert("RGB").getpixel((20, 20))  # type: ignore[misc]
    assert (red > 100, green < 40) == (True, True)


def test_what_hardly_shrinks_gets_narrower() -> None:
    made = make_pictures(written(noise((640, 960)), "PNG"))

    assert 0 < made.width < 640
    assert len(made.large) <= PHOTO_LARGE_MAX_BYTES
    assert len(made.small) <= PHOTO_SMALL_MAX_BYTES


@pytest.mark.parametrize("body", [JPEG, PNG, WEBP], ids=["jpeg", "png", "webp"])
def test_whatever_is_wrong_with_a_file_it_is_a_photo_or_a_refusal(body: bytes) -> None:
    chance = random.Random(7)  # Repeatable on purpose.
    for _ in range(60):
        damaged = bytearray(body[: chance.choice((len(body), chance.randrange(len(body))))])
        for _ in range(chance.randrange(1, 12)):
            if damaged:
                # Mostly in the headers, where it leads furthest.
                damaged[chance.randrange(min(len(damaged), 400))] = chance.randrange(256)
        try:
            made = make_pictures(bytes(damaged))
        except BadInput:
            continue
        assert len(made.large) <= PHOTO_LARGE_MAX_BYTES
