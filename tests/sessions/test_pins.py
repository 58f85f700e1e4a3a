"""A PIN sent by mistake is hidden; four digits that were asked for are left alone."""

import pytest

from core import talks
from core.db.tx import Database
from core.talks import Channel
from sessions.commands import Verb, understand
from sessions.fit import view_of
from sessions.flow import Ask, Menu, Option, Person
from sessions.pins import hide, hide_named
from sessions.state import State
from tests.support.factories import CUSTOMER


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("my pin is 1234", "my pin is ****"),
        ("PIN:1234", "PIN:****"),
        ("M-PESA PIN 9876 pay K7P4Q", "M-PESA PIN **** pay K7P4Q"),
        ("nambari ya siri ni 4321", "nambari ya siri ni ****"),
        ("1234 ndio pin yangu", "**** ndio pin yangu"),
        ("mpin 1111 pin 2222", "mpin **** pin ****"),
        # Not a PIN: nothing is called one, or the digits are other ones.
        ("BOOK 4507 25/12 80", "BOOK 4507 25/12 80"),
        ("pin", "pin"),
        ("pins for 12345 people", "pins for 12345 people"),
        ("the hall in Kipini 2026", "the hall in Kipini 2026"),
    ],
)
def test_what_is_called_a_pin_is_hidden(text: str, stored: str) -> None:
    assert hide_named(text) == stored


@pytest.mark.parametrize("text", ["1234", " 1234. ", "#1234#"])
def test_four_digits_alone_are_a_pin_when_nothing_was_asked(text: str, database: Database) -> None:
    with database.transaction() as tx:
        assert hide(tx, CUSTOMER, text) == "****"
        assert hide(tx, None, text) == "****"


def test_four_digits_are_an_answer_where_something_is_to_be_typed(database: Database) -> None:
    asks = Ask("Which day?", key="day", to="home")
    chooses = Menu("Which one?", [Option("This", to="home")])

    for shown, stored in ((asks, "2512"), (chooses, "****")):
        with database.transaction() as tx:
            state = State("1", Person(CUSTOMER), "date", view_of(shown, "en")).to_json()
            talks.keep(tx, talks.claim(tx, CUSTOMER, Channel.SMS), state, Channel.SMS)
            assert hide(tx, CUSTOMER, "2512") == stored


def test_a_hidden_pin_is_not_taken_for_a_command() -> None:
    assert understand("PAY K7P4Q my pin ****", vendor=False).verb is Verb.PIN
