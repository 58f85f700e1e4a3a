"""Nudges: cheap, never waited for, and lost without harm."""

import json
import time

import redis
from structlog.testing import capture_logs

from core.db.tx import Work
from tests.support.serving import eventually
from tests.web.rig import silence
from web.wake import QUEUES, Nudger, Producer

FAST_SECONDS = 0.05


class CountingProducer(Producer):
    """Keeps what it is asked to send; each message takes a while, as a slow broker's does."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1/0")
        self.sent: list[str] = []

    def send(self, work: str) -> None:
        time.sleep(0.02)
        self.sent.append(work)


def test_a_nudge_is_a_task_by_name_in_the_queue_of_its_urgency(redis_url: str) -> None:
    producer = Producer(redis_url)
    with redis.Redis.from_url(redis_url) as store:
        for work, queue in QUEUES.items():
            producer.send(work)
            message = json.loads(store.lindex(queue, 0))
            assert message["headers"]["task"] == f"{work}.run"
            assert message["headers"]["expires"] is not None
    producer.close()


def test_every_kind_of_work_that_a_transaction_can_want_has_a_queue() -> None:
    assert {work.value for work in Work} <= QUEUES.keys()


def test_many_wishes_become_few_messages_and_none_is_forgotten() -> None:
    producer = CountingProducer()
    with Nudger(producer) as nudger:
        for _ in range(100):
            for work in Work:
                nudger(work)

    assert set(producer.sent) == {work.value for work in Work}
    assert len(producer.sent) < 20


def test_a_wish_during_sending_is_sent_again() -> None:
    # The worker may have looked just before the row was there.
    producer = CountingProducer()
    with Nudger(producer) as nudger:
        nudger(Work.INBOX)
        eventually(lambda: producer.sent)
        nudger(Work.INBOX)

    assert producer.sent == ["inbox", "inbox"]


def test_a_dead_broker_costs_the_caller_nothing() -> None:
    with capture_logs() as logs, Nudger(Producer("redis://127.0.0.1:1/0")) as nudger:
        started = time.monotonic()
        nudger(Work.NOTICES)
        assert time.monotonic() - started < FAST_SECONDS

        eventually(lambda: [line for line in logs if line["event"] == "nudge.lost"])
    assert logs[0]["work"] == "notices"


def test_a_silent_broker_costs_the_caller_nothing() -> None:
    with (
        silence() as place,
        capture_logs() as logs,
        Nudger(Producer(f"redis://{place}/0")) as nudger,
    ):
        for _ in range(3):
            started = time.monotonic()
            nudger(Work.NOTICES)
            assert time.monotonic() - started < FAST_SECONDS
        eventually(lambda: [line for line in logs if line["event"] == "nudge.lost"], 10)
