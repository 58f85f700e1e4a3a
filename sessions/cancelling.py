"""Cancelling by SMS: the first message is answered with what it would mean, the second does it.

``CANCEL CODE`` tells what comes back and asks for ``CANCEL CODE YES``. The question is kept with
the amount that was told; when that has changed, or nothing was asked, the answer is the question
again. Neither the booking nor the yes is ever guessed.
"""

from uuid import UUID

from core import questions
from core.booking.cancel import cancel_by_customer, cancel_by_vendor, may_cancel, preview
from core.booking.lifecycle import LIFECYCLE, Event, State
from core.booking.model import Booking
from core.booking.queries import BookingView, booking_by_code, bookings_of_customer
from core.booking.usecases import withdraw
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import LIST_MAX
from core.money import Money
from core.payments.refunds import refundable
from core.people.deeds import Deed, note
from core.people.model import Role
from core.people.penalties import penalties_of
from core.people.queries import user_id
from core.people.usecases import Person
from sessions.commands import Command
from sessions.flows import words
from sessions.flows.vendor import consequence
from sessions.texts import T, cut, n, t

LISTED_MAX = 5
ABOUT = "cancel"


def answer_cancel(tx: Tx, person: Person, command: Command) -> T | None:
    """Return the answer to a wish to cancel, and cancel what was shown and confirmed.

    None when a paid booking was cancelled: both sides get a message of their own about that.

    Raises:
        BadInput: ``no_booking``: there is none of this sender.
        Refused: what the use cases say.
    """
    if command.code is None:
        return _which(tx, person)
    view = booking_by_code(tx, command.code)
    booking = view.booking
    if booking.customer_id == user_id(tx, person.msisdn):
        if LIFECYCLE.allows(booking.state, Event.WITHDRAW):
            return _take_back(tx, person, view, sure=command.sure)
        if booking.state is State.CONFIRMED:
            return _as_customer(tx, person, view, sure=command.sure)
    elif person.vendor_id == booking.vendor_id:
        if person.role is Role.STAFF:
            raise BadInput("owner_only")
        if booking.state is State.CONFIRMED:
            return _as_vendor(tx, person, booking, person.vendor_id, sure=command.sure)
    else:
        raise BadInput("no_booking")
    return t(
        "{code}: {state}. It cannot be cancelled.",
        code=booking.code,
        state=words.STATES[booking.state],
    )


def _take_back(tx: Tx, person: Person, view: BookingView, *, sure: bool) -> T:
    booking = view.booking
    if sure and _was_asked(tx, person, booking, "unpaid"):
        came = Money(booking.received_cents)
        withdraw(tx, booking.id, booking.customer_id)
        return words.taken_back(booking.code, came)
    _ask(tx, person, booking, "unpaid")
    return t(
        "Cancel {code} {listing}, {day}? You owe nothing. To cancel reply CANCEL {code} YES",
        **_what(view),
    )


def _as_customer(tx: Tx, person: Person, view: BookingView, *, sure: bool) -> T | None:
    booking = view.booking
    found = preview(tx, booking)
    told = str(found.refund.cents)
    if not (sure and _was_asked(tx, person, booking, told)):
        _ask(tx, person, booking, told)
        return t(
            "{code} {listing}, {day}: {back} To cancel reply CANCEL {code} YES",
            **_what(view),
            back=words.comes_back(found),
        )
    cancel_by_customer(tx, booking.id, booking.customer_id, found.refund)
    return None


def _as_vendor(
    tx: Tx, person: Person, booking: Booking, vendor_id: UUID, *, sure: bool
) -> T | None:
    if sure and _was_asked(tx, person, booking, "vendor"):
        cancel_by_vendor(tx, booking.id, vendor_id)
        note(tx, vendor_id, person.id, Deed.CANCELLED, booking.code)
        return None
    _ask(tx, person, booking, "vendor")
    return t(
        "Cancel {code}, {day}? All {total} goes back to the customer. {consequence} "
        "To cancel reply CANCEL {code} YES",
        code=booking.code,
        day=booking.starts_on,
        total=refundable(booking),
        consequence=consequence(penalties_of(tx, vendor_id) + 1),
    )


def _which(tx: Tx, person: Person) -> T:
    """Which booking is never guessed: name those that can be cancelled."""
    found = bookings_of_customer(tx, person.msisdn, LIST_MAX)
    codes = [
        view.booking.code
        for view in found
        if LIFECYCLE.allows(view.booking.state, Event.WITHDRAW) or may_cancel(view.booking, tx.now)
    ]
    if not codes:
        return t("You have no booking that can be cancelled.")
    return n(
        "Which one? Reply CANCEL and the code: {codes}",
        "Which one? Reply CANCEL and one of the codes: {codes}",
        len(codes),
        codes=", ".join(codes[:LISTED_MAX]),
    )


def _ask(tx: Tx, person: Person, booking: Booking, told: str) -> None:
    questions.ask(tx, person.msisdn, f"{ABOUT}:{told}", [booking.code])


def _was_asked(tx: Tx, person: Person, booking: Booking, told: str) -> bool:
    """Tell whether this was asked with these words, and forget the question if so."""
    return questions.confirmed(tx, person.msisdn, f"{ABOUT}:{told}", [booking.code])


def _what(view: BookingView) -> dict[str, object]:
    return {
        "code": view.booking.code,
        "listing": cut(view.listing.title),
        "day": view.booking.starts_on,
    }
