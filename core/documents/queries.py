"""Finding documents again."""

from dataclasses import dataclass

from sqlalchemy import func, select

from core.booking.model import Booking
from core.db.tx import Tx
from core.documents.model import Document, DocumentDue, DocumentKind, TaxInvoice
from core.errors import NotFound
from core.limits import LIST_MAX


@dataclass(frozen=True, slots=True)
class Paper:
    """A document with what has become of it since.

    Attributes:
        document: as it was issued.
        invoice: what the tax authority made of it so far.
        original: of a credit note, the number of the receipt that it takes back.
        credited_cents: of a receipt, what credit notes have taken back.
    """

    document: Document
    invoice: TaxInvoice
    original: str | None
    credited_cents: int


def receipts_of(tx: Tx, code: str) -> list[Document]:
    """Return the documents of a booking, receipts and credit notes in the order of their issue."""
    query = (
        select(Document)
        .join(Booking, Booking.id == Document.booking_id)
        .join(TaxInvoice, TaxInvoice.document_id == Document.id)
        .where(Booking.code == code.strip().upper())
        .order_by(TaxInvoice.number)
        .limit(LIST_MAX)
    )
    return list(tx.db.scalars(query))


def by_verify_token(tx: Tx, token: str) -> Paper:
    """Return the document that a QR code speaks of; raises NotFound (``no_document``)."""
    return _paper(tx, tx.db.scalar(select(Document).where(Document.verify_token == token)))


def by_download_token(tx: Tx, token: str) -> Paper:
    """Return the document that a link opens; raises NotFound (``no_document``)."""
    return _paper(tx, tx.db.scalar(select(Document).where(Document.download_token == token)))


def paper_of(tx: Tx, document: Document) -> Paper:
    """Return a document with what has become of it."""
    return _paper(tx, document)


def documents_due(tx: Tx) -> int:
    """Count the money movements that wait for their document."""
    return int(tx.db.scalar(select(func.count()).select_from(DocumentDue)) or 0)


def _paper(tx: Tx, document: Document | None) -> Paper:
    if document is None:
        raise NotFound("no_document")
    invoice = tx.db.scalars(select(TaxInvoice).where(TaxInvoice.document_id == document.id)).one()
    credited = select(func.coalesce(func.sum(Document.total_cents), 0)).where(
        Document.original_id == document.id
    )
    original = (
        tx.db.get_one(Document, document.original_id).label
        if document.kind is DocumentKind.CREDIT_NOTE
        else None
    )
    return Paper(document, invoice, original, int(tx.db.scalar(credited) or 0))
