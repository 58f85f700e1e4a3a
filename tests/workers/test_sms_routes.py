"""A second route takes what the first could not, and nothing goes out twice."""

from dataclasses import replace

import pytest

from core import outbox
from core.inbox import store
from core.outbox import Notice, Sending
from core.ports import Callback, ProviderError
from tests.support.fakes import FakeSender
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
