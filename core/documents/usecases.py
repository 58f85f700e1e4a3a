"""Issuing: a receipt for each payment of a booking, a credit note for each refund that left.

The ledger notes each transfer that needs one, in the transaction that moves the money; a worker
issues them right after it. So no payment waits for a number, and no number is drawn for a payment
that is rolled back (docs/decisions/0015).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select

from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import nairobi_date
from core.db.tx import Tx
from core.documents.history import OUTGOING, History, Moved, history_of, printed_lines
from core.documents.lifecycle import InvoiceState
from core.documents.model import (
    SERIES_OF,
    Document,
    DocumentDue,
    DocumentKind,
    Series,
    TaxInvoice,
)
from core.documents.numbers import draw
from core.documents.rules import Lines, lines_of, settling_lines
from core.escrow.model import TransferRow
from core.escrow.transfer import TransferKind
from core.limits import DOCUMENT_TOKEN_LENGTH, DOCUMENTS_BATCH_MAX
from core.msisdn import mask
from core.people.model import User, Vendor
from core.pricing.queries import DatedRate, dated_rates

log = structlog.get_logger()

# One issuer at a time: fifty that wait for each other's numbers would issue no more than one.
ISSUER_LOCK = 3_840_015
OVER_THE_YEARS = 0


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues documents.

    Attributes:
        name: the company's legal name.
        pin: its KRA PIN, empty where it has none yet.
    """

    name: str = "Nafasi"
    pin: str = ""


@dataclass(frozen=True, slots=True)
class _Due:
    """A transfer that needs a document, with whom and what it is about."""

    transfer: TransferRow
    booking: Booking
    listing: Listing
    business: str
    customer: User

    @property
    def kind(self) -> DocumentKind:
        back = self.transfer.kind in OUTGOING
        return DocumentKind.CREDIT_NOTE if back else DocumentKind.RECEIPT


def issue_due(tx: Tx, seller: Seller, limit: int = DOCUMENTS_BATCH_MAX) -> list[Document]:
    """Issue documents for money that has none yet, in the order in which it moved.

    Returns:
        what was issued; nothing while another worker is issuing.
    """
    free = select(func.pg_try_advisory_xact_lock(ISSUER_LOCK))
    if not tx.db.scalar(free):
        return []
    most, passed = min(limit, DOCUMENTS_BATCH_MAX), 0
    made: list[Document] = []
    rates = _Rates(tx)
    # Those that cannot be written stay due: however many they are, the next batch has its turn.
    while not made and (due := _all_due(tx, most, passed)):
        made = _written(tx, seller, due, rates)
        passed += len(due)
    if not made:
        return []
    _number(tx, made)
    tx.db.execute(
        delete(DocumentDue).where(DocumentDue.transfer_id.in_([d.transfer_id for d in made]))
    )
    return made


def _written(tx: Tx, seller: Seller, due: list[_Due], rates: "_Rates") -> list[Document]:
    """Return what can be written of what is due, without numbers."""
    history = history_of(tx, [each.booking for each in due])
    made = []
    for each in due:
        try:
            document = _write(tx, seller, each, history, rates)
        except (LookupError, ValueError):
            # One that cannot be written must not keep the others: it stays due, where it is seen.
            log.exception("document.broken", transfer_id=str(each.transfer.id))
            continue
        if document is not None:
            made.append(document)
    return made


def _all_due(tx: Tx, limit: int, offset: int) -> list[_Due]:
    query = (
        select(TransferRow, Booking, Listing, Vendor.business_name, User)
        .join(DocumentDue, DocumentDue.transfer_id == TransferRow.id)
        .join(Booking, Booking.id == TransferRow.booking_id)
        .join(Listing, Listing.id == Booking.listing_id)
        .join(Vendor, Vendor.id == Booking.vendor_id)
        .join(User, User.id == Booking.customer_id)
        .order_by(DocumentDue.transfer_id)
        .offset(offset)
        .limit(limit)
    )
    return [_Due(*row) for row in tx.db.execute(query)]


