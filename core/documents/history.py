"""What has moved for some bookings so far, for whoever writes their next document."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from core.booking.dues import left_cents
from core.booking.model import Booking
from core.booking.price import price_of
from core.db.tx import Tx
from core.documents.model import Document, DocumentKind
from core.documents.rules import NOTHING, Lines
from core.escrow.accounts import escrow
from core.escrow.model import Posting, TransferRow
from core.escrow.postings import incoming_key
from core.escrow.transfer import TransferKind
from core.money import Money
from core.payments.model import Attempt, Direction, Method, Receipt, Refund
from core.pricing.rules import Price

INCOMING = frozenset({TransferKind.PAID.value, TransferKind.MATCHED.value})
# A refund that has left, and a part of a price whose rest did not come.
OUTGOING = frozenset({TransferKind.RETURNED.value, TransferKind.SET_ASIDE.value})


@dataclass(frozen=True, slots=True)
class Moved:
    """One movement of a booking's money.

    Attributes:
        amount: what came or went back.
        before: those of the same direction that came first, in order.
        price: the booking's.
    """

    amount: Money
    before: list[Money]
    price: Price


def printed_lines(document: Document) -> Lines:
    """Return the lines that a document has."""
    return Lines(
        document.base_cents,
        document.service_fee_cents,
        document.vat_cents,
        document.rounding_cents,
    )


class History:
    """The movements, refunds and documents of some bookings."""

    def __init__(self) -> None:
        self._moved: dict[UUID, Moved] = {}
        self._refund_ids: dict[str, UUID] = {}
        self._cards: set[str] = set()
        self._refunds: dict[UUID, list[Refund]] = defaultdict(list)
        self._receipts: dict[UUID, list[Document]] = defaultdict(list)
        self._room_cents: dict[UUID, int] = {}
        self._issued: dict[UUID, Lines] = defaultdict(lambda: NOTHING)

    def moved(self, transfer_id: UUID) -> Moved:
        """Return a transfer's money."""
        return self._moved[transfer_id]

    def refund_id(self, key: str) -> UUID | None:
        """Return the refund that a transfer's key names by its attempt."""
        return self._refund_ids.get(key.rpartition(":")[2])

    def method(self, key: str) -> Method:
        """Return what the money of a transfer's key came by, or went back to."""
        by_card = not self._cards.isdisjoint((key, key.rpartition(":")[2]))
        return Method.CARD if by_card else Method.MPESA

    def refunds_before(self, booking_id: UUID, refund_id: UUID) -> list[Money]:
        """Return the refunds that were planned before one; the ledger reverses in this order.

        What went back because a change made the price lower is no part of the price any more.
        """
        refunds = self._refunds[booking_id]
        place = next(i for i, refund in enumerate(refunds) if refund.id == refund_id)
        earlier = [refund for refund in refunds[:place] if refund.change_id is None]
        return [Money(refund.amount_cents) for refund in earlier]

    def gone(self, booking: Booking) -> list[Money]:
        """Return what never came of a price, then its refunds: as the ledger reverses them."""
        never_came = Money(left_cents(booking))
        refunds = [each for each in self._refunds[booking.id] if each.change_id is None]
        return [
            *([never_came] if never_came.cents else []),
            *(Money(refund.amount_cents) for refund in refunds),
        ]

    def issued(self, booking_id: UUID) -> Lines:
        """Return what a booking's receipts say, less its credit notes."""
        return self._issued[booking_id]

    def original_for(self, booking_id: UUID, amount: Money) -> Document | None:
        """Return the receipt that a credit note takes back.

        That is the newest one of just this amount, else with room for it, else of all: a refund
        may go beyond one payment of several.
        """
        receipts = self._receipts[booking_id]
        roomy = [each for each in receipts if self._room_cents[each.id] >= amount.cents]
        whole = [each for each in roomy if each.total_cents == amount.cents]
        return next(reversed(whole or roomy or receipts), None)

    def add(self, document: Document) -> None:
        """Take in a document, in the order of their issue."""
        sign = 1 if document.kind is DocumentKind.RECEIPT else -1
        issued = self._issued[document.booking_id]
        self._issued[document.booking_id] = issued.plus(printed_lines(document), sign)
        if document.kind is DocumentKind.RECEIPT:
            self._receipts[document.booking_id].append(document)
            self._room_cents[document.id] = document.total_cents
        elif document.original_id is not None:
            self._room_cents[document.original_id] -= document.total_cents

    def note_transfers(self, booking: Booking, rows: Iterable[tuple[UUID, str, int]]) -> None:
        """Take in a booking's escrow postings in their order: transfer, kind, signed cents."""
        came: list[Money] = []
        went: list[Money] = []
        price = price_of(booking)
        for transfer_id, kind, cents in rows:
            if kind in INCOMING | OUTGOING:
                side = came if kind in INCOMING else went
                amount = Money(abs(cents))
                self._moved[transfer_id] = Moved(amount, list(side), price)
                side.append(amount)
                if kind == TransferKind.SET_ASIDE and amount in came:
                    # As if it had never come: what comes later is the price's first part again.
                    came.remove(amount)
                    side.remove(amount)

    def note_card(self, *names: str) -> None:
        """Take in what a key of card money may be, or end in."""
        self._cards.update(names)

    def note_refund(self, refund: Refund, attempt_id: UUID | None) -> None:
        """Take in one try of a refund, in the order in which refunds were planned.

        None for one that was never tried, which is too small to be sent.
        """
        if attempt_id is not None:
            self._refund_ids[str(attempt_id)] = refund.id
        known = self._refunds[refund.booking_id]
        if not known or known[-1].id != refund.id:
            known.append(refund)


def history_of(tx: Tx, bookings: Iterable[Booking]) -> History:
    """Return the history of bookings, in four questions however many they are."""
    history = History()
    by_path = {escrow(booking.code): booking for booking in bookings}
    ids = [booking.id for booking in by_path.values()]
    postings: dict[str, list[tuple[UUID, str, int]]] = defaultdict(list)
    for account, transfer_id, kind, cents in tx.db.execute(
        select(Posting.account, TransferRow.id, TransferRow.kind, Posting.amount_cents)
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .where(Posting.account.in_(by_path), Posting.entry_no.is_not(None))
        .order_by(Posting.account, Posting.entry_no)
    ):
        postings[account].append((transfer_id, kind, cents))
    for path, rows in postings.items():
        history.note_transfers(by_path[path], rows)
    for receipt in tx.db.scalars(
        select(Receipt)
        .join(Attempt, Attempt.id == Receipt.attempt_id)
        .where(
            Receipt.booking_id.in_(ids),
            Receipt.direction == Direction.IN,
            Attempt.method == Method.CARD,
        )
    ):
        history.note_card(incoming_key(receipt.provider, receipt.number), str(receipt.id))
    for refund, attempt_id, method in tx.db.execute(
        select(Refund, Attempt.id, Attempt.method)
        .outerjoin(Attempt, Attempt.refund_id == Refund.id)
        .where(Refund.booking_id.in_(ids))
        .order_by(Refund.number)
    ):
        history.note_refund(refund, attempt_id)
        if method is Method.CARD:
            history.note_card(str(attempt_id))
    for document in tx.db.scalars(
        select(Document)
        .where(Document.booking_id.in_(ids))
        # Receipts first: a credit note takes room of one.
        .order_by(Document.kind.desc(), Document.year, Document.number)
    ):
        history.add(document)
    return history
