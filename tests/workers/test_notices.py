"""What we owe people goes out: once, in their language, the urgent first, never at any price."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import outbox
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.limits import OUTBOX_LEASE_SECONDS, OUTBOX_TRIES_MAX
from core.outbox import Lane, Notice, Sending
from core.people.model import Language, Purpose
from core.people.usecases import Said, opt_out, opt_out_words, set_language
from core.ports.messages import Delivery
from core.ports.providers import ProviderError
from tests.support.factories import CUSTOMER, VENDOR
from tests.support.fakes import DOWN, LOST, NO_BALANCE, notices
from tests.workers.conftest import Crew
from workers.notices import quiet_until, run_notices
from workers.pause import NOTICES_PAUSE_SECONDS, sms


class Died(BaseException):
    """The worker is gone at this very moment."""


def die() -> None:
    raise Died


def owe(database: Database, *topics: str, msisdn: str = CUSTOMER, **more: Any) -> None:
    for topic in topics:
        with database.transaction() as tx:
            outbox.add(tx, topic, msisdn, {"code": "K7P4Q"}, **more)


def only(database: Database) -> Notice:
    (notice,) = notices(database)
    return notice


def test_a_message_goes_out_once_and_its_cost_is_kept(crew: Crew) -> None:
    owe(crew.database, "confirmed")

    assert run_notices(crew.parts) == 1
    assert run_notices(crew.parts) == 0

    (message,) = crew.sender.sent
    assert (message.msisdn, message.text) == (CUSTOMER, "en confirmed K7P4Q")
    notice = only(crew.database)
    assert (notice.state, notice.text, notice.cost_cents, notice.segments, notice.tries) == (
        Sending.SENT, "en confirmed K7P4Q", 80, 1, 1,
    )  # fmt: skip
    assert notice.delivery is Delivery.ACCEPTED


def test_the_words_are_in_the_language_of_today(crew: Crew) -> None:
    owe(crew.database, "confirmed")
    with crew.database.transaction() as tx:
        set_language(tx, CUSTOMER, Language.SW)

    run_notices(crew.parts)

    assert crew.sender.sent[0].text.startswith("sw ")


def test_urgent_lanes_go_first(crew: Crew, clock: ManualClock) -> None:
    owe(crew.database, "offer", lane=Lane.BULK)
    clock.advance(seconds=1)
    owe(crew.database, "confirmed")
    clock.advance(seconds=1)
    owe(crew.database, "code", lane=Lane.OTP)

    run_notices(crew.parts)

    assert [message.text.split()[1] for message in crew.sender.sent] == [
        "code", "confirmed", "offer",
    ]  # fmt: skip


def test_more_than_one_lease_can_hold_goes_out_in_one_run(crew: Crew) -> None:
    owe(crew.database, *("confirmed",) * 23)

    assert run_notices(crew.parts) == 23


def test_a_provider_that_is_down_is_tried_again_with_growing_pauses(
    crew: Crew, clock: ManualClock
) -> None:
    owe(crew.database, "confirmed")
    crew.sender.script.then(*[DOWN] * OUTBOX_TRIES_MAX)

    pauses = []
    while only(crew.database).state is Sending.WAITING:
        clock.set(only(crew.database).due_at)
        run_notices(crew.parts)
        pauses.append((only(crew.database).due_at - clock.now()).total_seconds())
        run_notices(crew.parts)  # Not due yet.

    assert len(crew.sender.attempts) == OUTBOX_TRIES_MAX
    assert pauses[:3] == [10, 20, 40]
    assert pauses[:-1] == sorted(pauses[:-1])
    assert only(crew.database).state is Sending.DEAD
    assert crew.sender.sent == []


def test_a_provider_that_comes_back_gets_the_message(crew: Crew, clock: ManualClock) -> None:
    owe(crew.database, "confirmed")
    crew.sender.script.then(DOWN)

    run_notices(crew.parts)
    clock.advance(seconds=10)

    assert run_notices(crew.parts) == 1
    assert only(crew.database).error is None


def test_an_answer_that_was_lost_is_never_followed_by_a_second_message(
    crew: Crew, clock: ManualClock
) -> None:
    owe(crew.database, "confirmed")
    crew.sender.script.then(LOST)

    run_notices(crew.parts)
    clock.advance(days=2)
    run_notices(crew.parts)

    assert len(crew.sender.attempts) == 1
    assert only(crew.database).state is Sending.UNKNOWN


def test_an_adapter_that_breaks_its_promise_leaves_the_message_unknown(crew: Crew) -> None:
    owe(crew.database, "confirmed", "completed")
    crew.sender.script.then(RuntimeError("not a ProviderError"))

    assert run_notices(crew.parts) == 1
    assert [notice.state for notice in notices(crew.database)] == [
        Sending.UNKNOWN, Sending.SENT,
    ]  # fmt: skip


def test_a_number_that_cannot_be_reached_is_not_tried_again(
    crew: Crew, clock: ManualClock
) -> None:
    owe(crew.database, "confirmed")
    crew.sender.script.then(ProviderError("bad_number"))

    run_notices(crew.parts)
    clock.advance(days=2)
    run_notices(crew.parts)

    assert len(crew.sender.attempts) == 1
    assert (only(crew.database).state, only(crew.database).error) == (Sending.DEAD, "bad_number")


def test_an_empty_wallet_pauses_all_and_costs_no_tries(crew: Crew, clock: ManualClock) -> None:
    owe(crew.database, "confirmed", "completed", "requested")
    crew.sender.script.then(NO_BALANCE)

    run_notices(crew.parts)
    run_notices(crew.parts)

    assert len(crew.sender.attempts) == 1, "the others were not wasted"
    assert [notice.tries for notice in notices(crew.database)] == [0, 0, 0]

    crew.parts.pauses.end(sms(crew.sender.name))  # A minute later, by Redis' clock.
    clock.advance(seconds=max(NOTICES_PAUSE_SECONDS, OUTBOX_LEASE_SECONDS) + 1)
    assert run_notices(crew.parts) == 3


def test_a_message_without_words_does_not_hold_up_the_next(crew: Crew) -> None:
    owe(crew.database, "broken", "confirmed")

    assert run_notices(crew.parts) == 1

    broken, confirmed = notices(crew.database)
    assert (broken.state, broken.error) == (Sending.WAITING, "unrenderable")
    assert confirmed.state is Sending.SENT


def test_who_opted_out_gets_no_offers_but_news_of_bookings(crew: Crew) -> None:
    with crew.database.transaction() as tx:
        opt_out(tx, CUSTOMER, Purpose.OFFERS, Said("sms"))
    owe(crew.database, "offer", lane=Lane.BULK)
    owe(crew.database, "confirmed")

    run_notices(crew.parts)

    assert [message.text for message in crew.sender.attempts] == ["en confirmed K7P4Q"]
    dropped = notices(crew.database, "offer")[0]
    assert (dropped.state, dropped.error) == (Sending.DROPPED, "opted_out")


def test_whom_the_network_calls_blocked_gets_no_offers_and_is_tried_with_the_rest(
    crew: Crew,
) -> None:
    """They open it again at their network, where nobody tells us."""
    blocked = ProviderError("opted_out")
    crew.sender.script.then(blocked, None)
    owe(crew.database, "confirmed")
    run_notices(crew.parts)
    owe(crew.database, "offer", lane=Lane.BULK)
    owe(crew.database, "completed")
    run_notices(crew.parts)

    states = {notice.topic: notice.state for notice in notices(crew.database)}
    assert states == {
        "confirmed": Sending.DEAD,
        "offer": Sending.DROPPED,
        "completed": Sending.SENT,
    }
    [word] = crew.database.run(lambda tx: opt_out_words(tx, CUSTOMER))
    refused = notices(crew.database, "confirmed")[0]
    assert (word.via, word.reference, word.words) == ("refusal", str(refused.id), "opted_out")


def test_what_a_message_costs_is_estimated_until_its_route_says(crew: Crew) -> None:
    """And in which language it went out, as the next one may be in another."""
    parts = replace(crew.parts, sms_prices={"africastalking": 75})
    owe(crew.database, "confirmed")
    run_notices(parts)
    notice = only(crew.database)

    assert (notice.cost_cents, notice.estimate_cents, notice.language) == (80, 75, "en")


def test_offers_wait_for_the_morning(crew: Crew, clock: ManualClock) -> None:
    clock.set(datetime(2026, 11, 20, 18, 30, tzinfo=UTC))  # 21:30 in Nairobi.
    owe(crew.database, "offer", lane=Lane.BULK)
    owe(crew.database, "confirmed")

    assert run_notices(crew.parts) == 1
    clock.set(datetime(2026, 11, 21, 4, 59, tzinfo=UTC))
    assert run_notices(crew.parts) == 0
    clock.set(datetime(2026, 11, 21, 5, 0, tzinfo=UTC))  # 08:00 in Nairobi.
    assert run_notices(crew.parts) == 1
    assert notices(crew.database, "offer")[0].tries == 1


@pytest.mark.parametrize(
    ("hour_utc", "until"),
    [
        (5, None),  # 08:00 in Nairobi
        (16, None),  # 19:00
        (17, datetime(2026, 11, 21, 5, tzinfo=UTC)),  # 20:00
        (22, datetime(2026, 11, 21, 5, tzinfo=UTC)),  # 01:00 of the 21st
    ],
)
def test_the_night_is_kenyan(hour_utc: int, until: datetime | None) -> None:
    assert quiet_until(datetime(2026, 11, 20, hour_utc, tzinfo=UTC)) == until


def test_a_worker_that_dies_while_sending_leaves_the_message_unknown(
    crew: Crew, clock: ManualClock
) -> None:
    owe(crew.database, "confirmed")
    crew.sender.script.then(die)
    with pytest.raises(Died):
        run_notices(crew.parts)
    assert only(crew.database).state is Sending.SENDING

    clock.advance(seconds=OUTBOX_LEASE_SECONDS + 1)
    run_notices(crew.parts)

    assert only(crew.database).state is Sending.UNKNOWN
    assert len(crew.sender.attempts) == 1


def test_a_worker_that_dies_before_it_begins_loses_nothing(crew: Crew, clock: ManualClock) -> None:
    owe(crew.database, "confirmed")
    with crew.database.transaction() as tx:
        outbox.lease(tx, 10)  # And gone.

    assert run_notices(crew.parts) == 0
    clock.advance(seconds=OUTBOX_LEASE_SECONDS + 1)
    assert run_notices(crew.parts) == 1


def slow_relay(crew: Crew, clock: ManualClock) -> None:
    """A relay takes two; while it sends the first, its leases run out and another one comes."""
    owe(crew.database, "first")
    clock.advance(seconds=1)
    owe(crew.database, "second")

    def meanwhile() -> None:
        clock.advance(seconds=OUTBOX_LEASE_SECONDS + 1)
        run_notices(crew.parts)

    crew.sender.script.then(meanwhile)
    run_notices(crew.parts)


def test_a_slow_relay_does_not_send_what_another_has_sent(crew: Crew, clock: ManualClock) -> None:
    slow_relay(crew, clock)

    texts = [message.text for message in crew.sender.sent]
    assert sorted(texts) == ["en first K7P4Q", "en second K7P4Q"]


def careless_begin(tx: Tx, notice_id: UUID) -> Notice | None:
    """``outbox.begin`` without its guard: it does not look whose the row is."""
    notice = tx.db.get_one(Notice, notice_id)
    notice.state = Sending.SENDING
    notice.tries += 1
    notice.leased_until = tx.now + timedelta(seconds=OUTBOX_LEASE_SECONDS)
    return notice


def careless_lease(tx: Tx, limit: int) -> list[UUID]:
    """``outbox.lease`` without its guard: it locks nothing and marks nothing."""
    return list(
        tx.db.scalars(select(Notice.id).where(Notice.state == Sending.WAITING).limit(limit))
    )


def test_without_the_guard_of_begin_it_would(
    crew: Crew, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "begin", careless_begin)

    slow_relay(crew, clock)

    texts = [message.text for message in crew.sender.sent]
    assert texts.count("en second K7P4Q") == 2


def relays_at_once(crew: Crew, count: int = 4) -> list[str]:
    """Several relays start together on twenty notices; returns who was written to."""
    for number in range(20):
        owe(crew.database, "confirmed", msisdn=f"+2547000000{number:02}")
    start = threading.Barrier(count)

    def relay() -> None:
        start.wait(20)
        run_notices(crew.parts)

    threads = [threading.Thread(target=relay) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return [message.msisdn for message in crew.sender.attempts]


def test_relays_at_once_send_each_row_once(crew: Crew) -> None:
    written_to = relays_at_once(crew)

    assert len(written_to) == len(set(written_to)) == 20


def test_without_lease_and_begin_relays_at_once_send_twice(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "lease", careless_lease)
    monkeypatch.setattr(outbox, "begin", careless_begin)

    written_to = relays_at_once(crew)

    assert len(written_to) > len(set(written_to))


def test_the_same_message_is_owed_once(crew: Crew) -> None:
    owe(crew.database, "confirmed", key="confirmed:1")
    owe(crew.database, "confirmed", key="confirmed:1")
    owe(crew.database, "confirmed", key="confirmed:1", msisdn=VENDOR)

    assert run_notices(crew.parts) == 1
