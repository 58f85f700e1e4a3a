"""Finding something: place, date, nights, people, budget, results."""

from datetime import date, timedelta
from functools import lru_cache

from core.catalog import queries
from core.catalog.places import TOWNS
from core.catalog.queries import Place
from core.catalog.rules import Category, check_people, check_range
from core.catalog.search import Found, Search, Sort, search
from core.clock import nairobi_date
from core.errors import BadInput
from core.limits import LEAD_HOURS_MIN, PEOPLE_MAX, STAY_NIGHTS_MAX
from core.money import BASIS_POINTS, CENTS_PER_SHILLING, Money
from core.pricing.queries import rates_on
from core.pricing.rules import Rates, quote
from sessions.dates import parse_day
from sessions.flow import Ask, Fixed, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.sort import ASKED_TOO, SORTED_BY, sort_of
from sessions.numbers import whole_number
from sessions.texts import T, cut, n, t

find = Part()

DATES_OFFERED = 4
# Nobody leafs further on a phone; a budget or an area finds the rest.
RESULTS_MAX = 15
RESULTS_BEFORE_SORT = 3
NIGHTS_OFFERED = 5
PLACES_OFFERED = 20
BUDGET_MAX_SHILLINGS = 100_000_000
FRIDAY, SATURDAY = 4, 5


def _place_option(place: Place) -> Option:
    name = f"{place.area}, {place.town}" if place.area else place.town
    return Option(
        t("{place}", place=cut(name)),
        to="date",
        set={"town": place.town_id, "area": place.area_id},
    )


TOWN_OPTIONS = Fixed(
    _place_option(Place(town.id, town.name))
    for town in sorted(TOWNS, key=lambda town: town.rank)[:PLACES_OFFERED]
)


@find.screen("place")
def place(_talk: Talk) -> Ask:
    """Where: the towns most asked for, or any name, however it is spelt.

    Towns are data of the code, so this most common of all screens asks no database.
    """
    return Ask(
        t("Where? Choose, or type a town or area"),
        key="place",
        to="date",
        parse="place",
        options=TOWN_OPTIONS,
    )


@find.answer("place", core=True)
def place_typed(talk: Talk, typed: str) -> Go:
    """One place is meant: on. Several: ask which. None: say so."""
    with talk.reading() as tx:
        found = queries.find_places(tx, typed)
    if not found:
        raise BadInput("no_place")
    if len(found) == 1:
        return Go("date", {"town": found[0].town_id, "area": found[0].area_id})
    return Go("which_place", {"typed_place": typed})


@find.screen("which_place", core=True)
def which_place(talk: Talk) -> Menu:
    """The typed name can mean several places."""
    with talk.reading() as tx:
        found = queries.find_places(tx, talk.draft["typed_place"])
    return Menu(t("Which one?"), [_place_option(place) for place in found])


@find.screen("date")
def when(talk: Talk) -> Ask:
    """When: the coming weekends, or any date typed."""
    stay = talk.draft["category"] == Category.STAY
    following = "nights" if stay else "people"
    # Those that still leave the shortest lead time.
    first = nairobi_date(talk.now + timedelta(hours=LEAD_HOURS_MIN)) + timedelta(days=1)
    return Ask(
        t("Which night do you arrive? Choose or type 25/12")
        if stay
        else t("Which day? Choose or type 25/12"),
        key="starts_on",
        to=following,
        parse="day",
        options=[
            Option(t("{day}", day=day), to=following, set={"starts_on": day.isoformat()})
            for day in _weekend_days(
                first, (FRIDAY, SATURDAY) if stay else (SATURDAY, SATURDAY + 1)
            )
        ],
    )


@lru_cache(maxsize=8)
def _weekend_days(first: date, weekdays: tuple[int, int]) -> tuple[date, ...]:
    """The next weekend days, from a day on."""
    days = (first + timedelta(days=i) for i in range(7 * DATES_OFFERED))
    return tuple(day for day in days if day.weekday() in weekdays)[:DATES_OFFERED]


@find.answer("day")
def day_typed(talk: Talk, typed: str) -> str:
    """A date that somebody could be booked for; the listing's own lead time is checked later."""
    day = parse_day(typed, talk.today)
    check_range(day, day + timedelta(days=1), talk.now)
    if day < nairobi_date(talk.now + timedelta(hours=LEAD_HOURS_MIN)):
        raise BadInput("date_too_soon", earliest=talk.today + timedelta(days=2))
    return day.isoformat()


@find.screen("nights")
def nights(talk: Talk) -> Ask:
    """How long a stay."""
    return Ask(
        t("How many nights from {day}?", day=talk.day("starts_on")),
        key="nights",
        to="people",
        parse="nights",
        options=[
            Option(n("{count} night", "{count} nights", count), to="people", set={"nights": count})
            for count in range(1, NIGHTS_OFFERED + 1)
        ],
    )


