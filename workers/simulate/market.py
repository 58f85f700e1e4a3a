"""Who sells what in a simulated year: vendors and listings, drawn by chance, written at once."""

import random
from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID

from core.booking.policy import POLICIES
from core.catalog.model import Listing
from core.catalog.places import load_places
from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit
from core.db.tx import Tx
from core.money import kes
from core.people.model import Language, PayoutMethod, Vendor, VendorStatus
from core.people.usecases import ensure_user, set_language

CUSTOMERS = tuple(f"+2547000000{number:02}" for number in range(1, 61))
VENDORS = tuple(f"+2547000000{number:02}" for number in range(61, 76))
# Where vendors want to be paid instead.
OTHER_WALLETS = tuple(f"+2547000000{number:02}" for number in range(76, 91))
LISTINGS_EACH_MAX = 3
LARGE_SHARE = 0.15
DEPOSIT_SHARE = 0.3
BANK_SHARE = 0.15
INSTANT_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Stall:
    """One listing as its customers and its vendor know it."""

    id: UUID
    number: int
    vendor_id: UUID
    vendor: str
    category: Category
    people: tuple[int, int]
    nights_max: int
    lead_days: int


def open_market(tx: Tx, chance: random.Random) -> list[Stall]:
    """Write towns, vendors and listings; return the listings."""
    load_places(tx)
    for msisdn in (*CUSTOMERS, *VENDORS):
        set_language(tx, msisdn, chance.choice(list(Language)))
    stalls: list[Stall] = []
    for place, msisdn in enumerate(VENDORS):
        vendor = _vendor(tx, chance, msisdn, f"House {place + 1}")
        for _ in range(chance.randint(1, LISTINGS_EACH_MAX)):
            stalls.append(_listing(tx, chance, vendor, msisdn, len(stalls) + 1))
    return stalls


def _vendor(tx: Tx, chance: random.Random, msisdn: str, name: str) -> Vendor:
    to_bank = chance.random() < BANK_SHARE
    details = {"msisdn": msisdn}
    if to_bank:
        details = {"bank": "01", "branch": "001", "account": f"11{msisdn[-6:]}", "name": name}
    vendor = Vendor(
        id=tx.ids.uuid(),
        user_id=ensure_user(tx, msisdn).id,
        business_name=name,
        status=VendorStatus.ACTIVE,
        kyc_verified_at=tx.now,
        payout_method=PayoutMethod.BANK if to_bank else PayoutMethod.MPESA,
        payout_sealed=tx.vault.seal(details),
        payout_verified_at=tx.now,
        created_at=tx.now,
    )
    tx.db.add(vendor)
    tx.db.flush()
    return vendor


def _listing(tx: Tx, chance: random.Random, vendor: Vendor, msisdn: str, number: int) -> Stall:
    category = chance.choice(list(Category))
    values: dict[str, Any] = _terms(chance, category)
    people, nights_max = values.pop("people"), values.pop("nights_max")
    instant = chance.random() < INSTANT_SHARE
    lead_days = chance.randint(1, 3)
    listing = Listing(
        id=tx.ids.uuid(),
        vendor_id=vendor.id,
        category=category,
        title=f"{category.value.title()} {number}",
        description="Drawn by chance.",
        town_id=chance.randint(1, 20),
        latitude=-1.2864,
        longitude=36.8172,
        amenities=["parking"],
        booking_mode=BookingMode.INSTANT if instant else BookingMode.REQUEST,
        lead_hours=24 * lead_days,
        status=ListingStatus.PUBLISHED,
        policy=chance.choice(sorted(POLICIES)),
        created_at=tx.now,
        **_deposit(chance),
        **values,
    )
    tx.db.add(listing)
    tx.db.flush()
    return Stall(
        listing.id, listing.number, vendor.id, msisdn, category, people, nights_max, lead_days
    )


def _deposit(chance: random.Random) -> dict[str, Any]:
    if chance.random() >= DEPOSIT_SHARE:
        return {}
    return {
        "deposit_basis_points": chance.choice((1_000, 2_500, 5_000)),
        "rest_days": chance.choice((1, 2, 5)),
    }


def _terms(chance: random.Random, category: Category) -> dict[str, Any]:
    """Draw what is sold; prices with cents now and then, so that rounding has something to do."""
    cents = chance.choice((0, 0, 33, 99))
    match category:
        case Category.VENUE:
            # Some are dearer than M-Pesa carries at once, or in a day.
            large = chance.random() < LARGE_SHARE
            least, most = (200_000, 480_000) if large else (4_000, 120_000)
            return {
                "price_unit": PriceUnit.EVENT,
                "price_cents": kes(chance.randint(least, most), cents).cents,
                "units": chance.randint(1, 2),
                "capacity": 200,
                "people_min": 1,
                "starts_at": time(9),
                "ends_at": time(18),
                "people": (10, 200),
                "nights_max": 1,
            }
        case Category.STAY:
            return {
                "price_unit": PriceUnit.NIGHT,
                "price_cents": kes(chance.randint(1_500, 9_000), cents).cents,
                "units": chance.randint(2, 8),
                "capacity": 2,
                "people_min": 1,
                "starts_at": time(14),
                "ends_at": time(10),
                "people": (1, 4),
                "nights_max": 4,
            }
        case Category.CATERING:
            return {
                "price_unit": PriceUnit.PERSON,
                "price_cents": kes(chance.randint(200, 900), cents).cents,
                "units": 150,
                "capacity": 150,
                "people_min": 10,
                "starts_at": time(11),
                "ends_at": time(15),
                "people": (10, 80),
                "nights_max": 1,
            }
