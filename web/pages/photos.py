"""Photos of listings as the public gets them: under addresses that are good for long."""

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, Request, Response

from core.catalog.photos import ListingPhoto, Size, body_of, public_photo
from core.limits import PHOTO_SMALL_PIXELS
from sessions.texts import plain, t
from web.pages.tokens import PRIVATE, Token, or_404
from web.parts import Parts

# A photo never changes, but it can be removed: who has seen it keeps it for a month at most.
PHOTO_SECONDS = 30 * 24 * 3600


def photo_routes(parts: Parts) -> APIRouter:
    """Return the addresses of photos of listings that are on offer."""
    router = APIRouter(include_in_schema=False)

    @router.get("/photos/{token}/{size}.jpg")
    def photo(request: Request, token: Token, size: Size) -> Response:
        with parts.database.reading() as tx, or_404():
            return jpeg(request, public_photo(tx, token), size, public=True)

    return router


def jpeg(request: Request, photo: ListingPhoto, size: Size, *, public: bool) -> Response:
    """Return a photo, or that the browser has it already."""
    who = "public" if public else "private"
    headers = {
        "Cache-Control": f"{who}, max-age={PHOTO_SECONDS}, immutable",
        "ETag": f'"{photo.token}-{size}"',
        "X-Robots-Tag": PRIVATE["X-Robots-Tag"],
    }
    known = request.headers.get("if-none-match", "")
    if headers["ETag"] in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body_of(photo, size), media_type="image/jpeg", headers=headers)


def gallery(
    photos: Sequence[ListingPhoto], title: str, language: str, folder: str
) -> list[dict[str, object]]:
    """Return what a page shows of a listing's photos, the cover first.

    Args:
        photos: those that are there.
        title: the listing's name, for whoever does not see them.
        language: what the page is in.
        folder: the address under which they are found.
    """
    say = partial(plain, language=language)
    return [
        {
            "token": photo.token,
            "large": f"{folder}/{photo.token}/large.jpg",
            "small": f"{folder}/{photo.token}/small.jpg",
            "width": photo.width,
            "height": photo.height,
            "side": PHOTO_SMALL_PIXELS,
            "alt": say(t("{name}, photo {number}", name=title, number=str(number))),
            "remove": say(t("Remove photo {number}", number=str(number))),
        }
        for number, photo in enumerate(photos, 1)
    ]
