"""Whether a vendor may sell and be paid: what a person of ours decided, and with which words.

Only an active vendor is found by customers and paid. Whoever is suspended keeps the bookings that
are paid for; requests that wait for an answer are declined, so that their customers can look
elsewhere at once. What is owed stays owed, and goes out when the vendor is reinstated.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, select
from sqlalchemy.orm import Mapped, mapped_column

from core import outbox
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.notices import Topic
from core.booking.usecases import decline
from core.db.base import Base, choice
from core.db.tx import Tx
from core.errors import BadInput, Refused
from core.limits import LIST_MAX, VENDOR_NOTE_MAX
from core.payouts.details import find_vendor
from core.payouts.usecases import look_again
from core.people.model import User, Vendor, VendorStatus

STANDING = (State.AWAITING_PAYMENT, State.CONFIRMED, State.CHECKED_IN)


class Decision(StrEnum):
    """What was decided of a vendor."""

    VERIFIED = "verified"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"


class VendorNote(Base):
    """A decision and its grounds. Append-only: it is evidence."""

    __tablename__ = "vendor_notes"
    __table_args__ = (Index("ix_vendor_notes_vendor_id_id", "vendor_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"))
    decision: Mapped[Decision] = mapped_column(choice(Decision, "decision"))
    words: Mapped[str]
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Suspended:
    """What a suspension leaves behind.

    Attributes:
        declined: requests that were declined with it.
        standing: bookings that stand; somebody should ask whether they will be kept.
    """

    declined: int
    standing: int


def verified(tx: Tx, vendor: Vendor, words: str) -> None:
    """Note that a locked vendor's papers are in order; one who waited for that may sell now.

    Raises:
        BadInput: ``bad_note``, the note is too long (data: field, most).
    """
    _note(tx, vendor, Decision.VERIFIED, words or "Papers are in order.")
    if vendor.status is VendorStatus.PENDING:
        vendor.status = VendorStatus.ACTIVE
        tx.db.flush()
        look_again(tx, vendor)


def suspend(tx: Tx, number: int, words: str) -> Suspended:
    """Take a vendor out of searches and pay them nothing more until they are reinstated.

    Raises:
        NotFound: ``no_vendor``.
        BadInput: ``bad_note``, no grounds or too many words (data: field, most).
        Refused: ``not_active`` (data: status).
    """
    vendor = find_vendor(tx, number)
    if vendor.status is not VendorStatus.ACTIVE:
        raise Refused("not_active", status=vendor.status.value)
    _note(tx, vendor, Decision.SUSPENDED, words)
    vendor.status = VendorStatus.RESTRICTED
    tx.db.flush()
    look_again(tx, vendor)
    mine = select(Booking.id).where(Booking.vendor_id == vendor.id)
    asked = tx.db.scalars(
        mine.where(Booking.state == State.REQUESTED).order_by(Booking.id).limit(LIST_MAX)
    ).all()
    for booking_id in asked:
        decline(tx, booking_id, vendor.id)
    standing = mine.where(Booking.state.in_(STANDING)).subquery()
    _tell(tx, vendor, Topic.VENDOR_SUSPENDED)
    left = tx.db.scalar(select(func.count()).select_from(standing))
    return Suspended(declined=len(asked), standing=int(left or 0))


def reinstate(tx: Tx, number: int, words: str) -> Vendor:
    """Let a suspended vendor sell again; what was held only for that goes out.

    Raises:
        NotFound: ``no_vendor``.
        BadInput: ``bad_note``, no grounds or too many words (data: field, most).
        Refused: ``not_suspended`` (data: status), ``no_kyc``: nobody has seen their papers.
    """
    vendor = find_vendor(tx, number)
    if vendor.status is not VendorStatus.RESTRICTED:
        raise Refused("not_suspended", status=vendor.status.value)
    if vendor.kyc_verified_at is None:
        raise Refused("no_kyc")
    _note(tx, vendor, Decision.REINSTATED, words)
    vendor.status = VendorStatus.ACTIVE
    tx.db.flush()
    look_again(tx, vendor)
    _tell(tx, vendor, Topic.VENDOR_REINSTATED)
    return vendor


def notes_of(tx: Tx, vendor_id: UUID) -> list[VendorNote]:
    """Return what was decided of a vendor, the newest first."""
    query = (
        select(VendorNote)
        .where(VendorNote.vendor_id == vendor_id)
        .order_by(VendorNote.id.desc())
        .limit(LIST_MAX)
    )
    return list(tx.db.scalars(query))


def _note(tx: Tx, vendor: Vendor, decision: Decision, words: str) -> None:
    if not 0 < len(words.strip()) <= VENDOR_NOTE_MAX:
        raise BadInput("bad_note", field="note", most=VENDOR_NOTE_MAX)
    tx.db.add(VendorNote(vendor_id=vendor.id, decision=decision, words=words.strip(), at=tx.now))


def _tell(tx: Tx, vendor: Vendor, topic: Topic) -> None:
    msisdn = tx.db.scalars(select(User.msisdn).where(User.id == vendor.user_id)).one()
    key = f"{topic.value}:{vendor.id}:{tx.now.isoformat()}"
    outbox.add(tx, topic.value, msisdn, {}, key=key)
