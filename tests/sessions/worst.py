"""The longest that every screen can get: names, numbers, and how a case is told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.catalog.places import AREAS, TOWNS
from core.db.tx import Tx
from core.people.usecases import find_person
from sessions.flow import Ask, End, Go, Menu, Person, Talk

TOWN_OF = {town.slug: town for town in TOWNS}
AREA = max(AREAS, key=lambda area: len(f"{area.name}, {TOWN_OF[area.town].name}"))
# Forty characters each, the most that the core allows.
TITLE = "Mugumo Gardens and Conference Centre No."
BUSINESS = "Kirinyaga Wholesale Events & Catering Co"
PEOPLE = 5_000
CUSTOMER, FRIEND, VENDOR = "+254700000001", "+254700000002", "+254700000011"
SERVICE_CODE = "*384*7781#"
# What refusals say at their longest.
DATA = {
    "earliest": date(2026, 9, 30),
    "latest": date(2027, 9, 29),
    "nights_max": 30,
    "least": 100_000_000,
    "most": 100_000_000,
    "capacity": 5_000,
    "people_min": 5_000,
    "limit": 10,
    "minutes": 15,
    "until": datetime(2026, 9, 30, 20, 45, tzinfo=UTC),
    "day": date(2026, 9, 30),
    "booked": 5_000,
}
APPLICANT, STAFF, NOBODY = "+254700000071", "+254700000081", "+254700000091"
NAME = "Wanjikunanjoki Muthonimuchiri Kamaukaran"

Shown = Menu | Ask | End | Go


@dataclass(frozen=True)
class Market:
    """What stands in the database, by what the cases need of it."""

    numbers: Mapping[str, int]
    listings: Mapping[str, str]
    codes: Mapping[str, str]
    staff: str
    reviews: Sequence[str]
    waits: Mapping[str, str]
    relays: Sequence[str]
    day: date


@dataclass(frozen=True)
class Case:
    """One way to stand on a screen, or to perform an effect.

    Attributes:
        name: of the screen or the effect.
        draft: what was answered so far.
        msisdn: who is calling.
        secret: the answer to a secret question.
        ready: done in the transaction before, when the market alone does not make the case.
    """

    name: str
    draft: Mapping[str, Any] = field(default_factory=dict)
    msisdn: str = CUSTOMER
    secret: str = ""
    ready: Callable[[Tx, Market], None] | None = None

    def __str__(self) -> str:
        extra = [str(value) for key, value in self.draft.items() if key in {"category", "code"}]
        return "-".join([self.name, *extra, self.msisdn[-2:]])


def talk(tx_of: Callable[[], Any], person: Person, draft: dict[str, Any], now: Any) -> Talk:
    """What a screen gets to see, with a transaction to read in."""
    return Talk(person, draft, now, SERVICE_CODE, tx_of)


def person_of(tx: Tx, msisdn: str, language: str) -> Person:
    """Who is calling, in a language."""
    found = find_person(tx, msisdn)
    return Person(
        msisdn,
        language=language,
        name=found.business or "",
        vendor_id=str(found.vendor_id) if found.vendor_id else None,
        role=found.role.value if found.role else "",
    )


# What somebody has told who wants to sell, and of what they offer.
JOINING = {
    "join_name": NAME,
    "join_business": BUSINESS,
    "town": TOWN_OF[AREA.town].id,
    "area": AREA.id,
    "category": "stay",
    "id_ends": "678",
    "kra_ends": "00A",
    "then": "join_category",
}
OFFERS = tuple(
    {**JOINING, "category": category, "title": TITLE, "size": 5_000, "guests": 50, "unit": unit}
    | {"price_cents": 99_999_999_00, "mode": "request"}
    for category, unit in (("venue", "person"), ("catering", "person"), ("stay", "night"))
)


def wishes(market: Market) -> Iterator[tuple[dict[str, Any], int | None]]:
    """What may be wished, with the cents agreed to: at the same price, before paying, cheaper,
    dearer, and of what is not free."""
    later = (market.day + timedelta(days=170)).isoformat()
    for name, day, nights, count, agreed_cents in (
        ("paid", later, None, None, 0),
        ("requested", later, None, PEOPLE - 1, 24_700_000),
        ("held", later, None, PEOPLE - 1, 24_700_000),
        ("nights", later, 29, None, -640_300),
        ("small", later, 30, PEOPLE, 24_011_200),
        ("nights", None, 1, None, None),
        ("paid", market.day.isoformat(), None, None, None),
    ):
        yield (
            {
                "code": market.codes[name],
                "new_day": day,
                "new_nights": nights,
                "new_people": count,
            },
            agreed_cents,
        )
