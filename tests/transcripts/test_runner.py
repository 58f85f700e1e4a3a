"""The runner itself: it sees what a story leaves out, and writes down what happens when asked."""

from pathlib import Path

import pytest

from tests.support.stage import Stage
from tests.support.transcript import Wrong, parse, play

HELP = """given clock 2026-11-20 09:00
sms from +254700000061: HELP
"""
READ = f"{HELP}sms +254700000061\n"


@pytest.fixture
def story(tmp_path: Path) -> Path:
    return tmp_path / "story.txt"


def test_a_block_belongs_to_the_line_above_it() -> None:
    steps = parse("# Why.\n\ndial *1#\n    | One\n    |\n    (end)\n> 1\n")

    assert [step.text for step in steps] == ["# Why.", "", "dial *1#", "> 1"]
    assert steps[2].expected == ["| One", "|", "(end)"]


def test_what_happens_is_written_down_and_then_holds(
    stage: Stage, redis_url: str, story: Path
) -> None:
    story.write_text(READ)

    play(stage, story, redis_url, update=True)
    written = story.read_text()
    play(stage, story, redis_url)

    assert "    | Nafasi: dial *384*7781#" in written
    assert story.read_text() == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HELP, "messages that the story does not tell"),
        (READ + "    | Nafasi: something else\n", "happened"),
        (READ + "    (nothing)\n", "happened"),
        (HELP + "jump\n", "no such step: jump"),
        (HELP + "ledger escrow 1\n", "escrow holds 0.00"),
        (HELP + "phone +254700000061\npay ok\n", "has no open prompt"),
        ("phone +254700000061\n", "a story begins with"),
    ],
)
def test_a_story_that_does_not_hold_fails(
    stage: Stage, redis_url: str, story: Path, text: str, said: str
) -> None:
    story.write_text(text)

    with pytest.raises(Wrong, match=said):
        play(stage, story, redis_url)


BOOKED = """given clock 2026-11-20 09:00
phone +254700000001
dial *384*7781*4508#
> 1
> 5/12
> 100
> 1
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("wait 5s\n", "a prompt was left unanswered"),
        ("state XX344 confirmed\n", "XX344 is awaiting_payment"),
        ("inputs <= 3\n", "it took 4 inputs"),
    ],
)
def test_what_is_left_open_fails(
    stage: Stage, redis_url: str, story: Path, more: str, said: str
) -> None:
    story.write_text(BOOKED + more)

    with pytest.raises(Wrong, match=said):
        play(stage, story, redis_url, update=True)
