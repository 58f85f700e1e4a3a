"""What a booking would be: the same offer is shown, checked again and then booked."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from core.booking.policy import POLICIES
from core.catalog import rules as catalog
from core.catalog.model import Listing
from core.catalog.queries import listing_by_number
from core.clock import nairobi_date, nairobi_moment
from core.db.base import Json
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import (
    DEPOSIT_MAX_BASIS_POINTS,
    DEPOSIT_MIN_BASIS_POINTS,
    PRICE_IN_PARTS_MAX_CENTS,
    REST_DAYS_MAX,
    REST_LEAD_SECONDS,
)
from core.money import Money
from core.pricing.queries import rates_on
from core.pricing.rules import Price, quote

REST_DUE_AT = time(18)
"""When on its day a rest must have come, Kenyan time: people are awake and can still act."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer asks for.

    Attributes:
        number: the listing's short number.
        starts_on: first day.
        ends_on: first day after.
        people: how many come.
    """

    number: int
    starts_on: date
    ends_on: date
    people: int


@dataclass(frozen=True, slots=True)
class Deposit:
    """What a listing asks for at first.

    Attributes:
        now: confirms the booking.
        rest: the other part of the price.
        rest_by: until when the rest must come.
    """

    now: Money
    rest: Money
    rest_by: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A wish that the listing's rules allow, with its price. It claims nothing."""

    wish: Wish
    listing: Listing
    quantity: int
    starts_at: datetime
    ends_at: datetime
    price: Price
    policy: Json
    deposit: Deposit | None
    """None when all of the price is asked for at once."""

    @property
    def instant(self) -> bool:
        """Whether it can be booked without asking the vendor."""
        return self.listing.booking_mode is catalog.BookingMode.INSTANT


def make_offer(tx: Tx, wish: Wish, *, lead: bool = True) -> Offer:
    """Check a wish against the listing's rules and price it.

    Args:
        tx: the caller's transaction.
        wish: what is wanted.
        lead: whether it must leave the listing's lead time; not for a day that is booked already.

    Raises:
        NotFound: no such published listing.
        BadInput: what ``core.catalog.rules.check_wish`` says, or ``too_expensive`` when the
            total is more than people can be asked for in parts (data: max_cents).
    """
    listing = listing_by_number(tx, wish.number)
    terms = listing.terms if lead else replace(listing.terms, lead_hours=0)
    catalog.check_wish(terms, wish.starts_on, wish.ends_on, wish.people, tx.now)
    base = Money(catalog.base_cents(terms, wish.starts_on, wish.ends_on, wish.people))
    price = quote(base, rates_on(tx, nairobi_date(tx.now), listing.category))
    if price.total.cents > PRICE_IN_PARTS_MAX_CENTS:
        raise BadInput("too_expensive", max_cents=PRICE_IN_PARTS_MAX_CENTS)
    return Offer(
        wish=wish,
        listing=listing,
        quantity=catalog.quantity(terms, wish.people),
        starts_at=catalog.starts_moment(terms, wish.starts_on),
        ends_at=catalog.ends_moment(terms, wish.ends_on),
        price=price,
        policy=POLICIES[listing.policy],
        deposit=deposit_of(listing, price.total, wish.starts_on, tx.now),
    )


def deposit_of(listing: Listing, total: Money, starts_on: date, now: datetime) -> Deposit | None:
    """Return what a listing asks for at first; None for everything, as near to the start too.

    Args:
        listing: it says what share, and until how many days before the start the rest may wait.
        total: the price; the share of it is raised to whole shillings.
        starts_on: the first day.
        now: from when the customer has ``REST_LEAD_SECONDS`` at least.
    """
    if listing.deposit_basis_points is None or listing.rest_days is None:
        return None
    rest_by = nairobi_moment(starts_on - timedelta(days=listing.rest_days), REST_DUE_AT)
    first = total.share(listing.deposit_basis_points).up_to_shilling()
    if rest_by < now + timedelta(seconds=REST_LEAD_SECONDS) or not first < total:
        return None
    return Deposit(first, total - first, rest_by)


def choose_deposit(
    tx: Tx, number: int, basis_points: int | None, rest_days: int | None
) -> Listing:
    """Let a listing ask for a deposit, or for everything at once; made bookings keep theirs.

    Args:
        tx: the caller's transaction.
        number: the listing's.
        basis_points: of the price; None for everything.
        rest_days: how many days before the start the rest is due; None with it.

    Raises:
        BadInput: ``bad_deposit`` (data: field, least, most).
        NotFound: no such published listing.
    """
    if basis_points is not None or rest_days is not None:
        least, most = DEPOSIT_MIN_BASIS_POINTS, DEPOSIT_MAX_BASIS_POINTS
        _check_between("basis_points", basis_points, least, most)
        _check_between("rest_days", rest_days, 1, REST_DAYS_MAX)
    listing = listing_by_number(tx, number)
    listing.deposit_basis_points = basis_points
    listing.rest_days = rest_days
    return listing


def _check_between(field: str, value: int | None, least: int, most: int) -> None:
    if value is None or not least <= value <= most:
        raise BadInput("bad_deposit", field=field, least=least, most=most)


def choose_policy(tx: Tx, number: int, name: str) -> Listing:
    """Give a listing another cancellation policy; bookings made before keep the one they froze.

    Raises:
        BadInput: ``no_policy`` (data: field, known).
        NotFound: no such published listing.
    """
    if name not in POLICIES:
        raise BadInput("no_policy", field="policy", known=sorted(POLICIES))
    listing = listing_by_number(tx, number)
    listing.policy = name
    return listing
