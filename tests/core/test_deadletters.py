"""Dead letters: found, taken up again, dropped with a reason, and never sent twice by mistake."""

from uuid import UUID, uuid5

import pytest

from core import deadletters, inbox, outbox
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.deadletters import Box
from core.errors import BadInput, NotFound, Refused
from core.inbox import Arrival, Inbound
from core.limits import DEAD_LETTER_WHY_MAX, INBOX_TRIES_MAX
from core.outbox import Notice, Sending
from core.ports.providers import Callback

PHONE = "+254700000001"
NOBODYS = uuid5(UUID(int=0), "nobody's")


def message(tx: Tx, why: str = "bad_number", *, unknown: bool = False) -> UUID:
    """A message that failed."""
    outbox.add(tx, "confirmed", PHONE, {})
    [notice_id] = outbox.lease(tx, 1)
    assert outbox.begin(tx, notice_id) is not None
    outbox.failed(tx, notice_id, why, retryable=False, unknown=unknown)
    return notice_id


def callback(tx: Tx) -> UUID:
    """A callback that could not be applied."""
    inbox.store(tx, Callback("africastalking", "sms", "sms-1", {}, once=True, person=PHONE))
    row = tx.db.query(Inbound).one()
    row.state, row.note, row.tries = Arrival.DEAD, "fault KeyError", INBOX_TRIES_MAX
    return row.id


def state_of(database: Database, notice_id: UUID) -> tuple[Sending, str | None]:
    with database.transaction() as tx:
        notice = tx.db.get_one(Notice, notice_id)
        return notice.state, notice.error


def test_the_oldest_comes_first_with_why_and_since_when(
    database: Database, clock: ManualClock
) -> None:
    began = clock.now()
    ids = []
    for make in (message, callback, lambda tx: message(tx, "timeout", unknown=True)):
        ids.append(database.run(make))
        clock.advance(hours=1)
    database.run(lambda tx: outbox.add(tx, "confirmed", PHONE, {}))

    found = database.run(deadletters.dead_letters)

    assert [letter.id for letter in found] == ids
    assert [(each.box, each.what, each.state, each.why) for each in found] == [
        (Box.MESSAGE, "confirmed", "dead", "bad_number"),
        (Box.CALLBACK, "africastalking sms", "dead", "fault KeyError"),
        (Box.MESSAGE, "confirmed", "unknown", "timeout"),
    ]
    assert found[0].since == began
    assert {letter.person for letter in found} == {PHONE}
    only = database.run(lambda tx: deadletters.dead_letters(tx, "timeout"))
    assert [letter.id for letter in only] == ids[2:]
    piles = {(pile.box, pile.state): pile for pile in database.run(deadletters.piles)}
    assert {pile.count for pile in piles.values()} == {1}
    assert piles[Box.MESSAGE, "dead"].oldest == began


def test_without_any_the_piles_are_empty(database: Database) -> None:
    piles = database.run(deadletters.piles)

    assert [(pile.count, pile.oldest) for pile in piles] == [(0, None)] * 3


def test_a_message_taken_up_again_has_all_its_tries(database: Database) -> None:
    notice_id = database.run(message)

    database.run(lambda tx: deadletters.retry(tx, notice_id))

    assert database.run(lambda tx: outbox.lease(tx, 1)) == [notice_id]
    with database.transaction() as tx:
        assert tx.db.get_one(Notice, notice_id).tries == 0
    with pytest.raises(NotFound):
        database.run(lambda tx: deadletters.retry(tx, notice_id))


def test_a_callback_taken_up_again_is_applied(database: Database) -> None:
    row_id = database.run(callback)

    database.run(lambda tx: deadletters.retry(tx, row_id))

    assert database.run(lambda tx: inbox.due(tx, 1)) == [row_id]
    assert database.run(lambda tx: inbox.apply(tx, row_id, lambda _tx, _row: None))


def test_what_may_have_gone_out_goes_again_only_when_a_person_insists(database: Database) -> None:
    notice_id = database.run(lambda tx: message(tx, "timeout", unknown=True))
    with pytest.raises(Refused, match="may_have_gone"):
        database.run(lambda tx: deadletters.retry(tx, notice_id))
    assert state_of(database, notice_id) == (Sending.UNKNOWN, "timeout")

    database.run(lambda tx: deadletters.retry(tx, notice_id, maybe_twice=True))

    assert state_of(database, notice_id)[0] is Sending.WAITING


def test_what_is_dropped_says_why_and_is_gone(database: Database) -> None:
    notice_id, row_id = database.run(message), database.run(callback)
    for letter_id in (notice_id, row_id):
        database.run(lambda tx, one=letter_id: deadletters.drop(tx, one, " Called them. "))

    assert database.run(deadletters.dead_letters) == []
    assert state_of(database, notice_id) == (Sending.DROPPED, "Called them.")
    with database.transaction() as tx:
        row = tx.db.get_one(Inbound, row_id)
        assert (row.state, row.note) == (Arrival.IGNORED, "Called them.")
        assert row.applied_at is not None


def test_nothing_is_dropped_without_a_reason_or_found_that_is_not_there(
    database: Database,
) -> None:
    notice_id = database.run(message)
    for why, code in ((" ", "empty"), ("x" * (DEAD_LETTER_WHY_MAX + 1), "too_long")):
        with pytest.raises(BadInput, match=code):
            database.run(lambda tx, w=why: deadletters.drop(tx, notice_id, w))
    for act in (
        lambda tx: deadletters.drop(tx, NOBODYS, "x"),
        lambda tx: deadletters.dead_letter(tx, NOBODYS),
    ):
        with pytest.raises(NotFound):
            database.run(act)
    assert database.run(lambda tx: deadletters.dead_letter(tx, notice_id)).id == notice_id


def test_a_days_dead_messages_are_one_case_until_somebody_has_seen_to_them(
    database: Database, clock: ManualClock
) -> None:
    ids = [database.run(message) for _ in range(2)]
    row_id = database.run(callback)
    clock.advance(days=2)
    database.run(sweep)
    cases = {case.kind: case for case in database.run(open_cases)}
    assert cases.keys() == {CaseKind.NOTICES_DEAD, CaseKind.CALLBACK_DEAD}
    assert cases[CaseKind.NOTICES_DEAD].facts == {"messages": 2}

    database.run(lambda tx: deadletters.retry(tx, ids[0]))
    database.run(lambda tx: deadletters.retry(tx, row_id))
    database.run(sweep)
    assert [case.kind for case in database.run(open_cases)] == [CaseKind.NOTICES_DEAD]
    database.run(lambda tx: deadletters.drop(tx, ids[1], "Seen."))
    database.run(sweep)
    assert database.run(open_cases) == []
