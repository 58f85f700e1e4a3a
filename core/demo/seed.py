"""Writes the demo market. Each part can be run again and then changes nothing."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from itertools import batched
from uuid import UUID

from sqlalchemy import select

from core.catalog import calendar
from core.catalog.model import POLICY_DEFAULT, Listing
from core.catalog.places import load_places
from core.catalog.rules import ListingStatus
from core.clock import nairobi_date
from core.db.tx import Tx
from core.demo.plan import (
    CUSTOMER_PHONES_FROM,
    PENDING_PHONES_FROM,
    VENDOR_PHONES_FROM,
    DemoListing,
    DemoVendor,
    demo_vendors,
    phone,
)
from core.demo.vendors import CUSTOMERS, PENDING
from core.people.model import Language, PayoutMethod, User, Vendor, VendorStatus

VENDORS_PER_BATCH = 10
# Every so many listings one has a weekend blocked, this many days from now.
BLOCKED_EVERY = 9
BLOCKED_AFTER_DAYS = 16
