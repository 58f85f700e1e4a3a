"""What people type, made comparable with what is stored. Pure."""

import re
import unicodedata

from core.limits import SEARCH_WORDS_MAX

TOKENS_MAX = 8
_NO_APOSTROPHES = str.maketrans("", "", "'\u2018\u2019`")
_TOKEN = re.compile(r"[^\W_]+")

# PostgreSQL knows no Swahili: the words that customers type for what vendors write in English.
# All of this is plain (lower case, without accents).
SYNONYMS: dict[str, tuple[str, ...]] = {
    "ukumbi": ("hall", "venue"),
    "kumbi": ("hall", "venue"),
    "harusi": ("wedding",),
    "mkutano": ("meeting", "conference"),
    "mikutano": ("meeting", "conference"),
    "bustani": ("garden", "gardens"),
    "hema": ("tent",),
    "chakula": ("food", "catering", "kitchen"),
    "nyama": ("meat", "choma"),
    "samaki": ("fish",),
    "keki": ("cake",),
    "chumba": ("room", "rooms"),
    "vyumba": ("room", "rooms"),
    "nyumba": ("house", "cottage"),
    "hoteli": ("hotel",),
    "pwani": ("beach", "coast"),
    "ufuo": ("beach",),
    "ziwa": ("lake",),
    "bwawa": ("pool",),
    "maegesho": ("parking",),
}


def plain(text: str) -> str:
    """Return text as ``plain_text()`` in the database: lower case, no accents, no apostrophes.

    Outer spaces go too.
    """
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(letters).lower().translate(_NO_APOSTROPHES).strip()


def as_tsquery(typed: str) -> str:
    """Return the ``to_tsquery`` text for typed words: each must occur, as a beginning.

    Only letters and digits pass, so nothing typed can be an operator; a text without any gives
    an empty string.
    """
    tokens = _TOKEN.findall(plain(typed[:SEARCH_WORDS_MAX]))[:TOKENS_MAX]
    return " & ".join(
        "(" + " | ".join(f"{word}:*" for word in (token, *SYNONYMS.get(token, ()))) + ")"
        for token in tokens
    )
