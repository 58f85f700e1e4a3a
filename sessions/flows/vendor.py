"""A vendor's menu: requests, coming bookings, open and closed days, earnings."""

from datetime import date, timedelta
from uuid import UUID

from core.booking.cancel import cancel_by_vendor
from core.booking.lifecycle import State
from core.booking.queries import (
    booking_by_code,
    changes_asked,
    coming_to_vendor,
    requests_of_vendor,
)
from core.booking.usecases import accept, check_in, decline
from core.catalog import calendar
from core.catalog.queries import listings_of
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import PENALTIES_REVIEWED_MIN, PENALTY_DAYS
from core.money import Money
from core.msisdn import local_form
from core.payments.refunds import refundable
from core.payouts.holds import Hold
from core.payouts.model import HoldReason
from core.payouts.queries import earnings
from core.people.penalties import penalties_of
from sessions.dates import parse_day
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.papers import owe_statement
from sessions.texts import Keep, T, Text, cut, keep, n, t, why

vendor = Part()

SHOWN_MAX = 20
RANGE_DAYS_MAX = 62
PIN_DIGITS = 4


def vendor_of(talk: Talk) -> UUID:
    """Return the vendor that the caller acts for."""
    if talk.person.vendor_id is None:
        raise BadInput("not_vendor")
    return UUID(talk.person.vendor_id)


@vendor.screen("requests", core=True)
def requests(talk: Talk) -> Menu:
    """What waits for an answer, the most urgent first."""
    with talk.reading() as tx:
        found = requests_of_vendor(tx, vendor_of(talk), SHOWN_MAX)
        changes = changes_asked(tx, vendor_of(talk), SHOWN_MAX)
    waiting = len(found) + len(changes)
    return Menu(
        n("{count} waits for your answer:", "{count} wait for your answer:", waiting),
        [
            *(
                Option(
                    t(
                        "Change {code}: {day}, {people}",
                        code=asked.view.booking.code,
                        day=asked.change.starts_on,
                        people=words.people(asked.change.people),
                    ),
                    to="change_asked",
                    set={"code": asked.view.booking.code},
                )
                for asked in changes
            ),
            *(
                Option(
                    t(
                        "{day}, {people}: {net}",
                        day=view.booking.starts_on,
                        people=words.people(view.booking.people),
                        net=Money(view.booking.vendor_net_cents),
                    ),
                    to="request",
                    set={"code": view.booking.code},
                )
                for view in found
            ),
        ],
        empty=t("Nothing waits for your answer."),
    )


@vendor.screen("request", core=True)
def request(talk: Talk) -> Menu:
    """One request: all that a yes or no needs."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
    booking = view.booking
    if booking.state is not State.REQUESTED:
        return Menu(
            [
                t("{code} {name}", code=booking.code, name=cut(view.listing.title)),
                keep(t("{state}", state=words.STATES[booking.state])),
            ],
            [Option(t("Other requests"), to="requests")],
        )
    return Menu(
        [
            *words.headline(view),
            keep(t("You get {net}", net=Money(booking.vendor_net_cents))),
            keep(t("Answer by {by}", by=booking.due_at)),
        ],
        [Option(t("Accept"), do="accept"), Option(t("Decline"), do="decline")],
    )


@vendor.effect("accept", refused={"illegal_move": "request", "no_units": "request"})
def say_yes(talk: Talk, tx: Tx) -> Go:
    """Accept the request on the screen."""
    view = booking_by_code(tx, talk.draft["code"])
    accept(tx, view.booking.id, vendor_of(talk))
    return Go("requests", why=t("{code} accepted. We asked for payment.", code=view.booking.code))


@vendor.effect("decline", refused={"illegal_move": "request"})
def say_no(talk: Talk, tx: Tx) -> Go:
    """Decline the request on the screen."""
    view = booking_by_code(tx, talk.draft["code"])
    decline(tx, view.booking.id, vendor_of(talk))
    return Go("requests", why=t("{code} declined.", code=view.booking.code))


@vendor.screen("coming", core=True)
def coming(talk: Talk) -> Menu:
    """Accepted and paid bookings, the next first."""
    with talk.reading() as tx:
        found = coming_to_vendor(tx, vendor_of(talk), SHOWN_MAX)
    return Menu(
        t("Coming bookings:"),
        [
            Option(
                t(
                    "{day} {name}: {state}",
                    day=view.booking.starts_on,
                    name=cut(view.listing.title),
                    state=words.STATES[view.booking.state],
                ),
                to="guest",
                set={"code": view.booking.code},
            )
            for view in found
        ],
        empty=t("No bookings are coming."),
    )


@vendor.screen("guest", core=True)
def guest(talk: Talk) -> Menu:
    """One coming booking; the customer's number once it is paid for."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
    booking = view.booking
    lines: list[Text | Keep] = [
        *words.headline(view),
        keep(
            t(
                "You get {net}. {state}",
                net=Money(booking.vendor_net_cents),
                state=words.STATES[booking.state],
            )
        ),
    ]
    if view.customer_msisdn:
        lines.append(keep(t("Customer {phone}", phone=local_form(view.customer_msisdn))))
    if booking.state is State.DISPUTED:
        return Menu(lines, [Option(t("The problem"), to="dispute")])
    if booking.state is not State.CONFIRMED:
        return Menu(lines, [])
    return Menu(
        lines,
        [
            Option(t("Customer is here"), to="pin"),
            Option(t("Cancel it"), to="let_down"),
        ],
    )


