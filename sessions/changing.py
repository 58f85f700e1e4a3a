"""Changing a booking by SMS: the first message is answered with what it would mean.

``CHANGE CODE 25/12 80`` names the new day, how many people, or both; the answer says what it
costs and asks for the same with ``YES``. As with a cancellation the question is kept with the sum
that was told, and neither the booking nor the yes is ever guessed.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core import questions
from core.booking.changes import open_change, payable_now
from core.booking.lifecycle import ChangeState
from core.booking.model import Booking, BookingChange
from core.booking.modify import (
    Change,
    accept_change,
    decline_change,
    may_change,
    preview_change,
    request_change,
    wish_of,
)
from core.booking.offers import Wish
from core.booking.queries import BookingView, booking_by_code, bookings_of_customer
from core.clock import nairobi_date
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import LIST_MAX, PEOPLE_MAX
from core.people.queries import user_id
from core.people.usecases import Person
from sessions.commands import Command
from sessions.dates import parse_day
from sessions.flows import words
from sessions.flows.change import outcome
from sessions.numbers import whole_number
from sessions.texts import T, cut, n, t

LISTED_MAX = 5
ABOUT = "change"
# A number of so many digits alone is how many people come; a longer one is a day: 2512.
PEOPLE_DIGITS_MAX = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """The day and people of a message; None for what it does not name."""

    day: date | None
    people: int | None


def answer_change(tx: Tx, person: Person, command: Command) -> T | None:
    """Return the answer to a wish to change, and do what was shown and confirmed.

    None when a paid booking was changed at once: both sides get a message of their own.

    Raises:
        BadInput: ``no_booking``, or what was typed is no day or number.
        Refused: what ``preview_change`` and ``request_change`` say.
    """
    if command.code is None:
        return _which(tx, person)
    view = booking_by_code(tx, command.code)
    booking = view.booking
    if booking.customer_id != user_id(tx, person.msisdn):
        raise BadInput("no_booking")
    if not command.wish:
        return t(
            "{code} is {booked}. To change it reply CHANGE {code} and the day and people, such as "
            "CHANGE {code} 25/12 80",
            code=booking.code,
            booked=words.booked(view),
        )
    wanted = understand_wish(command.wish, nairobi_date(tx.now))
    wish = wish_of(tx, booking, starts_on=wanted.day, people=wanted.people)
    found = preview_change(tx, booking, wish)
    told = f"{ABOUT}:{wish.starts_on}:{wish.people}:{found.agreed.cents}"
    if not (command.sure and questions.confirmed(tx, person.msisdn, told, [booking.code])):
        questions.ask(tx, person.msisdn, told, [booking.code])
        return _shown(view, wish, found, command.wish)
    made = request_change(tx, booking.id, booking.customer_id, wish, found.agreed)
    return _done(tx, view, made, found)


def understand_wish(typed: str, today: date) -> Wanted:
    """Return what a message wishes: ``25/12 80``, ``25 Dec 80``, ``kesho``, ``80``.

    The people stand last. A year is written in one with its day: 25/12/2027.

    Raises:
        BadInput: ``bad_date``, ``date_past``, ``bad_number``, ``too_small``, ``too_big``.
    """
    *before, last = typed.split()
    counts = last.isascii() and last.isdigit()
    if not before and counts and len(last) <= PEOPLE_DIGITS_MAX:
        return Wanted(None, whole_number(last, most=PEOPLE_MAX))
    if before and counts:
        return Wanted(parse_day(" ".join(before), today), whole_number(last, most=PEOPLE_MAX))
    return Wanted(parse_day(typed, today), None)


def settle_change(tx: Tx, view: BookingView, vendor_id: UUID, *, yes: bool) -> T:
    """Say a vendor's yes or no to the change that waits, and return the answer.

    Raises:
        Refused: what ``accept_change`` says.
    """
    code = view.booking.code
    if not yes:
        decline_change(tx, view.booking.id, vendor_id)
        return t("{code} stays as it was.", code=code)
    made = accept_change(tx, view.booking.id, vendor_id)
    wished = words.wished(view, made)
    if made.state is ChangeState.APPLIED:
        return t("You accepted: {code} is now {wished}.", code=code, wished=wished)
    return t(
        "You accepted the change of {code} to {wished}. We asked the customer to pay. Until then "
        "it stays as it is.",
        code=code,
        wished=wished,
    )


def asked_change(tx: Tx, booking: Booking) -> BookingChange | None:
    """Return the change of a booking that waits for its vendor, if there is one."""
    change = open_change(tx, booking.id)
    return change if change is not None and change.state is ChangeState.ASKED else None


def _shown(view: BookingView, wish: Wish, found: Change, typed: str) -> T:
    category = view.listing.category
    what = {
        "code": view.booking.code,
        "listing": cut(view.listing.title),
        "wished": words.when_and_who(category, wish.starts_on, wish.ends_on, wish.people),
        "booked": words.booked(view),
        "costs": words.change_costs(found),
        "typed": typed,
    }
    if found.asks_vendor:
        return t(
            "{code} {listing}: {wished} (now {booked})? {costs} The vendor must agree. To ask "
            "reply CHANGE {code} {typed} YES",
            **what,
        )
    return t(
        "{code} {listing}: {wished} (now {booked})? {costs} To change reply CHANGE {code} {typed} "
        "YES",
        **what,
    )


def _done(tx: Tx, view: BookingView, made: BookingChange, found: Change) -> T | None:
    payable = payable_now(tx, view.booking)
    if payable is not None:
        return t(
            "M-Pesa will ask you for {total} for {code}. Enter your PIN.",
            total=words.part_of(payable),
            code=view.booking.code,
        )
    if made.state is ChangeState.APPLIED and found.paid:
        return None
    return outcome(view, made)


def _which(tx: Tx, person: Person) -> T:
    """Which booking is never guessed: name those that can be changed."""
    found = bookings_of_customer(tx, person.msisdn, LIST_MAX)
    codes = [view.booking.code for view in found if may_change(tx, view.booking)]
    if not codes:
        return t("You have no booking that can be changed.")
    return n(
        "Which one? Reply CHANGE, its code, the day and people: CHANGE {first} 25/12 80",
        "Which one of {codes}? Reply CHANGE, its code, the day and people: CHANGE {first} "
        "25/12 80",
        len(codes),
        codes=", ".join(codes[:LISTED_MAX]),
        first=codes[0],
    )
