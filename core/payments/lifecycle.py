"""The life of an attempt to move money. Pure.

Success is terminal; a late success beats a recorded failure (DESIGN §3 rule 4).
"""

from enum import StrEnum

from core.lifecycle import Lifecycle


class AttemptState(StrEnum):
    """What is known of an attempt."""

    QUEUED = "queued"
    SENDING = "sending"
    PENDING = "pending"
    """The provider took it."""
    UNKNOWN = "unknown"
    """It may have been taken: ask before anything is sent again."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    SEND = "send"
    ACCEPT = "accept"
    REQUEUE = "requeue"
    LOSE = "lose"
    SUCCEED = "succeed"
    FAIL = "fail"


_S, _E = AttemptState, AttemptEvent

TABLE = (
    (_E.SEND, _S.QUEUED, _S.SENDING),
    (_E.FAIL, _S.QUEUED, _S.FAILED),
    (_E.ACCEPT, _S.SENDING, _S.PENDING),
    (_E.ACCEPT, _S.UNKNOWN, _S.PENDING),
    (_E.REQUEUE, _S.SENDING, _S.QUEUED),
    (_E.REQUEUE, _S.UNKNOWN, _S.QUEUED),
    (_E.LOSE, _S.SENDING, _S.UNKNOWN),
    (_E.LOSE, _S.PENDING, _S.UNKNOWN),
    # What waits to be sent again may have gone through the first time, whatever was answered.
    (_E.SUCCEED, _S.QUEUED, _S.SUCCEEDED),
    (_E.SUCCEED, _S.SENDING, _S.SUCCEEDED),
    (_E.SUCCEED, _S.PENDING, _S.SUCCEEDED),
    (_E.SUCCEED, _S.UNKNOWN, _S.SUCCEEDED),
    (_E.SUCCEED, _S.FAILED, _S.SUCCEEDED),
    (_E.FAIL, _S.SENDING, _S.FAILED),
    (_E.FAIL, _S.PENDING, _S.FAILED),
    (_E.FAIL, _S.UNKNOWN, _S.FAILED),
)

LIFECYCLE = Lifecycle(AttemptState, TABLE)

OPEN = frozenset({_S.QUEUED, _S.SENDING, _S.PENDING, _S.UNKNOWN})


class RefundState(StrEnum):
    """Where the way back of a booking's money stands."""

    OPEN = "open"
    """An attempt is planned or open."""
    RETURNED = "returned"
    FAILED = "failed"
    """Every try failed for certain: it waits for a person."""
    REVERSED = "reversed"
    """It had arrived and came back: it waits for a person."""


class RefundEvent(StrEnum):
    """What can happen to a refund."""

    RETURN = "return"
    FAIL = "fail"
    RETRY = "retry"
    """A person has found out what was wrong."""
    REVERSE = "reverse"
    """The provider shows that it came back."""


REFUND_TABLE = (
    (RefundEvent.RETURN, RefundState.OPEN, RefundState.RETURNED),
    (RefundEvent.FAIL, RefundState.OPEN, RefundState.FAILED),
    (RefundEvent.RETRY, RefundState.FAILED, RefundState.OPEN),
    # A try that we had given up may still turn out to have gone through.
    (RefundEvent.RETURN, RefundState.FAILED, RefundState.RETURNED),
    (RefundEvent.REVERSE, RefundState.RETURNED, RefundState.REVERSED),
    (RefundEvent.RETRY, RefundState.REVERSED, RefundState.OPEN),
    (RefundEvent.RETURN, RefundState.REVERSED, RefundState.RETURNED),
)

REFUND_LIFECYCLE = Lifecycle(RefundState, REFUND_TABLE)
