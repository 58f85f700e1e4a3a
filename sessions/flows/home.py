"""The first screen, language and help: everybody's."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from core import outbox
from core.db.tx import Tx
from core.people.model import Language, Role
from core.people.usecases import set_language
from sessions.flow import End, Fixed, Go, Menu, Option, Part, Talk
from sessions.notices.render import HELP_TOPIC
from sessions.texts import NAMES, T, cut, t

home = Part()

# What a new search or a new subject starts with: nothing left over from the last one.
FRESH = {
    "number": None,
    "code": None,
    "direct": False,
    "in_line": False,
    "town": None,
    "area": None,
    "starts_on": None,
    "nights": None,
    "people": None,
    "budget": None,
}


def find_options() -> list[Option]:
    """The three ways to begin a search."""
    return [
        Option(t("Halls and venues"), to="place", set={**FRESH, "category": "venue"}),
        Option(t("Catering"), to="place", set={**FRESH, "category": "catering"}),
        Option(t("Rooms and stays"), to="place", set={**FRESH, "category": "stay"}),
    ]


def language_options(languages: Sequence[str], spoken: str) -> list[Option]:
    """The switch, written in the language that it leads to; or the way to all of them."""
    others = _others(languages, spoken)
    return others if len(others) <= 1 else [Option(t("Language"), to="languages")]


def _others(languages: Sequence[str], spoken: str) -> list[Option]:
    return [
        Option(NAMES[language], do="language", set={"language": language})
        for language in languages
        if language != spoken
    ]


@home.screen("languages")
def languages(talk: Talk) -> Menu:
    """Which language, where there are more than two."""
    return Menu(t("Which language?"), _others(talk.languages, talk.lang))


@home.screen("home")
def first(talk: Talk) -> Menu:
    """Where a call begins: a vendor's own menu, or the customer's."""
    if talk.person.vendor_id:
        return _vendor_menu(talk)
    return _customer_menu(talk, t("Karibu Nafasi! Book and pay by M-Pesa."))


@home.screen("customer")
def customer(talk: Talk) -> Menu:
    """The customer's menu, for a vendor who is one for once."""
    return _customer_menu(talk, t("Find and book:"))


def _vendor_menu(talk: Talk) -> Menu:
    """What somebody can do for a vendor: by their role, what is needed most often first."""
    bookings = [
        Option(t("Requests"), to="requests"),
        Option(t("Coming bookings"), to="coming"),
        Option(t("Close or open days"), to="days"),
    ]
    listings = Option(t("My listings"), to="listings")
    account = Option(t("PIN, pay, staff, papers"), to="account")
    as_customer = Option(t("Find and book"), to="customer")
    match talk.person.role:
        case Role.STAFF:
            own = [*bookings, as_customer]
        case Role.APPLICANT:
            own = [Option(t("New listing"), to="offer"), listings, account, as_customer]
        case _:
            earned = Option(t("Earnings"), to="earnings")
            own = [*bookings, earned, as_customer, listings, account]
    return Menu(
        t("{business}", business=cut(talk.person.name or "Nafasi")),
        [
            *own,
            Option(t("My bookings"), to="mine"),
            *language_options(talk.languages, talk.lang),
            Option(t("Questions and answers"), to="relays"),
            Option(t("Help"), do="help"),
        ],
    )


def _customer_menu(talk: Talk, title: T) -> Menu:
    sells = bool(talk.person.vendor_id)
    return Menu(title, _customer_options(tuple(talk.languages), talk.lang, sells))


@cache
def _customer_options(languages: tuple[str, ...], spoken: str, sells: bool) -> Fixed:  # noqa: FBT001
    """What every call begins with, made once."""
    return Fixed([
        *find_options(),
        Option(t("My bookings"), to="mine"),
        *language_options(languages, spoken),
        Option(t("Type a code or number"), to="code"),
        Option(t("Help"), do="help"),
        *([] if sells else [Option(t("Sell with us"), to="join")]),
    ])  # fmt: skip


@home.effect("language")
def change_language(talk: Talk, tx: Tx) -> Go:
    """Remember the language; everything from here on speaks it."""
    language = Language(talk.draft["language"])
    set_language(tx, talk.person.msisdn, language)
    talk.person = replace(talk.person, language=language.value)
    return Go("home")


@home.effect("help")
def send_help(talk: Talk, tx: Tx) -> End:
    """Send the help SMS: it stays on the phone when the screen is gone."""
    outbox.add(tx, HELP_TOPIC, talk.person.msisdn, {})
    return End(t("We have sent you an SMS that says how Nafasi works and whom to call."))
