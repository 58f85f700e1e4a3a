"""The rest of a customer's day in ``worst``'s market: sorting, reviews, the line, questions."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy import update

from core.catalog import calendar
from core.catalog.search import Sort
from core.db.tx import Tx
from core.limits import RELAY_WORDS_MAX, REVIEW_WORDS_MAX
from core.waitlist.model import Wait
from tests.sessions.worst import AREA, CUSTOMER, FRIEND, PEOPLE, TOWN_OF, VENDOR, Case, Market


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
    yield from _reviewed(market)
    for name in ("now", "full", "stay"):
        yield Case("line", {**wish, "number": market.numbers[name], "nights": None})
    yield Case("waits")
    for wait_id in market.waits.values():
        yield Case("wait", {"wait": wait_id})
    yield Case("ask")
    for side in (CUSTOMER, VENDOR, "+254700000061"):
        yield Case("relays", msisdn=side)
    for side in (CUSTOMER, VENDOR):
        for relay_id in market.relays:
            yield Case("relay", {"relay": relay_id}, side)


def _reviewed(market: Market) -> Iterator[Case]:
    """What guests say, and what vendors say to it."""
    for name in ("now", "ask"):
        yield Case("reviews", {"number": market.numbers[name]})
    for review_id in market.reviews:
        for side in (CUSTOMER, VENDOR):
            yield Case("review", {"review": review_id}, side)
    yield Case("vendor_says", {"review": market.reviews[1]})
    yield Case("answer_words", {"review": market.reviews[0]}, VENDOR)
    yield Case("rate", {"code": market.codes["done"]})
    yield Case("rate_words")


def day_effects(market: Market) -> Iterator[Case]:
    """Every effect of these that can end a call or say something above the next screen."""
    for said in ("w" * REVIEW_WORDS_MAX, None):
        yield Case("rate", {"code": market.codes["done"], "stars": 5, "said": said})
    said_to = {"review": market.reviews[0], "said": "w" * REVIEW_WORDS_MAX}
    yield Case("answer_review", said_to, VENDOR)
    full = {"number": market.numbers["full"], "nights": None}
    yield Case("join_line", {**_wish(market.day), **full}, FRIEND)
    for name in ("now", "ask"):
        yield Case("take_offer", {"wait": market.waits[name]})
        yield Case("take_offer", {"wait": market.waits[name]}, ready=_dearer)
    yield Case("take_offer", {"wait": market.waits["now"]}, ready=_gone)
    yield Case("leave_line", {"wait": market.waits["waiting"]})
    yield Case("ask", {"number": market.numbers["stay"], "said": "w" * RELAY_WORDS_MAX})
    for side in (CUSTOMER, VENDOR):
        yield Case("relay_say", {"relay": market.relays[0], "said": "x" * RELAY_WORDS_MAX}, side)
    yield Case("listing_link", {"number": market.numbers["deposit"]})
    for code in ("paid", "done"):
        yield Case("receipt", {"code": market.codes[code]})


def _dearer(tx: Tx, market: Market) -> None:
    """Prices have changed since they were told."""
    tx.db.execute(update(Wait).values(total_cents=100))


def _gone(tx: Tx, market: Market) -> None:
    """Somebody outside the line was faster."""
    wait = tx.db.get_one(Wait, UUID(market.waits["now"]))
    calendar.claim(tx, wait.listing_id, wait.starts_on, wait.ends_on, 1)


def _wish(day: date) -> dict[str, object]:
    town = TOWN_OF[AREA.town].id
    return {
        "starts_on": day.isoformat(),
        "people": PEOPLE,
        "town": town,
        "area": None,
        "budget": None,
    }
