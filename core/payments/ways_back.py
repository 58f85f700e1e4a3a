"""How money goes back: its payment is taken back, or the money is sent. Never both at once.

Taking back reaches whoever paid, also where the paybill hides the number, and costs nothing; but
a provider does it only for a whole payment, and only while the money still lies where it came to.
So it is the first way where the routes name the provider (``Routes.taking_back``); when it is
refused for certain, the money is sent. One open attempt of a refund or a receipt is a unique key,
and so is the one attempt that has taken a payment back.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from core.booking.model import Booking
from core.booking.notices import Topic, customer_msisdn, tell_customer
from core.db.tx import Tx
from core.money import CENTS_PER_SHILLING
from core.msisdn import ending
from core.payments.lifecycle import OPEN, AttemptState
from core.payments.model import Attempt, Method, Receipt
from core.ports.money import Reason


def payment_to_take_back(tx: Tx, receipt: Receipt | None, amount_cents: int) -> str | None:
    """Return the number of the payment that can be taken back, None when money is to be sent.

    Args:
        tx: the caller's transaction.
        receipt: the payment, when it is known.
        amount_cents: how much of it is to go back.
    """
    if receipt is None or receipt.provider not in tx.routes.taking_back:
        return None
    whole = amount_cents == receipt.amount_cents and amount_cents % CENTS_PER_SHILLING == 0
    named = not receipt.number.startswith("attempt:")
    if not whole or not named:
        return None
    # Another payment may have gone by this number when it was taken back (``receipts.name_own``).
    states = OPEN | {AttemptState.SUCCEEDED}
    return None if _taking_back(tx, receipt.provider, receipt.number, states) else receipt.number


def belongs_to_another(tx: Tx, attempt: Attempt) -> bool:
    """Tell whether a payment was taken back by another try than this locked one, or may be.

    A provider tells what became of the payment and not who asked for it: money that could not go
    back was given to a booking, say, and goes back for that. What was given up gives way to the
    try that has done it, or is at it; that one hears of it, too.
    """
    if attempt.takes_back is None:
        return False
    states = {AttemptState.SUCCEEDED}
    if attempt.state is AttemptState.FAILED:
        states |= OPEN
    others = _taking_back(tx, attempt.provider, attempt.takes_back, states)
    return any(other != attempt.id for other in others)


def _taking_back(
    tx: Tx, provider: str, number: str, states: Collection[AttemptState]
) -> Sequence[UUID]:
    """Return the tries to take a payment back that are in one of some states.

    The payment is locked: of two that look at once the second sees what the first has done.
    """
    paid = select(Receipt.id).where(Receipt.provider == provider, Receipt.number == number)
    tx.db.execute(paid.with_for_update())
    tries = select(Attempt.id).where(
        Attempt.provider == provider, Attempt.takes_back == number, Attempt.state.in_(states)
    )
    return tx.db.scalars(tries).all()


def own_reason(attempt: Attempt, reason: Reason) -> Reason:
    """Return why an attempt failed, as far as it says something about sending money, too.

    That a paybill is empty or its operator may not take payments back is no reason to stop
    sending; refused credentials are.
    """
    if attempt.takes_back is None or reason in {Reason.CREDENTIALS, Reason.CAME_BACK}:
        return reason
    return Reason.OTHER


def tell_returned(tx: Tx, booking: Booking, attempt: Attempt) -> None:
    """Owe a booking's customer the word that money of it has gone back."""
    card = attempt.method is Method.CARD
    tell_customer(
        tx,
        booking,
        Topic.MONEY_RETURNED,
        key=str(attempt.id),
        amount_cents=attempt.amount_cents,
        card=card,
        ending=None if card else ending_of_another(tx, booking, attempt.msisdn),
    )


def ending_of_another(tx: Tx, booking: Booking, msisdn: str | None) -> str | None:
    """Return how a phone that paid ends; None when it is the customer's own, or not known.

    Whoever knows the code may pay, and looks for the money where it came from.
    """
    if not msisdn or msisdn == customer_msisdn(tx, booking):
        return None
    return ending(msisdn)
