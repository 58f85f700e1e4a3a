"""A question is asked, answered, gone on with and closed; one open ticket a person."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.db.tx import Database
from core.errors import BadInput, IllegalMove, NotFound, Refused
from core.limits import (
    TICKET_ANSWER_MAX,
    TICKET_NOTES_A_DAY_MAX,
    TICKET_QUIET_SECONDS,
    TICKET_WORDS_MAX,
)
from core.outbox import Notice
from core.support.lifecycle import TicketState
from core.support.model import Author, Ticket
from core.support.queries import live_tickets, ticket_by_number, waiting_tickets
from core.support.usecases import ANSWERED_TOPIC, answer, close, write
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER
from tests.support.races import meet


def test_a_question_is_answered_and_gone_on_with(database: Database, clock: ManualClock) -> None:
    with database.transaction() as tx:
        number = write(tx, CUSTOMER, "  I paid\ntwice ").number
    clock.advance(hours=2)
    with database.transaction() as tx:
        answer(tx, number, "Send us the receipt numbers")
        assert waiting_tickets(tx) == (0, None)
    clock.advance(hours=1)
    with database.transaction() as tx:
        assert write(tx, CUSTOMER, "SFF1 and SFF2").number == number

    with database.transaction() as tx:
        view = ticket_by_number(tx, number)
        assert view.ticket.state is TicketState.OPEN
        assert [(note.author, note.words) for note in view.notes] == [
            (Author.PERSON, "I paid twice"),
            (Author.STAFF, "Send us the receipt numbers"),
            (Author.PERSON, "SFF1 and SFF2"),
        ]
        # They have waited since they wrote again, not since the beginning.
        assert waiting_tickets(tx) == (1, clock.now())
        notice = tx.db.scalars(select(Notice).where(Notice.topic == ANSWERED_TOPIC)).one()
        assert (notice.msisdn, notice.params["words"]) == (CUSTOMER, view.notes[1].words)


def test_what_waits_longest_comes_first(database: Database, clock: ManualClock) -> None:
    with database.transaction() as tx:
        first = write(tx, CUSTOMER, "First").number
    clock.advance(hours=1)
    with database.transaction() as tx:
        second = write(tx, OTHER_CUSTOMER, "Second").number
        assert [ticket.number for ticket in live_tickets(tx)] == [first, second]
        answer(tx, first, "Done")
        assert [ticket.number for ticket in live_tickets(tx)] == [second, first]
        close(tx, first)
        assert [ticket.number for ticket in live_tickets(tx)] == [second]


def test_a_closed_ticket_stays_closed_and_a_new_question_opens_another(
    database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        old = write(tx, CUSTOMER, "Where is my money?").number
        close(tx, old)
        with pytest.raises(IllegalMove):
            answer(tx, old, "Too late")
        new = write(tx, CUSTOMER, "And the other one?").number
        assert new != old
        answer(tx, new, "It came back today")
    clock.advance(seconds=TICKET_QUIET_SECONDS + 1)
    with database.transaction() as tx:
        assert write(tx, CUSTOMER, "Something else").number not in {old, new}
        states = [ticket_by_number(tx, number).ticket.state for number in (old, new)]
        assert states == [TicketState.CLOSED] * 2


def test_words_and_days_have_limits(database: Database, clock: ManualClock) -> None:
    with database.transaction() as tx:
        for words, code in ((" ", "empty"), ("x" * (TICKET_WORDS_MAX + 1), "note_too_long")):
            with pytest.raises(BadInput) as refused:
                write(tx, CUSTOMER, words)
            assert refused.value.code == code
        for number in range(TICKET_NOTES_A_DAY_MAX):
            ticket = write(tx, CUSTOMER, f"Words {number}")
        with pytest.raises(Refused) as enough:
            write(tx, CUSTOMER, "One more")
        assert enough.value.code == "too_many_tickets"
        with pytest.raises(BadInput):
            answer(tx, ticket.number, "x" * (TICKET_ANSWER_MAX + 1))
        with pytest.raises(NotFound):
            answer(tx, 99, "Nobody")
        assert write(tx, OTHER_CUSTOMER, "Me too").number != ticket.number
    clock.set(clock.now() + timedelta(days=1))
    with database.transaction() as tx:
        write(tx, CUSTOMER, "One more")


def test_two_messages_at_once_open_one_ticket(database: Database) -> None:
    def ask(words: str) -> int:
        return database.run(lambda tx: write(tx, CUSTOMER, words).number)

    one, two = meet(database, lambda: ask("One"), "FROM tickets", lambda: ask("Two"))

    assert one == two
    with database.transaction() as tx:
        assert len(tx.db.scalars(select(Ticket)).all()) == 1
