"""What somebody wants, in one message: any order, both languages, thick fingers."""

from typing import Any

import pytest

from core.catalog.rules import Category
from sessions.commands import Verb, understand
from sessions.wishes import Wanted, understand_wanted

VENUE, CATERING, STAY = Category.VENUE, Category.CATERING, Category.STAY


@pytest.mark.parametrize(
    ("words", "category", "answers"),
    [
        ("hall Nakuru 25/12 80", VENUE, {"place": "nakuru", "date": "25/12", "people": "80"}),
        ("80 25/12 Nakuru hall", VENUE, {"place": "nakuru", "date": "25/12", "people": "80"}),
        ("ukumbi, Nakuru 25-12; 80", VENUE, {"place": "nakuru", "date": "25-12", "people": "80"}),
        ("a hal in Nakuru on 25 Dec for 80 people", VENUE, {
            "place": "nakuru", "date": "25 dec", "people": "80",
        }),
        ("food Kisumu jumamosi watu 300 under KES 90,000", CATERING, {
            "place": "kisumu", "date": "jumamosi", "people": "300", "budget": "90,000",
        }),
        ("chumba Naivasha 27/11 usiku 2 watu 4", STAY, {
            "place": "naivasha", "date": "27/11", "nights": "2", "people": "4",
        }),
        ("room Nyali 1/1/2027 3 nights 2 12k", STAY, {
            "place": "nyali", "date": "1/1/2027", "nights": "3", "people": "2", "budget": "12k",
        }),
        ("hall 2512 80 60000", VENUE, {"date": "2512", "people": "80", "budget": "60000"}),
        # No such day, but it is the day that will say so.
        ("hall 31/02 80", VENUE, {"date": "31/02", "people": "80"}),
        ("South B", None, {"place": "south b"}),
        ("", None, {}),
    ],
)  # fmt: skip
def test_words_become_answers(
    words: str, category: Category | None, answers: dict[str, Any]
) -> None:
    assert understand_wanted(words) == Wanted(category, None, answers)


@pytest.mark.parametrize(
    ("words", "number", "answers"),
    [
        ("4507 25/12 80", 4507, {"date": "25/12", "people": "80"}),
        ("80 watu 25/12, 4507", 4507, {"date": "25/12", "people": "80"}),
        ("12345 2512 300", 12345, {"date": "2512", "people": "300"}),
        ("Jacaranda hall 25/12", None, {"date": "25/12"}),
        ("K7P4Q", None, {}),
    ],
)
def test_a_booking_names_its_listing(
    words: str, number: int | None, answers: dict[str, Any]
) -> None:
    wanted = understand_wanted(words, numbered=True)

    assert (wanted.number, wanted.answers) == (number, answers)


@pytest.mark.parametrize(
    ("text", "verb", "words"),
    [
        ("FIND hall Nakuru", Verb.FIND, "hall Nakuru"),
        ("tafuta: ukumbi", Verb.FIND, "ukumbi"),
        ("fnd hall", Verb.FIND, "hall"),
        ("book 4507", Verb.BOOK, "4507"),
        ("AGZA 4507", Verb.BOOK, "4507"),
        ("WAIT 4507 25/12 80", Verb.WAIT, "4507 25/12 80"),
        ("ngoja: 4507", Verb.WAIT, "4507"),
        ("Subiri 4507", Verb.WAIT, "4507"),
        ("wait", Verb.WAIT, ""),
        ("wiat 4507 25/12", Verb.WAIT, "4507 25/12"),
        ("NGOJ 4507", Verb.WAIT, "4507"),
        ("HELP", Verb.HELP, ""),
        ("help I paid twice", Verb.TICKET, "I paid twice"),
        ("More", Verb.MORE, ""),
        ("rudi.", Verb.BACK, ""),
        ("endelea", Verb.GO, ""),
    ],
)
def test_words_that_begin_or_lead(text: str, verb: Verb, words: str) -> None:
    command = understand(text, vendor=False)

    assert (command.verb, command.words) == (verb, words)


@pytest.mark.parametrize(
    "text", ["find", "more please", "I will book tomorrow", "go home", "bok", "wat"]
)
def test_words_that_only_look_like_it(text: str) -> None:
    found = understand(text, vendor=False)

    assert found.verb in {Verb.FIND, Verb.UNKNOWN}
    assert not found.words
