"""When a booking's timer runs out, by state. Pure; every limit is DESIGN §5's."""

from datetime import datetime, timedelta

from core.limits import (
    ACCEPTED_HOLD_SECONDS,
    ANSWER_BEFORE_START_SECONDS,
    ANSWER_SECONDS,
    COMPLETE_AFTER_SECONDS,
    INSTANT_HOLD_MAX_SECONDS,
    INSTANT_HOLD_SECONDS,
    PART_HOLD_SECONDS,
    PART_NEXT_DAY_SECONDS,
    PIN_LOCK_SECONDS,
    RELEASE_AFTER_SECONDS,
    REST_LEAST_SECONDS,
    REST_REMINDER_SECONDS,
    STK_GIVE_UP_SECONDS,
)


def _before_start(starts_at: datetime) -> datetime:
    return starts_at - timedelta(seconds=ANSWER_BEFORE_START_SECONDS)


def answer_due(now: datetime, starts_at: datetime) -> datetime:
    """Return until when a vendor can answer: 24 h, never past 6 h before the start."""
    return min(now + timedelta(seconds=ANSWER_SECONDS), _before_start(starts_at))


def instant_hold_due(now: datetime) -> datetime:
    """Return until when the units of an instant booking wait for the payment: 15 min."""
    return now + timedelta(seconds=INSTANT_HOLD_SECONDS)


def accepted_hold_due(now: datetime, starts_at: datetime) -> datetime:
    """Return until when the units of an accepted request wait: 12 h, not past 6 h before.

    A vendor who accepts in the last minutes still leaves the customer an instant booking's time.
    """
    by_day = min(now + timedelta(seconds=ACCEPTED_HOLD_SECONDS), _before_start(starts_at))
    return max(by_day, instant_hold_due(now))


def change_hold_due(now: datetime, starts_at: datetime, *, accepted: bool) -> datetime:
    """Return until when the difference of a change can be paid.

    As long as a new booking can: 15 min, or 12 h after a vendor has said yes; never past the
    start.
    """
    by_then = accepted_hold_due(now, starts_at) if accepted else instant_hold_due(now)
    return min(by_then, starts_at)


def change_hold_limit(due_at: datetime, starts_at: datetime) -> datetime:
    """Return how far an open payment attempt may stretch the hold of a change."""
    return min(due_at + timedelta(seconds=STK_GIVE_UP_SECONDS), starts_at)


def pin_locked_until(now: datetime) -> datetime:
    """Return until when no check-in PIN is taken after too many wrong ones: 15 min."""
    return now + timedelta(seconds=PIN_LOCK_SECONDS)


def hold_limit(
    created_at: datetime, accepted_at: datetime | None, starts_at: datetime
) -> datetime:
    """Return how far an open payment attempt may stretch a hold.

    An instant hold ends 30 min after it began at the latest; a longer one is stretched by the
    time after which a silent prompt is given up.
    """
    if accepted_at is None:
        return created_at + timedelta(seconds=INSTANT_HOLD_MAX_SECONDS)
    return accepted_hold_due(accepted_at, starts_at) + timedelta(seconds=STK_GIVE_UP_SECONDS)


def part_hold_due(came_at: datetime, starts_at: datetime, *, next_day: bool) -> datetime:
    """Return how long a part of the price that has come keeps the units waiting for the next.

    Args:
        came_at: when it came.
        starts_at: when the service begins; the wait ends 6 h before.
        next_day: whether a customer's limit for today may not carry the next part.
    """
    wait_seconds = PART_NEXT_DAY_SECONDS if next_day else PART_HOLD_SECONDS
    return min(came_at + timedelta(seconds=wait_seconds), _before_start(starts_at))


def rest_deadline(now: datetime, rest_due_at: datetime, starts_at: datetime) -> datetime:
    """Return until when the rest may come after a deposit that has come now.

    As was agreed; a deposit that came so late leaves a day, never past 6 h before the start.
    """
    least = min(now + timedelta(seconds=REST_LEAST_SECONDS), _before_start(starts_at))
    return max(rest_due_at, least)


def rest_due(now: datetime, rest_due_at: datetime) -> datetime:
    """Return what comes next of a rest that is owed: a reminder, or its deadline."""
    reminders = (rest_due_at - timedelta(seconds=before) for before in REST_REMINDER_SECONDS)
    return next((at for at in reminders if at > now), rest_due_at)


def complete_due(ends_at: datetime) -> datetime:
    """Return when a service counts as done by itself: a day after its end."""
    return ends_at + timedelta(seconds=COMPLETE_AFTER_SECONDS)


def release_due(completed_at: datetime) -> datetime:
    """Return when the money of a completed booking becomes the vendor's: two days later."""
    return completed_at + timedelta(seconds=RELEASE_AFTER_SECONDS)
