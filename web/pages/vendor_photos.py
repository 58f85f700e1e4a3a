"""The page behind an SMS link where a vendor looks after a listing's photos: forms, no script."""

from functools import partial
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from core.catalog.model import Listing
from core.catalog.photos import (
    Size,
    add_photo,
    own_photo,
    photo_link,
    photos_of,
    remove_photo,
)
from core.catalog.pictures import make_pictures
from core.db.tx import Tx
from core.errors import NotFound, Refused
from core.limits import PHOTO_MAX_BYTES, PHOTOS_AT_ONCE_MAX, PHOTOS_PER_LISTING_MAX
from core.people.model import User
from sessions.texts import LANGUAGES, T, plain, t
from web.pages.files import Sent, one_file
from web.pages.photos import gallery, jpeg
from web.pages.render import page
from web.pages.tokens import PRIVATE, PhotoToken, Token, or_404
from web.parts import Parts

REFUSED = {
    "photo_too_big": t("That file is larger than 8 MB. Take a smaller photo."),
    "photo_type": t("That is no photo. Send a JPEG, PNG or WebP."),
    "photo_broken": t("That file is damaged or not whole. Send it again, or another one."),
    "photo_pixels": t("That photo has too many pixels. Take a smaller photo."),
    "photo_small": t("That photo is too small or too narrow. Take a larger one."),
    "same_photo": t("That photo is there already."),
    "photo_taken_down": t("We took that photo down. Send another one."),
    "too_many_photos": t(
        "There are {limit} photos already. Remove one first.", limit=PHOTOS_PER_LISTING_MAX
    ),
    "link_used_up": t("So many photos came through this link. Ask for a new one."),
}
NOTHING = t("Choose a photo first.")
BUSY = t("Many photos come in at this moment. Send it again in a minute.")
KEPT = t("Thank you, we have it.")
REMOVED = t("It is removed.")

Photo = Annotated[Sent, Depends(one_file("photo", PHOTO_MAX_BYTES))]
Answer = tuple[T | None, int]


def vendor_photo_routes(parts: Parts) -> APIRouter:
    """Return the addresses of the page, of its form, and of the photos that it shows."""
    router = APIRouter(include_in_schema=False)
    database = parts.database
    desk = BoundedSemaphore(PHOTOS_AT_ONCE_MAX)

    def known(token: Token) -> str:
        """Let nobody send a file who was not sent the link: dependencies run in their order."""
        with database.reading() as tx, or_404():
            return photo_link(tx, token).token

    def shown(request: Request, token: str, told: Answer) -> Response:
        with database.reading() as tx, or_404():
            return _page(request, tx, token, told)

    @router.get("/g/{token}")
    def look(request: Request, token: Token) -> Response:
        return shown(request, token, (None, 200))

    @router.get("/g/{token}/{photo}/{size}.jpg")
    def one(request: Request, token: Token, photo: PhotoToken, size: Size) -> Response:
        with database.reading() as tx, or_404():
            return jpeg(request, own_photo(tx, token, photo), size, public=False)

    @router.post("/g/{token}")
    def change(request: Request, token: Annotated[str, Depends(known)], sent: Photo) -> Response:
        with or_404():
            return shown(request, token, _done(parts, desk, token, sent))

    return router


def _done(parts: Parts, desk: BoundedSemaphore, token: str, sent: Sent) -> Answer:
    """Remove or keep a photo, and say what became of it."""
    if "remove" in sent.fields:
        gone = sent.fields["remove"]
        parts.database.run(lambda tx: remove_photo(tx, token, gone))
        return REMOVED, 200
    if sent.too_big:
        return REFUSED["photo_too_big"], 413
    if not sent.body:
        return NOTHING, 400
    # Nobody waits here: each that does would hold a thread which calls are answered in.
    if not desk.acquire(blocking=False):
        return BUSY, 503
    try:
        pictures = make_pictures(sent.body)
        parts.database.run(lambda tx: add_photo(tx, token, pictures))
    except NotFound:
        raise
    except Refused as error:
        return REFUSED[error.code], 400
    finally:
        desk.release()
    return KEPT, 200


def _page(request: Request, tx: Tx, token: str, told: Answer) -> Response:
    """The page in the language that was asked for, else its owner's."""
    link = photo_link(tx, token)
    listing = tx.db.get_one(Listing, link.listing_id)
    photos = photos_of(tx, listing.id)
    language = request.query_params.get("lang", "")
    if language not in LANGUAGES:
        language = tx.db.get_one(User, link.user_id).language.value
    say = partial(plain, language=language)
    said, status = told
    values = {
        "title": say(t("Photos of {name}", name=listing.title)),
        "said": say(said) if said is not None else "",
        "rules": say(
            t(
                "Up to {limit} photos. The first one is the cover. Customers see them while the "
                "listing is on offer.",
                limit=PHOTOS_PER_LISTING_MAX,
            )
        ),
        "photos": gallery(photos, listing.title, language, f"/g/{token}"),
        "more": len(photos) < PHOTOS_PER_LISTING_MAX,
        "photo": say(t("Photo (JPEG, PNG or WebP), up to 8 MB")),
        "send": say(t("Send it")),
    }
    answer = page(request, "vendor_photos.html", values, status, language)
    answer.headers.update(PRIVATE)
    return answer
