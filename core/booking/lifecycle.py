"""The life of a booking: DESIGN §5 as a table. Pure."""

from enum import StrEnum

from core.lifecycle import Lifecycle


class State(StrEnum):
    """Where a booking stands."""

    REQUESTED = "requested"
    AWAITING_PAYMENT = "awaiting_payment"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    DISPUTED = "disputed"
    COMPLETED = "completed"
    PAID_OUT = "paid_out"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to a booking."""

    ACCEPT = "accept"
    DECLINE = "decline"
    LAPSE = "lapse"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    PAY = "pay"
    PAY_LATE = "pay_late"
    CHECK_IN = "check_in"
    COMPLETE = "complete"
    DISPUTE = "dispute"
    WITHDRAW_DISPUTE = "withdraw_dispute"
    RESOLVE = "resolve"
    RESOLVE_FOR_CUSTOMER = "resolve_for_customer"
    RELEASE = "release"
    PAID_OUT = "paid_out"
    PAYOUT_REVERSED = "payout_reversed"
    CHANGE = "change"
    """It has other days or people from here on."""
    ASK_AGAIN = "ask_again"
    """What the vendor had accepted was changed before it was paid for."""


class Actor(StrEnum):
    """Who did it."""

    CUSTOMER = "customer"
    VENDOR = "vendor"
    ADMIN = "admin"
    TIME = "time"
    PROVIDER = "provider"
    SYSTEM = "system"


TABLE = (
    (Event.ACCEPT, State.REQUESTED, State.AWAITING_PAYMENT),
    (Event.DECLINE, State.REQUESTED, State.DECLINED),
    (Event.LAPSE, State.REQUESTED, State.EXPIRED),
    (Event.WITHDRAW, State.REQUESTED, State.CANCELLED),
    (Event.PAY, State.AWAITING_PAYMENT, State.CONFIRMED),
    (Event.LAPSE, State.AWAITING_PAYMENT, State.EXPIRED),
    (Event.WITHDRAW, State.AWAITING_PAYMENT, State.CANCELLED),
    (Event.PAY_LATE, State.EXPIRED, State.CONFIRMED),
    (Event.PAY_LATE, State.CANCELLED, State.CONFIRMED),
    (Event.CANCEL, State.CONFIRMED, State.CANCELLED),
    (Event.CHECK_IN, State.CONFIRMED, State.CHECKED_IN),
    (Event.COMPLETE, State.CONFIRMED, State.COMPLETED),
    (Event.COMPLETE, State.CHECKED_IN, State.COMPLETED),
    (Event.DISPUTE, State.CONFIRMED, State.DISPUTED),
    (Event.DISPUTE, State.CHECKED_IN, State.DISPUTED),
    (Event.DISPUTE, State.COMPLETED, State.DISPUTED),
    # Whoever takes a problem back says that the service was given.
    (Event.WITHDRAW_DISPUTE, State.DISPUTED, State.COMPLETED),
    (Event.RESOLVE, State.DISPUTED, State.COMPLETED),
    # All of the money goes back: nothing is left that could be released.
    (Event.RESOLVE_FOR_CUSTOMER, State.DISPUTED, State.CANCELLED),
    (Event.RELEASE, State.COMPLETED, State.COMPLETED),
    (Event.PAID_OUT, State.COMPLETED, State.PAID_OUT),
    # The vendor's part of what was kept after a cancellation has reached them.
    (Event.PAID_OUT, State.CANCELLED, State.CANCELLED),
    # What had reached the vendor came back: it is owed again.
    (Event.PAYOUT_REVERSED, State.PAID_OUT, State.COMPLETED),
    (Event.PAYOUT_REVERSED, State.CANCELLED, State.CANCELLED),
    (Event.CHANGE, State.REQUESTED, State.REQUESTED),
    (Event.CHANGE, State.AWAITING_PAYMENT, State.AWAITING_PAYMENT),
    (Event.ASK_AGAIN, State.AWAITING_PAYMENT, State.REQUESTED),
    (Event.CHANGE, State.CONFIRMED, State.CONFIRMED),
)

LIFECYCLE = Lifecycle(State, TABLE)

# A booking in one of these holds its units in the calendar.
CLAIMING = frozenset(
    {
        State.AWAITING_PAYMENT,
        State.CONFIRMED,
        State.CHECKED_IN,
        State.DISPUTED,
        State.COMPLETED,
        State.PAID_OUT,
    }
)
# The money has come and not gone back.
PAID = CLAIMING - {State.AWAITING_PAYMENT}

# The words of the API and of the seeds.
PUBLIC = {
    State.REQUESTED: "pending",
    State.AWAITING_PAYMENT: "pending",
    State.CONFIRMED: "confirmed",
    State.CHECKED_IN: "confirmed",
    State.DISPUTED: "disputed",
    State.COMPLETED: "completed",
    State.PAID_OUT: "paid_out",
    State.DECLINED: "declined",
    State.EXPIRED: "expired",
    State.CANCELLED: "cancelled",
}


class ChangeState(StrEnum):
    """Where a wish for other days or people stands; before it is applied nothing has changed."""

    ASKED = "asked"
    """It begins so; until the vendor has answered, where that is needed."""
    AWAITING_PAYMENT = "awaiting_payment"
    """The difference is not paid; what the change needs more is held."""
    APPLIED = "applied"
    DECLINED = "declined"
    EXPIRED = "expired"
    DROPPED = "dropped"


class ChangeEvent(StrEnum):
    """What can happen to a change."""

    ACCEPT = "accept"
    """Nothing is missing any more but the difference."""
    APPLY = "apply"
    DECLINE = "decline"
    LAPSE = "lapse"
    DROP = "drop"
    """The customer keeps the booking as it was, or it is over."""


CHANGE_TABLE = (
    (ChangeEvent.ACCEPT, ChangeState.ASKED, ChangeState.AWAITING_PAYMENT),
    (ChangeEvent.APPLY, ChangeState.ASKED, ChangeState.APPLIED),
    (ChangeEvent.DECLINE, ChangeState.ASKED, ChangeState.DECLINED),
    (ChangeEvent.LAPSE, ChangeState.ASKED, ChangeState.EXPIRED),
    (ChangeEvent.DROP, ChangeState.ASKED, ChangeState.DROPPED),
    (ChangeEvent.APPLY, ChangeState.AWAITING_PAYMENT, ChangeState.APPLIED),
    (ChangeEvent.LAPSE, ChangeState.AWAITING_PAYMENT, ChangeState.EXPIRED),
    (ChangeEvent.DROP, ChangeState.AWAITING_PAYMENT, ChangeState.DROPPED),
)

CHANGE_LIFECYCLE = Lifecycle(ChangeState, CHANGE_TABLE)
