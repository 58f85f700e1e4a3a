"""Other days or people for a booking: what is wished, what it costs, and the vendor's answer."""

from datetime import timedelta

from core.booking.changes import open_change, payable_now
from core.booking.lifecycle import ChangeState, State
from core.booking.model import Booking, BookingChange
from core.booking.modify import (
    Change,
    accept_change,
    check_changeable,
    decline_change,
    keep_as_was,
    preview_change,
    request_change,
    wish_of,
)
from core.booking.offers import Wish
from core.booking.queries import BookingView, booking_by_code
from core.catalog.rules import Category, check_people, check_range
from core.db.tx import Tx
from core.errors import NoUnits, Refused
from core.limits import PEOPLE_MAX, STAY_NIGHTS_MAX
from core.money import Money
from core.people.deeds import Deed
from core.people.usecases import ensure_user
from sessions.dates import parse_day
from sessions.flow import Ask, End, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.book import prompt_coming
from sessions.flows.roles import acts, is_staff, vendor_of
from sessions.numbers import whole_number
from sessions.texts import Keep, T, Text, cut, keep, n, t, why

changing = Part()

NIGHTS_OFFERED = 5
# Nothing left over from another booking, or from an earlier wish.
NOTHING_YET = {"new_day": None, "new_nights": None, "new_people": None}
# What is wrong with a wish is said where it can be typed anew.
ASKED_ANEW = {
    "date_past": "change_day",
    "date_too_soon": "change_day",
    "date_too_far": "change_day",
    "no_units": "change_day",
    "nights_bad": "change_nights",
    "too_many_people": "change_people",
    "too_few_people": "change_people",
    "no_change": "change_what",
}


def change_options(tx: Tx, booking: Booking) -> list[Option]:
    """Return what a booking's screen offers about changing it."""
    try:
        check_changeable(tx, booking)
    except Refused as refused:
        waits = refused.code == "change_open"
        return [Option(t("Your change"), to="changing")] if waits else []
    return [Option(t("Change day or people"), to="change_what", set=NOTHING_YET)]


@changing.screen("change_what")
def what(_talk: Talk) -> Menu:
    """The day, the people, or both."""
    return Menu(
        t("What do you want to change?"),
        [
            Option(t("The day"), to="change_day", set={"change_both": False}),
            Option(t("How many people"), to="change_people"),
            Option(t("Both"), to="change_day", set={"change_both": True}),
        ],
    )


@changing.screen("change_day", core=True)
def new_day(talk: Talk) -> Ask:
    """The new day, typed as everywhere."""
    view = _view(talk)
    stay = view.listing.category is Category.STAY
    return Ask(
        [
            t("Now {day}.", day=view.booking.starts_on),
            t("New night of arrival? Type 25/12") if stay else t("New day? Type 25/12"),
        ],
        key="new_day",
        to="change_nights" if stay else _after_days(talk),
        parse="new_day",
    )


def _after_days(talk: Talk) -> str:
    return "change_people" if talk.draft.get("change_both") else "change"


@changing.answer("new_day")
def new_day_typed(talk: Talk, typed: str) -> str:
    """A day on which something could be booked; the listing's lead time is looked at later."""
    day = parse_day(typed, talk.today)
    check_range(day, day + timedelta(days=1), talk.now)
    return day.isoformat()


@changing.screen("change_nights")
def new_nights(talk: Talk) -> Ask:
    """How long a stay shall be."""
    following = _after_days(talk)
    return Ask(
        t("How many nights from {day}?", day=talk.day("new_day")),
        key="new_nights",
        to=following,
        parse="new_nights",
        options=[
            Option(
                n("{count} night", "{count} nights", count),
                to=following,
                set={"new_nights": count},
            )
            for count in range(1, NIGHTS_OFFERED + 1)
        ],
    )


@changing.answer("new_nights")
def new_nights_typed(_talk: Talk, typed: str) -> int:
    """A number of nights."""
    return whole_number(typed, least=1, most=STAY_NIGHTS_MAX)


@changing.screen("change_people", core=True)
def new_people(talk: Talk) -> Ask:
    """How many shall come."""
    view = _view(talk)
    return Ask(
        [
            t("Now {people}.", people=words.people(view.booking.people)),
            t("How many people? Type a number, such as 80"),
        ],
        key="new_people",
        to="change",
        parse="new_people",
    )


@changing.answer("new_people")
def new_people_typed(_talk: Talk, typed: str) -> int:
    """A number of people that something in Kenya could serve."""
    count = whole_number(typed, least=1, most=PEOPLE_MAX)
    check_people(count)
    return count


