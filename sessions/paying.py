"""Paying by SMS: a prompt on the sender's phone, or a link to pay by card.

Which booking is paid for is never guessed: neither the only one nearly named nor one of several.
"""

from core import outbox
from core.booking.changes import payable_now
from core.booking.dues import Dues
from core.booking.queries import BookingView, booking_by_code, bookings_of_customer
from core.db.tx import Tx
from core.errors import BadInput
from core.limits import LIST_MAX
from core.payments.cards import ask_for_card
from core.payments.collections import start_collection
from core.people.queries import user_id
from core.people.usecases import Person
from sessions.commands import Command
from sessions.flows import words
from sessions.notices.papers import PAY_TOPIC
from sessions.texts import T, n, t

LISTED_MAX = 5


def answer_pay(tx: Tx, person: Person, command: Command) -> T:
    """Ask the sender's phone for the money of a booking.

    Raises:
        NotFound, BadInput: ``no_booking``, ``not_payable``.
        Refused: what starting a payment says.
    """
    found = _chosen(tx, person, command)
    if isinstance(found, T):
        return found
    view, payable = found
    start_collection(tx, view.booking.id, person.msisdn)
    return t(
        "M-Pesa will ask you for {total} for {code}. Enter your PIN.",
        total=words.part_of(payable),
        code=view.booking.code,
    )


def answer_card(tx: Tx, person: Person, command: Command) -> T | None:
    """Owe the sender a link on which a booking is paid by card; None when it is owed.

    Raises:
        NotFound, BadInput: as ``answer_pay``.
        Refused: what making a link says.
    """
    found = _chosen(tx, person, command)
    if isinstance(found, T):
        return found
    view, payable = found
    owe_pay_link(tx, person.msisdn, view, payable)
    return None


def owe_pay_link(tx: Tx, msisdn: str, view: BookingView, payable: Dues) -> None:
    """Owe a phone the link to pay a booking by card; raises what ``ask_for_card`` raises."""
    link = ask_for_card(tx, view.booking, msisdn)
    params = {
        "code": view.booking.code,
        "amount_cents": payable.ask.cents,
        "due_at": payable.by.isoformat(),
        "token": link.token,
    }
    outbox.add(tx, PAY_TOPIC, msisdn, params)


def _chosen(tx: Tx, person: Person, command: Command) -> tuple[BookingView, Dues] | T:
    """Return the booking that is meant and what is to be paid for it, or what to answer."""
    code = command.code
    mine = bookings_of_customer(tx, person.msisdn, LIST_MAX)
    if code is None:
        open_now = [view for view in mine if payable_now(tx, view.booking) is not None]
        if len(open_now) != 1 or command.guessed:
            return _which(open_now)
        code = open_now[0].booking.code
    view = booking_by_code(tx, code)
    payable = payable_now(tx, view.booking)
    if payable is not None:
        return view, payable
    own = view.booking.customer_id == user_id(tx, person.msisdn)
    if not own and person.vendor_id != view.booking.vendor_id:
        raise BadInput("not_payable")  # A stranger learns nothing of a booking's state.
    return t(
        "{code}: {state}. There is nothing to pay now.",
        code=code,
        state=words.STATES[view.booking.state],
    )


def _which(open_now: list[BookingView]) -> T:
    if not open_now:
        return t("There is nothing to pay now.")
    codes = ", ".join(view.booking.code for view in open_now[:LISTED_MAX])
    return n(
        "Which one? Reply PAY and the code: {codes}",
        "Which one? Reply PAY and one of the codes: {codes}",
        len(open_now),
        codes=codes,
    )
