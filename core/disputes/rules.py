"""When a problem may be reported, until when it is answered and decided, who gets what. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.booking.dues import left_cents
from core.booking.lifecycle import LIFECYCLE, Event, State
from core.booking.model import Booking
from core.clock import nairobi_date
from core.errors import BadInput, Refused
from core.limits import DISPUTE_ANSWER_SECONDS, DISPUTE_DECIDE_SECONDS, DISPUTE_REMINDER_SECONDS
from core.money import Money

WHOLE = 100
BASIS_POINTS_PER_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Decision:
    """What a decision means in money.

    Attributes:
        refund: goes back to the customer; whole shillings.
        kept: is shared out as a release would.
    """

    refund: Money
    kept: Money


def check_may_open(booking: Booking, now: datetime) -> None:
    """Let a problem be reported from the first day until the money is the vendor's (DESIGN §5).

    Not while the rest after a deposit may still come: its deadline ends such a booking, and until
    then its customer can pay or cancel. No decision could share out what is not all there.

    Raises:
        IllegalMove: it is not paid for, disputed already or over.
        Refused: ``too_early``, ``rest_unpaid``, ``too_late``.
    """
    LIFECYCLE.target(booking.state, Event.DISPUTE)
    if nairobi_date(now) < booking.starts_on:
        raise Refused("too_early")
    if left_cents(booking):
        raise Refused("rest_unpaid")
    if booking.state is State.COMPLETED and (booking.due_at is None or booking.due_at <= now):
        raise Refused("too_late")


def may_open(booking: Booking, now: datetime) -> bool:
    """Tell whether a problem may be reported now."""
    try:
        check_may_open(booking, now)
    except Refused:
        return False
    return True


def answer_by(opened_at: datetime) -> datetime:
    """Return until when the vendor is waited for."""
    return opened_at + timedelta(seconds=DISPUTE_ANSWER_SECONDS)


def remind_at(answer_by: datetime) -> datetime:
    """Return when a vendor who is silent is reminded."""
    return answer_by - timedelta(seconds=DISPUTE_REMINDER_SECONDS)


def decide_by(answer_by: datetime) -> datetime:
    """Return until when an admin decides."""
    return answer_by + timedelta(seconds=DISPUTE_DECIDE_SECONDS)


def decide(held: Money, customer_percent: int) -> Decision:
    """Return who gets how much of what is held.

    A share that is no whole shilling is raised, in the customer's favour, as a cancellation does.

    Raises:
        BadInput: ``bad_percent`` (data: field): not from 0 to 100.
    """
    if not 0 <= customer_percent <= WHOLE:
        raise BadInput("bad_percent", field="customer_percent")
    share = held.share(customer_percent * BASIS_POINTS_PER_PERCENT).up_to_shilling()
    refund = min(share, held)
    return Decision(refund, held - refund)
