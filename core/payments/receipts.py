"""Receipts: the proofs that money moved, one row each, whatever channel tells of them.

A prompt on a paybill is told of up to three times: by its callback and by the paybill's
confirmation, both with the provider's number, and by an answer to our question, without one.
Callers hold the booking's lock, so that two of them never look at the same moment.
"""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from core.db.base import Base
from core.db.tx import Tx
from core.escrow.model import TransferRow
from core.escrow.postings import incoming_key
from core.money import Money
from core.payments.model import Attempt, Direction, Kind, Method, Receipt
from core.payments.queries import receipt_numbered

CAME_BACK = "payout came back"
"""What a receipt has for an account whose money had gone out, to a vendor or back to a customer,
and came back. Whatever people type is kept in capitals."""


TAKEN_BACK = "payment taken back"
"""The same of a payment to us that its provider has taken back: it left the account to which it
had come."""

TO_A_CARD = "refunded to a card"
"""The same of money that went back to a card: none of the provider's exports shows it."""


_NEW = insert(Base.metadata.tables[Receipt.__tablename__])
_COLUMNS = (
    *("id", "provider", "number", "direction", "amount_cents", "attempt_id", "booking_id"),
    *("suspense", "spare_cents", "account", "payer", "at"),
)
# Built once: one statement that keeps a proof and returns it, or returns nothing.
_KEEP = select(Receipt).from_statement(
    _NEW.values({name: bindparam(name) for name in _COLUMNS})
    .on_conflict_do_nothing(index_elements=["provider", "number"])
    .returning(Receipt)
)


def nameless(attempt: Attempt) -> str:
    """Return the number of a receipt whose real number is not known yet."""
    return f"attempt:{attempt.id}"


def keep(
    tx: Tx,
    provider: str,
    number: str,
    direction: Direction,
    amount: Money,
    *,
    attempt: Attempt | None = None,
    account: str | None = None,
    payer: str | None = None,
) -> Receipt | None:
    """Keep a proof; None when the provider's number has been seen, by whatever channel."""
    kept = {
        "id": tx.ids.uuid(),
        "provider": provider,
        "number": number,
        "direction": direction,
        "amount_cents": amount.cents,
        "attempt_id": attempt.id if attempt else None,
        "booking_id": attempt.booking_id if attempt else None,
        "suspense": False,
        "spare_cents": 0,
        "account": account,
        "payer": payer,
        "at": tx.now,
    }
    return tx.db.scalars(_KEEP, kept).first()


def keep_of(tx: Tx, attempt: Attempt, number: str | None) -> Receipt | None:
    """Keep the proof that an attempt's money moved; None when its number has been seen."""
    return keep(
        tx,
        attempt.provider,
        number or nameless(attempt),
        Direction.IN if attempt.kind is Kind.COLLECTION else Direction.OUT,
        Money(attempt.amount_cents),
        attempt=attempt,
        account=_special(attempt),
        payer=attempt.msisdn or None,
    )


def _special(attempt: Attempt) -> str | None:
    """Return what a receipt has for an account when its money moved in an unusual way."""
    if attempt.takes_back is not None:
        return TAKEN_BACK
    to_a_card = attempt.kind is Kind.RETURN and attempt.method is Method.CARD
    return TO_A_CARD if to_a_card else None


def is_own(tx: Tx, attempt: Attempt, number: str | None) -> bool:
    """Tell whether a receipt that has been seen is the attempt's, or its booking's by paybill."""
    known = receipt_numbered(tx, attempt.provider, number or nameless(attempt))
    if known is None or known.attempt_id == attempt.id:
        return known is not None
    return attempt.kind is Kind.COLLECTION and known.booking_id == attempt.booking_id


def confirmed_by_paybill(tx: Tx, attempt: Attempt) -> Receipt | None:
    """Return the paybill's confirmation that an answer without a number may speak of too."""
    return tx.db.scalar(
        select(Receipt)
        .where(
            Receipt.provider == attempt.provider,
            Receipt.booking_id == attempt.booking_id,
            Receipt.direction == Direction.IN,
            Receipt.amount_cents == attempt.amount_cents,
            Receipt.attempt_id.is_(None),
            Receipt.at >= attempt.sent_at,
        )
        .order_by(Receipt.at)
        .limit(1)
        .with_for_update()
    )


def name_known(tx: Tx, provider: str, booking_id: UUID, number: str, amount: Money) -> bool:
    """Give a paybill's number to a prompt's success that has none; False when there is none."""
    found = tx.db.scalar(
        select(Receipt)
        .where(
            Receipt.provider == provider,
            Receipt.booking_id == booking_id,
            # What went back of the same price may have no number either.
            Receipt.direction == Direction.IN,
            Receipt.number.startswith("attempt:"),
            Receipt.amount_cents == amount.cents,
        )
        .with_for_update()
    )
    if found is None or receipt_numbered(tx, provider, number) is not None:
        return False
    found.number = number
    return True


def name_own(tx: Tx, attempt: Attempt, number: str | None) -> Receipt | None:
    """Give a succeeded attempt the number that late evidence brings.

    Returns:
        the receipt of another payment, when this number shows that one by hand had been taken
        for the prompt's: its money has no place yet. Else None.
    """
    if number is None or receipt_numbered(tx, attempt.provider, number) is not None:
        return None
    kept = tx.db.scalar(select(Receipt).where(Receipt.attempt_id == attempt.id).with_for_update())
    if kept is None:
        return None
    if kept.number == nameless(attempt):
        kept.number = number
        return None
    if kept.account is not None:
        kept.attempt_id = None
        return keep_of(tx, attempt, number)
    if not _posted_nameless(tx, attempt):
        return None
    by_hand, kept.number = kept.number, number
    tx.db.flush()
    amount = Money(kept.amount_cents)
    return keep(tx, attempt.provider, by_hand, Direction.IN, amount, account=attempt.account)


def _posted_nameless(tx: Tx, attempt: Attempt) -> bool:
    """Tell whether an attempt's money was posted before its number was known."""
    key = incoming_key(attempt.provider, nameless(attempt))
    posted = select(TransferRow.id).where(TransferRow.idempotency_key == key)
    return tx.db.scalar(posted) is not None
