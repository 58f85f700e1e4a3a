"""Wrong input on every screen of the flow: the same screen, one line why, and help in the end."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from core.booking.offers import choose_deposit
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.ids import CountedIds
from core.money import Money
from core.outbox import Notice
from core.ports.calls import UssdTurn
from core.pricing.queries import rates_on
from core.pricing.rules import quote
from core.vault import Vault
from sessions.engine import Engine
from sessions.fit import SCREEN_SEPTETS
from sessions.flow import TYPED_MAX
from sessions.flows.everything import build_flow
from sessions.flows.find import base_within
from sessions.gsm7 import septets
from sessions.hooks import CoreHooks
from sessions.notices.render import HELP_TOPIC
from sessions.play import MISTAKES_MAX, Play
from sessions.state import State, View
from sessions.texts import LANGUAGES, REFUSALS, T, plain
from sessions.turns import Hop, Played
from tests.conftest import START, VAULT_KEY
from tests.sessions.worst import CUSTOMER, DATA, SERVICE_CODE, VENDOR, Case, Market, person_of
from tests.sessions.worst_market import prepare
from tests.sessions.worst_screens import screens
from tests.support.recycling import Recycler

FLOW = build_flow()
RUBBISH = ("rubbish qqx", "\U0001f600\U0001f600", "x" * 500, "*", "#", "0000", "", "-1")
PREFIX = "1"
PINS = {"pin", "pin_old", "pin_again", "payout_sure", "staff_sure"}
NAMES = {"join", "join_business", "offer_title", "staff_name"}


class Room:
    """The engine over one market; stands on any screen."""

    def __init__(self, database: Database, market: Market) -> None:
        self.database = database
        self.market = market
        self.engine = Engine({FLOW.version: FLOW}, FLOW.version, database, CoreHooks())
        self.calls = 0

    def hop(self, msisdn: str, transcript: str, call: int) -> Hop:
        turn = UssdTurn("africastalking", f"call-{call}", msisdn, SERVICE_CODE, transcript)
        return Hop(turn, self.database.clock.now(), threaded=True)

    def stand(self, case: Case, language: str) -> tuple[State, str]:
        """Stand on a case's screen: the state, and what is shown."""
        self.calls += 1
        person = self.database.run(lambda tx: person_of(tx, case.msisdn, language))
        state = State(FLOW.version, person, "nowhere", View([], []), draft=dict(case.draft))
        hop = self.hop(case.msisdn, PREFIX, self.calls)
        play = Play(FLOW, self.database, self.engine.hooks, state, hop)
        play.enter(case.name, case.draft)
        state.transcript = PREFIX
        return state, play.result().reply.text

    def answer(self, state: State, typed: str) -> Played:
        """Type something on a copy of a state."""
        copy = State.load(state.dump())
        transcript = f"{state.transcript}*{typed}"
        return self.engine.play(copy, self.hop(state.person.msisdn, transcript, self.calls))

    def help_sent(self, msisdn: str) -> int:
        with self.database.transaction() as tx:
            chosen = select(Notice).where(Notice.topic == HELP_TOPIC, Notice.msisdn == msisdn)
            return len(tx.db.scalars(chosen).all())


@pytest.fixture(scope="module")
def room(recycler: Recycler) -> Iterator[Room]:
    with recycler.lend(ManualClock(START), CountedIds(), Vault([VAULT_KEY])) as database:
        yield Room(database, prepare(database))


