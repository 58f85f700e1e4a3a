"""Payments by hand: what a person typed as account number, and whether the payment fits."""

from enum import StrEnum

from sqlalchemy import select

from core.booking.changes import payable_now
from core.booking.dues import dues_of, left_cents
from core.booking.model import Booking
from core.db.tx import Tx
from core.money import Money

TYPED_MAX = 20


class Fit(StrEnum):
    """Whether money for an account should be let in."""

    FITS = "fits"
    NO_ACCOUNT = "no_account"
    WRONG_AMOUNT = "wrong_amount"


def typed_code(account: str) -> str:
    """Return the booking code that somebody may have meant: ``k7p-4q `` is K7P4Q."""
    return "".join(letter for letter in account.upper() if letter.isalnum())[:TYPED_MAX]


def judge(tx: Tx, account: str, amount: Money) -> Fit:
    """Tell whether a payment, in whole shillings, is for a booking that waits for as much.

    The difference of a change is paid at once, or not at all.
    """
    booking = tx.db.scalar(select(Booking).where(Booking.code == typed_code(account)))
    payable = payable_now(tx, booking) if booking is not None else None
    if booking is None or payable is None:
        return Fit.NO_ACCOUNT
    if dues_of(booking) is not None:
        fits = amount.is_whole and amount.cents <= left_cents(booking)
        return Fit.FITS if fits else Fit.WRONG_AMOUNT
    return Fit.FITS if amount == payable.ask else Fit.WRONG_AMOUNT
