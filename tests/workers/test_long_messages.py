"""Long messages in parts: joined once, in their place; or given up, and nothing of them done."""

import pytest

from core import deadletters, inbox
from core.clock import ManualClock
from core.inbox import SEALED, Arrival
from core.limits import (
    INBOX_TRIES_MAX,
    SMS_PARTS_AGAIN_SECONDS,
    SMS_PARTS_KNOWN_SECONDS,
    SMS_PARTS_WAIT_SECONDS,
)
from core.ports.providers import Callback
from tests.support.fakes import notices
from tests.workers.callbacks import arrivals, arrive, long_sms, replace_id, sms, sms_part
from tests.workers.conftest import Crew
from workers.inbox import run_inbox
from workers.long_messages import GIVEN_UP, LATE, REPEATED

PERSON, OTHER = "+254700000011", "+254700000012"
WORDS = ("ASK 4508 is there ", "a ramp, and may ", "we cook?")
WHOLE = "".join(WORDS)


def heard(crew: Crew) -> list[str]:
    """What was applied, in its order."""
    return [said.text for said in crew.desk.heard]


def told(crew: Crew) -> list[str]:
    """What of messages came that were given up."""
    return [said.text for said in crew.desk.unfinished]


def notes(crew: Crew) -> list[str | None]:
    return [row.note for row in arrivals(crew.database)]


def come(crew: Crew, clock: ManualClock, *callbacks: Callback, seconds: float = 1) -> None:
    """Callbacks one by one; the worker looks after each."""
    for callback in callbacks:
        arrive(crew.database, callback)
        run_inbox(crew.parts)
        clock.advance(seconds=seconds)


def give_up(crew: Crew, clock: ManualClock) -> None:
    clock.advance(seconds=SMS_PARTS_WAIT_SECONDS)
    run_inbox(crew.parts)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_parts_are_one_message_in_whatever_order_they_come(
    crew: Crew, clock: ManualClock, order: tuple[int, ...]
) -> None:
    sent = long_sms(*WORDS)
    come(crew, clock, *(sent[at] for at in order[:2]))
    assert heard(crew) == []
    assert crew.database.run(lambda tx: inbox.due(tx, 10)) == [], "nobody looks for nothing"

    come(crew, clock, sent[order[2]])

    [said] = crew.desk.heard
    assert (said.text, said.part, said.sender) == (WHOLE, None, PERSON)
    give_up(crew, clock)
    assert (heard(crew), told(crew)) == ([WHOLE], [])
    assert {row.state for row in arrivals(crew.database)} == {Arrival.APPLIED}


def test_minutes_may_lie_between_two_parts(crew: Crew, clock: ManualClock) -> None:
    come(crew, clock, *long_sms(*WORDS), seconds=SMS_PARTS_WAIT_SECONDS - 1)
    assert (heard(crew), told(crew)) == ([WHOLE], [])


def test_two_messages_of_a_person_and_one_of_another_at_once(
    crew: Crew, clock: ManualClock
) -> None:
    mine, second = long_sms("a", "b"), long_sms("c", "d", reference=0xCD)
    theirs = long_sms("e", "f", sender=OTHER)
    come(
        crew, clock, *(each for three in zip(mine, theirs, second, strict=True) for each in three)
    )

    assert heard(crew) == ["ab", "ef", "cd"]


def test_a_reference_that_comes_round_is_another_message(crew: Crew, clock: ManualClock) -> None:
    first, second = long_sms("a", "b"), long_sms("a", "c")
    second = [replace_id(each, f"again-{at}") for at, each in enumerate(second)]
    come(crew, clock, *first, *second)
    assert heard(crew) == ["ab", "ac"]


def test_the_same_again_much_later_is_said_again(crew: Crew, clock: ManualClock) -> None:
    again = [replace_id(each, f"again-{at}") for at, each in enumerate(long_sms("a", "b"))]
    come(crew, clock, *long_sms("a", "b"))
    clock.advance(seconds=SMS_PARTS_KNOWN_SECONDS)
    come(crew, clock, *again)
    assert heard(crew) == ["ab", "ab"]


def test_the_gateway_that_calls_again_is_known_by_its_name(crew: Crew, clock: ManualClock) -> None:
    sent = long_sms(*WORDS)
    come(crew, clock, sent[0], sent[0], sent[1], sent[2], sent[2], *sent)
    assert heard(crew) == [WHOLE]
    assert len(arrivals(crew.database)) == 4


