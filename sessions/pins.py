"""PINs that somebody sends us by mistake: hidden before anything of the message is stored."""

import re

from core import talks
from core.db.tx import Tx
from sessions.commands import HIDDEN
from sessions.searching import question_of

_NAMED = re.compile(
    r"\b(?:m-?pesa\s+)?(?:m-?pin|pin|nambari\s+ya\s+siri|namba\s+ya\s+siri|siri|password)\b"
    r"\W*(?:[^\W\d]+\W+){0,3}(\d{4})\b",
    re.IGNORECASE,
)
_NAMED_AFTER = re.compile(
    r"\b(\d{4})\b\W+(?:[^\W\d]+\W+){0,3}(?:m-?pin|pin|siri|password)\b", re.IGNORECASE
)
_ALONE = re.compile(r"\W*(\d{4})\W*")


def hide_named(text: str) -> str:
    """Return a message without four digits that it calls a PIN."""
    for pattern in (_NAMED, _NAMED_AFTER):
        text = pattern.sub(_hidden, text)
    return text


def is_bare(text: str) -> bool:
    """Tell whether a message is four digits and nothing else."""
    return _ALONE.fullmatch(text) is not None


def hide(tx: Tx, msisdn: str | None, text: str) -> str:
    """Return a message as it may be stored.

    Args:
        tx: where it is looked up whether a number has been asked for.
        msisdn: the sender; None for one that is no phone.
        text: as it came. Four digits alone are a PIN unless an open screen asks for something to
            be typed (a day such as 2512, a budget).
    """
    if is_bare(text) and not (msisdn and _is_asked(tx, msisdn)):
        return HIDDEN
    return hide_named(text)


def _is_asked(tx: Tx, msisdn: str) -> bool:
    talk = tx.db.get(talks.OpenTalk, msisdn)
    return talk is not None and talks.is_open(talk, tx.now) and question_of(talk) is not None


def _hidden(found: re.Match[str]) -> str:
    whole = found[0]
    start = found.start(1) - found.start()
    return f"{whole[:start]}{HIDDEN}{whole[start + len(found[1]) :]}"
