"""A listing's page: what a link in an SMS opens. Light, no script, as wide as the phone is."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from core.catalog.links import linked_listing
from core.catalog.queries import Details, details
from core.clock import nairobi_date
from core.errors import NotFound
from core.reviews.model import Review
from core.reviews.queries import shown_reviews
from sessions.flows import words
from sessions.flows.book import direct, where_and_how_many
from sessions.texts import T, plain, t
from web.pages.render import language_of, page
from web.parts import Parts

REVIEWS_MAX = 10
# Made for one phone: nobody should find it by searching.
PRIVATE = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex, nofollow"}
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def _sane(token: str) -> str:
    """Refuse what was never a token, before anybody looks for it."""
    if not _TOKEN.fullmatch(token):
        raise HTTPException(404)
    return token


def listing_routes(parts: Parts) -> APIRouter:
    """Return the address of linked listings."""
    router = APIRouter(include_in_schema=False)

    @router.get("/l/{token}")
    def listing(request: Request, token: Annotated[str, Depends(_sane)]) -> Response:
        try:
            with parts.database.reading() as tx:
                shown = details(tx, linked_listing(tx, token))
                reviews = shown_reviews(tx, shown.id, REVIEWS_MAX)
        except NotFound:
            raise HTTPException(404) from None
        if not shown.on_offer:
            raise HTTPException(404)
        language = language_of(request)
        code = direct(parts.settings.ussd_code, shown.number)
        values = _told(shown, reviews, language) | {
            "ussd_code": code,
            # "#" ends an address unless it is escaped.
            "dial_link": f"tel:{code.replace('#', '%23')}",
        }
        answer = page(request, "listing.html", values)
        answer.headers.update(PRIVATE)
        return answer

    return router


def _told(shown: Details, reviews: list[Review], language: str) -> dict[str, object]:
    def say(text: T) -> str:
        return plain(text, language)

    return {
        "title": shown.title,
        "where": say(where_and_how_many(shown)),
        "price": say(words.price_each(shown.terms.price_cents, shown.terms.price_unit)),
        "description": shown.description,
        "offers": say(t("It offers")),
        "amenities": [say(words.amenity(name)) for name in shown.amenities],
        "rating": say(words.rated(shown.rating_count, shown.rating_sum))
        if shown.rating_count
        else "",
        "reviews": [
            {
                "head": say(
                    t("{stars}*, {day}", stars=each.stars, day=nairobi_date(each.written_at))
                ),
                "words": each.words,
            }
            for each in reviews
        ],
        "book": say(t("To book, dial")),
    }
