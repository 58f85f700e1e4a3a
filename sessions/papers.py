"""Papers by SMS: a link to a receipt, and to a vendor's statement.

A link is words of a notice: the address is put before it when the message is made.
"""

from uuid import UUID

from core import outbox
from core.booking.lifecycle import PAID
from core.booking.queries import BookingView, booking_by_code, bookings_of_customer
from core.clock import nairobi_date
from core.db.tx import Tx
from core.documents.links import new_link
from core.documents.model import Document, DocumentKind
from core.documents.month import Month
from core.documents.queries import receipts_of
from core.errors import BadInput
from core.limits import LIST_MAX
from core.people.queries import user_id
from core.people.usecases import Person
from sessions.commands import Command
from sessions.notices.papers import RECEIPT_TOPIC, STATEMENT_TOPIC
from sessions.texts import T, t

MONTHS = 12


def answer_receipt(tx: Tx, person: Person, command: Command) -> T | None:
    """Owe somebody the links to a booking's papers; without a code, to the newest they have.

    None when messages with links are owed; else the answer says why there is none.

    Raises:
        BadInput: ``no_booking``: there is none of this sender.
    """
    if command.code is None:
        return _newest(tx, person)
    view = booking_by_code(tx, command.code)
    if view.booking.customer_id != user_id(tx, person.msisdn):
        raise BadInput("no_booking")
    return owe_receipts(tx, person.msisdn, view)


def owe_statement(tx: Tx, msisdn: str, vendor_id: UUID, number: int | None = None) -> Month:
    """Owe a vendor the link to a month's statement: this month's, or the last one of a number.

    Raises:
        Refused: ``too_many_links`` (data: limit).
    """
    month = Month.of(tx.now)
    if number is not None:
        for _ in range(MONTHS):
            if month.first.month == number:
                break
            month = month.before
    link = new_link(tx, vendor_id, month.first)
    params = {
        "token": link.token,
        "month": month.first.isoformat(),
        "until": link.expires_at.isoformat(),
    }
    outbox.add(tx, STATEMENT_TOPIC, msisdn, params)
    return month


def _newest(tx: Tx, person: Person) -> T | None:
    paid = [
        view
        for view in bookings_of_customer(tx, person.msisdn, LIST_MAX)
        if view.booking.paid_at is not None
    ]
    if not paid:
        return t("You have paid for nothing yet, so there is no receipt.")
    return owe_receipts(
        tx, person.msisdn, max(paid, key=lambda view: view.booking.paid_at or tx.now)
    )


def owe_receipts(tx: Tx, msisdn: str, view: BookingView) -> T | None:
    """Owe the links to a booking's newest papers; else return why there is none."""
    code = view.booking.code
    documents = receipts_of(tx, code)
    if not documents:
        if view.booking.state in PAID:
            return t("{code}: your receipt is being made. Ask again in a minute.", code=code)
        return t("{code} is not paid for, so there is no receipt.", code=code)
    for kind in DocumentKind:
        newest = [document for document in documents if document.kind is kind][-1:]
        for document in newest:
            outbox.add(tx, RECEIPT_TOPIC, msisdn, _link(document, code))
    return None


def _link(document: Document, code: str) -> dict[str, object]:
    return {
        "code": code,
        "label": document.label,
        "credit": document.kind is DocumentKind.CREDIT_NOTE,
        "amount_cents": document.total_cents,
        "day": nairobi_date(document.issued_at).isoformat(),
        "token": document.download_token,
    }
