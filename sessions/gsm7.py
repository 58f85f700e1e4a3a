"""The GSM 7-bit alphabet: counting, SMS segments, and the one gate that text passes.

Source of the alphabet and of the two-septet extension table: 3GPP TS 23.038 §6.2.1. A single
character outside it turns a whole screen or message to UCS-2, with less than half the room.
Carriage return and form feed are left out: a phone has no use for them.
"""
# ruff: noqa: RUF001 -- look-alike characters are what this file is about.

import unicodedata

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€")
ALPHABET = BASIC | EXTENSION

SMS_SEPTETS = 160
# Seven of the 160 go to the header that joins the parts of a longer message (TS 23.040).
SMS_PART_SEPTETS = 153

# What NFKD alone would lose or spell badly.
_REPLACED = {
    "`": "'", "´": "'", "ʼ": "'", "ʻ": "'", "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"', "‹": "'", "›": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "•": "-", "·": "-",
    "…": "...", "\t": " ", "\r": "\n", "\u2028": "\n", "\u2029": "\n", "×": "x", "÷": "/",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "ŋ": "ng",
    "Ŋ": "NG", "ð": "d", "þ": "th", "©": "(c)", "®": "(R)", "⁄": "/", "¢": "c",
}  # fmt: skip


def septets(text: str) -> int:
    """Return how many septets a text takes; extension characters take two.

    Raises:
        ValueError: a character is outside the alphabet: the text has not passed ``to_gsm7``.
    """
    letters = frozenset(text)
    if not letters <= ALPHABET:
        raise ValueError("text is not GSM-7")
    doubled = letters & EXTENSION
    return len(text) + sum(text.count(letter) for letter in doubled)


def segments(text: str) -> int:
    """Return how many SMS a text is sent as: 160 septets in one, else 153 in each part.

    A two-septet character is never split between two parts.
    """
    if septets(text) <= SMS_SEPTETS:
        return 1
    parts, used = 1, 0
    for letter in text:
        width = 2 if letter in EXTENSION else 1
        if used + width > SMS_PART_SEPTETS:
            parts, used = parts + 1, 0
        used += width
    return parts


def to_gsm7(text: str) -> str:
    """Return the text in the GSM-7 alphabet; never raises.

    Curly quotes, dashes and typographic spaces become their plain forms, letters lose the marks
    that the alphabet does not have (Mũthoni becomes Muthoni), emoji and control characters go,
    and letters of other scripts become a question mark.
    """
    if frozenset(text) <= BASIC:
        return text
    return "".join(
        letter if letter in ALPHABET else _plain(letter)
        for letter in unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    )


def _plain(letter: str) -> str:
    """The nearest spelling of one character outside the alphabet."""
    if letter in _REPLACED:
        return _REPLACED[letter]
    category = unicodedata.category(letter)
    if category == "Zs":
        return " "
    spelled = "".join(
        _REPLACED.get(base, base)
        for base in unicodedata.normalize("NFKD", letter)
        if not unicodedata.combining(base)
    )
    if spelled and frozenset(spelled) <= ALPHABET:
        return spelled
    return "?" if category[0] in "LN" else ""
