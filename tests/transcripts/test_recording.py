"""What is done on the terminal's phone becomes a story that holds at once, elsewhere as well."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.support.stage import Stage
from tests.support.transcript import play
from tests.support.world import USSD_CODE, World
from web.commands.phone import Handset
from web.commands.recording import Recorder

BEGIN = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
CUSTOMER, OTHER, HALL = "+254700000001", "+254700000003", "*384*7781*4508#"


@pytest.fixture
def client(stage: Stage) -> Iterator[httpx.Client]:
    base = f"{stage.simulator}/simulator/api"
    with httpx.Client(base_url=base, trust_env=False) as client:
        yield client


def handset(client: httpx.Client, number: str, recorder: Recorder | None) -> Handset:
    return Handset(client, number, USSD_CODE, lambda _line: None, recorder)


def book_and_pay(world: World, phone: Handset, day: str) -> None:
    for typed in (f"dial {HALL}", "1", day, "100", "1"):
        phone.do(typed)
    world.expect_event()
    world.clock.advance(seconds=5)
    world.work()
    phone.do("pay")
    world.work()


def test_a_recorded_call_is_a_test_at_once(
    stage: Stage, redis_url: str, client: httpx.Client, tmp_path: Path
) -> None:
    with stage.world(BEGIN, redis_url) as world:
        # Somebody has booked before: codes and PINs are not those that a story begins with.
        before = handset(client, OTHER, None)
        book_and_pay(world, before, "6/12")
        world.clock.advance(seconds=90)
        recorder = Recorder(CUSTOMER, world.clock.now, about="Another one.")
        phone = handset(client, CUSTOMER, recorder)
        book_and_pay(world, phone, "5/12")
        phone.do("inbox")
        phone.do("dial")
        phone.finish()
    story = tmp_path / "recorded.txt"
    story.write_text(recorder.story())

    assert "N8N3M" not in recorder.story()
    assert "PIN 5244" in recorder.story()
    assert recorder.story().splitlines()[:3] == [
        *("# Another one.", "given clock 2026-11-20 09:01:35", f"phone {CUSTOMER}")
    ]
    play(stage, story, redis_url)


def test_codes_typed_in_lower_case_and_pins_are_those_of_the_story() -> None:
    recorder = Recorder(CUSTOMER, lambda: BEGIN, "sw")
    recorder.screen("> 1", "Code K7P4Q.", final=True)
    recorder.read(CUSTOMER, ["Paid. K7P4Q is confirmed. PIN 7310.", "Two\nlines"])
    recorder.sent("cancel k7p4q 7310")
    recorder.paid_by_hand("K7P4Q", "500", "rejected")

    assert recorder.story().splitlines()[1:] == [
        "given clock 2026-11-20 09:00:00; language +254700000001 sw",
        "phone +254700000001",
        "> 1",
        "    | Code XX344.",
        "    (end)",
        "sms +254700000001",
        "    | Paid. XX344 is confirmed. PIN 5244.",
        "    --",
        "    | Two",
        "    | lines",
        "sms from +254700000001: cancel xx344 5244",
        "paybill XX344 500 rejected",
        "check",
    ]
