"""``nafasi flows``: draws the dialogue and proves that every screen has a way on and out."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.setup import fail, say

if TYPE_CHECKING:
    from sessions.flow import Flow
    from sessions.moves import Move

FLOWS_PAGE = "docs/generated/flows.md"
LABELS_MAX = 3
# The parts in the order in which somebody meets them.
TITLES = {
    "home": "Where a call begins",
    "find": "Finding",
    "book": "Booking",
    "mine": "A customer's bookings",
    "change": "Changing a booking",
    "problem": "A problem with a booking",
    "vendor": "A vendor's menu",
}

_HEAD = """# The dialogue

Written by `nafasi flows` from the code of the screens; `nafasi flows --check` and a test say
when this page is stale. They fail as well when a screen leads to nothing, when nothing leads to a
screen, or when the first screen cannot reach an END by its own choices.

`0` goes back and `00` to the first screen from every other one; the third mistake in a row ends
with the help SMS. They are the engine's and not drawn. Hexagons are effects: one transaction each,
with the receipt of its turn. Dotted arrows are walked without an input: a screen that has nothing
to ask, or a refusal.
"""


def flows(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when the page is stale.")
    ] = False,
) -> None:
    """Draw the dialogue, in a working copy; exit 1 when a screen has no way out."""
    from sessions.flows.everything import build_flow
    from sessions.moves import moves_of, problems

    flow = build_flow()
    moves = moves_of(flow)
    wrong = problems(flow, moves)
    for line in wrong:
        say.print(line, markup=False)
    page, path = flows_markdown(flow, moves), Path(FLOWS_PAGE)
    if not path.exists():
        fail("The dialogue is drawn in a working copy of the project.")
    if not check:
        path.write_text(page)
        count = sum(len(found) for found in moves.values())
        sys.stdout.write(f"{len(moves)} screens, {count} moves, {len(wrong)} problems\n")
    elif path.read_text() != page:
        wrong.append("stale")
        say.print(f"{FLOWS_PAGE} is stale: run `nafasi flows`")
    if wrong:
        raise typer.Exit(1)


def flows_markdown(flow: "Flow", moves: "Mapping[str, list[Move]]") -> str:
    """Return the page: a diagram and a table a part."""
    from sessions.moves import inputs_to_end

    parts: dict[str, list[str]] = {}
    for name, screen in flow.screens.items():
        part = screen.show.__module__.rpartition(".")[2]
        parts.setdefault(part, []).append(name)
    ends = inputs_to_end(moves)
    known = [part for part in TITLES if part in parts]
    order = [*known, *sorted(set(parts) - set(known))]
    sections = (_section(flow, part, parts[part], moves, ends) for part in order)
    return f"{_HEAD}\nFlow version {flow.version}: {len(flow.screens)} screens.\n" + "".join(
        sections
    )


def _section(
    flow: "Flow",
    part: str,
    names: list[str],
    moves: "Mapping[str, list[Move]]",
    ends: Mapping[str, int],
) -> str:
    drawn = "\n".join(f"    {line}" for line in _arrows(names, moves))
    title = TITLES.get(part, part.capitalize())
    rows = (
        f"| `{name}` | {_about(flow.screens[name].show)} | {ends.get(name, 'by `00` and Help')} |"
        for name in names
    )
    table = "\n".join(
        ("| Screen | What it is for | Inputs to an END |", "| --- | --- | --- |", *rows)
    )
    return f"\n## {title}\n\n```mermaid\nflowchart LR\n{drawn}\n```\n\n{table}\n"


def _about(function: object) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


def _arrows(names: list[str], moves: "Mapping[str, list[Move]]") -> Iterator[str]:
    """One line an arrow: choices to the same place share one, an effect's outcomes are its own."""
    performed: dict[str, set[str]] = {}
    for name in names:
        ways: dict[str, list[str]] = {}
        for move in moves[name]:
            goal = _node(move.to)
            if move.do:
                performed.setdefault(move.do, set()).add(goal)
                goal = f"do_{move.do}{{{{{move.do}}}}}"
            words = ways.setdefault(goal, [])
            if move.label not in words:
                words.append(move.label)
        for goal, labels in ways.items():
            yield f"{_node(name)} {_arrow(labels)} {goal}"
    for do, goals in performed.items():
        yield from (f"do_{do} -.-> {goal}" for goal in sorted(goals))


def _node(name: str) -> str:
    # A bare `end` means something to mermaid.
    return "END([END])" if name == "END" else f"s_{name}[{name}]"


def _arrow(labels: list[str]) -> str:
    said = [label for label in labels if label]
    if not said:
        return "-.->"
    words = " / ".join(said[:LABELS_MAX]) + (" / ..." if len(said) > LABELS_MAX else "")
    return f'-->|"{words.replace(chr(34), chr(39))}"|'