@find.answer("nights")
def nights_typed(_talk: Talk, typed: str) -> int:
    """A number of nights."""
    return whole_number(typed, least=1, most=STAY_NIGHTS_MAX)


@find.screen("people")
def people(talk: Talk) -> Ask:
    """How many come; somebody who named a listing goes straight to its price or its line."""
    following = "summary" if talk.draft.get("direct") else "budget"
    if talk.draft.get("in_line"):
        following = "line"
    return Ask(
        t("How many people? Type a number, such as 80"), key="people", to=following, parse="people"
    )


@find.answer("people")
def people_typed(_talk: Talk, typed: str) -> int:
    """A number of people that something in Kenya could serve."""
    count = whole_number(typed, least=1, most=PEOPLE_MAX)
    check_people(count)
    return count


@find.screen("budget")
def budget(_talk: Talk) -> Ask:
    """The most that may be paid in all."""
    return Ask(
        t("What is the most you can pay? Type KES, such as 60000"),
        key="budget",
        to="results",
        parse="budget",
        options=[Option(t("Any price"), to="results", set={"budget": None})],
    )


@find.answer("budget")
def budget_typed(_talk: Talk, typed: str) -> int:
    """An amount in whole shillings; ``60k`` and ``KES 60,000`` are understood."""
    plain = typed.lower().replace("kes", "").replace("ksh", "").replace("/=", "").strip(" .")
    thousands = plain.endswith("k")
    try:
        amount = whole_number(plain.removesuffix("k"), least=1, most=BUDGET_MAX_SHILLINGS)
    except BadInput as error:
        if error.code == "bad_number":
            raise BadInput("bad_amount") from None
        raise
    return amount * 1000 if thousands else amount


@find.screen("results", core=True)
def results(talk: Talk) -> Menu:
    """What is free, in the order that was chosen, with the whole price to pay."""
    with talk.reading() as tx:
        rates = rates_on(tx, talk.today, talk.draft["category"])
        found = search(tx, _search_of(talk, rates), RESULTS_MAX)
    if not found:
        return _nothing(talk)
    options = [_result(row, rates, sort_of(talk)) for row in found]
    # Behind the first few, so that it stands on the first page and they keep their numbers.
    options.insert(RESULTS_BEFORE_SORT, Option(t("Sort or choose"), to="sort"))
    return Menu(_found_line(talk, len(found)), options)


def _result(row: Found, rates: Rates, sort: Sort) -> Option:
    values = {"name": cut(row.title), "shillings": _shillings(row.base_cents, rates)}
    label = t("{name} {shillings}", **values)
    if sort is Sort.RATING and row.rating_count:
        stars = words.stars(row.rating_count, row.rating_sum)
        label = t("{name} {shillings}, {stars}*", **values, stars=stars)
    return Option(label, to="details", set={"number": row.number})


def _found_line(talk: Talk, count: int) -> T:
    """How many are free, and by what they are sorted when that is not the price."""
    order = SORTED_BY.get(sort_of(talk))
    if order is not None:
        return t("{order} ({count}). KES in all:", order=order, count=count)
    if talk.draft.get("instant"):
        return n("{count} to book at once. KES:", "{count} to book at once. KES:", count)
    return n("{count} free. KES in all:", "{count} free. KES in all:", count)


def _nothing(talk: Talk) -> Menu:
    again = [
        Option(t("Other day"), to="date"),
        Option(t("Other place"), to="place"),
        Option(t("Other number of people"), to="people"),
    ]
    if talk.draft.get("budget"):
        again.insert(0, Option(t("Any price"), to="results", set={"budget": None}))
    if talk.draft.get("instant"):
        again.insert(0, Option(t("Also those who answer by SMS"), to="results", set=ASKED_TOO))
    return Menu(t("Sorry, nothing is free for that."), again)


def _shillings(base_cents: int, rates: Rates) -> int:
    """The whole price, which is always in whole shillings."""
    return quote(Money(base_cents), rates).total.shillings


def _search_of(talk: Talk, rates: Rates) -> Search:
    starts_on = talk.day("starts_on")
    return Search(
        category=Category(talk.draft["category"]),
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=talk.draft.get("nights") or 1),
        people=talk.draft["people"],
        town_id=talk.draft["town"],
        area_id=talk.draft["area"],
        budget_cents=base_within(talk.draft["budget"], rates) if talk.draft["budget"] else None,
        sort=sort_of(talk),
        instant=bool(talk.draft.get("instant")),
    )


def base_within(total_shillings: int, rates: Rates) -> int:
    """Return the largest base in cents whose whole price is within a budget in shillings."""
    cents = total_shillings * CENTS_PER_SHILLING
    with_fee = (BASIS_POINTS + rates.service_fee) * (BASIS_POINTS + rates.vat)
    base = cents * BASIS_POINTS * BASIS_POINTS // with_fee + 2
    while base > 0 and quote(Money(base), rates).total.cents > cents:
        base -= 1
    return base
