"""Problems by SMS: ``PROBLEM CODE words`` reports one, and adds words to one that is open.

Both sides write the same. ``PROBLEM CODE SOLVED`` takes back what the sender has reported. Who
names no code is meant when only one booking can be, else is asked which.
"""

from uuid import UUID

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.queries import (
    BookingView,
    booking_by_code,
    bookings_of_customer,
    coming_to_vendor,
)
from core.db.tx import Tx
from core.disputes.model import Dispute, Problem, Side
from core.disputes.queries import open_dispute_of
from core.disputes.rules import check_may_open, may_open
from core.disputes.usecases import (
    note_by_customer,
    note_by_vendor,
    open_dispute,
    withdraw_dispute,
)
from core.errors import BadInput, Refused
from core.limits import LIST_MAX
from core.people.queries import user_id
from core.people.usecases import Person
from sessions.commands import SOLVED, Command
from sessions.flows import words
from sessions.flows.problem import next_step
from sessions.texts import T, n, t

LISTED_MAX = 5


def answer_problem(tx: Tx, person: Person, command: Command) -> T | None:
    """Return the answer to a message about a problem, and do what it says.

    None when a problem was reported: both sides get a message of their own about that.

    Raises:
        BadInput: ``no_booking``: there is none of this sender.
        Refused: what the use cases say.
    """
    code = command.code
    if code is None:
        codes = _codes(tx, person)
        if len(codes) != 1 or command.guessed:
            return _which(codes)
        [code] = codes
    view = booking_by_code(tx, code)
    dispute = open_dispute_of(tx, view.booking.id)
    if view.booking.customer_id == user_id(tx, person.msisdn):
        return _as_customer(tx, view, dispute, command.words)
    if person.vendor_id is not None and person.vendor_id == view.booking.vendor_id:
        return _as_vendor(tx, view, dispute, command.words, person.vendor_id)
    raise BadInput("no_booking")


def _as_customer(tx: Tx, view: BookingView, dispute: Dispute | None, said: str) -> T | None:
    booking = view.booking
    if dispute is None:
        try:
            check_may_open(booking, tx.now)
        except Refused as error:
            if (told := _not_yet(booking, error.code)) is None:
                raise
            return told
        if not said or _is_solved(said):
            return t("What is wrong? Reply PROBLEM {code} and your words.", code=booking.code)
        open_dispute(tx, booking.id, booking.customer_id, Problem.OTHER, said)
        return None
    if _is_solved(said):
        withdraw_dispute(tx, booking.id, booking.customer_id)
        return words.settled(view)
    if said:
        note_by_customer(tx, booking.id, booking.customer_id, said)
        return _noted(view, dispute, Side.CUSTOMER)
    return t(
        "{code}: {problem}. {next}. Is it settled? Reply PROBLEM {code} SOLVED.",
        code=booking.code,
        problem=words.PROBLEMS[dispute.problem],
        next=next_step(dispute, Side.CUSTOMER),
    )


def _not_yet(booking: Booking, why_not: str) -> T | None:
    """Return what can be done while no problem can be reported; None where that says it all."""
    if why_not == "rest_unpaid":
        return t(
            "{code}: the rest is not paid yet. To pay reply PAY {code}, to cancel reply "
            "CANCEL {code}.",
            code=booking.code,
        )
    if why_not == "too_early":
        return t(
            "{code}: a problem can be reported from {day}. To cancel reply CANCEL {code}, to ask "
            "us HELP and your words.",
            code=booking.code,
            day=booking.starts_on,
        )
    return None


def _as_vendor(
    tx: Tx, view: BookingView, dispute: Dispute | None, said: str, vendor_id: UUID
) -> T:
    booking = view.booking
    if dispute is None:
        return t("{code}: the customer has reported no problem.", code=booking.code)
    if said:
        note_by_vendor(tx, booking.id, vendor_id, said)
        return _noted(view, dispute, Side.VENDOR)
    return t(
        "{code}: {problem}. {next}. Reply PROBLEM {code} and your words.",
        code=booking.code,
        problem=words.PROBLEMS[dispute.problem],
        next=next_step(dispute, Side.VENDOR),
    )


def _noted(view: BookingView, dispute: Dispute, side: Side) -> T:
    return t(
        "{code}: thank you, we have noted it and told the other side. {next}.",
        code=view.booking.code,
        next=next_step(dispute, side),
    )


def _is_solved(said: str) -> bool:
    return said.strip(" .!").upper() in SOLVED


def _codes(tx: Tx, person: Person) -> list[str]:
    """The bookings that a word about a problem can mean."""
    views = [
        view
        for view in bookings_of_customer(tx, person.msisdn, LIST_MAX)
        if view.booking.state is State.DISPUTED or may_open(view.booking, tx.now)
    ]
    if person.vendor_id is not None:
        coming = coming_to_vendor(tx, person.vendor_id, LIST_MAX)
        views += [view for view in coming if view.booking.state is State.DISPUTED]
    return list(dict.fromkeys(view.booking.code for view in views))


def _which(codes: list[str]) -> T:
    if not codes:
        return t("You have no booking with a problem that we could settle now.")
    return n(
        "Which one? Reply PROBLEM, the code and your words: {codes}",
        "Which one? Reply PROBLEM, one of the codes and your words: {codes}",
        len(codes),
        codes=", ".join(codes[:LISTED_MAX]),
    )
