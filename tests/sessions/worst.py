"""The longest that every screen can get: a market of long names, and a walk over all screens."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.modify import request_change, wish_of
from core.booking.policy import POLICIES
from core.booking.usecases import decline, withdraw
from core.catalog.model import Listing
from core.catalog.places import AREAS, TOWNS
from core.catalog.rules import Category, PriceUnit
from core.clock import nairobi_date
from core.db.tx import Database, Tx
from core.disputes.model import Problem
from core.disputes.usecases import note_by_vendor, open_dispute
from core.limits import RELAY_NUMBER_MAX, RELAY_WORDS_MAX, REVIEW_WORDS_MAX, STAFF_MAX
from core.money import Money
from core.payments import settle
from core.people.model import User, Vendor
from core.people.onboarding import Application, apply_as_vendor
from core.people.penalties import add_penalty
from core.people.pins import choose_pin, seal_pin
from core.people.staff import add_staff, remove_staff, staff_of
from core.people.usecases import find_person
from core.ports.money import MoneyEvent, Outcome
from core.relay.usecases import ask_vendor, reply
from core.reviews.usecases import answer_review, leave_review
from core.vault import Vault
from core.waitlist.lifecycle import WaitState
from core.waitlist.model import Wait
from core.waitlist.usecases import join_line
from sessions.flow import Ask, End, Go, Menu, Person, Talk
from sessions.flows import words
from tests.conftest import VAULT_KEY
from tests.support.factories import (
    make_booking,
    make_held,
    make_instant_listing,
    make_listing,
    make_paid,
    make_vendor,
    make_wish,
)

TOWN_OF = {town.slug: town for town in TOWNS}
AREA = max(AREAS, key=lambda area: len(f"{area.name}, {TOWN_OF[area.town].name}"))
# Forty characters each, the most that the core allows.
TITLE = "Mugumo Gardens and Conference Centre No."
BUSINESS = "Kirinyaga Wholesale Events & Catering Co"
# Makes 247,000 to pay, near the most that M-Pesa carries.
BASE_CENTS = 18_515_700
# Makes 1,999,932, near the most that is asked for in parts.
PARTS_CENTS = 149_920_000
PEOPLE = 5_000
CUSTOMER, FRIEND, VENDOR = "+254700000001", "+254700000002", "+254700000011"
SERVICE_CODE = "*384*7781#"
LISTINGS = 6
# What refusals say at their longest.
DATA = {
    "earliest": date(2026, 9, 30),
    "latest": date(2027, 9, 29),
    "nights_max": 30,
    "least": 100_000_000,
    "most": 100_000_000,
    "capacity": 5_000,
    "people_min": 5_000,
    "limit": 10,
    "minutes": 15,
    "until": datetime(2026, 9, 30, 20, 45, tzinfo=UTC),
    "day": date(2026, 9, 30),
    "booked": 5_000,
}
PIN = "2580"
APPLICANT, STAFF, NOBODY = "+254700000071", "+254700000081", "+254700000091"
NAME = "Wanjikunanjoki Muthonimuchiri Kamaukaran"

Shown = Menu | Ask | End | Go


@dataclass(frozen=True)
class Market:
    """What stands in the database, by what the cases need of it."""

    numbers: Mapping[str, int]
    listings: Mapping[str, str]
    codes: Mapping[str, str]
    staff: str
    reviews: Sequence[str]
    waits: Mapping[str, str]
    relays: Sequence[str]
    day: date


def _title(index: int) -> str:
    return f"{TITLE[:38]}{index:02d}"


def prepare(database: Database) -> Market:
    """Write a market in which everything is as long as it may be."""
    with database.transaction() as tx:
        vendor = make_vendor(tx, VENDOR, BUSINESS)
        town = TOWN_OF[AREA.town]
        # The longest words that are ticked, and one that a vendor wrote.
        amenities = [*sorted(words.AMENITIES, key=len)[-3:], "swimming pool with a slide"]
        where = {"town_id": town.id, "area_id": AREA.id, "amenities": amenities}
        hall: dict[str, Any] = {**where, "price_cents": BASE_CENTS, "capacity": PEOPLE}
        ask = make_listing(tx, vendor, title=_title(1), **hall)
        now = make_instant_listing(tx, vendor, title=_title(2), **hall)
        stay = make_instant_listing(
            tx,
            vendor,
            title=_title(3),
            **where,
            category=Category.STAY,
            price_unit=PriceUnit.NIGHT,
            price_cents=600,
            units=1_000,
            capacity=5,
        )
        full = make_instant_listing(tx, vendor, title=_title(4), **hall)
        dear: dict[str, Any] = {**hall, "price_cents": PARTS_CENTS}
        parts = make_instant_listing(tx, vendor, title=_title(11), **dear)
        deposit = make_instant_listing(
            tx, vendor, title=_title(12), **dear, deposit_basis_points=9_500, rest_days=14
        )
        for index in range(5, 5 + LISTINGS):
            make_listing(tx, vendor, title=_title(index), **hall)
        _people(tx, vendor)
        codes = _bookings(tx, vendor, ask, now, stay, full)
        codes |= _in_pieces(tx, parts, deposit)
        made = {"ask": ask, "now": now, "stay": stay, "full": full}
        made |= {"parts": parts, "deposit": deposit}
        return Market(
            numbers={name: listing.number for name, listing in made.items()},
            listings={name: str(listing.id) for name, listing in made.items()},
            codes=codes,
            staff=str(staff_of(tx, vendor.id)[0].user_id),
            reviews=_reviews(tx, [codes["done"], codes["paid_out"]]),
            waits=_waits(tx, made),
            relays=_relays(tx, made),
            day=nairobi_date(tx.now) + timedelta(days=20),
        )


def _people(tx: Tx, vendor: Vendor) -> None:
    """A PIN, as many staff as there may be, and somebody whom nobody has checked yet."""
    choose_pin(tx, vendor, seal_pin(tx, PIN))
    for number in range(STAFF_MAX):
        add_staff(tx, vendor.id, f"+2547000000{81 + number}", NAME)
    town = TOWN_OF[AREA.town].id
    told = Application(NAME, BUSINESS, town, AREA.id, "stay", "A000000000A", "12345678")
    apply_as_vendor(tx, APPLICANT, told)


def _bookings(
    tx: Tx, vendor: Vendor, ask: Listing, now: Listing, stay: Listing, full: Listing
) -> dict[str, str]:
    """One booking in each state that a customer and a vendor can be shown."""
    wish: dict[str, Any] = {"people": PEOPLE}
    requested = make_booking(tx, ask, in_days=21, **wish)
    held = make_held(tx, now, in_days=22, **wish)
    paid = make_paid(tx, now, receipt="SFF6XYQ1A1", in_days=23, **wish)
    nights = make_paid(tx, stay, receipt="SFF6XYQ1A2", in_days=60, days=30, people=PEOPLE)
    make_paid(tx, full, FRIEND, receipt="SFF6XYQ1A3", in_days=20, **wish)
    # The policy with the most steps.
    held.policy = POLICIES["catering"]
    # Changes that wait: for the vendor, and for a difference that no single payment exceeds.
    wished = make_paid(tx, stay, receipt="SFF6XYQ1A4", in_days=100, days=30, people=PEOPLE - 1)
    wished.policy = {
        "tiers": [{"days_before": 300, "keep_percent": 0}, {"days_before": 0, "keep_percent": 100}]
    }
    _change(tx, wished, days=29)
    dearer = make_paid(tx, stay, FRIEND, receipt="SFF6XYQ1A5", in_days=140, days=1, people=2)
    _change(tx, dearer, days=30, people=PEOPLE)
    small = make_paid(tx, stay, FRIEND, receipt="SFF6XYQ1A6", in_days=136, people=2)
    declined = make_booking(tx, ask, in_days=25, **wish)
    decline(tx, declined.id, vendor.id)
    cancelled = make_booking(tx, ask, in_days=26, **wish)
    customer = tx.db.get_one(User, cancelled.customer_id)
    withdraw(tx, cancelled.id, customer.id)
    made = {
        "requested": requested,
        "held": held,
        "paid": paid,
        "nights": nights,
        "declined": declined,
        "cancelled": cancelled,
        "wished": wished,
        "dearer": dearer,
        "small": small,
    }
    for name in ("disputed", "deciding"):
        other = make_paid(tx, now, receipt=f"SFF6XYQ{name}", in_days=27 + len(made), **wish)
        first_day, other.starts_on = other.starts_on, nairobi_date(tx.now)
        open_dispute(tx, other.id, other.customer_id, Problem.NOT_THERE, "w" * 160)
        if name == "deciding":
            note_by_vendor(tx, other.id, vendor.id, "w" * 160)
        other.starts_on = first_day
        made[name] = other
    for name, state in (
        ("done", State.COMPLETED),
        ("paid_out", State.PAID_OUT),
        ("in", State.CHECKED_IN),
    ):
        other = make_paid(tx, now, receipt=f"SFF6XYQ1{name}", in_days=27 + len(made), **wish)
        other.state = state
        other.completed_at = None if name == "in" else tx.now
        made[name] = other
    return {name: booking.code for name, booking in made.items()}


def _reviews(tx: Tx, codes: Sequence[str]) -> list[str]:
    """The longest review there can be, and one without words; the listing has thousands more."""
    made = []
    for code, said in zip(codes, ("w" * REVIEW_WORDS_MAX, None), strict=True):
        booking = tx.db.query(Booking).filter_by(code=code).one()
        written = leave_review(tx, booking.id, booking.customer_id, 5, said)
        made.append(str(written.id))
        if said is None:
            answer_review(tx, written.id, booking.vendor_id, "v" * REVIEW_WORDS_MAX)
        listing = tx.db.get_one(Listing, booking.listing_id)
    listing.rating_count, listing.rating_sum = 9_999, 46_000
    tx.db.flush()
    return made


def _waits(tx: Tx, listings: Mapping[str, Listing]) -> dict[str, str]:
    """A place in the line, and offers: at once, and of what a vendor is asked for."""
    made = {}
    full = join_line(tx, CUSTOMER, make_wish(tx, listings["full"], in_days=20, people=PEOPLE))
    made["waiting"] = str(full.id)
    for name, days in (("now", 200), ("ask", 201)):
        listing = listings[name]
        wish = make_wish(tx, listing, in_days=days, people=PEOPLE)
        offered = Wait(
            id=tx.ids.uuid(),
            listing_id=listing.id,
            customer_id=full.customer_id,
            state=WaitState.OFFERED,
            starts_on=wish.starts_on,
            ends_on=wish.ends_on,
            people=PEOPLE,
            quantity=1,
            total_cents=24_700_000,
            due_at=tx.now + timedelta(hours=1),
            created_at=tx.now,
            offered_at=tx.now,
        )
        tx.db.add(offered)
        made[name] = str(offered.id)
    tx.db.flush()
    return made


def _relays(tx: Tx, listings: Mapping[str, Listing]) -> list[str]:
    """A question, and one that was answered, each as long as it may be."""
    made = []
    for name in ("ask", "now"):
        relay = ask_vendor(tx, CUSTOMER, listings[name].number, "w" * RELAY_WORDS_MAX)
        made.append(relay)
    reply(tx, made[1].id, VENDOR, "v" * RELAY_WORDS_MAX)
    for number, relay in enumerate(made, RELAY_NUMBER_MAX - 1):
        relay.number = number
    tx.db.flush()
    return [str(relay.id) for relay in made]


def _in_pieces(tx: Tx, parts: Listing, deposit: Listing) -> dict[str, str]:
    """Bookings of which a part is paid, and one that waits for its deposit."""
    begun = make_held(tx, parts, in_days=29, people=PEOPLE)
    by_hand(tx, begun, 99_999_900, "SFF6XYQ2A1")
    waiting = make_held(tx, deposit, in_days=48, people=PEOPLE)
    confirmed = make_held(tx, deposit, in_days=49, people=PEOPLE)
    assert confirmed.deposit_cents is not None, "the listing asks for one"
    by_hand(tx, confirmed, confirmed.deposit_cents, "SFF6XYQ2A2")
    made = {"begun": begun, "waiting": waiting, "deposit": confirmed}
    return {name: booking.code for name, booking in made.items()}


def by_hand(tx: Tx, booking: Booking, cents: int, receipt: str) -> None:
    """Money to the paybill for a booking; more at once than M-Pesa carries."""
    told = MoneyEvent(
        "daraja",
        Outcome.SUCCEEDED,
        account=booking.code,
        amount=Money(cents),
        receipt=receipt,
        payer=CUSTOMER,
    )
    assert settle.apply(tx, told) is None


def _change(tx: Tx, booking: Booking, **wish: Any) -> None:
    """The customer of a paid booking asks for something else."""
    changed = wish_of(tx, booking, **wish)
    request_change(tx, booking.id, booking.customer_id, changed)


@dataclass(frozen=True)
class Case:
    """One way to stand on a screen, or to perform an effect.

    Attributes:
        name: of the screen or the effect.
        draft: what was answered so far.
        msisdn: who is calling.
        secret: the answer to a secret question.
        ready: done in the transaction before, when the market alone does not make the case.
    """

    name: str
    draft: Mapping[str, Any] = field(default_factory=dict)
    msisdn: str = CUSTOMER
    secret: str = ""
    ready: Callable[[Tx, Market], None] | None = None

    def __str__(self) -> str:
        extra = [str(value) for key, value in self.draft.items() if key in {"category", "code"}]
        return "-".join([self.name, *extra, self.msisdn[-2:]])


def talk(tx_of: Callable[[], Any], person: Person, draft: dict[str, Any], now: Any) -> Talk:
    """What a screen gets to see, with a transaction to read in."""
    return Talk(person, draft, now, SERVICE_CODE, tx_of)


def person_of(tx: Tx, msisdn: str, language: str) -> Person:
    """Who is calling, in a language."""
    found = find_person(tx, msisdn)
    return Person(
        msisdn,
        language=language,
        name=found.business or "",
        vendor_id=str(found.vendor_id) if found.vendor_id else None,
        role=found.role.value if found.role else "",
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


# What somebody has told who wants to sell, and of what they offer.
JOINING = {
    "join_name": NAME,
    "join_business": BUSINESS,
    "town": TOWN_OF[AREA.town].id,
    "area": AREA.id,
    "category": "stay",
    "id_ends": "678",
    "kra_ends": "00A",
    "then": "join_category",
}
OFFERS = tuple(
    {**JOINING, "category": category, "title": TITLE, "size": 5_000, "guests": 50, "unit": unit}
    | {"price_cents": 99_999_999_00, "mode": "request"}
    for category, unit in (("venue", "person"), ("catering", "person"), ("stay", "night"))
)


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


def wishes(market: Market) -> Iterator[tuple[dict[str, Any], int | None]]:
    """What may be wished, with the cents agreed to: at the same price, before paying, cheaper,
    dearer, and of what is not free."""
    later = (market.day + timedelta(days=170)).isoformat()
    for name, day, nights, count, agreed_cents in (
        ("paid", later, None, None, 0),
        ("requested", later, None, PEOPLE - 1, 24_700_000),
        ("held", later, None, PEOPLE - 1, 24_700_000),
        ("nights", later, 29, None, -640_300),
        ("small", later, 30, PEOPLE, 24_011_200),
        ("nights", None, 1, None, None),
        ("paid", market.day.isoformat(), None, None, None),
    ):
        yield (
            {
                "code": market.codes[name],
                "new_day": day,
                "new_nights": nights,
                "new_people": count,
            },
            agreed_cents,
        )


def effects(market: Market) -> Iterator[Case]:
    """Every effect that can end a call or say something above the next screen."""
    day = market.day.isoformat()
    wish = {"starts_on": day, "people": PEOPLE, "nights": None, "total_cents": 24_700_000}
    yield Case("language", {"language": "sw"})
    yield Case("help")
    yield Case("book", {**wish, "number": market.numbers["ask"]})
    yield Case("book", {**wish, "number": market.numbers["now"]})
    for name, deposit_cents in (("parts", None), ("deposit", 189_993_700)):
        dear = {"total_cents": 199_993_300, "deposit_cents": deposit_cents}
        yield Case("book", {**wish, **dear, "number": market.numbers[name]})
    yield Case("pay", {"code": market.codes["held"]})
    yield Case("pay", {"code": market.codes["held"]}, FRIEND)
    yield Case("card", {"code": market.codes["held"]})
    yield Case("statement", msisdn=VENDOR)
    for name in ("begun", "waiting", "deposit"):
        yield Case("pay", {"code": market.codes[name]})
        yield Case("pay", {"code": market.codes[name]}, FRIEND)
    yield Case("withdraw", {"code": market.codes["requested"]})
    yield Case("withdraw", {"code": market.codes["begun"]})
    for code, cents in (("paid", 19_760_000), ("nights", 19_209_600)):
        yield Case("cancel", {"code": market.codes[code], "refund_cents": cents})
    yield Case("cancel", {"code": market.codes["paid"], "refund_cents": 0}, ready=_too_near)
    yield Case("let_down", {"code": market.codes["paid"]}, VENDOR)
    yield Case("let_down", {"code": market.codes["paid"]}, VENDOR, ready=_often_cancelled)
    yield Case("done", {"code": market.codes["paid"]}, ready=_begun)
    report = {"code": market.codes["paid"], "problem": "not_there", "said": "w" * 160}
    yield Case("report", report, ready=_begun)
    yield Case("settle", {"code": market.codes["disputed"]})
    for side in (CUSTOMER, VENDOR):
        yield Case("say", {"code": market.codes["disputed"], "said": "w" * 160}, side)
    for changed, agreed_cents in wishes(market):
        if agreed_cents is not None:
            friend = changed["code"] == market.codes["small"]
            agreed = {**changed, "agreed_cents": agreed_cents}
            yield Case("change", agreed, FRIEND if friend else CUSTOMER)
            if not agreed_cents:
                yield Case("change", agreed, ready=_strict)
    for name, msisdn in (("wished", CUSTOMER), ("dearer", FRIEND)):
        yield Case("keep_as_was", {"code": market.codes[name]}, msisdn)
    yield Case("accept_change", {"code": market.codes["wished"]}, VENDOR)
    yield Case("decline_change", {"code": market.codes["wished"]}, VENDOR)
    yield Case("accept", {"code": market.codes["requested"]}, VENDOR)
    yield Case("decline", {"code": market.codes["requested"]}, VENDOR)
    yield Case("check_in", {"code": market.codes["paid"]}, VENDOR, ready=_begun)
    for close in (True, False):
        last = (market.day + timedelta(days=10)).isoformat()
        chosen = {"close": close, "listing": market.listings["now"], "range": [day, last]}
        yield Case("set_days", chosen, VENDOR)
        weekly = {**chosen, "weekday": market.day.weekday(), "until": last}
        yield Case("set_weekdays", weekly, VENDOR)
        yield Case("set_weekdays", weekly, STAFF)
    yield Case("accept", {"code": market.codes["requested"]}, STAFF)
    yield Case("served", {"code": market.codes["in"]}, VENDOR, ready=_over)
    yield from _vending_done(market)


def _vending_done(market: Market) -> Iterator[Case]:
    """The same, said yes to."""
    yield Case("join_id", JOINING, secret="12345678")
    yield Case("join_kra", JOINING, secret="A000000000A")
    vault = Vault([VAULT_KEY])
    sealed = {
        "join_id": vault.seal("12345678").decode(),
        "join_kra": vault.seal("A000000000A").decode(),
    }
    yield Case("join", {**JOINING, **sealed})
    for offer in OFFERS:
        for msisdn in (APPLICANT, VENDOR):
            yield Case("offer", offer, msisdn)
    for name in ("now", "stay"):
        chosen = {"listing": market.listings[name], "price_cents": 99_999_999_00, "size": 5_000}
        yield Case("new_price", chosen, VENDOR)
        yield Case("new_size", chosen, VENDOR)
        yield Case("photo_link", chosen, VENDOR)
    yield Case("send_papers", msisdn=VENDOR)
    number = {"payout_number": NOBODY}
    someone = {"staff_number": NOBODY, "staff_name": NAME}
    for pin in (PIN, "0000"):
        yield Case("pin_old", msisdn=VENDOR, secret=pin)
        yield Case("payout_number", number, VENDOR, secret=pin)
        yield Case("staff_on", someone, VENDOR, secret=pin, ready=_room_for_one)
    yield Case("pin_new", msisdn=VENDOR, secret="1379")
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    kept = vault.seal(hasher.hash("1379")).decode()
    for again in ("1379", "1397"):
        typed = {"pin_sealed": kept, "pin_for": "account", "pin_known": True}
        yield Case("pin_again", typed, VENDOR, secret=again)
    yield Case("staff_off", {"staff": market.staff}, VENDOR)


def _room_for_one(tx: Tx, market: Market) -> None:
    """One of the staff has left."""
    vendor = tx.db.query(Vendor).join(User).filter(User.msisdn == VENDOR).one()
    remove_staff(tx, vendor.id, UUID(market.staff))


def _over(tx: Tx, market: Market) -> None:
    """What was booked is over."""
    booking = tx.db.query(Booking).filter_by(code=market.codes["in"]).one()
    booking.starts_at, booking.ends_at = tx.now - timedelta(hours=9), tx.now
    tx.db.flush()


def _begun(tx: Tx, market: Market) -> None:
    """The paid booking's day has come."""
    booking = tx.db.query(Booking).filter_by(code=market.codes["paid"]).one()
    booking.starts_at, booking.starts_on = tx.now, nairobi_date(tx.now)
    tx.db.flush()


def _strict(tx: Tx, market: Market) -> None:
    """The paid booking's vendor has to agree to a change: cancelling costs more already."""
    booking = tx.db.query(Booking).filter_by(code=market.codes["paid"]).one()
    booking.policy = POLICIES["strict"]
    booking.starts_at = tx.now + timedelta(days=13)
    tx.db.flush()


def _too_near(tx: Tx, market: Market) -> None:
    """The paid booking begins within the hours in which nothing comes back."""
    booking = tx.db.query(Booking).filter_by(code=market.codes["paid"]).one()
    booking.starts_at = tx.now + timedelta(hours=1)
    tx.db.flush()


def _often_cancelled(tx: Tx, market: Market) -> None:
    """The vendor has cancelled as often as two digits say."""
    for name in ("requested", "held", "nights", "declined", "cancelled", "done", "in"):
        booking = tx.db.query(Booking).filter_by(code=market.codes[name]).one()
        add_penalty(tx, booking.vendor_id, booking.id)