def _write(
    tx: Tx, seller: Seller, money: _Due, history: History, rates: "_Rates"
) -> Document | None:
    """Return a document that lacks only its number; None for a refund of what has no receipt."""
    transfer, booking = money.transfer, money.booking
    moved = history.moved(transfer.id)
    original: Document | None = None
    refund_id = None
    if money.kind is DocumentKind.CREDIT_NOTE:
        refund_id = history.refund_id(transfer.idempotency_key)
        original = history.original_for(booking.id, moved.amount)
        if original is None:
            return None
    lines = _lines(money, history, moved, original, refund_id)
    document = Document(
        id=tx.ids.uuid(),
        kind=money.kind,
        year=nairobi_date(tx.now).year,
        booking_id=booking.id,
        transfer_id=transfer.id,
        refund_id=refund_id,
        original_id=None if original is None else original.id,
        **asdict(lines),
        total_cents=lines.total_cents,
        content=_content(seller, money, history, rates.of(booking, money.listing)),
        verify_token=_token(tx),
        download_token=_token(tx),
        moved_at=transfer.posted_at,
        issued_at=tx.now,
    )
    history.add(document)
    return document


def _lines(
    money: _Due,
    history: History,
    moved: Moved,
    original: Document | None,
    refund_id: UUID | None,
) -> Lines:
    """Return what a document's total is made of."""
    booking_id = money.booking.id
    sign = 1 if money.kind is DocumentKind.RECEIPT else -1
    settling = settling_lines(
        moved.price,
        history.gone(money.booking),
        history.issued(booking_id),
        moved.amount,
        sign,
    )
    if settling is not None:
        return settling
    if refund_id is not None:
        before = history.refunds_before(booking_id, refund_id)
        return lines_of(moved.price, before, moved.amount)
    if original is not None and original.total_cents == moved.amount.cents:
        return printed_lines(original)  # A part whose rest did not come goes back as it came.
    return lines_of(moved.price, moved.before, moved.amount)


def _number(tx: Tx, made: Sequence[Document]) -> None:
    """Give numbers, always in the same order of series, and queue what is numbered."""
    if not made:
        return
    year = made[0].year
    for kind, series in SERIES_OF.items():
        chosen = [document for document in made if document.kind is kind]
        if chosen:
            for document, number in zip(chosen, draw(tx, series, year, len(chosen)), strict=True):
                document.number = number
    tx.db.add_all(made)
    tx.db.flush()
    numbers = draw(tx, Series.INVOICE, OVER_THE_YEARS, len(made))
    tx.db.add_all(
        TaxInvoice(
            number=number,
            document_id=document.id,
            state=InvoiceState.WAITING,
            due_at=tx.now,
            tries=0,
        )
        for number, document in zip(numbers, made, strict=True)
    )
    tx.db.flush()


def _token(tx: Tx) -> str:
    return tx.ids.token()[:DOCUMENT_TOKEN_LENGTH]


def _content(
    seller: Seller, money: _Due, history: History, rates: dict[str, Any]
) -> dict[str, Any]:
    """What is printed, as it is today: a name that changes tomorrow changes no document."""
    booking, listing, customer = money.booking, money.listing, money.customer
    return {
        "seller": asdict(seller),
        "customer": {"name": customer.name, "phone": mask(customer.msisdn)},
        "language": customer.language.value,
        "booking": {
            "code": booking.code,
            "listing": listing.title,
            "business": money.business,
            "category": listing.category.value,
            "starts_on": booking.starts_on.isoformat(),
            "ends_on": booking.ends_on.isoformat(),
            "people": booking.people,
            "total_cents": booking.total_cents,
        },
        "rates": rates,
        "payment": _payment(money.transfer, history),
    }


def _payment(transfer: TransferRow, history: History) -> dict[str, str | None]:
    """By what and through whom it went, and the provider's receipt where it is known by now."""
    _way, _, rest = transfer.idempotency_key.partition(":")
    provider, _, number = rest.partition(":")
    ours = transfer.kind == TransferKind.RETURNED or number.startswith("attempt:")
    return {
        "method": history.method(transfer.idempotency_key).value,
        "provider": provider,
        "receipt": None if ours else number,
    }


class _Rates:
    """The dated rates of bookings, each asked for once in a batch."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[tuple[date, str], dict[str, Any]] = {}

    def of(self, booking: Booking, listing: Listing) -> dict[str, Any]:
        key = booking.priced_on, listing.category.value
        if key not in self._known:
            found = dated_rates(self._tx, *key)
            self._known[key] = {name.value: _rate(rate) for name, rate in found.items()}
        return self._known[key]


def _rate(rate: DatedRate) -> dict[str, Any]:
    return {
        "basis_points": rate.basis_points,
        "since": rate.effective_from.isoformat(),
        "base": rate.base.value,
    }
