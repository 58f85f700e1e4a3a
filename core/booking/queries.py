"""What customers and vendors are shown of bookings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import aliased

from core.booking.lifecycle import PAID, ChangeState, State
from core.booking.model import Booking, BookingChange
from core.catalog.model import Area, Listing, Town
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import LIST_MAX
from core.people.model import User, Vendor

_Customer = aliased(User)
_VendorUser = aliased(User)

OPEN = (State.REQUESTED, State.AWAITING_PAYMENT)
ENDING_DIGITS = 3
COMING = (State.AWAITING_PAYMENT, State.CONFIRMED, State.CHECKED_IN)


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking with the names around it.

    Attributes:
        booking: the row.
        listing: its listing.
        place: area and town, or the town.
        business: the vendor's business name.
        customer_ending: the last digits of the customer's number; no more before it is paid.
        customer_msisdn: None until it is paid for: nobody learns more than they need.
        vendor_msisdn: None until it is paid for.
    """

    booking: Booking
    listing: Listing
    place: str
    business: str
    customer_ending: str
    customer_msisdn: str | None
    vendor_msisdn: str | None


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change of days or people that waits, with its booking as it is."""

    view: BookingView
    change: BookingChange


def bookings_of_customer(tx: Tx, msisdn: str, limit: int = LIST_MAX) -> list[BookingView]:
    """Return a customer's bookings: what is still open first, then the newest."""
    open_first = Booking.state.in_(OPEN).desc()
    return _views(
        tx,
        _Customer.msisdn == msisdn,
        (open_first, Booking.created_at.desc(), Booking.id.desc()),
        limit,
    )


def requests_of_vendor(tx: Tx, vendor_id: UUID, limit: int = LIST_MAX) -> list[BookingView]:
    """Return the requests that wait for a vendor's answer, the most urgent first."""
    waiting = and_(Booking.vendor_id == vendor_id, Booking.state == State.REQUESTED)
    return _views(tx, waiting, (Booking.due_at, Booking.id), limit)


def coming_to_vendor(tx: Tx, vendor_id: UUID, limit: int = LIST_MAX) -> list[BookingView]:
    """Return what still concerns a vendor, the next first.

    Accepted and paid bookings that are not over, guests who are not yet said to be done, and what
    is disputed.
    """
    not_over = and_(Booking.state.in_(COMING), Booking.ends_at > tx.now)
    left = Booking.state.in_((State.DISPUTED, State.CHECKED_IN))
    coming = and_(Booking.vendor_id == vendor_id, or_(not_over, left))
    return _views(tx, coming, (Booking.starts_at, Booking.id), limit)


def changes_asked(tx: Tx, vendor_id: UUID, limit: int = LIST_MAX) -> list[ChangeView]:
    """Return the changes that wait for a vendor's answer, the most urgent first."""
    query = (
        select(BookingChange)
        .join(Booking, Booking.id == BookingChange.booking_id)
        .where(Booking.vendor_id == vendor_id, BookingChange.state == ChangeState.ASKED)
        .order_by(BookingChange.due_at, BookingChange.id)
        .limit(limit)
    )
    asked = tx.db.scalars(query).all()
    if not asked:
        return []
    chosen = Booking.id.in_([change.booking_id for change in asked])
    views = {view.booking.id: view for view in _views(tx, chosen, (Booking.id,), limit)}
    return [ChangeView(views[change.booking_id], change) for change in asked]


def booking_by_code(tx: Tx, code: str) -> BookingView:
    """Return a booking by its code, in any case; raises NotFound (``no_booking``)."""
    found = _views(tx, Booking.code == code.strip().upper(), (Booking.id,), 1)
    if not found:
        raise NotFound("no_booking")
    return found[0]


def booking_by_id(tx: Tx, booking_id: UUID) -> BookingView:
    """Return a booking that exists."""
    (found,) = _views(tx, Booking.id == booking_id, (Booking.id,), 1)
    return found


def codes_of_vendor(tx: Tx, vendor_id: UUID, limit: int) -> list[str]:
    """Return the codes of a vendor's bookings, the newest first."""
    query = (
        select(Booking.code)
        .where(Booking.vendor_id == vendor_id)
        .order_by(Booking.created_at.desc(), Booking.id.desc())
        .limit(limit)
    )
    return list(tx.db.scalars(query))


def _joined(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        query.join(Listing, Listing.id == Booking.listing_id)
        .join(Town, Town.id == Listing.town_id)
        .outerjoin(Area, Area.id == Listing.area_id)
        .join(Vendor, Vendor.id == Booking.vendor_id)
        .join(_VendorUser, _VendorUser.id == Vendor.user_id)
        .join(_Customer, _Customer.id == Booking.customer_id)
    )


def _views(
    tx: Tx, chosen: ColumnElement[bool], order: Sequence[Any], limit: int
) -> list[BookingView]:
    names = (Town.name, Area.name, Vendor.business_name)
    query = _joined(
        select(Booking, Listing, *names, _Customer.msisdn, _VendorUser.msisdn).select_from(Booking)
    )
    rows = tx.db.execute(query.where(chosen).order_by(*order).limit(limit)).all()
    return [_view(*row) for row in rows]


def _view(
    booking: Booking,
    listing: Listing,
    town: str,
    area: str | None,
    business: str,
    customer: str,
    vendor: str,
) -> BookingView:
    paid = booking.state in PAID
    return BookingView(
        booking=booking,
        listing=listing,
        place=f"{area}, {town}" if area else town,
        business=business,
        customer_ending=customer[-ENDING_DIGITS:],
        customer_msisdn=customer if paid else None,
        vendor_msisdn=vendor if paid else None,
    )
