"""Notices: leased, sent once, retried with pauses, and a delivery that only moves forward."""

from datetime import timedelta
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core import outbox
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import OUTBOX_LEASE_SECONDS, OUTBOX_PAUSE_MAX_SECONDS, OUTBOX_TRIES_MAX
from core.outbox import Lane, Notice, Sending
from core.ports.messages import FINAL_DELIVERIES, Delivery, SmsSent
from tests.core.escrow.tools import together

PHONE = "+254700000001"
ANSWER = SmsSent("ATXid_1", 80)
HELLO = outbox.Words("Hello", "en", 1)


def owe(database: Database, key: str | None = None, lane: Lane = Lane.TRANSACTIONAL) -> None:
    database.run(lambda tx: outbox.add(tx, "completed", PHONE, {}, key=key, lane=lane))


def notices(database: Database) -> list[Notice]:
    return database.run(lambda tx: list(tx.db.scalars(select(Notice).order_by(Notice.id))))


def lease(database: Database, limit: int = 10) -> list[object]:
    return list(database.run(lambda tx: outbox.lease(tx, limit)))


def begin(database: Database) -> Notice | None:
    """Begin the only notice there is."""
    [only] = notices(database)
    return database.run(lambda tx: outbox.begin(tx, only.id))


def test_what_is_owed_under_one_key_is_owed_once(database: Database) -> None:
    for _ in range(3):
        owe(database, "confirmed:1")
    owe(database)
    owe(database)

    assert len(notices(database)) == 3


def test_a_one_time_password_goes_before_everything_else(database: Database) -> None:
    for lane in (Lane.BULK, Lane.TRANSACTIONAL, Lane.OTP):
        owe(database, lane=lane)

    first = lease(database, 1)
    second = lease(database, 1)

    lanes = {notice.id: notice.lane for notice in notices(database)}
    assert [lanes[each] for each in (*first, *second)] == [Lane.OTP, Lane.TRANSACTIONAL]


def test_eight_workers_share_what_is_due_and_nobody_has_the_same(database: Database) -> None:
    for _ in range(40):
        owe(database)

    taken = [each for ids in together(8, lambda _: lease(database, 5)) for each in ids]

    assert len(taken) == len(set(taken))
    rest = lease(database, 40)
    assert len(set(taken) | set(rest)) == 40


def test_a_lease_that_ran_out_before_sending_is_taken_again(
    database: Database, clock: ManualClock
) -> None:
    owe(database)
    assert len(lease(database)) == 1
    assert lease(database) == []

    clock.advance(seconds=OUTBOX_LEASE_SECONDS + 1)

    assert len(lease(database)) == 1
    assert begin(database) is not None
    assert begin(database) is None, "the slow worker finds that it is no longer its own"


def test_a_notice_whose_worker_died_while_sending_is_never_sent_again(
    database: Database, clock: ManualClock
) -> None:
    owe(database)
    lease(database)
    begin(database)
    clock.advance(seconds=OUTBOX_LEASE_SECONDS + 1)

    assert lease(database) == []

    [notice] = notices(database)
    assert (notice.state, notice.error) == (Sending.UNKNOWN, "worker_lost")
    clock.advance(days=2)
    assert lease(database) == []
    # Its worker was only slow after all: what it says counts.
    database.run(lambda tx: outbox.sent(tx, notice.id, "africastalking", ANSWER, HELLO))
    assert notices(database)[0].state is Sending.SENT


def test_tries_have_growing_pauses_and_an_end(database: Database, clock: ManualClock) -> None:
    owe(database)
    pauses = []
    while lease(database):
        notice = begin(database)
        assert notice is not None
        id_ = notice.id
        state = database.run(
            lambda tx, id_=id_: outbox.failed(tx, id_, "down", retryable=True, unknown=False)
        )
        if state is Sending.DEAD:
            break
        [notice] = notices(database)
        pauses.append((notice.due_at - clock.now()).total_seconds())
        assert lease(database) == []
        clock.set(notice.due_at)

    assert pauses[:8] == [10, 20, 40, 80, 160, 320, 640, 900]
    assert set(pauses[8:]) == {OUTBOX_PAUSE_MAX_SECONDS} == {900}
    assert sum(pauses) > 3 * 3600, "an outage of three hours loses nothing"
    assert notices(database)[0].tries == OUTBOX_TRIES_MAX
    clock.advance(days=1)
    assert lease(database) == []


def test_an_unknown_outcome_or_a_hopeless_one_ends_it(database: Database) -> None:
    for unknown, expected in ((True, Sending.UNKNOWN), (False, Sending.DEAD)):
        owe(database)
        [id_] = lease(database)
        database.run(lambda tx, id_=id_: outbox.begin(tx, id_))
        state = database.run(
            lambda tx, id_=id_, u=unknown: outbox.failed(
                tx, id_, "bad", retryable=False, unknown=u
            )
        )
        assert state is expected
    assert lease(database) == []


def test_a_postponed_try_does_not_count(database: Database, clock: ManualClock) -> None:
    owe(database)
    for _ in range(OUTBOX_TRIES_MAX + 2):
        [id_] = lease(database)
        database.run(lambda tx, id_=id_: outbox.begin(tx, id_))
        until = clock.now() + timedelta(minutes=1)
        database.run(lambda tx, id_=id_, t=until: outbox.postpone(tx, id_, t, "no_balance"))
        assert lease(database) == []
        clock.advance(seconds=60)

    [notice] = notices(database)
    assert (notice.state, notice.tries) == (Sending.WAITING, 0)


def test_a_report_of_a_message_that_we_do_not_know_yet_is_not_taken(database: Database) -> None:
    assert not database.run(
        lambda tx: outbox.report_delivery(tx, "africastalking", "ATXid_9", Delivery.DELIVERED)
    )


reports = st.lists(st.sampled_from(list(Delivery)), max_size=6)


def told(database: Database, seen: list[Delivery]) -> list[Delivery | None]:
    """Send a message, then report on it in this order; return how far it was after each."""
    owe(database)
    [id_] = lease(database)
    answer = SmsSent(f"ATXid_{id_}", 80)
    database.run(lambda tx: outbox.sent(tx, id_, "africastalking", answer, HELLO))
    states = []
    for report in seen:
        assert database.run(
            lambda tx, r=report: outbox.report_delivery(tx, "africastalking", answer.message_id, r)
        )
        states.append(
            database.run(lambda tx: tx.db.scalar(select(Notice.delivery).where(Notice.id == id_)))
        )
    return states


def test_a_delivery_only_moves_forward_and_never_from_its_end(database: Database) -> None:
    order = list(Delivery)

    def further(known: Delivery, new: Delivery) -> Delivery:
        if known in FINAL_DELIVERIES:
            return known
        return max(known, new, key=order.index)

    @settings(max_examples=40, deadline=None)
    @given(reports)
    def in_any_order(seen: list[Delivery]) -> None:
        expected = list(accumulate(seen, further, initial=Delivery.ACCEPTED))[1:]
        assert told(database, seen) == expected

    in_any_order()
