"""The life of a dispute as a table. Pure."""

from enum import StrEnum

from core.lifecycle import Lifecycle


class DisputeState(StrEnum):
    """Where a dispute stands."""

    WAITING = "waiting"
    """For the vendor's side."""
    DECIDING = "deciding"
    """The vendor has spoken or let the time pass: it is for an admin."""
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


class DisputeEvent(StrEnum):
    """What can happen to a dispute."""

    ANSWER = "answer"
    LAPSE = "lapse"
    RESOLVE = "resolve"
    WITHDRAW = "withdraw"


TABLE = (
    (DisputeEvent.ANSWER, DisputeState.WAITING, DisputeState.DECIDING),
    (DisputeEvent.LAPSE, DisputeState.WAITING, DisputeState.DECIDING),
    # Nobody is judged unheard: there is no decision while the vendor may still answer.
    (DisputeEvent.RESOLVE, DisputeState.DECIDING, DisputeState.RESOLVED),
    (DisputeEvent.WITHDRAW, DisputeState.WAITING, DisputeState.WITHDRAWN),
    (DisputeEvent.WITHDRAW, DisputeState.DECIDING, DisputeState.WITHDRAWN),
)

LIFECYCLE = Lifecycle(DisputeState, TABLE)

OPEN = frozenset({DisputeState.WAITING, DisputeState.DECIDING})
