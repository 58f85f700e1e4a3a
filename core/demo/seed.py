"""Writes the demo market.

Whoever is there already is left as they are, so that a second run changes nothing and a trial
that has gone on for days is not undone.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import select

from core.catalog import calendar
from core.catalog.model import POLICY_DEFAULT, Listing
from core.catalog.places import load_places
from core.catalog.rules import ListingStatus
from core.clock import nairobi_date
from core.db.tx import Tx
from core.demo.plan import (
    CUSTOMER_PHONES_FROM,
    FIXED_NUMBERS,
    PENDING_PHONES_FROM,
    DemoVendor,
    demo_vendors,
    phone,
)
from core.demo.vendors import CUSTOMERS, PENDING
from core.people.model import Language, PayoutMethod, Vendor, VendorStatus
from core.people.usecases import ensure_user

VENDORS_PER_BATCH = 8
# One listing in so many has a weekend closed, about two weeks from now.
CLOSED_EVERY = 9
CLOSED_AFTER_DAYS = 14
SATURDAY = 5


def seed_catalog(tx: Tx, progress: Callable[[int, int], None] = lambda _done, _all: None) -> None:
    """Write places, customers, vendors and their listings.

    Args:
        tx: the caller's transaction; dates are relative to its ``now``.
        progress: called with vendors done and vendors in all, after each batch.
    """
    load_places(tx)
    _seed_customers(tx)
    vendors = demo_vendors()
    for first in range(0, len(vendors), VENDORS_PER_BATCH):
        batch = vendors[first : first + VENDORS_PER_BATCH]
        for vendor in batch:
            _seed_vendor(tx, vendor)
        tx.db.flush()
        progress(first + len(batch), len(vendors))
    for position, (business, owner) in enumerate(PENDING):
        msisdn = phone(PENDING_PHONES_FROM + position)
        _new_vendor(tx, msisdn, owner, business, VendorStatus.PENDING)


def _seed_customers(tx: Tx) -> None:
    for position, name in enumerate(CUSTOMERS):
        user = ensure_user(tx, phone(CUSTOMER_PHONES_FROM + position))
        if user.name is None:
            user.name = name
            user.language = Language.SW if position % 2 else Language.EN


def _seed_vendor(tx: Tx, planned: DemoVendor) -> None:
    vendor = _new_vendor(tx, planned.msisdn, planned.owner, planned.business, VendorStatus.ACTIVE)
    if vendor is None:
        return
    for offered in planned.listings:
        listing = Listing(
            id=tx.ids.uuid(),
            vendor_id=vendor.id,
            status=ListingStatus.PUBLISHED,
            policy=POLICY_DEFAULT,
            created_at=tx.now,
            **asdict(offered),
        )
        tx.db.add(listing)
        if offered.number % CLOSED_EVERY == 0 and offered.number not in FIXED_NUMBERS:
            _close_weekend(tx, listing)


def _new_vendor(
    tx: Tx, msisdn: str, owner: str, business: str, status: VendorStatus
) -> Vendor | None:
    """Write a vendor, or return None when the number has one."""
    user = ensure_user(tx, msisdn)
    if tx.db.scalar(select(Vendor.id).where(Vendor.user_id == user.id)) is not None:
        return None
    user.name = user.name or owner
    active = status is VendorStatus.ACTIVE
    vendor = Vendor(
        id=tx.ids.uuid(),
        user_id=user.id,
        business_name=business,
        status=status,
        kyc_verified_at=tx.now if active else None,
        payout_method=PayoutMethod.MPESA if active else None,
        payout_sealed=tx.vault.seal({"msisdn": msisdn}) if active else None,
        payout_verified_at=tx.now if active else None,
        created_at=tx.now,
    )
    tx.db.add(vendor)
    tx.db.flush()
    return vendor


def _close_weekend(tx: Tx, listing: Listing) -> None:
    tx.db.flush()
    day = nairobi_date(tx.now) + timedelta(days=CLOSED_AFTER_DAYS)
    saturday = day + timedelta(days=(SATURDAY - day.weekday()) % 7)
    weekend = [saturday, saturday + timedelta(days=1)]
    calendar.block(tx, listing.id, weekend, vendor_id=listing.vendor_id)