@changing.screen("change", core=True)
def change_sure(talk: Talk) -> Menu | Go:
    """What it would be, what it costs or gives back, and who has to agree."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        wish = _wish(talk, tx, view)
        try:
            found = preview_change(tx, view.booking, wish)
        except NoUnits:
            return Go("change_day", why=t("Sorry, it is not free then."))
        except Refused as refused:
            return Go(ASKED_ANEW.get(refused.code, "booking"), why=why(refused))
    then = words.when_and_who(view.listing.category, wish.starts_on, wish.ends_on, wish.people)
    lines: list[Text | Keep] = [
        keep(then),
        t("Now {booked}.", booked=words.booked(view)),
        keep(words.change_costs(found)),
    ]
    return Menu(
        lines,
        [
            Option(_yes(found), do="change", set={"agreed_cents": found.agreed.cents}),
            Option(t("No, keep it"), to="booking"),
        ],
    )


def _yes(found: Change) -> T:
    if found.asks_vendor:
        return t("Ask the vendor")
    return t("Change and pay") if found.to_pay.cents or not found.paid else t("Yes, change it")


@changing.effect(
    "change",
    refused={
        **ASKED_ANEW,
        "change_cost": "change",
        "change_open": "booking",
        "already_begun": "booking",
        "illegal_move": "booking",
        "prompt_open": "booking",
    },
)
def change_it(talk: Talk, tx: Tx) -> End:
    """Change it, ask the vendor, or ask for the difference."""
    view = booking_by_code(tx, talk.draft["code"])
    customer = ensure_user(tx, talk.person.msisdn)
    agreed = Money(talk.draft["agreed_cents"])
    made = request_change(tx, view.booking.id, customer.id, _wish(talk, tx, view), agreed)
    payable = payable_now(tx, view.booking)
    if payable is not None:
        return prompt_coming(talk, view.booking.code, payable)
    return End([keep(outcome(view, made))])


def outcome(view: BookingView, made: BookingChange) -> T:
    """Return what has become of a wish for which nothing is to be paid now."""
    booking = view.booking
    now = {"code": booking.code, "booked": words.booked(view)}
    if made.state is ChangeState.ASKED:
        return t(
            "Sent to {business}. They answer by SMS by {by}. Until then {code} stays as it is.",
            business=cut(view.business),
            by=made.due_at,
            code=booking.code,
        )
    if booking.state is State.REQUESTED:
        return t(
            "{code} is now {booked}. {business} answers by SMS by {by}.",
            **now,
            business=cut(view.business),
            by=booking.due_at,
        )
    if made.refund_cents:
        back = Money(made.refund_cents)
        return t("{code} is now {booked}. {refund} goes back by M-Pesa.", **now, refund=back)
    return t("{code} is now {booked}.", **now)


@changing.screen("changing", core=True)
def waiting(talk: Talk) -> Menu | Go:
    """A change that waits for the vendor or for money."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        change = open_change(tx, view.booking.id)
    if change is None:
        return Go("booking")
    lines: list[Text | Keep] = [
        keep(words.wished(view, change)),
        t("Now {booked}.", booked=words.booked(view)),
    ]
    choices = [Option(t("Keep it as it was"), do="keep_as_was")]
    if change.state is ChangeState.ASKED:
        lines.append(keep(t("The vendor answers by {by}.", by=change.due_at)))
    else:
        amount = Money(change.to_pay_cents)
        lines.append(keep(t("Pay {total} by {by}.", total=amount, by=change.due_at)))
        choices.insert(0, Option(t("Pay now"), do="pay", set={"code": view.booking.code}))
    return Menu(lines, choices)


@changing.effect("keep_as_was", refused={"no_change_asked": "booking"})
def take_wish_back(talk: Talk, tx: Tx) -> Go:
    """Let a change be; the booking never stopped being what it was."""
    view = booking_by_code(tx, talk.draft["code"])
    customer = ensure_user(tx, talk.person.msisdn)
    keep_as_was(tx, view.booking.id, customer.id)
    return Go("booking", why=t("It stays as it was."))


@changing.screen("change_asked", core=True)
def asked(talk: Talk) -> Menu | Go:
    """What a customer asks this vendor to agree to."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        change = open_change(tx, view.booking.id)
    booking = view.booking
    if booking.vendor_id != vendor_of(talk) or change is None:
        return Go("requests")
    if change.state is not ChangeState.ASKED:
        return Go("requests")
    return Menu(
        [
            keep(t("{code} {wished}", code=booking.code, wished=words.wished(view, change))),
            t("Now {booked}.", booked=words.booked(view)),
            *([] if is_staff(talk) else [keep(_brings(change))]),
        ],
        [Option(t("Accept"), do="accept_change"), Option(t("Decline"), do="decline_change")],
    )


def _brings(change: BookingChange) -> T:
    return t(
        "You get {net}, before {was}.",
        net=Money(change.price["vendor_net"]),
        was=Money(change.was_net_cents),
    )


@changing.effect(
    "accept_change",
    refused={"no_change_asked": "requests", "already_begun": "requests", "no_units": "requests"},
)
def say_yes(talk: Talk, tx: Tx) -> Go:
    """Agree to the change on the screen."""
    view = booking_by_code(tx, talk.draft["code"])
    vendor_id = acts(talk, tx, Deed.ACCEPTED, view.booking.code)
    made = accept_change(tx, view.booking.id, vendor_id)
    if made.state is ChangeState.APPLIED:
        return Go("requests", why=t("{code} is changed.", code=view.booking.code))
    return Go("requests", why=t("{code} accepted. We asked for payment.", code=view.booking.code))


@changing.effect("decline_change", refused={"no_change_asked": "requests"})
def say_no(talk: Talk, tx: Tx) -> Go:
    """Let the booking on the screen stay as it is."""
    view = booking_by_code(tx, talk.draft["code"])
    decline_change(tx, view.booking.id, acts(talk, tx, Deed.DECLINED, view.booking.code))
    return Go("requests", why=t("{code} stays as it was.", code=view.booking.code))


def _view(talk: Talk) -> BookingView:
    with talk.reading() as tx:
        return booking_by_code(tx, talk.draft["code"])


def _wish(talk: Talk, tx: Tx, view: BookingView) -> Wish:
    """What the answers so far wish for; what was not asked stays."""
    day = talk.day("new_day") if talk.draft.get("new_day") else None
    draft = talk.draft
    return wish_of(
        tx, view.booking, starts_on=day, days=draft["new_nights"], people=draft["new_people"]
    )
