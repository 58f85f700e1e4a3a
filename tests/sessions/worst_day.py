"""The rest of a customer's day in ``worst``'s market: sorting and reviews."""

from collections.abc import Iterator
from datetime import date

from core.catalog.search import Sort
from core.limits import REVIEW_WORDS_MAX
from tests.sessions.worst import AREA, PEOPLE, TOWN_OF, Case, Market


def day_screens(market: Market) -> Iterator[Case]:
    """Every screen of these, with each draft that makes it say something else."""
    wish = _wish(market.day)
    for order in Sort:
        for instant in (True, False):
            chosen = {**wish, "category": "venue", "sort": order, "instant": instant}
            yield Case("results", chosen)
            yield Case("sort", chosen)
    yield Case("results", {**wish, "category": "catering", "budget": 1, "instant": True})
    yield Case("area", wish)
    for name in ("now", "ask"):
        yield Case("reviews", {"number": market.numbers[name]})
    for review_id in market.reviews:
        yield Case("review", {"review": review_id})
    yield Case("rate", {"code": market.codes["done"]})
    yield Case("rate_words")


def day_effects(market: Market) -> Iterator[Case]:
    """Every effect of these that can end a call or say something above the next screen."""
    for said in ("w" * REVIEW_WORDS_MAX, None):
        yield Case("rate", {"code": market.codes["done"], "stars": 5, "said": said})


def _wish(day: date) -> dict[str, object]:
    town = TOWN_OF[AREA.town].id
    return {
        "starts_on": day.isoformat(),
        "people": PEOPLE,
        "town": town,
        "area": None,
        "budget": None,
    }
