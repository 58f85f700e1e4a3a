"""What a vendor does with bookings: answers requests, lets guests in, says that it is done."""

from core.booking.cancel import cancel_by_vendor
from core.booking.lifecycle import State
from core.booking.queries import (
    BookingView,
    booking_by_code,
    changes_asked,
    coming_to_vendor,
    requests_of_vendor,
)
from core.booking.timers import complete_by_vendor
from core.booking.usecases import accept, check_in, decline
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import PENALTIES_REVIEWED_MIN, PENALTY_DAYS
from core.money import Money
from core.msisdn import local_form
from core.payments.refunds import refundable
from core.people.deeds import Deed
from core.people.penalties import penalties_of
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.roles import acts, is_staff, may_act, owner_of, owns, vendor_of
from sessions.texts import Keep, T, Text, cut, keep, n, t, why

vendor = Part()

SHOWN_MAX = 20
PIN_DIGITS = 4


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
                    _in_the_list(talk, view),
                    to="request",
                    set={"code": view.booking.code},
                )
                for view in found
            ),
        ],
        empty=t("Nothing waits for your answer."),
    )


def _in_the_list(talk: Talk, view: BookingView) -> T:
    """A request in a line: what it brings, or for staff where it is."""
    when = view.booking.starts_on
    people = words.people(view.booking.people)
    if is_staff(talk):
        return t("{day}, {people}: {name}", day=when, people=people, name=cut(view.listing.title))
    net = Money(view.booking.vendor_net_cents)
    return t("{day}, {people}: {net}", day=when, people=people, net=net)


@vendor.screen("request", core=True)
def request(talk: Talk) -> Menu:
    """One request, all that a yes or no needs: who, what, when, how many, the price, by when."""
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
            _who_pays(talk, view),
            *_share(talk, view),
            keep(t("Answer by {by}", by=booking.due_at)),
        ],
        [Option(t("Accept"), do="accept"), Option(t("Decline"), do="decline")],
    )


def _who_pays(talk: Talk, view: BookingView) -> T:
    """The end of the customer's number, and the price; nobody's money is told to staff."""
    ending = view.customer_ending
    if is_staff(talk):
        return t("From ..{ending}", ending=ending)
    return t("..{ending} pays {total}", ending=ending, total=Money(view.booking.total_cents))


def _share(talk: Talk, view: BookingView) -> list[Keep]:
    if is_staff(talk):
        return []
    return [keep(t("You get {net}", net=Money(view.booking.vendor_net_cents)))]


@vendor.effect("accept", refused={"illegal_move": "request", "no_units": "request"})
def say_yes(talk: Talk, tx: Tx) -> Go:
    """Accept the request on the screen."""
    view = booking_by_code(tx, talk.draft["code"])
    accept(tx, view.booking.id, acts(talk, tx, Deed.ACCEPTED, view.booking.code))
    return Go("requests", why=t("{code} accepted. We asked for payment.", code=view.booking.code))


@vendor.effect("decline", refused={"illegal_move": "request"})
def say_no(talk: Talk, tx: Tx) -> Go:
    """Decline the request on the screen."""
    view = booking_by_code(tx, talk.draft["code"])
    decline(tx, view.booking.id, acts(talk, tx, Deed.DECLINED, view.booking.code))
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
        keep(_stands(talk, view)),
    ]
    if view.customer_msisdn:
        lines.append(keep(t("Customer {phone}", phone=local_form(view.customer_msisdn))))
    if booking.state is State.DISPUTED:
        return Menu(lines, [Option(t("The problem"), to="dispute")])
    if booking.state is State.CHECKED_IN and booking.ends_at <= talk.now:
        return Menu(lines, [Option(t("It is done"), do="served")])
    if booking.state is not State.CONFIRMED:
        return Menu(lines, [])
    choices = [Option(t("Customer is here"), to="pin")]
    if not is_staff(talk):
        choices.append(Option(t("Cancel it"), to="let_down"))
    return Menu(lines, choices)


def _stands(talk: Talk, view: BookingView) -> T:
    state = words.STATES[view.booking.state]
    if is_staff(talk):
        return t("{state}", state=state)
    return t("You get {net}. {state}", net=Money(view.booking.vendor_net_cents), state=state)


@vendor.effect("served", refused={"illegal_move": "guest", "too_early": "guest"})
def served(talk: Talk, tx: Tx) -> Go:
    """Say that a guest who was let in has had what was booked."""
    view = booking_by_code(tx, talk.draft["code"])
    complete_by_vendor(tx, view.booking.id, acts(talk, tx, Deed.DONE, view.booking.code))
    return Go("coming", why=t("{code} is done.", code=view.booking.code))


@vendor.screen("let_down", core=True)
def let_down_sure(talk: Talk) -> Menu | Go:
    """What cancelling a paid booking does to the customer and to the vendor."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        counted = penalties_of(tx, owner_of(talk))
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
    cancel_by_vendor(tx, view.booking.id, owns(talk, tx, Deed.CANCELLED, view.booking.code))
    return Go(
        "coming", why=t("{code} is cancelled. The customer is told.", code=view.booking.code)
    )


@vendor.screen("pin")
def pin(_talk: Talk) -> Ask:
    """The customer's PIN proves that they came."""
    return Ask(
        t("Type the 4 digits from the customer's SMS"),
        key="pin",
        do="check_in",
        parse="pin",
        secret=True,
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
    if not check_in(tx, view.booking.id, may_act(talk, tx), talk.secret):
        return Go("pin", why=why(BadInput("wrong_pin")))
    acts(talk, tx, Deed.CHECKED_IN, view.booking.code)
    return Go("guest", why=t("Checked in. Welcome your guest!"))
