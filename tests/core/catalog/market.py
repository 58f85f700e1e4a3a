"""A small market for tests: places, a vendor, and listings with only what matters spelled out."""

import itertools
from datetime import date, time
from typing import Any
from uuid import UUID

from core.catalog.model import Listing
from core.catalog.places import AREAS, TOWNS, load_places
from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit
from core.db.tx import Database, Tx
from core.people.model import User, Vendor, VendorStatus

# The suite's clock stands on Friday 20 November 2026; this is the Saturday two weeks on.
SATURDAY = date(2026, 12, 5)
SUNDAY = date(2026, 12, 6)
MONDAY = date(2026, 12, 7)

TOWN_IDS = {town.slug: town.id for town in TOWNS}
AREA_IDS = {(area.town, area.slug): area.id for area in AREAS}


class Market:
    """Makes vendors and listings in a database that has the places of Kenya."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._phones = itertools.count(1)
        self._numbers = itertools.count(2001)
        with database.transaction() as tx:
            load_places(tx)
        self.vendor_id = self.vendor()

    def vendor(self, status: VendorStatus = VendorStatus.ACTIVE, name: str = "Mapumziko") -> UUID:
        """A vendor with a phone of their own."""
        with self.database.transaction() as tx:
            user = User(
                id=tx.ids.uuid(), msisdn=f"+2547000000{next(self._phones):02d}", created_at=tx.now
            )
            vendor = Vendor(
                id=tx.ids.uuid(),
                user_id=user.id,
                business_name=name,
                status=status,
                created_at=tx.now,
            )
            tx.db.add(user)
            tx.db.flush()
            tx.db.add(vendor)
        return vendor.id

    def listing(self, category: Category = Category.STAY, **given: Any) -> Listing:
        """A published listing in Westlands unless said otherwise."""
        with self.database.transaction() as tx:
            listing = Listing(**(self._usual(tx, category) | given))
            if listing.category is Category.CATERING:
                listing.capacity = listing.units
            tx.db.add(listing)
        return listing

    def _usual(self, tx: Tx, category: Category) -> dict[str, Any]:
        stay = category is Category.STAY
        unit = {
            Category.STAY: PriceUnit.NIGHT,
            Category.VENUE: PriceUnit.EVENT,
            Category.CATERING: PriceUnit.PERSON,
        }
        return {
            "id": tx.ids.uuid(),
            "number": next(self._numbers),
            "vendor_id": self.vendor_id,
            "category": category,
            "title": "Jacaranda Rooms",
            "description": "Quiet and clean.",
            "town_id": TOWN_IDS["nairobi"],
            "area_id": AREA_IDS["nairobi", "westlands"],
            "latitude": -1.2676,
            "longitude": 36.8108,
            "price_cents": 300_000,
            "price_unit": unit[category],
            "units": 100 if category is Category.CATERING else 1,
            "capacity": 2 if stay else 100,
            "people_min": 1,
            "amenities": ["wifi"],
            "booking_mode": BookingMode.INSTANT,
            "lead_hours": 24,
            "starts_at": time(14) if stay else time(8),
            "ends_at": time(10) if stay else time(18),
            "status": ListingStatus.PUBLISHED,
            "policy": "standard",
            "created_at": tx.now,
        }
