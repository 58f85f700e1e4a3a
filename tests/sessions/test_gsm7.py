"""The alphabet that a phone without Unicode shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.gsm7 import ALPHABET, segments, septets, to_gsm7


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("M\u0169thoni", "Muthoni"),
        ("Mu\u0303thoni", "Muthoni"),
        ("Ng\u02bcombe \u2018a\u2019 \u201cb\u201d `c`", "Ng'ombe 'a' \"b\" 'c'"),
        ("KES\u00a066,700 \u202f1\u20092", "KES 66,700  1 2"),
        ("10\u201312 \u2014 now\u2026", "10-12 - now..."),
        ("Karibu \U0001f389\ufe0f sana\u200d!", "Karibu  sana!"),
        ("caf\u00e9 \u00fcber \u00d1", "caf\u00e9 \u00fcber \u00d1"),
        ("a\u0301e\u0301", "ae\u0301".replace("e\u0301", "\u00e9")),
        ("\u017bu\u0142aw", "Zulaw"),
        ("\u5927\u962a", "??"),
        ("line\r\none\rtwo\x00\x1b", "line\none\ntwo"),
        ("\u00bd \ufb01ne \u2460", "1/2 fine 1"),
        ("[x] {y} ~ ^ \\ | \u20ac", "[x] {y} ~ ^ \\ | \u20ac"),
    ],
)
def test_the_gate_spells_what_the_alphabet_has_not(text: str, plain: str) -> None:
    assert to_gsm7(text) == plain


@given(st.text())
def test_the_gate_never_raises_and_what_passed_stays(text: str) -> None:
    plain = to_gsm7(text)
    assert set(plain) <= ALPHABET
    assert to_gsm7(plain) == plain
    assert septets(plain) >= len(plain)


def test_extension_characters_count_twice() -> None:
    assert septets("abc") == 3
    assert septets("[a]\u20ac\u20ac") == 9
    with pytest.raises(ValueError, match="GSM-7"):
        septets("\u0169")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("\u20ac" * 80, 1),
        ("\u20ac" * 81, 2),
        # 152 + a two-septet character leaves one septet of the first part unused.
        ("a" * 152 + "\u20ac" + "a" * 151, 2),
        ("a" * 152 + "\u20ac" + "a" * 152, 3),
    ],
)
def test_segments(text: str, count: int) -> None:
    assert segments(text) == count
