"""Paying by card: the call asks for a link, and the link comes by SMS."""

from core.booking.changes import payable_now
from core.booking.model import Booking
from core.booking.queries import booking_by_code
from core.db.tx import Tx
from core.errors import Refused
from sessions.flow import End, Option, Part, Talk
from sessions.paying import owe_pay_link
from sessions.texts import t

cards = Part()


def card_options(tx: Tx, booking: Booking) -> list[Option]:
    """Return the choice to pay a booking by card, when it can be paid and somebody takes cards.

    A screen that tells what has come and what is owed has no room for it; the word by SMS does.
    """
    if not tx.routes.card or booking.received_cents or payable_now(tx, booking) is None:
        return []
    return [Option(t("Pay by card"), do="card", set={"code": booking.code})]


@cards.effect("card", refused={"too_many_links": "booking", "not_payable": "booking"})
def card(talk: Talk, tx: Tx) -> End:
    """Owe this phone a link to pay by card."""
    view = booking_by_code(tx, talk.draft["code"])
    payable = payable_now(tx, view.booking)
    if payable is None:
        raise Refused("not_payable", state=view.booking.state.value)
    owe_pay_link(tx, talk.person.msisdn, view, payable)
    return End(
        t(
            "An SMS with a link comes to you now. Open it on a phone with internet and pay {code} "
            "by card until {by}.",
            code=view.booking.code,
            by=payable.by,
        )
    )
