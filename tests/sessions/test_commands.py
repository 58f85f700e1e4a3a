"""What an SMS means, written by thick fingers in two languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.commands import Command, Verb, understand

MINE = ("K7P4Q", "XX344")

EVERYBODY = [
    ("STOP", Command(Verb.STOP)),
    (" acha ", Command(Verb.STOP)),
    ("Start", Command(Verb.START)),
    ("anza.", Command(Verb.START)),
    ("STOP OFFERS", Command(Verb.STOP)),
    ("Acha ofa!", Command(Verb.STOP)),
    ("anza ofa", Command(Verb.START)),
    ("FREEZE", Command(Verb.FREEZE)),
    (" zuia! ", Command(Verb.FREEZE)),
    ("help", Command(Verb.HELP)),
    ("Msaada!", Command(Verb.HELP)),
    ("ENGLISH", Command(Verb.ENGLISH)),
    ("kiswahili", Command(Verb.SWAHILI)),
    ("status", Command(Verb.STATUS)),
    ("HALI k7p4q", Command(Verb.STATUS, "K7P4Q")),
    ("k7p4q status", Command(Verb.STATUS, "K7P4Q")),
    ("K7P4Q", Command(Verb.STATUS, "K7P4Q")),
    ("pay", Command(Verb.PAY)),
    ("Lipa K7P4Q", Command(Verb.PAY, "K7P4Q")),
    ("PAY K7P4Q now please", Command(Verb.PAY, "K7P4Q")),
    ("cancel", Command(Verb.CANCEL)),
    ("CANCEL k7p4q", Command(Verb.CANCEL, "K7P4Q")),
    ("ghairi K7P4Q ndiyo", Command(Verb.CANCEL, "K7P4Q", sure=True)),
    ("yes cancel K7P4Q", Command(Verb.CANCEL, "K7P4Q", sure=True)),
    # A cancellation is confirmed in a word, and neither it nor the code is guessed.
    ("CANCEL K7P4Q 1", Command(Verb.CANCEL, "K7P4Q")),
    ("CANCEL K7P4Q ok", Command(Verb.CANCEL, "K7P4Q")),
    ("CANCEL K7P4Q yes no", Command(Verb.CANCEL, "K7P4Q")),
    ("CANCEL K7P4O yes", Command(Verb.CANCEL, guessed=True, sure=True)),
    ("cancel yes", Command(Verb.CANCEL, sure=True)),
    ("receipt", Command(Verb.RECEIPT)),
    ("RISITI k7p4q", Command(Verb.RECEIPT, "K7P4Q")),
    ("K7P4Q stakabadhi", Command(Verb.RECEIPT, "K7P4Q")),
    ("receipt K7P4O", Command(Verb.RECEIPT, guessed=True)),
    # There is no statement of customers: the desk says so.
    ("statement", Command(Verb.STATEMENT)),
    ("Problem", Command(Verb.PROBLEM)),
    (
        "PROBLEM k7p4q: no power, not OK!",
        Command(Verb.PROBLEM, "K7P4Q", words="no power, not OK!"),
    ),
    ("k7p4q shida maji", Command(Verb.PROBLEM, "K7P4Q", words="maji")),
    # What is told is free: no command in it counts.
    ("SHIDA K7P4Q cancel or pay? NO", Command(Verb.PROBLEM, "K7P4Q", words="cancel or pay? NO")),
    ("problem the hall was closed", Command(Verb.PROBLEM, words="the hall was closed")),
    # Nobody's money is frozen on a guess.
    ("PROBLEM K7P4O closed", Command(Verb.PROBLEM, guessed=True, words="closed")),
    ("change", Command(Verb.CHANGE)),
    ("BADILI k7p4q", Command(Verb.CHANGE, "K7P4Q")),
    ("Change K7P4Q 25/12 80", Command(Verb.CHANGE, "K7P4Q", wish="25/12 80")),
    (
        "badilisha k7p4q, 25.12.2027 80 ndiyo",
        Command(Verb.CHANGE, "K7P4Q", sure=True, wish="25.12.2027 80"),
    ),
    ("CHANGE K7P4Q 80 YES", Command(Verb.CHANGE, "K7P4Q", sure=True, wish="80")),
    # 25DEC and 2DEC7 have the form of a code, but are none that is open.
    ("CHANGE 25DEC 80 K7P4Q", Command(Verb.CHANGE, "K7P4Q", wish="25DEC 80")),
    ("CHANGE K7P4O 80 yes", Command(Verb.CHANGE, guessed=True, sure=True, wish="80")),
    ("change 80", Command(Verb.CHANGE, wish="80")),
    ("", Command(Verb.UNKNOWN)),
    ("what do you sell", Command(Verb.UNKNOWN)),
    ("3", Command(Verb.NUMBER, number=3)),
]

VENDORS = [
    ("1", Command(Verb.ACCEPT, number=1)),
    ("2", Command(Verb.DECLINE, number=2)),
    ("yes", Command(Verb.ACCEPT)),
    ("NDIYO", Command(Verb.ACCEPT)),
    ("Accept.", Command(Verb.ACCEPT)),
    ("hapana", Command(Verb.DECLINE)),
    ("K7P4Q 1", Command(Verb.ACCEPT, "K7P4Q", 1)),
    ("1 k7p4q", Command(Verb.ACCEPT, "K7P4Q", 1)),
    ("k7p4q1", Command(Verb.ACCEPT, "K7P4Q", 1)),
    ("2k7p4q", Command(Verb.DECLINE, "K7P4Q", 2)),
    ("yes k7p4q", Command(Verb.ACCEPT, "K7P4Q")),
    ("K7P4O yes", Command(Verb.ACCEPT, "K7P4Q", guessed=True)),
    ("K7PQ4 2", Command(Verb.DECLINE, "K7P4Q", 2, guessed=True)),
    ("K74Q 1", Command(Verb.ACCEPT, "K7P4Q", 1, guessed=True)),
    ("problem k7p4q yes it was clean", Command(Verb.PROBLEM, "K7P4Q", words="yes it was clean")),
    ("yes no", Command(Verb.UNKNOWN)),
    ("Statement", Command(Verb.STATEMENT)),
    ("TAARIFA 10", Command(Verb.STATEMENT, number=10)),
    ("taarifa october", Command(Verb.STATEMENT)),
]


@pytest.mark.parametrize(("text", "meant"), EVERYBODY, ids=lambda value: str(value)[:24])
def test_words_that_everybody_may_send(text: str, meant: Command) -> None:
    assert understand(text, vendor=False, open_codes=MINE) == meant


@pytest.mark.parametrize(("text", "meant"), VENDORS, ids=lambda value: str(value)[:24])
def test_a_vendors_answers(text: str, meant: Command) -> None:
    assert understand(text, vendor=True, open_codes=MINE) == meant


def test_a_customer_cannot_answer_for_a_vendor() -> None:
    assert understand("yes", vendor=False, open_codes=MINE).verb is Verb.UNKNOWN


def test_words_that_always_count_win_over_a_vendors_answers() -> None:
    assert understand("stop", vendor=True, open_codes=MINE).verb is Verb.STOP


def test_money_is_never_guessed_at() -> None:
    guessed = understand("PAY K7P4Z", vendor=False, open_codes=MINE)

    assert guessed == Command(Verb.PAY, None, guessed=True)


def test_a_slip_that_could_mean_two_codes_means_neither() -> None:
    # One letter from both.
    found = understand("K7P4 1", vendor=True, open_codes=("K7P4Q", "K7P4R"))

    assert found.code is None


@given(st.text(max_size=300), st.booleans())
def test_whatever_is_sent_means_something_or_nothing(text: str, vendor: bool) -> None:  # noqa: FBT001 -- drawn by Hypothesis.
    found = understand(text, vendor=vendor, open_codes=MINE)

    assert found.code is None or len(found.code) == 5
    assert vendor or found.verb not in {Verb.ACCEPT, Verb.DECLINE}
