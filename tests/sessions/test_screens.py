"""Every screen in both languages with the longest data there can be: it fits, and leads on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from string import Formatter
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
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
from sessions.flows.everything import PUBLISHED, build_flow
from sessions.flows.words import refund_line
from sessions.gsm7 import septets, to_gsm7
from sessions.notices.render import ONE_SEGMENT
from sessions.texts import (
    BACK,
    DRAFTS,
    LANGUAGES,
    LOCALE,
    ONCE_MORE,
    REFUSALS,
    T,
    Text,
    plain,
)
from tests.conftest import START, VAULT_KEY
from tests.sessions.worst import (
    AREA,
    BUSINESS,
    DATA,
    FRIEND,
    TITLE,
    VENDOR,
    Case,
    Market,
    effects,
    person_of,
    prepare,
    screens,
    talk,
)
from tests.sessions.worst_day import day_effects, day_screens
from tests.support.recycling import Recycler

FLOW = build_flow()
# What only a vendor's own matters are refused for, and what else can be said above those.
OF_VENDORS = {
    "answered_already",
    *("id_bad", "kra_bad", "name_bad", "no_pin", "no_staff", "own_pin_locked", "owner_only"),
    *("pin_digits", "pin_easy", "same_details", "same_price", "staff_taken", "title_bad"),
    *("title_taken", "too_many_added", "too_many_listings", "too_many_staff", "units_sold"),
    "vendor_already",
}
VENDORS_WHYS = {
    *OF_VENDORS,
    *("bad_amount", "bad_choice", "bad_input", "bad_number", "bad_phone", "empty", "no_listing"),
    *("no_place", "not_vendor", "refused", "too_big", "too_long", "too_many_links", "too_small"),
    "wrong_pin",
}
VENDING = ("account", "join", "listing", "new_", "offer", "paid_to", "payout", "pin_", "staff")
WHYS: tuple[Text, ...] = tuple(
    T(line.msgid, DATA) for code, line in REFUSALS.items() if code not in OF_VENDORS
)
# Where little can be refused: nothing is typed, and few effects lead there.
ANYWHERE = ("bad_choice", "empty", "too_long", "refused")
ONLY = {
    "booking": (
        *ANYWHERE,
        "already_begun",
        "being_paid",
        "too_early",
        "too_late",
        "too_many_disputes",
        "change_open",
        "illegal_move",
        "no_booking",
        "no_change_asked",
        "not_payable",
        "prompt_open",
        "too_late",
        "too_many_changes",
        "too_expensive",
        "too_many_attempts",
        "review_late",
        "bad_stars",
    ),
    "about": (*ANYWHERE, "no_listing"),
    "earnings": (*ANYWHERE, "not_vendor", "too_many_links"),
    "dispute": (*ANYWHERE, "no_booking", "no_dispute", "too_many_notes"),
    "settle": (*ANYWHERE, "no_booking", "no_dispute"),
    "review": (*ANYWHERE, "answered_already", "no_review"),
    "vendor_says": (*ANYWHERE, "no_review"),
    "answer_words": (*ANYWHERE, "not_vendor", "note_too_long", "owner_only"),
    "relay": (*ANYWHERE, "no_relay", "note_too_long", "too_many_lines"),
    "wait": (*ANYWHERE, "no_wait", "no_units", "offer_over", "price_changed"),
    "cancel": (*ANYWHERE, "illegal_move", "no_booking", "refund_changed"),
    "change": (*ANYWHERE, "change_cost"),
    "change_what": (*ANYWHERE, "no_change"),
    "changing": (*ANYWHERE, "being_paid", "not_payable", "too_many_attempts"),
    "change_asked": ANYWHERE,
    "listing": (*ANYWHERE, "no_listing", "not_vendor", "owner_only", "same_price", "units_sold"),
    "let_down": (*ANYWHERE, "illegal_move", "no_booking", "not_vendor"),
    "guest": (*ANYWHERE, "illegal_move", "no_booking", "not_vendor", "pin_locked", "too_early"),
    "request": (*ANYWHERE, "illegal_move", "no_booking", "not_vendor", "no_units"),
}
REDIRECTS_MAX = 5


@pytest.fixture(scope="module")
def market_database(recycler: Recycler) -> Iterator[tuple[Database, Market]]:
    """One market for the whole file; every case leaves it as it was."""
    cards = Routes(card=("flutterwave",))
    with recycler.lend(ManualClock(START), CountedIds(), Vault([VAULT_KEY]), cards) as database:
        yield database, prepare(database)


@contextmanager
def undone(database: Database) -> Iterator[Tx]:
    with database.transaction() as tx:
        nested = tx.db.begin_nested()
        yield tx
        nested.rollback()


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


def whys_above(screen: str) -> tuple[Text, ...]:
    """The reasons that can stand above a screen: all of them where nothing says otherwise."""
    if screen not in ONLY and screen.startswith(VENDING):
        return tuple(T(REFUSALS[code].msgid, DATA) for code in sorted(VENDORS_WHYS))
    if screen not in ONLY and screen == FLOW.home:
        return tuple(T(line.msgid, DATA) for line in REFUSALS.values())
    if screen not in ONLY:
        return WHYS
    return (*(T(REFUSALS[code].msgid, DATA) for code in ONLY[screen]), ONCE_MORE)


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


def _places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def _forms(words: Any) -> tuple[str, ...]:
    return words if isinstance(words, tuple) else (words,)


def _letters(sentence: str) -> str:
    return re.sub(r"\{\w+\}|[^A-Za-z]", "", sentence)


@pytest.mark.parametrize("language", [*LANGUAGES, *DRAFTS])
def test_the_catalog_has_every_sentence_with_its_places_in_plain_letters(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, language)
    keywords: dict[str, tuple[int, ...] | None] = {"t": None, "n": (1, 2)}
    written = {
        _forms(found[2])[0]
        for found in extract_from_dir(LOCALE.parent, [("**.py", "python")], keywords=keywords)
    }
    known = {_forms(message.id)[0] for message in catalog if message.id}
    assert written <= known

    for message in catalog:
        if not message.id:
            continue
        for original, words in zip(_forms(message.id), _forms(message.string) or (), strict=True):
            assert not message.fuzzy, original
            if words:
                assert _places(words) == _places(original), original
                # Raises for a letter that a phone would not show. A draft may spell as people
                # write; the gate finds the phone's letters.
                septets(to_gsm7(words) if language in DRAFTS else words)
                assert "?" in original or "?" not in to_gsm7(words), original
            if language not in {"en", *DRAFTS} and _letters(original):
                assert words, f"not translated: {original}"
                assert words != original or _same_in_both(original), original


def _same_in_both(sentence: str) -> bool:
    """Names and the words that Kenyans use in both languages."""
    return sentence in {"M-Pesa", "PIN", "SMS", "wifi"}
