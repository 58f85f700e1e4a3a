"""Who did what for a vendor: the owner and the staff each under their own number. Append-only."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tx import Tx
from core.limits import LIST_MAX
from core.people.model import User

SUBJECT_MAX = 80


class Deed(StrEnum):
    """What was done."""

    JOINED = "joined"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    CHECKED_IN = "checked_in"
    DONE = "done"
    CLOSED_DAYS = "closed_days"
    OPENED_DAYS = "opened_days"
    DRAFTED = "drafted"
    PRICED = "priced"
    UNITS = "units"
    PIN_CHOSEN = "pin_chosen"
    PIN_LOCKED = "pin_locked"
    PIN_RESET = "pin_reset"
    PAID_ELSEWHERE = "paid_elsewhere"
    FROZE = "froze"
    STAFF_ADDED = "staff_added"
    STAFF_REMOVED = "staff_removed"
    PAPER_SENT = "paper_sent"
    ANSWERED_REVIEW = "answered_review"
    PHOTO_ADDED = "photo_added"
    PHOTO_REMOVED = "photo_removed"
    PHOTO_TAKEN_DOWN = "photo_taken_down"


class VendorDeed(Base):
    """One deed. The subject is a code, a listing's number or a day: no name, number or secret."""

    __tablename__ = "vendor_deeds"
    __table_args__ = (Index("ix_vendor_deeds_vendor_id_id", "vendor_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Empty for what a person of ours did."""
    deed: Mapped[str]
    """A ``Deed``."""
    subject: Mapped[str] = mapped_column(String(SUBJECT_MAX))
    at: Mapped[datetime]


def note(tx: Tx, vendor_id: UUID, user_id: UUID | None, deed: Deed, subject: str = "") -> None:
    """Write down what was done."""
    tx.db.add(
        VendorDeed(
            vendor_id=vendor_id,
            user_id=user_id,
            deed=deed.value,
            subject=subject[:SUBJECT_MAX],
            at=tx.now,
        )
    )
    tx.db.flush()


def deeds_of(
    tx: Tx, vendor_id: UUID, limit: int = LIST_MAX
) -> Sequence[tuple[VendorDeed, str | None]]:
    """Return a vendor's latest deeds, newest first, each with the number it was done from."""
    rows = tx.db.execute(
        select(VendorDeed, User.msisdn)
        .outerjoin(User, User.id == VendorDeed.user_id)
        .where(VendorDeed.vendor_id == vendor_id)
        .order_by(VendorDeed.id.desc())
        .limit(min(limit, LIST_MAX))
    )
    return [(deed, msisdn) for deed, msisdn in rows]
