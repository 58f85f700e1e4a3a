"""Money in suspense, decided by a person: it is a booking's after all, or it goes back."""

from uuid import UUID

from sqlalchemy import select

from core.booking.dues import left_cents
from core.booking.lifecycle import Actor
from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.db.tx import Tx
from core.errors import NotFound, Refused
from core.escrow import ledger, postings
from core.escrow.model import TransferRow
from core.money import Money
from core.msisdn import parse_msisdn
from core.payments.collect import room_for, take
from core.payments.lifecycle import OPEN
from core.payments.model import Attempt, Direction, Kind, Receipt
from core.payments.returns import is_sendable, plan_return


def match(tx: Tx, receipt_id: UUID, code: str) -> Booking:
    """Give money in suspense to a booking that lacks at least as much, as if it came now.

    Raises:
        NotFound: no such receipt or booking.
        Refused: ``not_in_suspense``, ``return_open``, ``already_used`` (another booking took a
            part of it, or had it before), ``odd_cents`` (data: came), ``wrong_amount`` (data: due,
            came), ``not_payable`` (data: state) when the booking neither waits nor can be held
            again.
    """
    booking_id = tx.db.scalar(select(Booking.id).where(Booking.code == code.strip().upper()))
    if booking_id is None:
        raise NotFound
    # The booking first, as everywhere: a prompt's success may be applied at this moment.
    booking = lock_booking(tx, booking_id)
    receipt = _lock(tx, receipt_id)
    _check_unused(tx, receipt)
    amount = Money(receipt.amount_cents)
    if not amount.is_whole:
        raise Refused("odd_cents", came=amount.cents)
    if amount.cents > left_cents(booking):
        raise Refused("wrong_amount", due=left_cents(booking), came=amount.cents)
    if not room_for(tx, booking, receipt).cents:
        raise Refused("not_payable", state=booking.state.value)
    receipt.suspense = False
    receipt.spare_cents = 0
    receipt.booking_id = booking.id
    ledger.post(
        tx,
        postings.matched(
            booking.code,
            receipt.provider,
            amount,
            reference=receipt.number,
            booking_id=booking.id,
        ),
    )
    take(tx, booking, receipt, amount, Actor.ADMIN)
    return booking


def send_back(tx: Tx, receipt_id: UUID, msisdn: str | None = None) -> str:
    """Plan to send money in suspense back, and return the number that it goes to.

    Args:
        tx: the transaction.
        receipt_id: whose money.
        msisdn: where to, when the provider did not tell who paid; a person has found it out.

    Raises:
        NotFound: no such receipt.
        BadInput: the number is none.
        Refused: ``not_in_suspense``, ``return_open``, ``no_payer``, ``other_payer`` when the
            payer is known and is somebody else, ``not_sendable`` below what B2C moves.
    """
    receipt = _lock(tx, receipt_id)
    given = parse_msisdn(msisdn) if msisdn else None
    if receipt.payer and given and given != receipt.payer:
        raise Refused("other_payer")
    number = receipt.payer or given
    if number is None:
        raise Refused("no_payer")
    if not is_sendable(receipt):
        raise Refused("not_sendable", came=receipt.spare_cents)
    plan_return(tx, receipt, number, delay_seconds=0)
    return number


def _check_unused(tx: Tx, receipt: Receipt) -> None:
    """Refuse money of which a booking took a part, or that a booking had and gave back."""
    key = postings.set_aside_key(receipt.id)
    had = select(TransferRow.id).where(TransferRow.idempotency_key == key)
    if receipt.spare_cents != receipt.amount_cents or tx.db.scalar(had) is not None:
        raise Refused("already_used")


def _lock(tx: Tx, receipt_id: UUID) -> Receipt:
    """Return a receipt whose money nothing moves at present, locked."""
    receipt = tx.db.get(Receipt, receipt_id, with_for_update=True, populate_existing=True)
    if receipt is None or receipt.direction is not Direction.IN:
        raise NotFound
    if not receipt.suspense:
        raise Refused("not_in_suspense")
    moving = select(Attempt.id).where(
        Attempt.kind == Kind.RETURN, Attempt.receipt_id == receipt.id, Attempt.state.in_(OPEN)
    )
    if tx.db.scalar(moving.limit(1)) is not None:
        raise Refused("return_open")
    return receipt
