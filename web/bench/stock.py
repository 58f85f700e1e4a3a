"""What the booking benchmark books: cheap rooms in Nairobi, so many that none runs out."""

from datetime import time

from sqlalchemy import select

from core.catalog.model import Listing, Town
from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit
from core.db.tx import Tx
from core.limits import UNITS_MAX
from core.people.model import PayoutMethod, Vendor, VendorStatus
from core.people.usecases import ensure_user

VENDOR = "+254700000090"
LISTINGS = 5
PRICE_CENTS = 100_000


def stock(tx: Tx, listings: int = LISTINGS, units: int = UNITS_MAX) -> None:
    """Write the benchmark's vendor and so many listings, with so many units each."""
    user = ensure_user(tx, VENDOR)
    vendor = Vendor(
        id=tx.ids.uuid(),
        user_id=user.id,
        business_name="Many Rooms",
        status=VendorStatus.ACTIVE,
        payout_method=PayoutMethod.MPESA,
        payout_sealed=tx.vault.seal({"msisdn": VENDOR}),
        created_at=tx.now,
    )
    tx.db.add(vendor)
    tx.db.flush()
    town = tx.db.scalars(select(Town).where(Town.slug == "nairobi")).one()
    for n in range(listings):
        tx.db.add(
            Listing(
                id=tx.ids.uuid(),
                vendor_id=vendor.id,
                category=Category.STAY,
                title=f"Many Rooms {n + 1}",
                description="",
                town_id=town.id,
                latitude=town.latitude,
                longitude=town.longitude,
                price_cents=PRICE_CENTS + n,
                price_unit=PriceUnit.NIGHT,
                units=units,
                capacity=2,
                people_min=1,
                amenities=[],
                booking_mode=BookingMode.INSTANT,
                starts_at=time(14),
                ends_at=time(10),
                status=ListingStatus.PUBLISHED,
                created_at=tx.now,
            )
        )
