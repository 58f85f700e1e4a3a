"""A market whose money gets its documents."""

from dataclasses import dataclass

from sqlalchemy import func, select

from core.booking.cancel import cancel_by_customer
from core.booking.model import Booking
from core.db.tx import Tx
from core.documents.model import Document, DocumentKind, TaxInvoice
from core.documents.usecases import Seller, issue_due
from core.escrow import accounts
from core.escrow.model import Posting, TransferRow
from core.ports.money import PayRequest
from tests.core.booking.world import World

SELLER = Seller("Nafasi Hospitality Ltd", "P051234567Q")


@dataclass
class Papers(World):
    """The booking stories' market, and somebody who issues documents."""

    def issue(self) -> list[Document]:
        """Issue what is due, as the worker does."""
        return self.run(lambda tx: issue_due(tx, SELLER))

    def documents(self) -> list[Document]:
        """All of them, in the order of their issue."""
        query = (
            select(Document)
            .join(TaxInvoice, TaxInvoice.document_id == Document.id)
            .order_by(TaxInvoice.number)
        )
        return self.run(lambda tx: list(tx.db.scalars(query)))

    def labels(self) -> list[str]:
        return [document.label for document in self.documents()]

    def refund(self, booking: Booking) -> list[PayRequest]:
        """The customer cancels, and what goes back is on its way."""
        self.run(lambda tx: cancel_by_customer(tx, booking.id, booking.customer_id))
        return [each for each in self.send_due() if isinstance(each, PayRequest)]

    def refunded(self, booking: Booking, receipt: str = "UAF5T4R3E2") -> None:
        """The customer cancels, and what goes back arrives."""
        for i, sent in enumerate(self.refund(booking)):
            assert self.paid(sent.attempt_id, f"{receipt}{i}") is None


def vat_of(tx: Tx, booking: Booking) -> tuple[int, int]:
    """The tax on a booking's documents, and what the ledger owes for it."""
    documents = tx.db.scalars(select(Document).where(Document.booking_id == booking.id))
    signs = {DocumentKind.RECEIPT: 1, DocumentKind.CREDIT_NOTE: -1}
    printed = sum(signs[each.kind] * each.vat_cents for each in documents)
    query = (
        select(func.coalesce(func.sum(-Posting.amount_cents), 0))
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .where(TransferRow.booking_id == booking.id, Posting.account == accounts.VAT)
    )
    return printed, int(tx.db.scalar(query) or 0)
