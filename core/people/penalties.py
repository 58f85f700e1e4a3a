"""Vendors who cancel what was paid for, and what follows from it.

A penalty counts for ``PENALTY_DAYS``: while a vendor has one, searches show everybody else first.
``PENALTIES_REVIEWED_MIN`` of them are a case for an admin (``core.cases.sweep``); once it is
closed, as many again are the next. Whether a vendor is restricted is a person's decision, not a
rule's.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select

from core.db.tx import Tx
from core.limits import PENALTY_DAYS
from core.people.model import Vendor, VendorPenalty


def add_penalty(tx: Tx, vendor_id: UUID, booking_id: UUID) -> int:
    """Count a cancelled booking against its vendor, once; return how many count now."""
    tx.db.add(
        VendorPenalty(id=tx.ids.uuid(), vendor_id=vendor_id, booking_id=booking_id, at=tx.now)
    )
    tx.db.flush()
    return penalties_of(tx, vendor_id)


def penalties_of(tx: Tx, vendor_id: UUID) -> int:
    """Return how many penalties of a vendor count now."""
    query = (
        select(func.count())
        .select_from(VendorPenalty)
        .where(VendorPenalty.vendor_id == vendor_id, VendorPenalty.at > counted_since(tx.now))
    )
    return int(tx.db.scalar(query) or 0)


def counted_since(now: datetime) -> datetime:
    """Return how far back penalties count."""
    return now - timedelta(days=PENALTY_DAYS)


def is_penalised(since: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """SQL: the vendor of the row has a penalty from after ``since`` (``counted_since``)."""
    return exists().where(VendorPenalty.vendor_id == Vendor.id, VendorPenalty.at > since)
