"""A vendor's calendar: closes days, ranges and weekdays, and opens them again."""

from datetime import date, timedelta
from uuid import UUID

from core.catalog import calendar
from core.catalog.listings import own_listing, weekdays
from core.catalog.queries import listings_of
from core.db.tx import Tx
from core.errors import BadInput
from core.people.deeds import Deed
from sessions.dates import parse_day
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows.roles import acts, vendor_of
from sessions.texts import T, cut, n, t

days = Part()

RANGE_DAYS_MAX = 62
WEEKDAYS = (
    t("Mondays"),
    t("Tuesdays"),
    t("Wednesdays"),
    t("Thursdays"),
    t("Fridays"),
    t("Saturdays"),
    t("Sundays"),
)


@days.screen("days", core=True)
def which_listing(talk: Talk) -> Menu | Go:
    """Which listing; a vendor with one is not asked."""
    with talk.reading() as tx:
        found = listings_of(tx, vendor_of(talk))
    if len(found) == 1:
        return Go("close_or_open", {"listing": str(found[0].id)})
    return Menu(
        t("Which listing?"),
        [
            Option(
                t("{name}", name=cut(listing.title)),
                to="close_or_open",
                set={"listing": str(listing.id)},
            )
            for listing in found
        ],
        empty=t("You have no listings."),
    )


@days.screen("close_or_open")
def close_or_open(_talk: Talk) -> Menu:
    """What to do with the days."""
    return Menu(
        t("Closed days take no bookings."),
        [
            Option(t("Close days"), to="which_days", set={"close": True}),
            Option(t("Open days again"), to="which_days", set={"close": False}),
            Option(t("Close a weekday"), to="which_weekday", set={"close": True}),
            Option(t("Open a weekday again"), to="which_weekday", set={"close": False}),
        ],
    )


@days.screen("which_days")
def which_days(talk: Talk) -> Ask:
    """A day or a range, typed."""
    question = t("Close which day? Type 25/12 or 25/12-28/12")
    if not talk.draft["close"]:
        question = t("Open which day? Type 25/12 or 25/12-28/12")
    return Ask(question, key="range", do="set_days", parse="range")


@days.answer("range")
def range_typed(talk: Talk, typed: str) -> list[str]:
    """``25/12`` or ``25/12-28/12``, also with ``to`` or ``hadi``; days as ISO text."""
    written = typed.lower().replace("hadi", "-").replace("to", "-")
    first, _, last = written.partition("-") if written.count("-") == 1 else (written, "", "")
    starts = parse_day(first.strip(), talk.today)
    ends = parse_day(last.strip(), talk.today) if last.strip() else starts
    if ends < starts or (ends - starts).days >= RANGE_DAYS_MAX:
        raise BadInput("bad_range")
    return [starts.isoformat(), ends.isoformat()]


@days.effect("set_days")
def set_days(talk: Talk, tx: Tx) -> Go:
    """Close or open the days; what is booked on them stays booked, and is said."""
    first, last = (date.fromisoformat(day) for day in talk.draft["range"])
    return _set(talk, tx, [first + timedelta(days=i) for i in range((last - first).days + 1)])


@days.screen("which_weekday")
def which_weekday(talk: Talk) -> Menu:
    """The day of the week that is closed, or open again."""
    return Menu(
        t("Close every week:") if talk.draft["close"] else t("Open every week:"),
        [
            Option(name, to="until_day", set={"weekday": number})
            for number, name in enumerate(WEEKDAYS)
        ],
    )


@days.screen("until_day")
def until_day(talk: Talk) -> Ask:
    """How long that goes on."""
    return Ask(
        t("{days} until which day? Type 31/12", days=WEEKDAYS[talk.draft["weekday"]]),
        key="until",
        do="set_weekdays",
        parse="until",
    )


@days.answer("until")
def until_typed(talk: Talk, typed: str) -> str:
    """The last day, as ISO text."""
    return parse_day(typed, talk.today).isoformat()


@days.effect("set_weekdays")
def set_weekdays(talk: Talk, tx: Tx) -> Go:
    """Close or open one day of each week; raises BadInput when there is none until then."""
    chosen = weekdays(talk.today, talk.day("until"), talk.draft["weekday"])
    if not chosen:
        raise BadInput("bad_range")
    return _set(talk, tx, chosen)


def _set(talk: Talk, tx: Tx, chosen: list[date]) -> Go:
    close = talk.draft["close"]
    vendor_id = acts(
        talk,
        tx,
        Deed.CLOSED_DAYS if close else Deed.OPENED_DAYS,
        f"{_number(talk, tx)} {chosen[0]} {chosen[-1]} {len(chosen)}",
    )
    change = calendar.block if close else calendar.free
    now = change(tx, UUID(talk.draft["listing"]), chosen, vendor_id=vendor_id)
    booked = [day.day for day in now if day.booked]
    done = (
        n("{count} day closed.", "{count} days closed.", len(now))
        if close
        else n("{count} day open.", "{count} days open.", len(now))
    )
    return Go("home", why=_with_bookings(done, booked) if close else done)


def _number(talk: Talk, tx: Tx) -> int:
    return own_listing(tx, UUID(talk.draft["listing"]), vendor_of(talk)).number


def _with_bookings(done: T, booked: list[date]) -> T:
    """Say on which closed days bookings were made that stay: the first, and how many more."""
    if not booked:
        return done
    first, *more = booked
    if more:
        return t(
            "{done} Booked, stays: {day} and {more} more.", done=done, day=first, more=len(more)
        )
    return t("{done} Booked, stays: {day}.", done=done, day=first)
