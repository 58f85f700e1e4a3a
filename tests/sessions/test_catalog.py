"""The catalogs have every sentence, with its places, in letters that a phone shows."""

import re
from string import Formatter
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from sessions.gsm7 import septets, to_gsm7
from sessions.texts import DRAFTS, LANGUAGES, LOCALE


def _places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def _forms(words: Any) -> tuple[str, ...]:
    return words if isinstance(words, tuple) else (words,)


def _letters(sentence: str) -> str:
    return re.sub(r"\{\w+\}|[^A-Za-z]", "", sentence)


@pytest.mark.parametrize("language", [*LANGUAGES, *DRAFTS])
def test_the_catalog_has_every_sentence_with_its_places_in_plain_letters(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, language)
    keywords: dict[str, tuple[int, ...] | None] = {"t": None, "n": (1, 2)}
    written = {
        _forms(found[2])[0]
        for found in extract_from_dir(LOCALE.parent, [("**.py", "python")], keywords=keywords)
    }
    known = {_forms(message.id)[0] for message in catalog if message.id}
    assert written <= known

    for message in catalog:
        if not message.id:
            continue
        for original, words in zip(_forms(message.id), _forms(message.string) or (), strict=True):
            assert not message.fuzzy, original
            if words:
                assert _places(words) == _places(original), original
                # Raises for a letter that a phone would not show. A draft may spell as people
                # write; the gate finds the phone's letters.
                septets(to_gsm7(words) if language in DRAFTS else words)
                assert "?" in original or "?" not in to_gsm7(words), original
            if language not in {"en", *DRAFTS} and _letters(original):
                assert words, f"not translated: {original}"
                assert words != original or _same_in_both(original), original


def _same_in_both(sentence: str) -> bool:
    """Names and the words that Kenyans use in both languages."""
    return sentence in {"M-Pesa", "PIN", "SMS", "wifi"}
