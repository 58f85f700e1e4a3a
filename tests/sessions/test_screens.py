"""Every screen in both languages with the longest data there can be: it fits, and leads on."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from core.booking.model import Booking
from core.booking.policy import POLICIES
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.escrow import ledger, postings
from core.ids import CountedIds
from core.money import Money
from core.networks import SCREEN_SEPTETS
from core.people.model import User, Vendor
from core.ports.providers import Routes
from core.talks import Channel
from core.vault import Vault
from sessions.fit import page, view_of
from sessions.flow import Ask, End, Go, Menu
from sessions.flows.everything import PUBLISHED
from sessions.flows.words import refund_line
from sessions.gsm7 import septets
from sessions.notices.render import ONE_SEGMENT
from sessions.texts import BACK, DRAFTS, LANGUAGES, plain
from tests.conftest import START, VAULT_KEY
from tests.sessions.whys import FLOW, whys_above
from tests.sessions.worst import (
    AREA,
    BUSINESS,
    FRIEND,
    TITLE,
    VENDOR,
    Case,
    Market,
    person_of,
    talk,
)
from tests.sessions.worst_day import day_effects, day_screens
from tests.sessions.worst_effects import effects
from tests.sessions.worst_market import prepare, undone
from tests.sessions.worst_screens import screens
from tests.support.recycling import Recycler

REDIRECTS_MAX = 5


@pytest.fixture(scope="module")
def market_database(recycler: Recycler) -> Iterator[tuple[Database, Market]]:
    """One market for the whole file; every case leaves it as it was."""
    cards = Routes(card=("flutterwave",))
    with recycler.lend(ManualClock(START), CountedIds(), Vault([VAULT_KEY]), cards) as database:
        yield database, prepare(database)


def shown_in(tx: Tx, case: Case, language: str) -> tuple[str, Menu | Ask | End]:
    """Run a screen, following it where it leads on by itself."""
    person = person_of(tx, case.msisdn, language)
    at = talk(partial(nullcontext, tx), person, dict(case.draft), tx.now)
    name = case.name
    for _ in range(REDIRECTS_MAX):
        shown = FLOW.screens[name].show(at)
        if not isinstance(shown, Go):
            return name, shown
        name = shown.to
        at.draft.update(shown.set)
    raise AssertionError("screens lead in a circle")


def pages(
    shown: Menu | Ask | End,
    language: str,
    *,
    home: bool,
    why: str = "",
    channel: Channel = Channel.USSD,
) -> Iterator[tuple[str, int]]:
    """Turn all pages of a screen: their text and how many choices each one offers."""
    view = view_of(shown, language)
    start = 0
    while True:
        way_out = not home and not isinstance(shown, End)
        fitted = page(view, start, language, way_out=way_out, why=why, channel=channel)
        assert fitted.whole, f"a line was cut: {fitted.text!r}"
        yield fitted.text, fitted.end - start
        if fitted.end >= len(view.choices):
            return
        assert fitted.end > start, f"a page without a choice: {fitted.text!r}"
        start = fitted.end


def check_screen(shown: Menu | Ask | End, language: str, *, home: bool, why: str = "") -> None:
    """The screen fits, and leads on: by a call, and in one message."""
    # A message's lines are shorter than the keys of a call, so what fits there fits here.
    for text, _ in pages(shown, language, home=home, why=why, channel=Channel.SMS):
        assert septets(text) <= ONE_SEGMENT, text
        way_back = "RUDI" if language == "sw" else "BACK"
        assert home or isinstance(shown, End) or text.endswith(way_back), text
    for text, choices in pages(shown, language, home=home, why=why):
        lines = text.split("\n")
        assert septets(text) <= SCREEN_SEPTETS, text
        assert choices <= 5
        assert not why or lines[0] == why, "the reason is not whole"
        assert not re.search(r"[{}]", text)
        if not home and not isinstance(shown, End):
            assert f"0. {plain(BACK, language)}" in lines, f"no way back: {text!r}"


def all_screens(market: Market) -> Iterator[Case]:
    yield from screens(market)
    yield from day_screens(market)


def all_effects(market: Market) -> Iterator[Case]:
    yield from effects(market)
    yield from day_effects(market)


def test_the_cases_name_every_screen_and_effect_of_the_flow(
    market_database: tuple[Database, Market],
) -> None:
    _, market = market_database
    assert {case.name for case in all_screens(market)} == set(FLOW.screens)
    assert {case.name for case in all_effects(market)} == set(FLOW.effects)
    assert FLOW.vanished(PUBLISHED) == set()
    assert (len(TITLE), len(BUSINESS)) == (40, 40)


@pytest.mark.parametrize("language", [*LANGUAGES, *DRAFTS])
def test_every_screen_fits_with_every_reason_above_it(
    market_database: tuple[Database, Market], language: str
) -> None:
    database, market = market_database
    wrong = []
    for case in all_screens(market):
        with undone(database) as tx:
            name, shown = shown_in(tx, case, language)
            for why in ("", *(plain(why, language) for why in whys_above(name))):
                try:
                    check_screen(shown, language, home=name == FLOW.home, why=why)
                except AssertionError as error:
                    wrong.append(f"{case}: {error}")
    assert wrong == [], "\n".join(wrong)


HELD: dict[str, dict[str, Any]] = {
    "changed": {"payout_changed_at": START},
    "kyc": {"kyc_verified_at": None},
    "no_details": {"payout_sealed": None},
    "unverified": {"payout_verified_at": None},
    "admin": {"payouts_held_why": "odd"},
    "no_route": {"payout_method": "bank"},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", HELD)
def test_a_vendor_reads_why_the_money_waits(
    market_database: tuple[Database, Market], reason: str, language: str
) -> None:
    database, _ = market_database
    with undone(database) as tx:
        vendor = tx.db.query(Vendor).join(User).filter(User.msisdn == VENDOR).one()
        tx.db.execute(update(Vendor).where(Vendor.id == vendor.id).values(HELD[reason]))
        owed = Money(99_999_999_00)
        ledger.post(tx, postings.paid_back(vendor.number, "daraja", owed, reference="SFR1"))
        tx.db.expire_all()
        _, shown = shown_in(tx, Case("earnings", msisdn=VENDOR), language)

        check_screen(shown, language, home=False)
        text = "".join(text for text, _ in pages(shown, language, home=False))
        waits = {"en": "KES 99,999,999 waits", "sw": "KES 99,999,999 zinasubiri"}[language]
        assert waits in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_effect_says_how_it_ended_in_full(
    market_database: tuple[Database, Market], language: str
) -> None:
    database, market = market_database
    for case in all_effects(market):
        with undone(database) as tx:
            if case.ready is not None:
                case.ready(tx, market)
            person = person_of(tx, case.msisdn, language)
            draft, secret = dict(case.draft), case.secret
            if case.name == "check_in":
                code = draft["code"]
                booking = tx.db.query(Booking).filter_by(code=code).one()
                secret = tx.vault.open(booking.check_in_pin_sealed)
            at = talk(partial(nullcontext, tx), person, draft, tx.now)
            at.secret = secret
            outcome = FLOW.effects[case.name].perform(at, tx)
            why = ""
            if isinstance(outcome, Go):
                at.draft.update(outcome.set)
                if outcome.why is not None:
                    why = plain(outcome.why, at.lang)
                follow = Case(outcome.to, at.draft, case.msisdn)
                name, shown = shown_in(tx, follow, at.lang)
            else:
                assert isinstance(outcome, End)
                name, shown = "", outcome
            try:
                check_screen(shown, at.lang, home=name == FLOW.home, why=why)
            except AssertionError as error:
                raise AssertionError(f"{language} {case}: {error}") from error


@pytest.mark.parametrize("language", LANGUAGES)
def test_amounts_dates_codes_and_numbers_are_never_cut(
    market_database: tuple[Database, Market], language: str
) -> None:
    database, market = market_database
    wish = {"starts_on": market.day.isoformat(), "people": 5_000, "nights": None}
    day = {"en": "Thu 10 Dec", "sw": "Alh 10 Des"}[language]
    asked, paid = market.codes["requested"], market.codes["paid"]
    ask, stay = market.numbers["ask"], market.numbers["stay"]
    whole = (
        (Case("summary", {**wish, "number": ask}), ["KES 247,000", day, "5,000"]),
        (Case("summary", {**wish, "number": stay, "nights": 30}), ["240,120", day, "30"]),
        (Case("summary", {**wish, "number": market.numbers["parts"]}), ["KES 1,999,933"]),
        (Case("pieces", {**wish, "number": market.numbers["parts"]}), ["KES 1,999,933", "8"]),
        (
            Case("pieces", {**wish, "number": market.numbers["deposit"]}),
            ["KES 1,899,937", "KES 99,996", "26 Nov 18:00"],
        ),
        (
            Case("booking", {"code": market.codes["begun"]}),
            ["999,999", "KES 999,934"],
        ),
        (Case("booking", {"code": market.codes["deposit"]}), ["1,899,937", "KES 99,996"]),
        (Case("pay_for", {"code": market.codes["begun"]}, FRIEND), ["KES 249,984", "5", "8"]),
        (Case("details", {"number": ask}), ["KES 185,157"]),
        (Case("booking", {"code": paid}), [paid, "KES 247,000", "0700000011"]),
        (Case("guest", {"code": paid}, VENDOR), [paid, "0700000001", "KES 148,125"]),
        (Case("request", {"code": asked}, VENDOR), [asked, "KES 148,125", "21 Nov 09:00"]),
    )
    for case, wanted in whole:
        with undone(database) as tx:
            _, shown = shown_in(tx, case, language)
            for why in ("", *(plain(why, language) for why in whys_above(case.name))):
                first, _ = next(pages(shown, language, home=False, why=why))
                for value in wanted:
                    assert value in first, f"{case}: {value} is not in {first!r}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cancelling_costs_is_shown_before_paying(
    market_database: tuple[Database, Market], language: str
) -> None:
    database, market = market_database
    wish = {"starts_on": market.day.isoformat(), "people": 5_000}
    for name, nights in (("ask", None), ("now", None), ("stay", 30)):
        case = Case("summary", {**wish, "number": market.numbers[name], "nights": nights})
        with undone(database) as tx:
            _, shown = shown_in(tx, case, language)
            first, _ = next(pages(shown, language, home=False))
            assert "80%" in first
            assert "50%" in first


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_named_policy_is_shown_before_paying(
    market_database: tuple[Database, Market], policy: str, language: str
) -> None:
    database, market = market_database
    wish = {"starts_on": market.day.isoformat(), "people": 5_000}
    line = plain(refund_line(POLICIES[policy]), language)
    for name, nights in (("ask", None), ("now", None), ("stay", 30)):
        case = Case("summary", {**wish, "number": market.numbers[name], "nights": nights})
        with undone(database) as tx:
            chosen = update(Listing).where(Listing.number == market.numbers[name])
            tx.db.execute(chosen.values(policy=policy))
            _, shown = shown_in(tx, case, language)
            check_screen(shown, language, home=False)
            first, _ = next(pages(shown, language, home=False))
            assert line in first.split("\n"), first


def test_the_longest_place_is_named(market_database: tuple[Database, Market]) -> None:
    database, market = market_database
    with undone(database) as tx:
        _, shown = shown_in(tx, Case("details", {"number": market.numbers["ask"]}), "en")
        first, _ = next(pages(shown, "en", home=False))
    assert AREA.name[:8] in first