@pytest.mark.parametrize("again", [(0,), (2,), (0, 1, 2), (2, 0, 1)])
def test_parts_that_the_network_brings_again_are_not_said_again(
    crew: Crew, clock: ManualClock, again: tuple[int, ...]
) -> None:
    """Under other names, after the whole was applied; and nobody waits for their others."""
    sent = long_sms(*WORDS)
    come(crew, clock, *sent)
    come(crew, clock, *(replace_id(sent[at], f"again-{at}") for at in again))
    come(crew, clock, from_person("HELP"))
    assert heard(crew) == [WHOLE, "HELP"]

    give_up(crew, clock)

    assert (heard(crew), told(crew)) == ([WHOLE, "HELP"], [])
    assert notes(crew).count(REPEATED) == len(again)


def from_person(text: str) -> Callback:
    """A message in one part, of whom the others are."""
    said = sms(text, id=text)
    return Callback(said.provider, said.kind, text, said.payload, once=True, person=PERSON)


def test_a_message_that_lacks_a_part_is_given_up_and_told_once(
    crew: Crew, clock: ManualClock
) -> None:
    first, _, third = long_sms(*WORDS)
    come(crew, clock, third, first)
    clock.advance(seconds=SMS_PARTS_WAIT_SECONDS - 2)
    run_inbox(crew.parts)
    assert told(crew) == []

    clock.advance(seconds=1)
    run_inbox(crew.parts)
    give_up(crew, clock)

    assert (heard(crew), told(crew)) == ([], [f"{WORDS[0]} ... {WORDS[2]}"])
    [owed] = notices(crew.database, "unfinished")
    assert owed.msisdn == PERSON
    rows = arrivals(crew.database)
    assert [(row.state, row.note) for row in rows] == [(Arrival.IGNORED, GIVEN_UP)] * 2
    assert [row.payload["text"] for row in rows] == [WORDS[2], WORDS[0]], "for staff to read"


def test_what_comes_of_it_after_all_is_not_told_again(crew: Crew, clock: ManualClock) -> None:
    first, second, third = long_sms(*WORDS)
    come(crew, clock, first)
    give_up(crew, clock)
    come(crew, clock, third, second)
    give_up(crew, clock)

    assert (heard(crew), told(crew)) == ([], [WORDS[0]])
    assert notes(crew) == [GIVEN_UP, LATE, LATE]


def test_who_sends_it_again_is_heard_whatever_their_phone_calls_it(
    crew: Crew, clock: ManualClock
) -> None:
    come(crew, clock, *long_sms(*WORDS)[:2])
    give_up(crew, clock)
    again = [replace_id(each, f"again-{at}") for at, each in enumerate(long_sms(*WORDS))]
    come(crew, clock, *again)
    assert (heard(crew), len(told(crew))) == ([WHOLE], 1)


def test_a_long_message_has_the_place_of_its_first_part(crew: Crew, clock: ManualClock) -> None:
    first, second, third = long_sms(*WORDS)
    before, after = from_person("FIND hall"), from_person("STATUS")
    come(crew, clock, before, second, after, first)
    assert heard(crew) == ["FIND hall"]
    come(crew, clock, third)
    assert heard(crew) == ["FIND hall", WHOLE, "STATUS"]


def test_what_is_never_whole_holds_nobody_back_for_longer_than_it_may(
    crew: Crew, clock: ManualClock
) -> None:
    """Its parts come slowly, so that it is waited for longer than that."""
    first, second, _ = long_sms(*WORDS)
    come(crew, clock, first, from_person("HELP"), sms("HELP", sender=OTHER))
    assert heard(crew) == ["HELP"], "the other's"
    clock.advance(seconds=SMS_PARTS_WAIT_SECONDS - 10)
    come(crew, clock, second)
    assert heard(crew) == ["HELP"]

    clock.advance(seconds=10)
    run_inbox(crew.parts)
    assert (heard(crew), told(crew)) == (["HELP", "HELP"], [])

    clock.advance(seconds=SMS_PARTS_WAIT_SECONDS - 10)
    run_inbox(crew.parts)
    assert len(told(crew)) == 1


def test_a_pin_cut_in_two_is_never_readable(crew: Crew, clock: ManualClock) -> None:
    first, second = long_sms("Hello, my M-Pesa PIN is 48", "21 thanks")
    come(crew, clock, second)
    [row] = arrivals(crew.database)
    assert row.payload.keys() == {SEALED}

    come(crew, clock, first)

    assert heard(crew) == ["Hello, my M-Pesa PIN is **** thanks"]
    kept = [row.payload["text"] for row in arrivals(crew.database)]
    assert sorted(kept) == sorted(
        ["** thanks", "Hello, my M-Pesa PIN is **", "Hello, my M-Pesa PIN is **** thanks"]
    )


