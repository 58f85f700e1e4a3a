"""What is read out of the flow's code is what really happens, and no screen is a dead end."""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from core.ids import CountedIds
from core.vault import Vault
from sessions.flow import Ask, End, Flow, Go, Menu, Option, Part, Talk
from sessions.flows.everything import build_flow
from sessions.moves import CHOSEN, END, Move, Unreadable, inputs_to_end, moves_of, problems
from tests.conftest import START, VAULT_KEY
from tests.sessions.worst import Market, Shown, person_of, talk
from tests.sessions.worst_market import prepare, undone
from tests.sessions.worst_screens import screens
from tests.support.recycling import Recycler
from web.commands.flows import FLOWS_PAGE, flows_markdown

FLOW = build_flow()
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def market_database(recycler: Recycler) -> Iterator[tuple[Database, Market]]:
    with recycler.lend(ManualClock(START), CountedIds(), Vault([VAULT_KEY])) as database:
        yield database, prepare(database)


def test_every_screen_has_a_way_on_and_out_and_the_page_shows_it() -> None:
    moves = moves_of(FLOW)

    assert problems(FLOW, moves) == []
    assert inputs_to_end(moves)[FLOW.home] == 1
    assert (ROOT / FLOWS_PAGE).read_text() == flows_markdown(FLOW, moves), "run `nafasi flows`"


def seen(shown: Shown) -> Iterator[tuple[str, str]]:
    """What a screen that was really run offers: targets and effects."""
    if isinstance(shown, Go):
        yield "to", shown.to
    if isinstance(shown, Ask):
        yield from ((kind, name) for kind, name in (("to", shown.to), ("do", shown.do)) if name)
    for option in getattr(shown, "options", ()):
        yield "to" if option.to else "do", option.to or option.do


def test_nothing_is_offered_that_was_not_read(market_database: tuple[Database, Market]) -> None:
    database, market = market_database
    read = {
        name: {("do", move.do) if move.do else ("to", move.to) for move in found}
        for name, found in moves_of(FLOW).items()
    }
    offered: dict[str, set[tuple[str, str]]] = {}
    for case in screens(market):
        with undone(database) as tx:
            person = person_of(tx, case.msisdn, "en")
            at = talk(partial(nullcontext, tx), person, dict(case.draft), tx.now)
            offered.setdefault(case.name, set()).update(seen(FLOW.screens[case.name].show(at)))

    assert {name: ways - read[name] for name, ways in offered.items() if ways - read[name]} == {}
    # Most of what is read was seen to be offered: the reading does not make up moves.
    known = sum(len(ways) for ways in read.values())
    assert sum(len(ways) for ways in offered.values()) > 0.6 * known


broken = Part()


@broken.screen("home")
def start(talk: Talk) -> Menu:
    return Menu("Where to?", [Option("On", to="nowhere"), Option(talk.lang, do="never")])


@broken.screen("forgotten")
def forgotten(_talk: Talk) -> End:
    return End("Nobody reads this.")


@broken.effect("never")
def never(_talk: Talk, _tx: Any) -> str:
    return "home"


@broken.effect("unused", refused={"no_units": "home"})
def unused(_talk: Talk, _tx: Any) -> End:
    return End("Nobody does this.")


def test_a_dialogue_that_breaks_in_the_hand_is_told() -> None:
    flow = Flow("1", "home", [broken])
    moves = moves_of(flow)

    assert moves["home"] == [Move("home", "never", CHOSEN), Move("nowhere", label="On")]
    assert moves["forgotten"] == [Move(END)]
    assert problems(flow, moves) == [
        "home leads to nowhere, which is no screen",
        "nothing leads to forgotten",
        "no choice of the first screen leads to an END",
        "nothing performs unused",
    ]


def test_a_target_that_cannot_be_read_is_an_error() -> None:
    riddle = Part()

    @riddle.screen("home")
    def home(talk: Talk) -> Menu:
        return Menu("Where to?", [Option("On", to=talk.draft["somewhere"])])

    with pytest.raises(Unreadable, match=r"home makes a target by talk\.draft\['somewhere'\]"):
        moves_of(Flow("1", "home", [riddle]))
