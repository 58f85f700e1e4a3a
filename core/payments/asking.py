"""When an attempt is asked about next, and when it is given up.

A provider's word is only looked into. What was given up may have gone through, what arrived may
have come back: both are asked about a little longer.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from core.db.tx import Tx, Work
from core.limits import (
    ATTEMPT_BACKOFF_SECONDS,
    B2C_QUERY_AFTER_SECONDS,
    CARD_GIVE_UP_SECONDS,
    CARD_QUERY_AFTER_SECONDS,
    CARD_REFUND_GIVE_UP_SECONDS,
    LATE_QUESTIONS_MAX,
    STK_GIVE_UP_SECONDS,
    STK_LOST_SECONDS,
    STK_QUERY_AFTER_SECONDS,
    TAKE_BACK_TRIES_MAX,
)
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind, Method
from core.payments.settle import fail
from core.ports.money import NOT_TAKEN_BACK, Reason

# How often a payment whose fate is unknown is asked about before it is sent again by its old id.
PAYOUT_ASKED_MIN = 2
NOWHERE = "nowhere"


def look_now(
    tx: Tx,
    provider: str,
    attempt_id: UUID,
    kinds: Collection[Kind],
    *,
    came_back: bool = False,
) -> str | None:
    """Ask about an attempt at once: its provider says that something has become of it.

    What the provider said is not believed, only looked into. An attempt that was given up is
    asked about too, because its money may have moved late; with ``came_back`` also one that has
    succeeded.

    Returns:
        None when it will be asked, else why not: ``unknown_attempt``, ``being_sent`` (say it
        again later), ``repeat`` (its success is known).
    """
    attempt = tx.db.scalar(
        select(Attempt)
        .where(Attempt.id == attempt_id, Attempt.provider == provider, Attempt.kind.in_(kinds))
        .with_for_update()
    )
    if attempt is None or attempt.sent_at is None:
        return "unknown_attempt"
    if attempt.state is AttemptState.SUCCEEDED and not came_back:
        return "repeat"
    if attempt.state in {AttemptState.QUEUED, AttemptState.SENDING}:
        return "being_sent"
    if attempt.state is AttemptState.FAILED:
        attempt.asked = 0
    attempt.due_at = tx.now
    tx.wake(Work.ATTEMPTS)
    return None


def ask_late(tx: Tx, attempt: Attempt) -> Attempt | None:
    """Plan the next question about an attempt that was settled; they end by themselves.

    One that was given up may have gone through, money that arrived may have come back.
    """
    if attempt.state is AttemptState.SUCCEEDED and attempt.kind is not Kind.COLLECTION:
        attempt.due_at = None
        return attempt
    failed = attempt.state is AttemptState.FAILED and attempt.sent_at is not None
    if not failed or attempt.asked >= LATE_QUESTIONS_MAX:
        attempt.due_at = None
        return None
    pause = ATTEMPT_BACKOFF_SECONDS[min(attempt.asked, len(ATTEMPT_BACKOFF_SECONDS) - 1)]
    attempt.asked += 1
    attempt.due_at = tx.now + timedelta(seconds=pause)
    return attempt


def ask_in_time(tx: Tx, attempt: Attempt) -> Attempt | None:
    """Plan the next question; give a silent prompt up when its time has passed."""
    assert attempt.sent_at is not None, "what was never sent is not asked about"
    silent_seconds = (tx.now - attempt.sent_at).total_seconds()
    if attempt.kind is Kind.COLLECTION and silent_seconds >= _give_up_seconds(attempt):
        fail(tx, attempt, Reason.SILENT, "silent")
        return None
    if _stands_untouched(attempt):
        fail(tx, attempt, Reason.OTHER, NOT_TAKEN_BACK)
        return None
    if _is_nowhere(attempt, silent_seconds):
        fail(tx, attempt, Reason.SILENT, NOWHERE)
        return None
    attempt.asked += 1
    attempt.due_at = next_question(attempt, tx.now)
    return attempt


def _is_nowhere(attempt: Attempt, silent_seconds: float) -> bool:
    """Tell whether a refund to a card may never have reached its provider, after long asking."""
    return (
        attempt.kind is Kind.RETURN
        and attempt.method is Method.CARD
        and attempt.reference is None
        and silent_seconds >= CARD_REFUND_GIVE_UP_SECONDS
    )


def _give_up_seconds(attempt: Attempt) -> int:
    if attempt.method is Method.CARD:
        return CARD_GIVE_UP_SECONDS
    return STK_GIVE_UP_SECONDS if _was_taken(attempt) else STK_LOST_SECONDS


def _stands_untouched(attempt: Attempt) -> bool:
    """Tell whether a payment was not taken back, however often its provider was told to.

    Should it still do so late, that is a late success like any other.
    """
    return (
        attempt.takes_back is not None
        and attempt.code == NOT_TAKEN_BACK
        and attempt.tries >= TAKE_BACK_TRIES_MAX
        and attempt.asked >= PAYOUT_ASKED_MIN
    )


def _was_taken(attempt: Attempt) -> bool:
    """Tell whether the provider has given a push an id of its own."""
    return attempt.reference not in {None, str(attempt.id)}


def next_question(attempt: Attempt, now: datetime) -> datetime:
    """Return when an attempt that was sent is asked about next."""
    if attempt.kind is not Kind.COLLECTION:
        pause = B2C_QUERY_AFTER_SECONDS[min(attempt.asked, len(B2C_QUERY_AFTER_SECONDS) - 1)]
        return now + timedelta(seconds=pause)
    assert attempt.sent_at is not None, "what was never sent is not asked about"
    plan: tuple[int, ...] = (STK_LOST_SECONDS,)
    if attempt.method is Method.CARD:
        plan = CARD_QUERY_AFTER_SECONDS
    elif attempt.reference:
        plan = STK_QUERY_AFTER_SECONDS
    later = (attempt.sent_at + timedelta(seconds=after) for after in plan)
    return next((at for at in later if at > now), now + timedelta(seconds=plan[0]))
