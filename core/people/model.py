"""Who uses Nafasi: phone-first users, and the vendors among them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, choice
from core.limits import NAME_MAX
from core.msisdn import MSISDN_MAX


class Language(StrEnum):
    """A language that every screen and message speaks."""

    EN = "en"
    SW = "sw"
    KI = "ki"
    """Kikuyu: a draft, which falls back to English where nobody has translated yet."""


class VendorStatus(StrEnum):
    """Where a vendor stands with the admins."""

    PENDING = "pending"
    ACTIVE = "active"
    RESTRICTED = "restricted"
    REJECTED = "rejected"


class Role(StrEnum):
    """As what somebody acts for a vendor."""

    OWNER = "owner"
    APPLICANT = "applicant"
    """The owner, while nobody has checked who they are: nothing of theirs is on offer yet."""
    STAFF = "staff"
    """Answers requests, lets guests in and closes days. No prices, no money, no PIN."""


class PayoutMethod(StrEnum):
    """How a vendor is paid."""

    MPESA = "mpesa"
    BANK = "bank"


class Purpose(StrEnum):
    """What a message is for; opting out is by purpose."""

    BOOKINGS = "bookings"
    OFFERS = "offers"


class User(Base):
    """A person, known by phone number."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("msisdn ~ '^[+][0-9]{7,15}$'", name="e164"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX), unique=True)
    name: Mapped[str | None] = mapped_column(String(NAME_MAX))
    language: Mapped[Language] = mapped_column(choice(Language, "language"), default=Language.EN)
    pin_hash: Mapped[str | None]
    """Argon2, sealed by the vault: four digits are soon tried out. See ``core.people.pins``."""
    pin_failures: Mapped[int] = mapped_column(default=0)
    pin_locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Vendor(Base):
    """The supply side. What identifies a person or an account is sealed by the vault."""

    __tablename__ = "vendors"
    __table_args__ = (UniqueConstraint("number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(start=1))
    """Short and public: names the vendor's ledger account, ``payable:<number>``."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), unique=True)
    business_name: Mapped[str] = mapped_column(String(NAME_MAX))
    status: Mapped[VendorStatus] = mapped_column(choice(VendorStatus, "status"), index=True)
    kra_pin_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    national_id_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    business_number: Mapped[str | None]
    category: Mapped[str | None]
    """What they offer most, a ``core.catalog.rules.Category``; a new listing begins with it."""
    town_id: Mapped[int | None] = mapped_column(SmallInteger, ForeignKey("towns.id"))
    area_id: Mapped[int | None] = mapped_column(SmallInteger, ForeignKey("areas.id"))
    kyc_verified_at: Mapped[datetime | None]
    payout_method: Mapped[PayoutMethod | None] = mapped_column(
        choice(PayoutMethod, "payout_method")
    )
    payout_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """``{"msisdn": ...}`` for M-Pesa, ``{"bank", "branch", "account", "name"}`` for a bank."""
    payout_changed_at: Mapped[datetime | None]
    payout_verified_at: Mapped[datetime | None]
    """When a person of ours checked these details; empty again when they change or money comes
    back from there."""
    payouts_held_why: Mapped[str | None]
    """What a person of ours wrote who does not want this vendor to be paid for now."""
    created_at: Mapped[datetime]


class VendorStaff(Base):
    """A number that may do some things for a vendor, and for no other."""

    __tablename__ = "vendor_staff"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    added_at: Mapped[datetime]


class VendorPenalty(Base):
    """A vendor cancelled a paid booking; what follows is in ``core.people.penalties``."""

    __tablename__ = "vendor_penalties"
    __table_args__ = (
        UniqueConstraint("booking_id"),
        Index("ix_vendor_penalties_vendor_id_at", "vendor_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"))
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    at: Mapped[datetime]


class OptOut(Base):
    """A purpose for which a number may not be written to."""

    __tablename__ = "opt_outs"

    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX), primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose, "purpose"), primary_key=True)
    via: Mapped[str]
    """Where the word came from: ``sms``, ``provider``, ``refusal``."""
    at: Mapped[datetime]


class OptOutWord(Base):
    """What a person, or a provider on their behalf, said about being written to: the proof.

    Rows are only added. What is so now stands in ``opt_outs``.
    """

    __tablename__ = "opt_out_words"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX), index=True)
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose, "purpose"))
    wanted: Mapped[bool]
    """Whether messages for that purpose are wanted from then on."""
    via: Mapped[str]
    reference: Mapped[str]
    """The message or callback in which it was said, as its provider calls it."""
    words: Mapped[str]
    """The words themselves, or the provider's code."""
    at: Mapped[datetime]
