"""``nafasi conversation``: what a booking takes of people and costs us, from played stories.

The stories of ``tests/transcripts/measured`` are played against the whole system by the tests,
word for word; here they are only counted.
"""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from web.commands.setup import fail, say

PAGE = "docs/conversation.md"
STORIES = "tests/transcripts/measured"
WAYS = {
    "request": "a hall found through the menus and asked for",
    "number": "a hall by the number on its board, booked at once",
}
LANGUAGES = {"en": "English", "sw": "Swahili"}
_END, _BETWEEN, _BAR = "(end)", "--", "|"

_HEAD = """# What a booking takes

Written by `nafasi conversation` from the stories in `tests/transcripts/measured`, which the tests
play against the whole system; `nafasi conversation --check` and a test say when this page is
stale. Each story is one booking: found, paid by M-Pesa, the guest let in by PIN, said to be done,
and the vendor paid on a Monday.

An input is one answer on a screen or one SMS sent to us; the M-Pesa PIN is not counted. A screen
holds 160 septets at most; an SMS of more than 160 is sent in segments, each paid for.
"""


@dataclass
class Part:
    """One person's part in a story.

    Attributes:
        calls: how often they dialled.
        inputs: answers and messages to us.
        inputs_to_booked: of these, until the first call of theirs was over.
        screens: septets of each screen that they saw.
        messages: segments of each SMS that they read.
    """

    calls: int = 0
    inputs: int = 0
    inputs_to_booked: int | None = None
    screens: list[int] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)


@dataclass
class Story:
    """A story, counted: the customer is whose phone it begins with."""

    parts: dict[str, Part]
    sms_cents: int
    calls_cents: int


def conversation(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when the page is stale.")
    ] = False,
) -> None:
    """Write what a booking takes and costs, in a working copy."""
    if not Path(STORIES).is_dir():
        fail("The stories stand in a working copy of the project.")
    page, path = conversation_markdown(Path(STORIES)), Path(PAGE)
    if not check:
        path.write_text(page)
        sys.stdout.write(page)
    elif not path.exists() or path.read_text() != page:
        say.print(f"{PAGE} is stale: run `nafasi conversation`")
        raise typer.Exit(1)


def conversation_markdown(stories: Path) -> str:
    """Return the page: what people do and read, and what it costs."""
    counted = {
        (way, language): count(path.read_text())
        for way in WAYS
        for language in LANGUAGES
        if (path := stories / f"{way}_{language}.txt").exists()
    }
    people = "\n".join(_people(counted))
    costs = "\n".join(_costs(counted))
    return f"{_HEAD}\n## What people do and read\n\n{people}\n\n## What it costs us\n\n{costs}\n"


def _people(counted: dict[tuple[str, str], Story]) -> Iterator[str]:
    yield (
        "| Way | Language | Who | Calls | Inputs to booked | Inputs in all | Screens"
        " | Septets, most | Septets, median | SMS read | Segments |"
    )
    yield "| --- | --- | --- |" + " ---: |" * 8
    for (way, language), story in counted.items():
        for who, part in zip(("customer", "vendor"), story.parts.values(), strict=True):
            booked = part.inputs_to_booked if who == "customer" else "-"
            figures = (
                *(part.calls, booked, part.inputs, len(part.screens)),
                *(max(part.screens, default=0), round(statistics.median(part.screens or [0]))),
                *(len(part.messages), sum(part.messages)),
            )
            cells = " | ".join(str(figure) for figure in figures)
            yield f"| {WAYS[way]} | {LANGUAGES[language]} | {who} | {cells} |"


def _costs(counted: dict[tuple[str, str], Story]) -> Iterator[str]:
    yield "| Way | Language | SMS segments | KES for SMS | Calls | KES for calls | KES a booking |"
    yield "| --- | --- |" + " ---: |" * 5
    for (way, language), story in counted.items():
        segments = sum(sum(part.messages) for part in story.parts.values())
        calls = sum(part.calls for part in story.parts.values())
        costs = (story.sms_cents, story.calls_cents, story.sms_cents + story.calls_cents)
        sms, ussd, both = (f"{cents // 100}.{cents % 100:02d}" for cents in costs)
        yield (
            f"| {WAYS[way]} | {LANGUAGES[language]} | {segments} | {sms} | {calls} | {ussd}"
            f" | {both} |"
        )
    yield ""
    yield (
        "At Africa's Talking's KES 0.80 a segment and the KES 0.10 a call that our simulator\n"
        "takes. M-Pesa's own charges are not in it."
    )


def count(text: str) -> Story:
    """Count one story; what stands in it was played."""
    from sessions.gsm7 import segments, septets

    parts: dict[str, Part] = {}
    spent, phone = (0, 0), ""
    for line, block in _steps(text):
        verb, _, rest = line.partition(" ")
        if verb == "phone":
            phone = rest
        elif verb in {"dial", ">"}:
            part = parts.setdefault(phone, Part())
            part.calls += verb == "dial"
            part.inputs += verb == ">"
            part.screens.append(septets(_text(block)))
            if block[-1] == _END and part.inputs_to_booked is None:
                part.inputs_to_booked = part.inputs
        elif line.startswith("sms from "):
            parts.setdefault(rest.removeprefix("from ").partition(":")[0], Part()).inputs += 1
        elif verb == "sms":
            read = parts.setdefault(rest, Part()).messages
            read.extend(segments(_text(message)) for message in _messages(block))
        elif verb == "spent":
            _, sms, _, calls = rest.split()
            spent = _cents(sms), _cents(calls)
    return Story(parts, *spent)


def _steps(text: str) -> list[tuple[str, list[str]]]:
    steps: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("    "):
            steps[-1][1].append(line.strip())
        else:
            steps.append((line, []))
    return steps


def _text(block: list[str]) -> str:
    return "\n".join(row[len(_BAR) + 1 :] for row in block if row.startswith(_BAR))


def _messages(block: list[str]) -> Iterator[list[str]]:
    message: list[str] = []
    for row in block:
        if row == _BETWEEN:
            yield message
            message = []
        elif row.startswith(_BAR):
            message.append(row)
    if message:
        yield message


def _cents(amount: str) -> int:
    shillings, _, cents = amount.partition(".")
    return int(shillings) * 100 + int(cents.ljust(2, "0"))
