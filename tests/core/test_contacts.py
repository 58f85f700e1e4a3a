"""Numbers, addresses and links are taken out of words, however they are written; sums are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contacts import HIDDEN, without_contacts

FIGURES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TARAKIMU = ("sifuri", "moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane", "tisa")


@pytest.mark.parametrize(
    "number",
    [
        "0700000001",
        "+254700000001",
        "254 700 000 001",
        "0 7 0 0 0 0 0 0 0 1",
        "07-00-00-00-01",
        "0700.000.001",
        "(0700) 000 001",
        "O7OOOOOOO1",
        "zero seven zero zero zero zero zero zero zero one",
        "Sifuri saba sifuri sifuri sifuri sifuri sifuri sifuri sifuri moja",
        "0700 triple 0000001 oh two",
        "07 double 00000001",
        "\u0660\u0667\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0661",
        "07\u200b000\u200b00001",
        "amina@example.com",
        "amina (at) example (dot) com",
        "amina at example dot com",
        "https://example.com/book",
        "www.example.com",
        "example.co.ke/hall",
        "@amina_halls",
        "till 512345",
    ],
)
def test_a_way_around_us_is_taken_out(number: str) -> None:
    shown = without_contacts(f"Call me: {number} today")

    assert shown.count(HIDDEN) == 1
    assert shown.startswith("Call me: ")
    assert shown.endswith(" today")
    assert not any(ch.isdigit() for ch in shown)


@pytest.mark.parametrize(
    "words",
    [
        "25/12/2026, 80 people, KES 66,700",
        "KES 1,250,000,000 is too much",
        "from 8:30 to 17:45, 2 halls of 150",
        "One or two rooms? Three at most.",
        "Moja au mbili, tatu hapana.",
        "2500 per plate for 120 people",
        "It was great. Come again!",
        "Is there parking for 50 cars at the hall?",
    ],
)
def test_what_people_ask_about_is_left_alone(words: str) -> None:
    assert without_contacts(words) == words


@given(
    digits=st.lists(st.integers(0, 9), min_size=9, max_size=12),
    gaps=st.lists(st.sampled_from(["", " ", ".", "-", ", ", "  "]), min_size=12, max_size=12),
    names=st.lists(st.sampled_from([None, FIGURES, TARAKIMU]), min_size=12, max_size=12),
)
def test_no_spelling_of_a_number_comes_through(
    digits: list[int], gaps: list[str], names: list[tuple[str, ...] | None]
) -> None:
    written = ""
    for digit, gap, figures in zip(digits, ["", *gaps], names, strict=False):
        written += (gap or " ") + figures[digit] + " " if figures else f"{gap}{digit}"

    shown = without_contacts(f"piga {written} leo")

    assert shown == f"piga {HIDDEN} leo"
