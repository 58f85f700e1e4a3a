"""Dates and times as they are typed on a keypad."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from sessions.dates import day_text, moment_text, parse_day, parse_time, time_text

FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("25/12", date(2026, 12, 25)),
        ("2512", date(2026, 12, 25)),
        ("25-12", date(2026, 12, 25)),
        ("25.12", date(2026, 12, 25)),
        ("25 12", date(2026, 12, 25)),
        ("5/1", date(2027, 1, 5)),
        ("0501", date(2027, 1, 5)),
        ("20/11", date(2026, 11, 20)),
        ("19/11", date(2027, 11, 19)),
        ("25/12/26", date(2026, 12, 25)),
        ("25/12/2027", date(2027, 12, 25)),
        ("251226", date(2026, 12, 25)),
        ("25122026", date(2026, 12, 25)),
        ("25 Dec", date(2026, 12, 25)),
        ("25dec", date(2026, 12, 25)),
        ("25 December 2026", date(2026, 12, 25)),
        ("25 des", date(2026, 12, 25)),
        ("25 Desemba", date(2026, 12, 25)),
        ("3 mei", date(2027, 5, 3)),
        ("3 mac", date(2027, 3, 3)),
        ("29/02/28", date(2028, 2, 29)),
        ("today", FRIDAY),
        ("Leo", FRIDAY),
        (" tomorrow ", date(2026, 11, 21)),
        ("KESHO", date(2026, 11, 21)),
        ("keshokutwa", date(2026, 11, 22)),
        ("sat", date(2026, 11, 21)),
        ("Saturday", date(2026, 11, 21)),
        ("jumamosi", date(2026, 11, 21)),
        ("jmo", date(2026, 11, 21)),
        ("jumapili", date(2026, 11, 22)),
        ("thu", date(2026, 11, 26)),
        ("alhamisi", date(2026, 11, 26)),
        ("friday", date(2026, 11, 27)),
        ("ijumaa", date(2026, 11, 27)),
    ],
)
def test_a_typed_day(typed: str, day: date) -> None:
    assert parse_day(typed, FRIDAY) == day


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("31/02", "bad_date"),
        ("29/02", "bad_date"),
        ("32/1", "bad_date"),
        ("1/13", "bad_date"),
        ("0/0", "bad_date"),
        ("abc", "bad_date"),
        ("25 foo", "bad_date"),
        ("123", "bad_date"),
        ("", "bad_date"),
        ("\u0661\u0662/12", "bad_date"),
        ("19/11/26", "date_past"),
        ("25/12/1999", "date_past"),
        ("yesterday", "date_past"),
        ("jana", "date_past"),
    ],
)
def test_a_day_that_cannot_be_meant(typed: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_day(typed, FRIDAY)
    assert refused.value.code == code


def test_the_29th_of_february_waits_for_a_leap_year() -> None:
    assert parse_day("29/02", date(2027, 11, 20)) == date(2028, 2, 29)


@given(st.text(), st.dates(date(2025, 1, 1), date(2090, 1, 1)))
def test_whatever_is_typed_is_a_day_to_come_or_refused(typed: str, today: date) -> None:
    try:
        day = parse_day(typed, today)
    except BadInput:
        return
    assert day >= today


@given(st.dates(date(2025, 1, 1), date(2090, 1, 1)), st.sampled_from(["en", "sw"]))
def test_a_day_as_it_is_shown_can_be_typed(day: date, language: str) -> None:
    shown = day_text(day, language, year=True).partition(" ")[2]
    assert parse_day(shown, day) == day


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("2pm", time(14)),
        ("2 PM", time(14)),
        ("2.30pm", time(14, 30)),
        ("14:30", time(14, 30)),
        ("1430", time(14, 30)),
        ("930", time(9, 30)),
        ("9", time(9)),
        ("12am", time(0)),
        ("12pm", time(12)),
    ],
)
def test_a_typed_time(typed: str, at: time) -> None:
    assert parse_time(typed) == at


@pytest.mark.parametrize("typed", ["25", "13pm", "0am", "9:60", "noonish", "", "12345"])
def test_a_time_that_cannot_be_meant(typed: str) -> None:
    with pytest.raises(BadInput):
        parse_time(typed)


def test_how_times_are_shown() -> None:
    assert day_text(date(2026, 12, 26), "en") == "Sat 26 Dec"
    assert day_text(date(2026, 12, 26), "sw") == "Jmo 26 Des"
    assert time_text(time(9, 5)) == "09:05"
    assert moment_text(datetime(2026, 12, 25, 22, 30, tzinfo=UTC), "en") == "Sat 26 Dec 01:30"
