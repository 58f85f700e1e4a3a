"""Floods are told once, machines are cut off, and people who are only quick are not."""

from dataclasses import dataclass

import pytest
import redis
from structlog.testing import capture_logs

from core.clock import ManualClock
from sessions.restraint import (
    HOUR_SECONDS,
    LOOP_MAX,
    MESSAGES_A_MINUTE_MAX,
    MESSAGES_AN_HOUR_MAX,
    Heard,
    RedisRestraint,
    Verdict,
)
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER

MACHINE = "I am in a meeting and will call you back."


@dataclass
class Line:
    """One phone's messages, as the restraint sees them."""

    restraint: RedisRestraint
    clock: ManualClock
    msisdn: str = CUSTOMER
    count: int = 0

    def send(self, text: str, after_seconds: float = 0, *, understood: bool = True) -> Verdict:
        self.clock.advance(seconds=after_seconds)
        self.count += 1
        return self.again(text, understood=understood)

    def again(self, text: str, *, understood: bool = True) -> Verdict:
        name = f"{self.msisdn} {self.count}"
        return self.restraint.judge(Heard(self.msisdn, name, text, understood, self.clock.now()))


@pytest.fixture
def line(redis_url: str, clock: ManualClock) -> Line:
    return Line(RedisRestraint(redis.Redis.from_url(redis_url)), clock)


def test_a_flood_is_told_once_then_met_with_silence(line: Line) -> None:
    said = [line.send("1") for _ in range(MESSAGES_A_MINUTE_MAX)]
    assert set(said) == {Verdict.ANSWER}

    assert [line.send("1") for _ in range(3)] == [Verdict.TELL, Verdict.FLOOD, Verdict.FLOOD]
    # Another number is heard all the same.
    other = Line(line.restraint, line.clock, OTHER_CUSTOMER)
    assert other.send("1") is Verdict.ANSWER
    assert line.send("1", after_seconds=61) is Verdict.ANSWER


def test_a_slow_flood_is_one_too(line: Line) -> None:
    said = [line.send("1", after_seconds=50) for _ in range(MESSAGES_AN_HOUR_MAX + 1)]

    assert said == [Verdict.ANSWER] * MESSAGES_AN_HOUR_MAX + [Verdict.TELL]
    assert line.send("1", after_seconds=HOUR_SECONDS) is Verdict.ANSWER


def test_the_same_message_looked_at_again_gets_the_same_verdict(line: Line) -> None:
    for _ in range(MESSAGES_A_MINUTE_MAX + 1):
        line.send("1")

    assert [line.again("1") for _ in range(3)] == [Verdict.TELL] * 3


@pytest.mark.parametrize(
    ("text", "seconds", "understood"), [(MACHINE, 300, True), ("Welcome {}", 5, False)]
)
def test_two_machines_are_cut_off_at_the_fifth_message(
    line: Line, text: str, seconds: float, *, understood: bool
) -> None:
    with capture_logs() as logs:
        said = [
            line.send(text.format(number), seconds, understood=understood)
            for number in range(LOOP_MAX + 2)
        ]

    assert said == [Verdict.ANSWER] * (LOOP_MAX - 1) + [Verdict.LOOP] * 3
    assert [entry["event"] for entry in logs] == ["sms.loop_cut"]
    assert logs[0]["log_level"] == "error"
    # Somebody takes the phone in hand.
    assert line.send("status", after_seconds=30) is Verdict.ANSWER


def test_people_who_choose_quickly_or_say_the_same_are_no_machines(line: Line) -> None:
    for _ in range(MESSAGES_A_MINUTE_MAX):
        assert line.send("1", after_seconds=4) is Verdict.ANSWER
    for _ in range(LOOP_MAX + 2):
        assert line.send("Are you open on Sunday?", 700, understood=False) is Verdict.ANSWER


def test_without_redis_everybody_is_answered(clock: ManualClock) -> None:
    away = redis.Redis(port=1, socket_connect_timeout=0.1)
    line = Line(RedisRestraint(away), clock)

    assert line.send("1") is Verdict.ANSWER