def test_a_pin_in_what_is_given_up_is_hidden_too(crew: Crew, clock: ManualClock) -> None:
    first, second, _ = long_sms("my PIN is 48", "21 thanks", "for the hall")
    come(crew, clock, first, second)
    give_up(crew, clock)
    assert told(crew) == ["my PIN is **** thanks"]
    assert "21" not in str([row.payload["text"] for row in arrivals(crew.database)])


def test_four_digits_cut_in_two_are_hidden_with_all_that_came(
    crew: Crew, clock: ManualClock
) -> None:
    come(crew, clock, *long_sms("48", "21."))
    assert heard(crew) == ["****"]
    assert {row.payload["text"] for row in arrivals(crew.database)} == {"**", "***", "****"}


def test_a_word_that_always_counts_is_none_inside_a_long_message(
    crew: Crew, clock: ManualClock
) -> None:
    come(crew, clock, *long_sms("STOP", " calling me, said the vendor"))
    assert heard(crew) == ["STOP calling me, said the vendor"]


def test_a_worker_that_dies_before_the_whole_is_applied_leaves_it_to_the_next(
    crew: Crew, clock: ManualClock
) -> None:
    for each in long_sms(*WORDS):
        arrive(crew.database, each)
    crew.desk.script.then(RuntimeError("gone"))
    run_inbox(crew.parts)
    assert notices(crew.database, "answer") == []

    clock.advance(seconds=2)
    run_inbox(crew.parts)

    assert heard(crew) == [WHOLE, WHOLE], "heard again, as the first time was undone"
    assert len(notices(crew.database, "answer")) == 1


def test_a_long_message_that_cannot_be_applied_is_one_dead_letter_and_can_be_taken_up(
    crew: Crew, clock: ManualClock
) -> None:
    crew.desk.script.then(*[RuntimeError("always")] * INBOX_TRIES_MAX)
    come(crew, clock, *long_sms(*WORDS))
    for _ in range(INBOX_TRIES_MAX):
        clock.advance(hours=1)
        run_inbox(crew.parts)
    [letter] = crew.database.run(deadletters.dead_letters)

    crew.database.run(lambda tx: deadletters.retry(tx, letter.id))
    run_inbox(crew.parts)

    assert len(notices(crew.database, "answer")) == 1
    assert told(crew) == []


def test_a_part_that_waits_on_a_disk_while_the_database_is_away_is_waited_for(
    crew: Crew, clock: ManualClock
) -> None:
    """The worker comes back first, and what it has came long ago."""
    first, second = long_sms("a", "b")
    come(crew, clock, first)
    came = clock.now()
    clock.advance(seconds=300)
    run_inbox(crew.parts)
    assert told(crew) == []

    clock.advance(seconds=SMS_PARTS_AGAIN_SECONDS - 1)
    crew.database.run(lambda tx: inbox.store(tx, second, came))
    run_inbox(crew.parts)

    assert (heard(crew), told(crew)) == (["ab"], [])


def test_what_is_stored_from_a_disk_piece_by_piece_is_waited_for(
    crew: Crew, clock: ManualClock
) -> None:
    first, second, third = long_sms(*WORDS)
    come(crew, clock, first)
    came = clock.now()
    clock.advance(seconds=300)
    for late in (second, third):
        run_inbox(crew.parts)
        clock.advance(seconds=SMS_PARTS_AGAIN_SECONDS / 3)
        crew.database.run(lambda tx, each=late: inbox.store(tx, each, came))
    run_inbox(crew.parts)
    assert (heard(crew), told(crew)) == ([WHOLE], [])


def test_a_worker_that_was_away_gives_up_in_the_end(crew: Crew, clock: ManualClock) -> None:
    come(crew, clock, long_sms("a", "b")[0])
    for _ in range(2):
        assert told(crew) == []
        clock.advance(seconds=300)
        run_inbox(crew.parts)
    assert told(crew) == ["a"]


def test_the_same_words_under_another_number_are_another_part(
    crew: Crew, clock: ManualClock
) -> None:
    come(crew, clock, *long_sms("na ", "na ", "na "))
    assert heard(crew) == ["na na na "]


def test_a_flood_of_parts_under_one_reference_is_worked_off(
    crew: Crew, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is another first part of two, so that none is ever whole."""
    monkeypatch.setattr(inbox, "SMS_PARTS_TOGETHER_MAX", 3)
    for number in range(8):
        arrive(crew.database, sms_part(f"{number}", 1, 2, id=f"in-{number}"))
    for _ in range(6):
        run_inbox(crew.parts)
        clock.advance(seconds=SMS_PARTS_WAIT_SECONDS)
    assert (heard(crew), told(crew)) == ([], [f"{number}" for number in range(8)])