def reasons(language: str) -> set[str]:
    """The first words of every line why."""
    return {plain(T(line.msgid, DATA), language)[:12] for line in REFUSALS.values()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_rubbish_shows_the_same_screen_with_the_reason(room: Room, language: str) -> None:
    known = reasons(language)
    for case in screens(room.market):
        state, _ = room.stand(case, language)
        for typed in RUBBISH:
            if typed == "0000" and state.screen in PINS:
                continue  # A wrong PIN, but a PIN.
            if typed == RUBBISH[0] and state.screen in NAMES:
                continue  # Whatever somebody calls it is its name.
            question = state.view.question
            if question and question.free_text and 0 < len(typed) <= TYPED_MAX:
                continue  # Whatever somebody says is what they say.
            played = room.answer(state, typed)
            why = f"{language} {case} {typed[:12]!r}: {played.reply.text!r}"
            assert played.state.screen == state.screen, why
            assert played.state.draft == state.draft, why
            assert played.state.mistakes == 1, why
            assert not played.reply.final, why
            assert septets(played.reply.text) <= SCREEN_SEPTETS, why
            assert played.reply.text[:12] in known, why


def test_the_third_mistake_in_a_row_ends_with_help_and_keeps_the_answers(room: Room) -> None:
    for case in screens(room.market):
        before = room.help_sent(case.msisdn)
        state, _ = room.stand(case, "en")
        for number in range(1, MISTAKES_MAX + 1):
            played = room.answer(state, "")
            assert played.reply.final is (number == MISTAKES_MAX), f"{case} {number}"
            state = played.state
        assert state.unfinished
        assert room.help_sent(case.msisdn) == before + 1
    with room.database.transaction() as tx:
        tx.db.execute(delete(Notice).where(Notice.topic == HELP_TOPIC))


@pytest.mark.parametrize(
    ("screen", "typed", "why"),
    [
        ("date", "31/02", "There is no such date. Try 25/12."),
        ("date", "yesterday", "That date has passed."),
        ("date", "20/11/2025", "That date has passed."),
        ("date", "today", "That is too soon. The first day is Sun 22 Nov."),
        ("date", "1/1/2030", "That is too far ahead. The last day is Sat 20 Nov."),
        ("nights", "31", "Type at most 30."),
        ("nights", "-2", "Type at least 1."),
        ("people", "-5", "Type at least 1."),
        ("people", "many", "Type a number, for example 50."),
        ("people", "5001", "Type at most 5,000."),
        ("budget", "abc", "Type an amount in KES, such as 5000."),
        ("budget", "-100", "Type at least 1."),
        ("place", "qqqqq", "We know no such place. Try the nearest town."),
        ("code", "hello", "We know no such code or number."),
        ("code", "9999", "We know no such code or number."),
        ("which_days", "30/2", "There is no such date. Try 25/12."),
        (
            "which_days",
            "28/12-25/12",
            "Type a day such as 25/12 or days such as 25/12-28/12.",
        ),
        ("pin", "12", "Those are not the right digits."),
    ],
)
def test_each_mistake_has_its_reason(room: Room, screen: str, typed: str, why: str) -> None:
    paid = room.market.codes["paid"]
    draft = {"category": "venue", "starts_on": "2026-12-10", "close": True, "code": paid}
    msisdn = VENDOR if screen in {"which_days", "pin"} else CUSTOMER
    state, shown = room.stand(Case(screen, draft, msisdn), "en")

    played = room.answer(state, typed)

    assert played.reply.text.split("\n")[0] == why
    assert played.state.screen == screen
    assert played.reply.text.split("\n")[1] == shown.split("\n")[0]


def test_more_people_than_it_holds_is_said_where_they_are_typed(room: Room) -> None:
    draft = {
        "number": room.market.numbers["stay"],
        "category": "stay",
        "starts_on": "2026-12-10",
        "nights": 2,
        "direct": True,
    }
    with room.database.transaction() as tx:
        _set_units(tx, room.market.listings["stay"], 10)
    state, _ = room.stand(Case("people", draft), "en")

    played = room.answer(state, "51")

    assert played.reply.text.startswith("It holds at most 50 people.\nHow many people?")
    with room.database.transaction() as tx:
        _set_units(tx, room.market.listings["stay"], 1_000)


def test_a_day_inside_the_listings_lead_time_leads_back_to_the_day(room: Room) -> None:
    draft = {
        "number": room.market.numbers["ask"],
        "category": "venue",
        "starts_on": "2026-11-20",
        "nights": None,
        "direct": True,
    }
    state, _ = room.stand(Case("people", draft), "en")

    played = room.answer(state, "50")

    assert played.state.screen == "date"
    assert played.reply.text.startswith("That is too soon. The first day is Sat 21 Nov.\n")


def test_what_is_taken_leads_to_what_is_free_before_anything_is_agreed(room: Room) -> None:
    draft = {
        "number": room.market.numbers["full"],
        "category": "venue",
        "starts_on": room.market.day.isoformat(),
        "nights": None,
        "direct": True,
    }
    state, _ = room.stand(Case("people", draft), "en")

    played = room.answer(state, "50")

    assert played.state.screen == "instead"
    assert played.reply.text.startswith("Sorry, it is not free then.\nFree instead:\n1. ")


@pytest.mark.parametrize("shillings", [1, 999, 13_340, 66_699, 66_700, 100_000_000])
def test_a_budget_finds_what_it_can_pay_and_nothing_dearer(room: Room, shillings: int) -> None:
    with room.database.transaction() as tx:
        rates = rates_on(tx, room.market.day, "venue")
    base = base_within(shillings, rates)

    assert base <= 0 or quote(Money(base), rates).total.cents <= shillings * 100
    assert quote(Money(base + 1), rates).total.cents > shillings * 100


def _set_units(tx: Tx, listing_id: str, units: int) -> None:
    tx.db.get_one(Listing, UUID(listing_id)).units = units


def test_a_deposit_that_has_changed_meanwhile_is_shown_anew(room: Room) -> None:
    number = room.market.numbers["deposit"]
    day = room.market.day.isoformat()
    case = Case("pieces", {"number": number, "starts_on": day, "people": 10, "nights": None})
    state, shown = room.stand(case, "en")
    assert "KES 1,899,937" in shown

    room.database.run(lambda tx: choose_deposit(tx, number, 5_000, 14))
    try:
        played = room.answer(state, "1")
        assert played.state.screen == "summary"
        assert "The price has changed. Look again." in played.reply.text
    finally:
        room.database.run(lambda tx: choose_deposit(tx, number, 9_500, 14))
