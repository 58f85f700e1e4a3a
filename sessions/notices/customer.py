"""The words to customers beside their bookings: what became free, what vendors say, links."""

from collections.abc import Mapping
from datetime import date, datetime

from core.catalog.rules import Category
from core.money import Money
from core.relay.model import Speaker
from core.relay.usecases import RELAYED_TOPIC
from core.waitlist.usecases import WAIT_OFFERED_TOPIC
from sessions.flows import words
from sessions.notices.context import NoticeContext, Params, Words, as_said, due_of
from sessions.texts import T, cut, t

LISTING_LINK_TOPIC = "listing_link"


def _wait_offered(params: Params, _context: NoticeContext) -> T:
    return t(
        "Free: {listing}, {wished}, {total}. By {by} reply YES {number} to book it, NO {number} "
        "to leave it to the next.",
        listing=cut(params["listing"]),
        wished=words.when_and_who(
            Category(params["category"]),
            date.fromisoformat(params["starts_on"]),
            date.fromisoformat(params["ends_on"]),
            params["people"],
        ),
        total=Money(params["total_cents"]),
        number=str(params["number"]),
        by=due_of(params),
    )


def _relayed(params: Params, _context: NoticeContext) -> T:
    values = {
        "relay": params["relay"],
        "listing": cut(params["listing"]),
        "words": as_said(params["words"]),
    }
    if Speaker(params["speaker"]) is Speaker.CUSTOMER:
        return t(
            '{relay} {listing}, a customer asks: "{words}" To answer reply {relay} and your '
            "words.",
            **values,
        )
    return t(
        '{relay} {listing}, the vendor says: "{words}" To answer reply {relay} and your words.',
        **values,
    )


def _listing_link(params: Params, context: NoticeContext) -> T:
    return t(
        "{listing}: {link} Opens until {until}.",
        listing=cut(params["listing"]),
        link=f"{context.public_url}/l/{params['token']}",
        until=datetime.fromisoformat(params["until"]),
    )


WORDS: Mapping[str, Words] = {
    WAIT_OFFERED_TOPIC: _wait_offered,
    RELAYED_TOPIC: _relayed,
    LISTING_LINK_TOPIC: _listing_link,
}
