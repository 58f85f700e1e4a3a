"""Documents as they were issued, what still has to be issued, and the numbers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Json, cents, choice
from core.documents.lifecycle import LIFECYCLE, InvoiceEvent, InvoiceState
from core.payments.model import Method


class DocumentKind(StrEnum):
    """What a document says."""

    RECEIPT = "receipt"
    """Money came for a booking."""
    CREDIT_NOTE = "credit_note"
    """Money of a booking went back."""


class Series(StrEnum):
    """A row of numbers without gaps."""

    RECEIPT = "receipt"
    CREDIT_NOTE = "credit_note"
    INVOICE = "invoice"
    """What the tax authority counts: receipts and credit notes in one row, over the years."""


SERIES_OF = {
    DocumentKind.RECEIPT: Series.RECEIPT,
    DocumentKind.CREDIT_NOTE: Series.CREDIT_NOTE,
}
LETTER = {DocumentKind.RECEIPT: "R", DocumentKind.CREDIT_NOTE: "C"}


class DocumentSeries(Base):
    """How far a row of numbers has come; whoever numbers holds its lock until they commit."""

    __tablename__ = "document_series"

    name: Mapped[Series] = mapped_column(choice(Series, "name"), primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """In Kenya; 0 for a row that goes on over the years."""
    last_number: Mapped[int]


class DocumentDue(Base):
    """A transfer that needs a document; a trigger of the ledger writes it (migration 0011)."""

    __tablename__ = "documents_due"

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)


class Document(Base):
    """One receipt or credit note. Append-only: what was issued stays as it was.

    Attributes:
        transfer_id: the movement of money that it is about; one document each. No foreign key: the
            ledger stands by itself, and forgets nothing.
        refund_id: of a credit note, the refund that left; none where a part of a price goes back
            because its rest did not come.
        original_id: of a credit note, the receipt that it takes back, wholly or in part.
        base_cents, service_fee_cents, vat_cents, rounding_cents: the parts of the total.
        content: everything else that is printed, as it was on that day.
        verify_token: opens the page that says that the document is ours.
        download_token: opens the document itself.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("kind", "year", "number"),
        CheckConstraint(
            "total_cents = base_cents + service_fee_cents + vat_cents + rounding_cents",
            name="total",
        ),
        CheckConstraint(
            "total_cents > 0 AND base_cents >= 0 AND service_fee_cents >= 0"
            " AND vat_cents >= 0 AND rounding_cents >= 0",
            name="positive",
        ),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint(
            "(kind = 'credit_note') = (original_id IS NOT NULL)"
            " AND (kind = 'credit_note' OR refund_id IS NULL)",
            name="credit_note",
        ),
        Index("ix_documents_booking_id", "booking_id"),
        Index(
            "ix_documents_original_id",
            "original_id",
            postgresql_where=text("original_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(choice(DocumentKind, "kind"))
    year: Mapped[int] = mapped_column(SmallInteger)
    number: Mapped[int]
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    transfer_id: Mapped[UUID] = mapped_column(unique=True)
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"), unique=True)
    original_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    base_cents: Mapped[int] = cents()
    service_fee_cents: Mapped[int] = cents()
    vat_cents: Mapped[int] = cents()
    rounding_cents: Mapped[int] = cents()
    total_cents: Mapped[int] = cents()
    content: Mapped[Json]
    verify_token: Mapped[str] = mapped_column(unique=True)
    download_token: Mapped[str] = mapped_column(unique=True)
    moved_at: Mapped[datetime]
    """When the money moved."""
    issued_at: Mapped[datetime]

    @property
    def label(self) -> str:
        """The number as it is printed: R2026-000123."""
        return f"{LETTER[self.kind]}{self.year}-{self.number:06d}"

    @property
    def by_card(self) -> bool:
        """Whether its money came, or went back, by card. The first ones do not say: none did."""
        return bool(self.content["payment"].get("method") == Method.CARD)


class TaxInvoice(Base):
    """A document on its way to the tax authority (eTIMS), under a number of its own."""

    __tablename__ = "tax_invoices"
    __table_args__ = (
        Index(
            "ix_tax_invoices_unfinished",
            "number",
            postgresql_where=text("state IN ('waiting', 'sending')"),
        ),
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Without gaps over both kinds of documents: the authority wants it so."""
    document_id: Mapped[UUID] = mapped_column(ForeignKey(Document.id), unique=True)
    state: Mapped[InvoiceState] = mapped_column(choice(InvoiceState, "state"))
    due_at: Mapped[datetime]
    """When to send it, or when the lease of whoever is sending it runs out."""
    tries: Mapped[int] = mapped_column(default=0)
    code: Mapped[str | None]
    """Why the last try did not end well, in the authority's or the adapter's word."""
    receipt_number: Mapped[int | None] = mapped_column(BigInteger)
    """The authority's own; empty where its answer was lost and it only said that it has it."""
    signature: Mapped[str | None]
    internal_data: Mapped[str | None]
    registered_at: Mapped[datetime | None]

    def move(self, event: InvoiceEvent) -> InvoiceState:
        """Go where the table says; raises core.errors.IllegalMove."""
        self.state = LIFECYCLE.target(self.state, event)
        return self.state
