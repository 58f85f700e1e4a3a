"""Who may say how it was, until when, and what stands in a review. Pure."""

from datetime import datetime, timedelta

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.contacts import without_contacts
from core.errors import BadInput, Refused
from core.limits import (
    REVIEW_EDIT_SECONDS,
    REVIEW_WITHIN_SECONDS,
    REVIEW_WORDS_MAX,
    STARS_MAX,
)
from core.reviews.model import Review

DONE = frozenset({State.COMPLETED, State.PAID_OUT})


def check_may_review(booking: Booking, now: datetime) -> None:
    """Refuse a first review of what was not given, or was given long ago.

    Raises:
        Refused: ``too_early`` (also of what will never be done), ``review_late``.
    """
    if booking.state not in DONE or booking.completed_at is None:
        raise Refused("too_early")
    if now > booking.completed_at + timedelta(seconds=REVIEW_WITHIN_SECONDS):
        raise Refused("review_late")


def check_may_edit(review: Review, now: datetime) -> None:
    """Refuse to correct a review that stands, or that is not shown; raises ``review_late``."""
    if review.hidden_at is not None or now > edit_until(review):
        raise Refused("review_late")


def edit_until(review: Review) -> datetime:
    """Return until when a review can be corrected."""
    return review.written_at + timedelta(seconds=REVIEW_EDIT_SECONDS)


def may_review(booking: Booking, review: Review | None, now: datetime) -> bool:
    """Tell whether a booking's customer can write or correct its review now."""
    try:
        if review is None:
            check_may_review(booking, now)
        else:
            check_may_edit(review, now)
    except Refused:
        return False
    return True


def check_stars(stars: int) -> None:
    """Raises BadInput (``bad_stars``): there are one to five."""
    if not 1 <= stars <= STARS_MAX:
        raise BadInput("bad_stars")


def fit_words(words: str) -> str:
    """Return words as they are kept: in one line, with no numbers, addresses or links.

    Raises:
        BadInput: ``note_too_long`` (data: most).
    """
    line = " ".join(words.split())
    if len(line) > REVIEW_WORDS_MAX:
        raise BadInput("note_too_long", most=REVIEW_WORDS_MAX)
    return without_contacts(line)[:REVIEW_WORDS_MAX]


def tenths(count: int, total: int) -> int:
    """Return the average of some stars in tenths of a star, rounded half up."""
    return (20 * total + count) // (2 * count)