@vendor.screen("let_down", core=True)
def let_down_sure(talk: Talk) -> Menu | Go:
    """What cancelling a paid booking does to the customer and to the vendor."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        counted = penalties_of(tx, vendor_of(talk))
    booking = view.booking
    if booking.state is not State.CONFIRMED:
        return Go("guest")
    return Menu(
        [
            keep(
                t(
                    "Cancel {code}, {day}? All {total} goes back.",
                    code=booking.code,
                    day=booking.starts_on,
                    total=refundable(booking),
                )
            ),
            keep(consequence(counted + 1)),
        ],
        [Option(t("Yes, cancel"), do="let_down"), Option(t("No, keep it"), to="guest")],
    )


def consequence(penalties: int) -> T:
    """Return what cancelling means for a vendor, this one counted."""
    if penalties < PENALTIES_REVIEWED_MIN:
        return t("Searches show you last for {days} days.", days=PENALTY_DAYS)
    return t(
        "It is your no. {count} in {days} days: we review you.", count=penalties, days=PENALTY_DAYS
    )


@vendor.effect("let_down", refused={"illegal_move": "guest"})
def let_down(talk: Talk, tx: Tx) -> Go:
    """Cancel the paid booking on the screen."""
    view = booking_by_code(tx, talk.draft["code"])
    cancel_by_vendor(tx, view.booking.id, vendor_of(talk))
    return Go(
        "coming", why=t("{code} is cancelled. The customer is told.", code=view.booking.code)
    )


@vendor.screen("pin")
def pin(_talk: Talk) -> Ask:
    """The customer's PIN proves that they came."""
    return Ask(
        t("Type the 4 digits from the customer's SMS"), key="pin", do="check_in", parse="pin"
    )


@vendor.answer("pin")
def pin_typed(_talk: Talk, typed: str) -> str:
    """Four digits; whether they are the right ones is seen when they are used."""
    digits = "".join(typed.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) == PIN_DIGITS):
        raise BadInput("wrong_pin")
    return digits


@vendor.effect(
    "check_in", refused={"pin_locked": "guest", "illegal_move": "guest", "too_early": "guest"}
)
def arrived(talk: Talk, tx: Tx) -> Go:
    """Note that the customer has come."""
    view = booking_by_code(tx, talk.draft["code"])
    if not check_in(tx, view.booking.id, vendor_of(talk), talk.draft.pop("pin")):
        return Go("pin", why=why(BadInput("wrong_pin")))
    return Go("guest", why=t("Checked in. Welcome your guest!"))


@vendor.screen("days", core=True)
def days(talk: Talk) -> Menu | Go:
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


