"""The longest that every screen can get: each screen, with each draft that makes it differ."""

from collections.abc import Iterator
from datetime import timedelta

from core.catalog.rules import Category
from tests.sessions.worst import (
    APPLICANT,
    AREA,
    CUSTOMER,
    FRIEND,
    JOINING,
    NAME,
    NOBODY,
    OFFERS,
    PEOPLE,
    STAFF,
    TOWN_OF,
    VENDOR,
    Case,
    Market,
    wishes,
)


def screens(market: Market) -> Iterator[Case]:
    """Every screen, with each draft that makes it say something else."""
    day = market.day.isoformat()
    wish = {"starts_on": day, "people": PEOPLE, "town": TOWN_OF[AREA.town].id, "area": None}
    yield Case("home")
    yield Case("home", msisdn=VENDOR)
    yield Case("customer", msisdn=VENDOR)
    yield Case("languages")
    for category in Category:
        yield Case("place", {"category": category.value})
        yield Case("date", {"category": category.value})
    yield Case("which_place", {"typed_place": "mi"})
    yield Case("nights", {"starts_on": day})
    yield Case("people", {"direct": False})
    yield Case("budget")
    for budget in (None, 1):
        yield Case("results", {**wish, "category": "venue", "budget": budget})
    for name, number in market.numbers.items():
        yield Case("details", {"number": number, "category": name})
        yield Case("about", {"number": number, "category": name})
        nights = 30 if name == "stay" else None
        yield Case("summary", {**wish, "number": number, "nights": nights, "category": name})
        yield Case("pieces", {**wish, "number": number, "nights": nights, "category": name})
        yield Case("instead", {**wish, "number": number, "nights": None, "category": name})
    yield Case("mine")
    yield Case("mine", msisdn="+254700000061")
    for code in market.codes.values():
        yield Case("booking", {"code": code})
        yield Case("withdraw", {"code": code})
        yield Case("cancel", {"code": code})
        yield Case("if_cancelled", {"code": code})
        yield Case("pay_for", {"code": code}, FRIEND)
        yield Case("request", {"code": code}, VENDOR)
        yield Case("guest", {"code": code}, VENDOR)
        yield Case("let_down", {"code": code}, VENDOR)
    yield from _changes(market)
    yield Case("code")
    for code in (market.codes["disputed"], market.codes["deciding"]):
        yield Case("problem", {"code": code})
        yield Case("problem_words", {"code": code})
        yield Case("dispute_note", {"code": code})
        yield Case("settle", {"code": code})
        for side in (CUSTOMER, VENDOR):
            yield Case("dispute", {"code": code}, side)
    for name in ("requests", "coming", "days", "earnings"):
        yield Case(name, msisdn=VENDOR)
    yield Case("pin", {"code": market.codes["paid"]}, VENDOR)
    yield from _by_staff(market)
    yield from _days()
    yield from _vending(market)


def _by_staff(market: Market) -> Iterator[Case]:
    """What staff see, who are told of no money."""
    for code in (market.codes["requested"], market.codes["paid"], market.codes["in"]):
        yield Case("request", {"code": code}, STAFF)
        yield Case("guest", {"code": code}, STAFF)
    yield Case("change_asked", {"code": market.codes["wished"]}, STAFF)
    for name in ("home", "requests", "coming", "days"):
        yield Case(name, msisdn=STAFF)


def _days() -> Iterator[Case]:
    """A vendor's calendar."""
    yield Case("close_or_open", msisdn=VENDOR)
    for close in (True, False):
        yield Case("which_days", {"close": close}, VENDOR)
        yield Case("which_weekday", {"close": close}, VENDOR)
    for weekday in range(7):
        yield Case("until_day", {"weekday": weekday}, VENDOR)


def _vending(market: Market) -> Iterator[Case]:
    """Becoming a vendor, offering, changing prices, the account and the staff."""
    yield Case("home", msisdn=APPLICANT)
    for name in ("join", "join_business", "town", "join_category", "join_id", "join_kra"):
        yield Case(name, JOINING)
    yield Case("join_sure", JOINING)
    yield Case("which_town", {**JOINING, "typed_place": "mi"})
    for msisdn in (APPLICANT, VENDOR):
        for name in ("offer", "listings", "account", "paid_to"):
            yield Case(name, msisdn=msisdn)
    for offer in OFFERS:
        for name in ("kind", "title", "size", "guests", "price", "unit", "mode", "sure"):
            yield Case(f"offer_{name}", offer, APPLICANT)
    for name in ("now", "stay"):
        chosen = {"listing": market.listings[name], "price_cents": 99_999_999_00}
        for screen in ("listing", "new_price", "price_sure", "new_size"):
            yield Case(screen, chosen, VENDOR)
    for name in ("pin_old", "pin_new", "pin_again", "payout_number", "staff", "staff_number"):
        yield Case(name, msisdn=VENDOR)
    yield Case("payout_sure", {"payout_number": NOBODY}, VENDOR)
    yield Case("staff_name", msisdn=VENDOR)
    yield Case("staff_sure", {"staff_number": NOBODY, "staff_name": NAME}, VENDOR)
    yield Case("staff_one", {"staff": market.staff}, VENDOR)


def _changes(market: Market) -> Iterator[Case]:
    """Every screen of a change: its questions, what it costs, the vendor's answer."""
    yield Case("change_what")
    for name, day in (("paid", 41), ("nights", 170)):
        code = {"code": market.codes[name], "change_both": False}
        new_day = (market.day + timedelta(days=day)).isoformat()
        yield Case("change_day", code)
        yield Case("change_nights", {**code, "new_day": new_day})
        yield Case("change_people", code)
    for wish, _ in wishes(market):
        yield Case("change", wish)
    for name, msisdn in (("wished", CUSTOMER), ("dearer", FRIEND), ("paid", CUSTOMER)):
        yield Case("changing", {"code": market.codes[name]}, msisdn)
        yield Case("change_asked", {"code": market.codes[name]}, VENDOR)
