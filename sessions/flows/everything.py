"""The flow that callers meet, put together from its parts."""

from collections.abc import Sequence

from core.booking.offers import make_offer
from core.errors import Refused
from sessions.flow import Flow, Talk
from sessions.flows.account import account
from sessions.flows.asking import asking
from sessions.flows.book import booking, wish_of
from sessions.flows.cards import cards
from sessions.flows.change import changing
from sessions.flows.days import days
from sessions.flows.earnings import earnings
from sessions.flows.find import find
from sessions.flows.home import home
from sessions.flows.joining import joining
from sessions.flows.link import link
from sessions.flows.listings import listings
from sessions.flows.mine import mine, named
from sessions.flows.offering import offering
from sessions.flows.problem import problem
from sessions.flows.review import review
from sessions.flows.sort import HELD_ALL_CALL, sort
from sessions.flows.staff import staff
from sessions.flows.vendor import vendor
from sessions.flows.waiting import waiting
from sessions.texts import LANGUAGES

VERSION = "1"
# Screens that were once published; a test fails when one is gone without a stand-in in MOVED.
PUBLISHED = frozenset(
    {
        "about", "account", "answer_words", "area", "ask", "booking", "budget", "cancel", "change",
        "change_asked", "change_day", "change_nights", "change_people", "change_what",
        "changing", "close_or_open", "code", "coming", "customer", "date", "days", "details",
        "dispute", "dispute_note", "earnings", "guest", "home", "if_cancelled", "instead",
        "join", "join_business", "join_category", "join_id", "join_kra", "join_sure",
        "languages", "let_down", "line", "listing", "listings", "mine", "new_price", "new_size",
        "nights", "offer", "offer_guests", "offer_kind", "offer_mode", "offer_price", "offer_size",
        "offer_sure", "offer_title", "offer_unit", "paid_to", "pay_for", "payout_number",
        "payout_sure", "people", "pieces", "pin", "pin_again", "pin_new", "pin_old",
        "place", "price_sure", "problem", "problem_words", "rate", "rate_words", "relay",
        "relays", "request", "requests", "results", "review", "reviews", "settle", "sort",
        "staff", "staff_name", "staff_number", "staff_one", "staff_sure", "summary", "town",
        "until_day", "vendor_says", "wait", "waits", "which_days", "which_place", "which_town",
        "which_weekday", "withdraw",
    }
)  # fmt: skip
MOVED: dict[str, str] = {}


def recheck(talk: Talk, screen: str) -> str:
    """Before a dropped call goes on: is what was being booked still to be had?"""
    if screen not in {"summary", "pieces"}:
        return screen
    try:
        with talk.reading() as tx:
            make_offer(tx, wish_of(talk))
    except Refused:
        return "instead"
    return screen


def build_flow(languages: Sequence[str] = LANGUAGES) -> Flow:
    """Return the whole flow, offering these languages."""
    return Flow(
        version=VERSION,
        home="home",
        parts=[
            *(home, find, sort, booking, asking, link, waiting, review, cards, mine, changing),
            *(problem, vendor, days, earnings, joining, offering, listings, account, staff),
        ],
        moved=MOVED,
        shortcut=named,
        recheck=recheck,
        languages=languages,
        kept=HELD_ALL_CALL,
    )
