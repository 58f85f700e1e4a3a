"""What of a booking's price has come, and what is asked for next. Pure.

Up to ``deposit_cents`` (all of the price where a listing asks for no deposit) must come before
the hold ends, the rest until ``rest_due_at``. M-Pesa carries 250,000 at once: a larger sum is
asked for in parts of about the same size, one after another. Money by hand comes in any pieces.
"""

from dataclasses import dataclass
from datetime import datetime

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.limits import MPESA_DAY_MAX_CENTS, MPESA_MAX_CENTS
from core.money import Money


@dataclass(frozen=True, slots=True)
class Dues:
    """What a booking that takes money waits for.

    Attributes:
        owed: what has not come of what its deadline is about: the deposit, the rest or the price.
        ask: what the next payment asks for.
        part: which part of that deposit, rest or price the next payment is, from 1.
        parts: how many parts it has.
        by: the deadline.
    """

    owed: Money
    ask: Money
    part: int
    parts: int
    by: datetime


def dues_of(booking: Booking) -> Dues | None:
    """Return what a booking waits for; None when nothing can be paid for it now."""
    if booking.state is State.AWAITING_PAYMENT:
        assert booking.due_at is not None, "a hold has an end"
        whole, owed, by = first_cents(booking), missing_cents(booking), booking.due_at
    elif booking.state is State.CONFIRMED and left_cents(booking):
        assert booking.rest_due_at is not None, "only a deposit leaves a rest"
        whole, owed = booking.total_cents - first_cents(booking), left_cents(booking)
        by = booking.rest_due_at
    else:
        return None
    parts, parts_left = parts_of(whole), parts_of(owed)
    return Dues(Money(owed), next_part(Money(owed)), parts - parts_left + 1, parts, by)


def first_cents(booking: Booking) -> int:
    """Return what confirms a booking: its deposit, or the whole price."""
    return booking.total_cents if booking.deposit_cents is None else booking.deposit_cents


def missing_cents(booking: Booking) -> int:
    """Return what must still come for the booking to be confirmed."""
    return max(first_cents(booking) - booking.received_cents, 0)


def left_cents(booking: Booking) -> int:
    """Return what of the whole price has not come."""
    return booking.total_cents - booking.received_cents


def rest_cents(booking: Booking) -> int:
    """Return what of the price may come after the booking is confirmed."""
    return booking.total_cents - max(first_cents(booking), booking.received_cents)


def parts_of(cents: int) -> int:
    """Return how many payments by M-Pesa an amount takes."""
    return -(-cents // MPESA_MAX_CENTS)


def next_part(owed: Money) -> Money:
    """Return the next of the fewest parts of about the same size, in whole shillings.

    Raised to the shilling, so that the parts after it are never larger: 700,000 is asked for as
    233,334, then 233,333 twice.
    """
    return Money(-(-owed.cents // parts_of(owed.cents)), owed.currency).up_to_shilling()


def goes_on_tomorrow(booking: Booking) -> bool:
    """Tell whether one account's limit for a day may not carry what confirms a booking."""
    return first_cents(booking) > MPESA_DAY_MAX_CENTS
