"""Takes out of somebody's words what would lead past us: numbers, addresses, links. Pure.

People spell numbers with spaces, dots and words, in English and Swahili; what has nine digits in
a row, however they are written, is a phone number (Kenyan ones have nine behind the 0 or +254).
Dates and prices have fewer, or strokes and commas between them.
"""

import re
import unicodedata

HIDDEN = "***"
PHONE_DIGITS_MIN = 9

DIGIT_WORDS = (
    "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "sifuri", "moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane", "tisa",
)  # fmt: skip

_WORD = "|".join(sorted(DIGIT_WORDS, key=len, reverse=True))
# The letter O and a small L stand in for 0 and 1 where digits are around them.
_DIGITS = r"[Oo]?\d[\dOol]*"
_PIECE = rf"(?:{_DIGITS}|(?<![^\W\d])(?:{_WORD})(?![^\W\d]))"
_GAP = r"[\s.,()_+*-]{0,3}(?:(?:double|triple)\s)?"
_RUN = re.compile(rf"\+?{_PIECE}(?:{_GAP}{_PIECE})*", re.IGNORECASE)
_IN_RUN = re.compile(_PIECE, re.IGNORECASE)
_MAIL = re.compile(
    r"[\w.+-]+\s?(?:@|[\[(]\s?at\s?[\])])\s?[\w-]+(?:\s?(?:\.|[\[(]\s?dot\s?[\])])\s?\w+)*"
    r"|[\w.+-]+ at [\w-]+ dot \w+(?: dot \w+)*",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|info|biz|ke|tz|ug|co|me|io|app|ly|link|site|online)\b"
    r"(?:/\S*)?",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<!\w)@\w{3,}")
# Where money could go instead: a till or a paybill with its number.
_TILL = re.compile(
    r"\b(till|paybill|pay bill|buy goods|pochi)\b"
    r"(\W{0,3}(?:(?:no|number|nambari|namba|ni|is)\W{0,3}){0,3})\d[\d ]{3,8}\d",
    re.IGNORECASE,
)


def without_contacts(text: str) -> str:
    """Return words in one line, with three stars for each number, address or link."""
    shown = "".join(ch for ch in text if unicodedata.category(ch) != "Cf")
    line = " ".join(unicodedata.normalize("NFKC", shown).split())
    for pattern in (_MAIL, _LINK, _HANDLE):
        line = pattern.sub(HIDDEN, line)
    line = _TILL.sub(rf"\1\2{HIDDEN}", line)
    return _RUN.sub(_number_hidden, line)


def _number_hidden(run: re.Match[str]) -> str:
    written = run[0]
    digits = sum(
        len(piece) if any(ch.isdigit() for ch in piece) else 1
        for piece in _IN_RUN.findall(written)
    )
    # Sums such as 1,250,000,000 are grouped by threes.
    if digits < PHONE_DIGITS_MIN or re.fullmatch(r"\d{1,3}(,\d{3})+", written):
        return written
    return HIDDEN