@vendor.screen("close_or_open")
def close_or_open(_talk: Talk) -> Menu:
    """What to do with the days."""
    return Menu(
        t("Closed days take no bookings."),
        [
            Option(t("Close days"), to="which_days", set={"close": True}),
            Option(t("Open days again"), to="which_days", set={"close": False}),
        ],
    )


@vendor.screen("which_days")
def which_days(talk: Talk) -> Ask:
    """A day or a range, typed."""
    question = t("Close which day? Type 25/12 or 25/12-28/12")
    if not talk.draft["close"]:
        question = t("Open which day? Type 25/12 or 25/12-28/12")
    return Ask(question, key="range", do="set_days", parse="range")


@vendor.answer("range")
def range_typed(talk: Talk, typed: str) -> list[str]:
    """``25/12`` or ``25/12-28/12``, also with ``to`` or ``hadi``; days as ISO text."""
    written = typed.lower().replace("hadi", "-").replace("to", "-")
    first, _, last = written.partition("-") if written.count("-") == 1 else (written, "", "")
    starts = parse_day(first.strip(), talk.today)
    ends = parse_day(last.strip(), talk.today) if last.strip() else starts
    if ends < starts or (ends - starts).days >= RANGE_DAYS_MAX:
        raise BadInput("bad_range")
    return [starts.isoformat(), ends.isoformat()]


@vendor.effect("set_days")
def set_days(talk: Talk, tx: Tx) -> Go:
    """Close or open the days; what is booked on them stays booked, and is said."""
    first, last = (date.fromisoformat(day) for day in talk.draft["range"])
    chosen = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    change = calendar.block if talk.draft["close"] else calendar.free
    now = change(tx, UUID(talk.draft["listing"]), chosen, vendor_id=vendor_of(talk))
    booked = sum(1 for day in now if day.booked)
    done = (
        n("{count} day closed.", "{count} days closed.", len(now))
        if talk.draft["close"]
        else n("{count} day open.", "{count} days open.", len(now))
    )
    if booked and talk.draft["close"]:
        done = t("{done} Bookings made stay: {booked}.", done=done, booked=booked)
    return Go("home", why=done)


HELD = {
    HoldReason.KYC: t("{amount} waits: we must check your papers"),
    HoldReason.NO_DETAILS: t("{amount} waits: tell us where to pay you"),
    HoldReason.UNVERIFIED: t("{amount} waits: we must check where to pay you"),
    HoldReason.ADMIN: t("{amount} waits: we are checking something, call us"),
}
HELD_BY_US = t("{amount} waits: the problem is on our side")


def held_line(hold: Hold, amount: Money) -> T:
    """Say in a line why a vendor's money is not paid now."""
    if hold.until is not None:
        return t(
            "{amount} waits until {until}: you changed where we pay you",
            amount=amount,
            until=hold.until,
        )
    return T(HELD.get(hold.reason, HELD_BY_US).msgid, {"amount": amount})


@vendor.screen("earnings", core=True)
def money(talk: Talk) -> Menu:
    """What is the vendor's, and when it comes."""
    with talk.reading() as tx:
        found = earnings(tx, vendor_of(talk))
    last = (
        t("Last paid {amount} on {day}", amount=found.last_paid, day=found.last_paid_at.date())
        if found.last_paid and found.last_paid_at
        else t("No payout yet")
    )
    return Menu(
        [
            keep(
                t("Next payout {day}: {amount}", day=found.next_run.date(), amount=found.payable)
                if found.hold is None
                else held_line(found.hold, found.payable)
            ),
            keep(t("Held for coming bookings: {amount}", amount=found.waiting)),
            keep(last),
        ],
        [Option(t("Statement by SMS"), do="statement")],
    )


@vendor.effect("statement", refused={"too_many_links": "earnings"})
def statement(talk: Talk, tx: Tx) -> Go:
    """Send a link to this month's statement."""
    owe_statement(tx, talk.person.msisdn, vendor_of(talk))
    return Go("earnings", why=t("The link comes by SMS."))
