"""Who asks whom about what, and the words, which are not kept for long."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, choice
from core.limits import RELAY_NUMBER_MAX


class Speaker(StrEnum):
    """Who said something."""

    CUSTOMER = "customer"
    VENDOR = "vendor"


class Relay(Base):
    """What a customer and a vendor write to each other about one listing, through us.

    Both name it by ``Q`` and its number, which no other open relay of either of them has.
    """

    __tablename__ = "relays"
    __table_args__ = (
        UniqueConstraint("customer_id", "listing_id"),
        CheckConstraint(f"number BETWEEN 1 AND {RELAY_NUMBER_MAX}", name="number"),
        Index("ix_relays_vendor_id_open_until", "vendor_id", "open_until"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"))
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    last_from: Mapped[Speaker] = mapped_column(choice(Speaker, "last_from"))
    open_until: Mapped[datetime]
    """Each line makes it later. When it has passed, the number may mean another relay."""

    @property
    def code(self) -> str:
        """What both sides call it: ``Q2``."""
        return f"Q{self.number}"


class RelayLine(Base):
    """What one side said, as the other side read it."""

    __tablename__ = "relay_lines"
    __table_args__ = (
        Index("ix_relay_lines_relay_id_at", "relay_id", "at"),
        Index("ix_relay_lines_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    relay_id: Mapped[UUID] = mapped_column(ForeignKey("relays.id"))
    speaker: Mapped[Speaker] = mapped_column(choice(Speaker, "speaker"))
    words: Mapped[str]
    at: Mapped[datetime]
