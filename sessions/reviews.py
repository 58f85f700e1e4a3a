"""Reviews by SMS: ``5 great food`` or ``K7P4Q 5 great food`` for who has something to review.

The code stands before or behind the stars, or is left out: then the newest booking without a
review is meant. Sent again within two days, it corrects the first.
"""

import re
from dataclasses import dataclass

from core.booking.lifecycle import PAID
from core.booking.queries import booking_by_code
from core.db.tx import Tx
from core.errors import NotFound
from core.ids import is_code
from core.people.queries import user_id
from core.people.usecases import Person
from core.reviews.queries import codes_to_review
from core.reviews.usecases import leave_review
from sessions.texts import T, cut, t

_TOLD = re.compile(
    r"\W*(?:(?P<code>\w{5})\W+)?(?P<stars>[1-5])(?:\s?/\s?5)?"
    r"(?:\s?(?:\*+|(?:stars?|nyota)\b))?(?:[\s.,:;!-]+(?P<words>.*))?",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a message says of something that is over.

    Attributes:
        code: the booking it names.
        words: None when there are none.
    """

    code: str | None
    stars: int
    words: str | None


def understand_review(text: str) -> Told | None:
    """Return stars and words of a message; None when it is no review."""
    found = _TOLD.fullmatch(text.strip())
    if found is None:
        return None
    before, words = (found["code"] or "").upper(), (found["words"] or "").strip()
    first, _, rest = words.partition(" ")
    behind = first.strip(".,:;!").upper()
    if before and not is_code(before):
        return None
    if not before and is_code(behind):
        return Told(behind, int(found["stars"]), rest.strip() or None)
    return Told(before or None, int(found["stars"]), words or None)


def answer_review(tx: Tx, person: Person, text: str, *, awaited: bool) -> T | None:
    """Return the answer to a review and keep it; None when the message is none.

    Args:
        tx: the caller's transaction.
        person: the sender.
        text: the message.
        awaited: a number of this sender would answer something else: then only a message that
            names its booking is a review.

    Raises:
        Refused: what ``leave_review`` says.
    """
    told = understand_review(text)
    customer = user_id(tx, person.msisdn)
    if told is None or customer is None:
        return None
    code = told.code
    if code is None:
        codes = codes_to_review(tx, person.msisdn, 1)
        if awaited or not codes:
            return None
        code = codes[0]
    try:
        view = booking_by_code(tx, code)
    except NotFound:
        return None
    if view.booking.customer_id != customer or view.booking.state not in PAID:
        return None  # A vendor answers a request with its code and a number.
    kept = leave_review(tx, view.booking.id, customer, told.stars, told.words)
    return t(
        "Thank you: {stars} of 5 for {name}, {code}. To change it, send it again within 2 days.",
        stars=kept.stars,
        name=cut(view.listing.title),
        code=code,
    )
