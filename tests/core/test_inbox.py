"""Callbacks: stored once, applied once, put back when they came too early."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import select

from core import inbox
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.inbox import Arrival, Inbound, NotYet
from core.limits import INBOX_HOLDS_BACK_TRIES_MAX, INBOX_TRIES_MAX
from core.people.model import Language
from core.people.usecases import find_person, set_language
from core.ports.providers import Callback
from tests.core.escrow.tools import together

PHONE = "+254700000001"
OTHER = "+254700000002"


def callback(reference: str = "ws_CO_1", **payload: object) -> Callback:
    return Callback("daraja", "stk", reference, payload or {"amount": 66700})


def store(database: Database, what: Callback) -> bool:
    return database.run(lambda tx: inbox.store(tx, what))


def apply(database: Database, inbound_id: UUID) -> bool:
    return database.run(lambda tx: inbox.apply(tx, inbound_id, lambda _tx, _row: None))


def rows(database: Database) -> list[Inbound]:
    return database.run(lambda tx: list(tx.db.scalars(select(Inbound).order_by(Inbound.id))))


def test_the_same_callback_is_kept_once_and_another_body_is_another(database: Database) -> None:
    assert store(database, callback(a=1, b=2))
    assert not store(database, callback(b=2, a=1))
    assert store(database, callback(a=1, b=3))
    assert store(database, callback("ws_CO_2", a=1, b=2))

    assert len(rows(database)) == 3


def test_eight_copies_at_once_are_one(database: Database) -> None:
    assert sum(together(8, lambda _: store(database, callback()))) == 1
    assert len(rows(database)) == 1


def test_the_effect_and_its_mark_are_one(database: Database) -> None:
    store(database, callback())
    [row] = rows(database)

    def stumble(tx: Tx, _row: Inbound) -> None:
        set_language(tx, PHONE, Language.SW)
        raise RuntimeError("stumbled")

    with pytest.raises(RuntimeError, match="stumbled"):
        database.run(lambda tx: inbox.apply(tx, row.id, stumble))

    assert rows(database)[0].state is Arrival.WAITING
    assert database.run(lambda tx: find_person(tx, PHONE)).language is Language.EN


def test_eight_workers_apply_a_callback_once(database: Database) -> None:
    store(database, callback())
    [row] = rows(database)
    applied = []
    done = threading.Lock()

    def handle(_tx: Tx, handled: Inbound) -> None:
        with done:
            applied.append(handled.id)

    results = together(8, lambda _: database.run(lambda tx: inbox.apply(tx, row.id, handle)))

    assert sum(results) == 1
    assert applied == [row.id]
    assert rows(database)[0].state is Arrival.APPLIED


def test_a_note_says_why_nothing_was_done(database: Database) -> None:
    store(database, callback())
    [row] = rows(database)

    assert database.run(lambda tx: inbox.apply(tx, row.id, lambda _tx, _row: "repeat"))

    [row] = rows(database)
    assert (row.state, row.note) == (Arrival.IGNORED, "repeat")
    assert row.applied_at is not None


def test_what_comes_too_early_comes_again_a_few_times_and_keeps_nobody_waiting(
    database: Database, clock: ManualClock
) -> None:
    store(database, callback("early"))
    store(database, callback("ready"))
    early, ready = rows(database)

    def handle(_tx: Tx, row: Inbound) -> None:
        if row.reference == "early":
            raise NotYet("unknown_message")

    pauses = []
    while (due := database.run(lambda tx: inbox.due(tx, 10))) != []:
        for id_ in due:
            try:
                database.run(lambda tx, id_=id_: inbox.apply(tx, id_, handle))
            except NotYet as missing:
                note = str(missing)
                database.run(lambda tx, id_=id_, n=note: inbox.postpone(tx, id_, n))
                row = rows(database)[0]
                pauses.append((row.due_at - clock.now()).total_seconds())
        clock.set(rows(database)[0].due_at)

    assert pauses == [2**n for n in range(1, INBOX_TRIES_MAX + 1)]
    states = {row.id: row.state for row in rows(database)}
    assert states == {early.id: Arrival.DEAD, ready.id: Arrival.APPLIED}


def test_callbacks_are_applied_in_the_order_in_which_they_came(
    database: Database, clock: ManualClock
) -> None:
    for reference in ("c", "a", "b"):
        store(database, callback(reference))
        clock.advance(seconds=1)

    names = {row.id: row.reference for row in rows(database)}
    due = database.run(lambda tx: inbox.due(tx, 10))
    assert [names[id_] for id_ in due] == ["c", "a", "b"]
    assert len(database.run(lambda tx: inbox.due(tx, 2))) == 2


def said(number: int, person: str = PHONE) -> Callback:
    return Callback("africastalking", "sms", f"{person} {number}", {}, once=True, person=person)


def waiting(database: Database) -> list[str]:
    """What is due, in its order."""
    references = {row.id: row.reference for row in rows(database)}
    return [references[each] for each in database.run(lambda tx: inbox.due(tx, 50))]


def test_what_one_person_says_is_applied_in_order_whoever_applies_it(database: Database) -> None:
    """Another worker has taken the first and not finished."""
    for number in (1, 2):
        store(database, said(number))
    store(database, said(1, OTHER))
    first, second, other = rows(database)

    with database.transaction() as tx:
        assert inbox.apply(tx, first.id, lambda _tx, _row: None)
        assert not apply(database, second.id), "its turn has not come"
        assert apply(database, other.id), "somebody else does not wait"
    assert apply(database, second.id)


def test_what_came_first_goes_first_even_if_it_was_stored_last(
    database: Database, clock: ManualClock
) -> None:
    """It waited on the disk while the database was away."""
    came = clock.now()
    clock.advance(seconds=60)
    store(database, said(2))
    database.run(lambda tx: inbox.store(tx, said(1), came))
    second, first = rows(database)

    assert (first.received_at, first.due_at) == (came, came)
    assert not apply(database, second.id)
    assert apply(database, first.id)
    assert apply(database, second.id)


def test_a_word_that_cannot_be_applied_holds_back_its_person_for_seconds(
    database: Database, clock: ManualClock
) -> None:
    for number in (1, 2):
        store(database, said(number))
    store(database, said(1, OTHER))
    first, second, _ = rows(database)

    for _ in range(INBOX_HOLDS_BACK_TRIES_MAX):
        clock.advance(seconds=60)
        assert not apply(database, second.id)
        database.run(lambda tx: inbox.postpone(tx, first.id, "fault"))
        assert f"{OTHER} 1" in waiting(database)
    assert waiting(database) == [f"{PHONE} 2", f"{OTHER} 1"]
    assert apply(database, second.id)


def test_two_workers_that_fail_at_once_have_tried_once(database: Database) -> None:
    store(database, callback())
    [row] = rows(database)

    together(2, lambda _: database.run(lambda tx: inbox.postpone(tx, row.id, "fault")))

    assert rows(database)[0].tries == 1


def test_those_who_wait_for_their_turn_do_not_fill_the_list(database: Database) -> None:
    for number in range(3):
        store(database, said(number))
    database.run(lambda tx: inbox.postpone(tx, rows(database)[0].id, "fault"))
    store(database, said(1, OTHER))

    assert waiting(database) == [f"{OTHER} 1"]
