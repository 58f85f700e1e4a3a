"""Which notices a booking's moves owe to whom; values only, the words are made elsewhere."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from core import outbox
from core.booking.dues import dues_of, rest_cents
from core.booking.model import Booking
from core.catalog.model import Area, Listing, Town
from core.catalog.queries import Alternative
from core.db.tx import Tx
from core.people.model import User, Vendor
from core.people.queries import owner_by_id


class Topic(StrEnum):
    """What has happened."""

    REQUEST_RECEIVED = "request_received"
    REQUEST_ACCEPTED = "request_accepted"
    REQUEST_DECLINED = "request_declined"
    REQUEST_EXPIRED = "request_expired"
    REQUEST_MISSED = "request_missed"
    REQUEST_WITHDRAWN = "request_withdrawn"
    PAYMENT_FAILED = "payment_failed"
    PROVIDER_DOWN = "provider_down"
    PART_RECEIVED = "part_received"
    REST_DUE = "rest_due"
    REST_RECEIVED = "rest_received"
    HOLD_EXPIRED = "hold_expired"
    NOT_PAID = "not_paid"
    CONFIRMED_CUSTOMER = "confirmed_customer"
    CONFIRMED_VENDOR = "confirmed_vendor"
    CANCELLED_CUSTOMER = "cancelled_customer"
    CANCELLED_VENDOR = "cancelled_vendor"
    CHANGED_CUSTOMER = "changed_customer"
    CHANGED_VENDOR = "changed_vendor"
    CHANGE_ASKED = "change_asked"
    CHANGE_ACCEPTED = "change_accepted"
    CHANGE_OFF_CUSTOMER = "change_off_customer"
    CHANGE_OFF_VENDOR = "change_off_vendor"
    REQUEST_CHANGED = "request_changed"
    CHECK_IN_LOCKED = "check_in_locked"
    COMPLETED = "completed"
    MONEY_RETURNING = "money_returning"
    MONEY_RETURNED = "money_returned"
    MONEY_CAME_BACK = "money_came_back"
    PAYOUT_SENT = "payout_sent"
    PAYOUT_FAILED = "payout_failed"
    PAYOUT_HELD = "payout_held"
    PAYOUT_REVERSED = "payout_reversed"
    PAYOUT_CHANGED = "payout_changed"
    VENDOR_SUSPENDED = "vendor_suspended"
    VENDOR_REINSTATED = "vendor_reinstated"
    DISPUTE_OPENED_CUSTOMER = "dispute_opened_customer"
    DISPUTE_OPENED_VENDOR = "dispute_opened_vendor"
    DISPUTE_NOTE = "dispute_note"
    DISPUTE_REMINDER_CUSTOMER = "dispute_reminder_customer"
    DISPUTE_REMINDER_VENDOR = "dispute_reminder_vendor"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_RESOLVED_CUSTOMER = "dispute_resolved_customer"
    DISPUTE_RESOLVED_VENDOR = "dispute_resolved_vendor"


# Built once: a part of nearly everything that happens to a booking.
_LISTING = (
    select(
        Listing.title,
        Listing.number,
        Listing.category,
        Town.name.label("town"),
        Area.name.label("area"),
        Vendor.business_name,
    )
    .join(Town, Town.id == Listing.town_id)
    .outerjoin(Area, Area.id == Listing.area_id)
    .join(Vendor, Vendor.id == Listing.vendor_id)
    .where(Listing.id == bindparam("listing_id"))
)
_TO_CUSTOMER = _LISTING.add_columns(User.msisdn).join(User, User.id == bindparam("customer_id"))
_TO_VENDOR = _LISTING.add_columns(User.msisdn).join(User, User.id == Vendor.user_id)


def facts(tx: Tx, booking: Booking) -> dict[str, Any]:
    """Return what every message about a booking may need, as JSON values."""
    return _facts(booking, tx.db.execute(_LISTING, _ids(booking)).one())


def _ids(booking: Booking) -> dict[str, UUID]:
    return {"listing_id": booking.listing_id, "customer_id": booking.customer_id}


def _facts(booking: Booking, listing: Any) -> dict[str, Any]:
    return {
        "code": booking.code,
        "listing": listing.title,
        "number": listing.number,
        "category": listing.category.value,
        "place": f"{listing.area}, {listing.town}" if listing.area else listing.town,
        "business": listing.business_name,
        "starts_on": booking.starts_on.isoformat(),
        "ends_on": booking.ends_on.isoformat(),
        "starts_at": booking.starts_at.isoformat(),
        "people": booking.people,
        "total_cents": booking.total_cents,
        "net_cents": booking.vendor_net_cents,
        "received_cents": booking.received_cents,
        "rest_cents": rest_cents(booking),
        "rest_by": booking.rest_due_at.isoformat() if booking.rest_due_at else None,
        "due_at": booking.due_at.isoformat() if booking.due_at else None,
    } | _dues(booking)


def _dues(booking: Booking) -> dict[str, Any]:
    """Return what a booking waits for; ``due_at`` is then until when it waits for that."""
    dues = dues_of(booking)
    if dues is None:
        return {}
    return {
        "owed_cents": dues.owed.cents,
        "ask_cents": dues.ask.cents,
        "part": dues.part,
        "parts": dues.parts,
        "due_at": dues.by.isoformat(),
    }


def tell_customer(
    tx: Tx, booking: Booking, topic: Topic, key: str | None = None, **more: Any
) -> None:
    """Owe the customer a message about a booking, once for a topic unless a key is given."""
    _tell(tx, booking, topic, _TO_CUSTOMER, key, more)


def tell_vendor(
    tx: Tx, booking: Booking, topic: Topic, key: str | None = None, **more: Any
) -> None:
    """Owe the vendor a message about a booking, once for a topic unless a key is given."""
    _tell(tx, booking, topic, _TO_VENDOR, key, more)


def customer_msisdn(tx: Tx, booking: Booking) -> str:
    """Return the number of a booking's customer."""
    return tx.db.scalars(select(User.msisdn).where(User.id == booking.customer_id)).one()


def vendor_msisdn(tx: Tx, booking: Booking) -> str:
    """Return the number of a booking's vendor."""
    return owner_by_id(tx, booking.vendor_id)


def _tell(
    tx: Tx,
    booking: Booking,
    topic: Topic,
    query: Select[Any],
    key: str | None,
    more: Mapping[str, Any],
) -> None:
    who = tx.db.execute(query, _ids(booking)).one()
    outbox.add(
        tx,
        topic.value,
        who.msisdn,
        _facts(booking, who) | dict(more),
        key=f"{topic.value}:{booking.id}:{key or ''}",
        booking_id=booking.id,
    )


def as_params(found: Sequence[Alternative]) -> list[dict[str, Any]]:
    """Return alternatives as JSON values for a message."""
    return [
        {
            "number": other.number,
            "title": other.title,
            "base_cents": other.base_cents,
            "starts_on": other.starts_on.isoformat(),
        }
        for other in found
    ]
