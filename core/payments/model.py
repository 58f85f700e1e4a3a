"""Attempts to move money, and the receipts that prove that it moved."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, cents, choice
from core.msisdn import MSISDN_MAX
from core.payments.lifecycle import (
    LIFECYCLE,
    REFUND_LIFECYCLE,
    AttemptEvent,
    AttemptState,
    RefundEvent,
    RefundState,
)
from core.ports.money import Reason


class Kind(StrEnum):
    """What an attempt is for."""

    COLLECTION = "collection"
    """A prompt on the customer's phone."""
    PAYOUT = "payout"
    """Money to a vendor."""
    RETURN = "return"
    """Money back to whoever sent it."""


class Method(StrEnum):
    """What a customer pays by."""

    MPESA = "mpesa"
    CARD = "card"


class Direction(StrEnum):
    """Which way money went."""

    IN = "in"
    OUT = "out"


_OPEN = "state IN ('queued', 'sending', 'pending', 'unknown')"


class Attempt(Base):
    """One try to move money through a provider. Its id is ours and older than the try."""

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint("amount_cents > 0 AND mod(amount_cents, 100) = 0", name="whole_shillings"),
        CheckConstraint("(kind = 'payout') = (payout_id IS NOT NULL)", name="payout"),
        CheckConstraint("refund_id IS NULL OR kind = 'return'", name="refund"),
        CheckConstraint("link IS NULL OR method = 'card'", name="link"),
        CheckConstraint("takes_back IS NULL OR kind = 'return'", name="takes_back"),
        CheckConstraint("reversed_at IS NULL OR state = 'succeeded'", name="reversed"),
        Index("ix_attempts_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "uq_attempts_open_collection",
            "booking_id",
            unique=True,
            postgresql_where=text(f"kind = 'collection' AND {_OPEN}"),
        ),
        Index(
            "uq_attempts_open_payout",
            "payout_id",
            unique=True,
            postgresql_where=text(f"kind = 'payout' AND {_OPEN}"),
        ),
        Index(
            "uq_attempts_rerouted_from",
            "rerouted_from",
            unique=True,
            postgresql_where=text("rerouted_from IS NOT NULL"),
        ),
        Index(
            "uq_attempts_open_refund",
            "refund_id",
            unique=True,
            postgresql_where=text(f"refund_id IS NOT NULL AND {_OPEN}"),
        ),
        Index(
            "uq_attempts_open_return",
            "receipt_id",
            unique=True,
            postgresql_where=text(f"receipt_id IS NOT NULL AND {_OPEN}"),
        ),
        Index(
            "ix_attempts_takes_back",
            "provider",
            "takes_back",
            postgresql_where=text("takes_back IS NOT NULL"),
        ),
        Index(
            "uq_attempts_taken_back",
            "provider",
            "takes_back",
            unique=True,
            postgresql_where=text("takes_back IS NOT NULL AND state = 'succeeded'"),
        ),
        Index("ix_attempts_reference", "provider", "reference"),
        Index("ix_attempts_booking_id", "booking_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(choice(Kind, "kind"))
    method: Mapped[Method] = mapped_column(
        choice(Method, "method"), default=Method.MPESA, server_default=Method.MPESA.value
    )
    provider: Mapped[str]
    state: Mapped[AttemptState] = mapped_column(choice(AttemptState, "state"))
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("bookings.id"))
    payout_id: Mapped[UUID | None] = mapped_column(ForeignKey("payouts.id"))
    receipt_id: Mapped[UUID | None]
    """Of a return: which receipt's money goes back."""
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"))
    """Of a return: the refund it carries; without one it empties suspense."""
    takes_back: Mapped[str | None]
    """Of a return: the receipt of the payment that its provider is asked to take back whole;
    without one money is sent."""
    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX))
    """Empty where a payment is taken back whose payer is hidden from us."""
    amount_cents: Mapped[int] = cents()
    account: Mapped[str]
    """What the other side reads on its statement: the booking code or the payout's."""
    bank_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """``{"bank", "account", "name"}`` of a payout to a bank; sealed when it was planned."""
    rerouted_from: Mapped[UUID | None] = mapped_column(ForeignKey("attempts.id"))
    """The attempt that this one took over from, because its provider was down."""
    reference: Mapped[str | None]
    """What the provider can be asked by: its id of the request, or ours where it knows that."""
    link: Mapped[str | None]
    """Where a card is asked for, once the provider has opened the page."""
    lost: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """An answer was lost once: it may have been carried out, whatever was answered later."""
    tries: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    """When to send, when to ask, or when a lease has run out: by state."""
    reason: Mapped[Reason | None] = mapped_column(choice(Reason, "reason"))
    code: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    reversed_at: Mapped[datetime | None]
    """When we heard that money that had arrived at a vendor or a customer came back."""

    def move(self, event: AttemptEvent) -> AttemptState:
        """Go where the table says; raises core.errors.IllegalMove."""
        self.state = LIFECYCLE.target(self.state, event)
        self.lost = self.lost or event is AttemptEvent.LOSE
        return self.state


class Refund(Base):
    """Money of a booking that goes back, out of escrow: as much as one transaction carries."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_cents > 0 AND mod(amount_cents, 100) = 0", name="whole_shillings"),
        Index("ix_refunds_booking_id", "booking_id"),
        Index("ix_refunds_receipt_id", "receipt_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    """The order in which refunds were planned, which is the order in which they reverse."""
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    receipt_id: Mapped[UUID | None]
    """The payment that goes back; empty when none is known to have room for it."""
    change_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking_changes.id"))
    """The change of days or people that made the price lower by this."""
    provider: Mapped[str]
    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX))
    amount_cents: Mapped[int] = cents()
    state: Mapped[RefundState] = mapped_column(choice(RefundState, "state"))
    reason: Mapped[Reason | None] = mapped_column(choice(Reason, "reason"))
    """Why the last try failed."""
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    def move(self, event: RefundEvent) -> RefundState:
        """Go where the table says; raises core.errors.IllegalMove."""
        self.state = REFUND_LIFECYCLE.target(self.state, event)
        return self.state


class Receipt(Base):
    """Proof that money moved, once each: unique by provider and number over all channels."""

    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint("spare_cents BETWEEN 0 AND amount_cents", name="spare"),
        CheckConstraint("NOT suspense OR spare_cents > 0", name="suspense"),
        Index("uq_receipts_provider_number", "provider", "number", unique=True),
        Index("ix_receipts_booking_id", "booking_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    number: Mapped[str]
    """The provider's receipt; ``attempt:<id>`` until a query-only success shows its receipt."""
    direction: Mapped[Direction] = mapped_column(choice(Direction, "direction"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    attempt_id: Mapped[UUID | None] = mapped_column(ForeignKey("attempts.id"))
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("bookings.id"))
    suspense: Mapped[bool] = mapped_column(default=False)
    """``spare_cents`` are nobody's yet: they wait in suspense until moved or sent back."""
    spare_cents: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    """Of the amount, what was not taken for a booking: all of it, or what came too much."""
    account: Mapped[str | None]
    payer: Mapped[str | None]
    at: Mapped[datetime]
