"""Booking by hand that money came back, when only a statement or a letter says so."""

from sqlalchemy import select

from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.payments import settle
from core.payments.model import Attempt, Kind, Receipt
from core.ports.money import MoneyEvent, Outcome

# "reversal:" and an id of ours, where the provider has no number for it.
NUMBER_MAX = 50


def book_reversal(tx: Tx, provider: str, receipt: str, number: str) -> int:
    """Book that what went out under a receipt came back under another number.

    Args:
        tx: the caller's transaction.
        provider: whose receipts they are.
        receipt: of the payout, the refund or the return of wrong money.
        number: of its return, as the provider's statement shows it, so that both are matched.

    Returns:
        how many cents are owed again.

    Raises:
        BadInput: the number is empty or too long (data: field).
        NotFound: ``no_payout``, nothing arrived under that receipt, or it came back before.
        Refused: ``number_seen``, the return's number has been seen.
    """
    number = _as_kept(number)
    if not 0 < len(number) <= NUMBER_MAX:
        raise BadInput(field="number")
    attempt = tx.db.scalar(
        select(Attempt)
        .join(Receipt, Receipt.attempt_id == Attempt.id)
        .where(
            Receipt.provider == provider,
            Receipt.number == receipt.strip().upper(),
            Attempt.kind != Kind.COLLECTION,
        )
        .with_for_update(of=Attempt)
    )
    if attempt is None or attempt.reversed_at is not None:
        raise NotFound("no_payout")
    event = MoneyEvent(provider, Outcome.REVERSED, attempt.id, receipt=number, code="statement")
    if settle.apply(tx, event) is not None:
        raise Refused("number_seen")
    return attempt.amount_cents


def _as_kept(number: str) -> str:
    """Return a number as statements have it: in capitals, but for what has none of its own."""
    number = number.strip()
    nameless = number.lower().startswith(settle.REVERSAL)
    return number.lower() if nameless else number.upper()
