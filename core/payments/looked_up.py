"""Booking what a person has looked up at a provider: no callback and no answer tells of it."""

from uuid import UUID

from sqlalchemy import select

from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.payments import settle
from core.payments.lifecycle import OPEN, AttemptState
from core.payments.model import Attempt, Kind, Receipt
from core.ports.money import MoneyEvent, Outcome, Reason

# "reversal:" and an id of ours, where the provider has no number for it.
NUMBER_MAX = 50

LOOKED_UP = "looked_up"
"""The code of an attempt whose outcome a person has booked."""


def book_arrival(tx: Tx, attempt_id: UUID, number: str) -> Attempt:
    """Book that money of which nothing was heard has arrived; what follows is as ever.

    Args:
        tx: the caller's transaction.
        attempt_id: of a payout, a refund or a return that was sent.
        number: its receipt, as the provider's statement or portal shows it.

    Returns:
        the attempt, succeeded.

    Raises:
        BadInput: the number is empty or too long (data: field).
        Refused: ``outcome_known``, something was heard by now; ``number_seen``, the receipt is
            another payment's; ``taken_back_before``, another attempt has taken that payment back.
    """
    number = _as_kept(number)
    attempt = _unheard(tx, attempt_id)
    event = MoneyEvent(
        attempt.provider,
        Outcome.SUCCEEDED,
        attempt.id,
        reference=attempt.reference,
        receipt=number,
        code=LOOKED_UP,
    )
    unfit = settle.apply(tx, event)
    if unfit is not None:
        raise Refused("number_seen" if unfit == "other_receipt" else "taken_back_before")
    return attempt


def book_failure(tx: Tx, attempt_id: UUID) -> Attempt:
    """Book that money of which nothing was heard has moved nowhere: it is tried again, as ever.

    Should it have arrived all the same, that is a late success like any other.

    Args:
        tx: the caller's transaction.
        attempt_id: of a payout, a refund or a return that was sent.

    Returns:
        the attempt, failed.

    Raises:
        Refused: ``outcome_known``, something was heard by now; ``being_sent``, a worker sends it
            once more at this moment.
    """
    attempt = _unheard(tx, attempt_id)
    if attempt.state in {AttemptState.QUEUED, AttemptState.SENDING}:
        raise Refused("being_sent")
    settle.fail(tx, attempt, Reason.OTHER, LOOKED_UP)
    return attempt


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
    event = MoneyEvent(provider, Outcome.REVERSED, attempt.id, receipt=number, code=LOOKED_UP)
    if settle.apply(tx, event) is not None:
        raise Refused("number_seen")
    return attempt.amount_cents


def _unheard(tx: Tx, attempt_id: UUID) -> Attempt:
    """Return an attempt, locked, of which nothing final is known."""
    attempt = tx.db.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
    if attempt.state not in OPEN:
        raise Refused("outcome_known")
    return attempt


def _as_kept(number: str) -> str:
    """Return a number as statements have it: in capitals, but for what has none of its own."""
    number = number.strip()
    if not 0 < len(number) <= NUMBER_MAX:
        raise BadInput(field="number")
    nameless = number.lower().startswith(settle.REVERSAL)
    return number.lower() if nameless else number.upper()
