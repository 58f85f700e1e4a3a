"""The queue to the tax authority: each document once, in the order of their numbers.

A number makes an invoice itself, so one whose answer was lost is sent again. Numbers are not
overtaken: one that has to wait keeps those behind it waiting; one that is refused is a person's
case, and the others go on.
"""

from datetime import timedelta

from sqlalchemy import select

from core.db.tx import Tx
from core.documents.lifecycle import InvoiceEvent, InvoiceState
from core.documents.model import Document, TaxInvoice
from core.errors import NotFound
from core.limits import INVOICE_BACKOFF_SECONDS, INVOICE_LEASE_SECONDS
from core.money import split
from core.ports.providers import ProviderError
from core.ports.tax import TaxDocument, TaxItem, TaxLine, TaxRegistered
from core.pricing.rules import RateBase

REFUSED = "refused"


def begin(tx: Tx) -> TaxDocument | None:
    """Take the next invoice to send; None when there is none, or the next one has to wait."""
    invoice = tx.db.scalar(
        select(TaxInvoice)
        .where(TaxInvoice.state.in_([InvoiceState.WAITING, InvoiceState.SENDING]))
        .order_by(TaxInvoice.number)
        .limit(1)
        .with_for_update()
    )
    if invoice is None or invoice.due_at > tx.now:
        return None
    invoice.move(InvoiceEvent.SEND)
    invoice.tries += 1
    invoice.due_at = tx.now + timedelta(seconds=INVOICE_LEASE_SECONDS)
    return _document(tx, invoice)


def registered(tx: Tx, number: int, answer: TaxRegistered) -> None:
    """Note that the authority has an invoice."""
    invoice = _sending(tx, number)
    if invoice is None:
        return
    invoice.move(InvoiceEvent.REGISTER)
    invoice.code = None
    invoice.receipt_number = answer.receipt_number
    invoice.signature = answer.signature
    invoice.internal_data = answer.internal_data
    invoice.registered_at = tx.now


def failed(tx: Tx, number: int, error: ProviderError) -> InvoiceState | None:
    """Note why an invoice was not taken: refused for good, or sent again after a growing pause."""
    invoice = _sending(tx, number)
    if invoice is None:
        return None
    invoice.code = f"{error.code} {error.data['detail']}".strip()
    if error.code == REFUSED:
        return invoice.move(InvoiceEvent.REFUSE)
    pauses = INVOICE_BACKOFF_SECONDS
    pause = pauses[min(invoice.tries, len(pauses)) - 1]
    invoice.due_at = tx.now + timedelta(seconds=pause)
    return invoice.move(InvoiceEvent.POSTPONE)


def retry(tx: Tx, number: int) -> TaxInvoice:
    """Send a refused invoice once more, because a person has found out what was wrong.

    Raises:
        NotFound: ``no_invoice``.
        IllegalMove: it was not refused.
    """
    invoice = tx.db.get(TaxInvoice, number, with_for_update=True)
    if invoice is None:
        raise NotFound("no_invoice")
    invoice.move(InvoiceEvent.RETRY)
    invoice.due_at = tx.now
    return invoice


def _sending(tx: Tx, number: int) -> TaxInvoice | None:
    """The invoice, unless another worker has come to know how it ended."""
    invoice = tx.db.get_one(TaxInvoice, number, with_for_update=True, populate_existing=True)
    return invoice if invoice.state is InvoiceState.SENDING else None


def _document(tx: Tx, invoice: TaxInvoice) -> TaxDocument:
    document = tx.db.get_one(Document, invoice.document_id)
    original = (
        select(TaxInvoice.number).where(TaxInvoice.document_id == document.original_id)
        if document.original_id is not None
        else None
    )
    return TaxDocument(
        number=invoice.number,
        label=document.label,
        original_number=None if original is None else tx.db.scalars(original).one(),
        issued_at=document.issued_at,
        by_card=document.by_card,
        lines=tax_lines(document),
    )


def tax_lines(document: Document) -> tuple[TaxLine, ...]:
    """Return the lines of a document; their tax adds up to the document's, to the cent."""
    vat = document.content["rates"]["vat"]
    of_fee_only = vat["base"] == RateBase.FEE
    sold = [
        (item, cents, taxed)
        for item, cents, taxed in (
            (TaxItem.SERVICE, document.base_cents, not of_fee_only),
            (TaxItem.FEE, document.service_fee_cents, True),
        )
        if cents
    ]
    weights = [cents if taxed else 0 for _, cents, taxed in sold]
    shares = split(document.vat_cents, weights) if any(weights) else [0] * len(sold)
    lines = [
        TaxLine(item, cents, share, vat["basis_points"] if taxed else 0)
        for (item, cents, taxed), share in zip(sold, shares, strict=True)
    ]
    if document.rounding_cents:
        lines.append(TaxLine(TaxItem.ROUNDING, document.rounding_cents, 0, 0))
    return tuple(lines)
