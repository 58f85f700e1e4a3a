"""A listing's page: what a link in an SMS opens. Light, no script, as wide as the phone is."""

from fastapi import APIRouter, HTTPException, Request, Response

from core.catalog.links import linked_listing
from core.catalog.photos import photos_of
from core.catalog.queries import Details, details
from core.clock import nairobi_date
from core.reviews.model import Review
from core.reviews.queries import shown_reviews
from sessions.flows import words
from sessions.flows.book import direct, where_and_how_many
from sessions.texts import T, plain, t
from web.pages.photos import gallery
from web.pages.render import language_of, page
from web.pages.tokens import PRIVATE, Token, or_404
from web.parts import Parts

REVIEWS_MAX = 10


def listing_routes(parts: Parts) -> APIRouter:
    """Return the address of linked listings."""
    router = APIRouter(include_in_schema=False)

    @router.get("/l/{token}")
    def listing(request: Request, token: Token) -> Response:
        with parts.database.reading() as tx, or_404():
            shown = details(tx, linked_listing(tx, token))
            reviews = shown_reviews(tx, shown.id, REVIEWS_MAX)
            photos = photos_of(tx, shown.id)
        if not shown.on_offer:
            raise HTTPException(404)
        language = language_of(request)
        code = direct(parts.settings.ussd_code, shown.number)
        values = _told(shown, reviews, language) | {
            "photos": gallery(photos, shown.title, language, "/photos"),
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
                "answer": say(t("{name} says: {words}", name=shown.business, words=each.answer))
                if each.answer
                else "",
            }
            for each in reviews
        ],
        "book": say(t("To book, dial")),
    }
