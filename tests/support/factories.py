"""People, listings and bookings for stories: each made through the core's own use cases.

Plain functions that take a ``Tx``. What a story does not name gets a fitting value, and the
golden example (a hall for KES 50,000 an event) is the listing that nobody asked to be different.
"""

from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import select

from core.booking.model import Booking
from core.booking.offers import Wish, make_offer
from core.booking.usecases import accept, book
from core.catalog.model import Listing, Town
from core.catalog.places import load_places
from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit
from core.clock import nairobi_date
from core.db.tx import Tx
from core.money import kes
from core.payments import settle
from core.payments.attempts import accepted, begin
from core.payments.collections import start_collection
from core.payments.model import Attempt
from core.people.model import Language, PayoutMethod, User, Vendor, VendorStatus
from core.people.usecases import ensure_user
from core.ports.money import MoneyEvent, Outcome

CUSTOMER = "+254700000001"
OTHER_CUSTOMER = "+254700000002"
VENDOR = "+254700000011"
OTHER_VENDOR = "+254700000012"
STRANGER = "+254700000098"
COLLECTOR = "daraja"


def make_user(
    tx: Tx, msisdn: str = CUSTOMER, language: Language = Language.EN, name: str | None = None
) -> User:
    """A person with a phone."""
    user = ensure_user(tx, msisdn)
    user.language = language
    user.name = name
    tx.db.flush()
    return user


def make_vendor(
    tx: Tx, msisdn: str = VENDOR, business: str = "Baraka Gardens", **over: Any
) -> Vendor:
    """A verified vendor, paid by M-Pesa on the same number; ``over`` replaces any column."""
    user = ensure_user(tx, msisdn)
    values: dict[str, Any] = {
        "id": tx.ids.uuid(),
        "user_id": user.id,
        "business_name": business,
        "status": VendorStatus.ACTIVE,
        "kyc_verified_at": tx.now,
        "payout_method": PayoutMethod.MPESA,
        "payout_sealed": tx.vault.seal({"msisdn": msisdn}),
        "payout_verified_at": tx.now,
        "created_at": tx.now,
    }
    vendor = Vendor(**values | over)
    tx.db.add(vendor)
    tx.db.flush()
    return vendor


def make_listing(tx: Tx, vendor: Vendor, **over: Any) -> Listing:
    """A published hall in Nairobi, one unit, asked for first; ``over`` replaces any column."""
    if tx.db.scalar(select(Town.id).limit(1)) is None:
        load_places(tx)
    values: dict[str, Any] = {
        "id": tx.ids.uuid(),
        "vendor_id": vendor.id,
        "category": Category.VENUE,
        "title": "Baraka Garden Hall",
        "description": "A hall with a garden, chairs and tents.",
        "town_id": 1,
        "area_id": None,
        "latitude": -1.2864,
        "longitude": 36.8172,
        "price_cents": kes(50_000).cents,
        "price_unit": PriceUnit.EVENT,
        "units": 1,
        "capacity": 200,
        "people_min": 1,
        "amenities": ["parking", "tents"],
        "booking_mode": BookingMode.REQUEST,
        "lead_hours": 24,
        "starts_at": time(9),
        "ends_at": time(18),
        "status": ListingStatus.PUBLISHED,
        "policy": "standard",
        "created_at": tx.now,
    }
    listing = Listing(**values | over)
    tx.db.add(listing)
    tx.db.flush()
    return listing


def make_instant_listing(tx: Tx, vendor: Vendor, **over: Any) -> Listing:
    """As ``make_listing``, booked without asking."""
    return make_listing(tx, vendor, **{"booking_mode": BookingMode.INSTANT} | over)


def make_wish(
    tx: Tx, listing: Listing, *, in_days: int = 10, days: int = 1, people: int = 50
) -> Wish:
    """What a customer wants of a listing, some days from now."""
    starts_on: date = nairobi_date(tx.now) + timedelta(days=in_days)
    return Wish(listing.number, starts_on, starts_on + timedelta(days=days), people)


def make_booking(tx: Tx, listing: Listing, msisdn: str = CUSTOMER, **wish: Any) -> Booking:
    """A booking as it is right after the customer said yes: a request, or a hold."""
    wanted = make_wish(tx, listing, **wish)
    return book(tx, msisdn, wanted, make_offer(tx, wanted).price.total)


def make_held(tx: Tx, listing: Listing, msisdn: str = CUSTOMER, **wish: Any) -> Booking:
    """A booking that waits for its payment, whatever the listing's mode."""
    booking = make_booking(tx, listing, msisdn, **wish)
    if listing.booking_mode is BookingMode.REQUEST:
        accept(tx, booking.id, listing.vendor_id)
    return booking


def make_prompt(tx: Tx, booking: Booking, provider: str = COLLECTOR) -> Attempt:
    """The planned prompt of a held booking on its customer's phone."""
    msisdn = tx.db.scalars(select(User.msisdn).where(User.id == booking.customer_id)).one()
    attempt = start_collection(tx, booking.id, msisdn)
    attempt.provider = provider
    return attempt


def paid_event(attempt: Attempt, receipt: str | None = "SFF6XYQ1AB", **over: Any) -> MoneyEvent:
    """The provider's word that an attempt's money moved."""
    values: dict[str, Any] = {
        "provider": attempt.provider,
        "outcome": Outcome.SUCCEEDED,
        "attempt_id": attempt.id,
        "receipt": receipt,
    }
    return MoneyEvent(**values | over)


def make_paid(
    tx: Tx, listing: Listing, msisdn: str = CUSTOMER, receipt: str = "SFF6XYQ1AB", **wish: Any
) -> Booking:
    """A confirmed booking: its prompt was sent, taken and paid."""
    booking = make_held(tx, listing, msisdn, **wish)
    attempt = make_prompt(tx, booking)
    attempt.due_at = tx.now
    tx.db.flush()
    begin(tx, attempt.id)
    accepted(tx, attempt.id, f"ws_CO_{attempt.id}")
    assert settle.apply(tx, paid_event(attempt, receipt)) is None
    return booking
