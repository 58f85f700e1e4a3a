"""A second route takes what the first could not, and nothing goes out twice."""

from collections import Counter
from dataclasses import replace

import pytest
import redis

from channels.health import FAILURES_MAX, SharedHealth
from core import outbox
from core.inbox import store
from core.outbox import Notice, Sending
from core.ports.providers import Callback, ProviderError
from tests.support.fakes import FakeSender, notices
from tests.workers.conftest import Crew
from workers.inbox import run_inbox
from workers.notices import run_notices
from workers.pause import sms

TO = "+254700000001"


class SecondSender(FakeSender):
    name = "kannel"


@pytest.fixture
def second() -> SecondSender:
    return SecondSender()


@pytest.fixture
def two(crew: Crew, second: SecondSender) -> Crew:
    return replace(crew, parts=replace(crew.parts, senders=(crew.sender, second)))


def owe(crew: Crew, count: int = 1) -> None:
    for number in range(count):
        crew.database.run(lambda tx, n=number: outbox.add(tx, "confirmed", TO, {"code": f"C{n}"}))


def notice(crew: Crew) -> Notice:
    with crew.database.transaction() as tx:
        return tx.db.query(Notice).one()


@pytest.mark.parametrize(
    "error",
    [
        ProviderError("unavailable", retryable=True),
        ProviderError("no_route", retryable=True),
        ProviderError("no_balance", retryable=True, stop=True),
        ProviderError("bad_sender", stop=True),
    ],
    ids=lambda error: error.code,
)
def test_what_the_first_could_not_take_the_second_does(
    two: Crew, second: SecondSender, error: ProviderError
) -> None:
    two.sender.script.then(error)
    owe(two)

    assert run_notices(two.parts) == 1

    sent = notice(two)
    assert (sent.state, sent.provider, sent.tries) == (Sending.SENT, "kannel", 1)
    assert len(two.sender.attempts) == len(second.sent) == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ProviderError("timeout", unknown=True), Sending.UNKNOWN),
        (ProviderError("unavailable", unknown=True), Sending.UNKNOWN),
        (ProviderError("bad_number"), Sending.DEAD),
        (ProviderError("opted_out"), Sending.DEAD),
        (ProviderError("held"), Sending.DEAD),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_may_be_sent_or_would_be_refused_anywhere_goes_no_further(
    two: Crew, second: SecondSender, error: ProviderError, state: Sending
) -> None:
    two.sender.script.then(error)
    owe(two)

    assert run_notices(two.parts) == 0

    assert notice(two).state is state
    assert second.attempts == []


def test_a_route_without_credit_is_left_alone_while_the_other_works(
    two: Crew, second: SecondSender
) -> None:
    two.sender.script.then(ProviderError("no_balance", retryable=True, stop=True))
    owe(two, 3)

    assert run_notices(two.parts) == 3

    assert len(two.sender.attempts) == 1, "the others did not try the empty wallet"
    assert len(second.sent) == 3
    assert two.parts.pauses.holds(sms(two.sender.name))


def test_when_no_route_can_the_message_waits_and_no_try_counts(
    two: Crew, second: SecondSender
) -> None:
    empty = ProviderError("no_balance", retryable=True, stop=True)
    two.sender.script.then(empty)
    second.script.then(empty)
    owe(two)

    assert run_notices(two.parts) == 0
    assert run_notices(two.parts) == 0, "both are left alone"

    waiting = notice(two)
    assert (waiting.state, waiting.tries) == (Sending.WAITING, 0)


def test_a_report_finds_the_message_of_its_own_route(two: Crew, second: SecondSender) -> None:
    two.sender.script.then(ProviderError("unavailable", retryable=True))
    owe(two)
    run_notices(two.parts)
    sent = notice(two)
    told = {"id": sent.message_id, "status": "1"}
    for provider in ("twilio", "kannel"):
        form = told if provider == "kannel" else {"MessageSid": "SM0", "MessageStatus": "failed"}
        callback = Callback(provider, "delivery_report", str(sent.message_id), form)
        two.database.run(lambda tx, c=callback: store(tx, c))

    assert run_inbox(two.parts) == 1, "nobody knows the other one yet"
    assert notice(two).delivery == "delivered"


def test_a_route_that_fails_midway_loses_only_what_it_may_have_sent(
    two: Crew, second: SecondSender, store: redis.Redis
) -> None:
    """Of twelve messages the first route takes two, answers two no more, and then is gone."""
    health = SharedHealth(store, ("africastalking", "kannel"), look_seconds=0)
    parts = replace(two.parts, health=health)
    lost, gone = ProviderError("timeout", unknown=True), ProviderError("unavailable")
    two.sender.script.then(None, None, lost, lost, *[gone] * 10)
    owe(two, 12)

    assert run_notices(parts) == 10

    assert len(two.sender.attempts) == 5, "after three outages in a row it is left alone"
    assert health.down() == {"africastalking"}
    taken = [message.text for message in (*two.sender.sent, *second.sent)]
    tried = [message.text for message in two.sender.attempts[2:4]]
    assert len(set(taken)) == len(taken) == 10, "nothing went out twice"
    assert not set(tried) & set(taken), "nor what may have been sent"
    states = Counter(each.state for each in notices(two.database))
    assert states == {Sending.SENT: 10, Sending.UNKNOWN: 2}


@pytest.mark.parametrize("lane", list(outbox.Lane), ids=lambda lane: lane.name.lower())
def test_in_no_lane_is_an_unknown_outcome_followed_by_a_second_try(
    two: Crew, second: SecondSender, lane: outbox.Lane
) -> None:
    """Codes can be asked for anew, offers are not worth it; the rest is for a person to say."""
    two.sender.script.then(ProviderError("timeout", unknown=True))
    two.database.run(lambda tx: outbox.add(tx, "confirmed", TO, {}, lane=lane))

    for _ in range(3):
        run_notices(two.parts)

    assert notice(two).state is Sending.UNKNOWN
    assert (len(two.sender.attempts), second.attempts) == (1, [])


def test_when_all_routes_are_down_the_preferred_one_is_tried_again(
    two: Crew, second: SecondSender, store: redis.Redis
) -> None:
    health = SharedHealth(store, ("africastalking", "kannel"), look_seconds=0)
    for name in ("africastalking", "kannel"):
        for _ in range(FAILURES_MAX):
            health.note(name, ProviderError("unavailable"))
    owe(two)

    assert run_notices(replace(two.parts, health=health)) == 1

    assert len(two.sender.sent) == 1
    assert health.down() == {"kannel"}, "an answer ends it"
