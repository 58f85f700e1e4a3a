"""The rest after a deposit: reminded of, and the end of a booking for which it does not come."""

from datetime import timedelta

from core.booking import rules
from core.booking.cancel import cancel_unpaid_rest
from core.booking.model import Booking
from core.booking.notices import Topic, tell_customer
from core.db.tx import Tx
from core.limits import HOLD_STRETCH_SECONDS, STK_GIVE_UP_SECONDS
from core.payments.queries import open_collection


def rest_is_due(tx: Tx, booking: Booking) -> None:
    """Remind of a locked booking's rest, or cancel it by its policy when the time has passed.

    A customer who is paying at this moment is waited for.
    """
    deadline = booking.rest_due_at
    assert deadline is not None, "only a deposit leaves a rest"
    if tx.now < deadline:
        tell_customer(tx, booking, Topic.REST_DUE, key=f"{tx.now:%Y-%m-%d}")
        booking.due_at = rules.rest_due(tx.now, deadline)
        return
    last = deadline + timedelta(seconds=STK_GIVE_UP_SECONDS)
    if open_collection(tx, booking.id) is not None and tx.now < last:
        booking.due_at = min(tx.now + timedelta(seconds=HOLD_STRETCH_SECONDS), last)
        return
    cancel_unpaid_rest(tx, booking)
