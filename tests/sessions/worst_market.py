"""The longest that every screen can get: a market in which everything is as long as it may be."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.modify import request_change, wish_of
from core.booking.policy import POLICIES
from core.booking.usecases import decline, withdraw
from core.catalog.model import Listing
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
from core.people.pins import choose_pin, seal_pin
from core.people.staff import add_staff, staff_of
from core.ports.money import MoneyEvent, Outcome
from core.relay.usecases import ask_vendor, reply
from core.reviews.usecases import answer_review, leave_review
from core.waitlist.lifecycle import WaitState
from core.waitlist.model import Wait
from core.waitlist.usecases import join_line
from sessions.flows import words
from tests.sessions.worst import (
    APPLICANT,
    AREA,
    BUSINESS,
    CUSTOMER,
    FRIEND,
    NAME,
    PEOPLE,
    TITLE,
    TOWN_OF,
    VENDOR,
    Market,
)
from tests.support.factories import (
    make_booking,
    make_held,
    make_instant_listing,
    make_listing,
    make_paid,
    make_vendor,
    make_wish,
)

# Makes 247,000 to pay, near the most that M-Pesa carries.
BASE_CENTS = 18_515_700
# Makes 1,999,932, near the most that is asked for in parts.
PARTS_CENTS = 149_920_000
LISTINGS = 6
PIN = "2580"


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


@contextmanager
def undone(database: Database) -> Iterator[Tx]:
    with database.transaction() as tx:
        nested = tx.db.begin_nested()
        yield tx
        nested.rollback()
