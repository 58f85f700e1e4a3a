"""What a booking would be: the same offer is shown, checked again and then booked."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from core.booking.policy import POLICIES
from core.catalog import rules as catalog
from core.catalog.model import Listing
from core.catalog.queries import listing_by_number
from core.clock import nairobi_date
from core.db.base import Json
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import MPESA_MAX_CENTS
from core.money import Money
from core.pricing.queries import rates_on
from core.pricing.rules import Price, quote


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
class Offer:
    """A wish that the listing's rules allow, with its price. It claims nothing."""

    wish: Wish
    listing: Listing
    quantity: int
    starts_at: datetime
    ends_at: datetime
    price: Price
    policy: Json

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
        BadInput: what ``core.catalog.rules.check_wish`` says, or ``too_expensive`` when one
            M-Pesa payment cannot carry the total (data: max_cents).
    """
    listing = listing_by_number(tx, wish.number)
    terms = listing.terms if lead else replace(listing.terms, lead_hours=0)
    catalog.check_wish(terms, wish.starts_on, wish.ends_on, wish.people, tx.now)
    base = Money(catalog.base_cents(terms, wish.starts_on, wish.ends_on, wish.people))
    price = quote(base, rates_on(tx, nairobi_date(tx.now), listing.category))
    if price.total.cents > MPESA_MAX_CENTS:
        raise BadInput("too_expensive", max_cents=MPESA_MAX_CENTS)
    return Offer(
        wish=wish,
        listing=listing,
        quantity=catalog.quantity(terms, wish.people),
        starts_at=catalog.starts_moment(terms, wish.starts_on),
        ends_at=catalog.ends_moment(terms, wish.ends_on),
        price=price,
        policy=POLICIES[listing.policy],
    )


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
