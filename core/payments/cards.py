"""Paying by card: a page of the provider's is opened for a booking, and looked at like a prompt.

No card number passes through us. What is taken there is known by our attempt's id; it is believed
when the provider, asked by us, says so, whatever a browser or a webhook brings.
"""

from dataclasses import dataclass

from core.booking.changes import payable_now
from core.booking.dues import Dues
from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.booking.queries import BookingView, booking_by_id
from core.db.tx import Tx
from core.errors import Refused
from core.limits import ATTEMPTS_PER_BOOKING_MAX
from core.payments.collections import give_way, new_collection
from core.payments.links import PayLink, find_pay_link, new_pay_link
from core.payments.model import Attempt, Method
from core.payments.queries import collections_of, open_collection


@dataclass(frozen=True, slots=True)
class PayPage:
    """What somebody with a link to pay is shown.

    Attributes:
        view: the booking.
        payable: what is to be paid now; None when nothing is.
        attempt: the last try to pay by card, if there was one.
    """

    view: BookingView
    payable: Dues | None
    attempt: Attempt | None


def ask_for_card(tx: Tx, booking: Booking, msisdn: str) -> PayLink:
    """Make a link to pay a booking by card from a phone.

    Raises:
        Refused: ``no_route`` (nobody takes cards), ``not_payable`` (data: state),
            ``too_many_links``.
    """
    if not tx.routes.card:
        raise Refused("no_route")
    if payable_now(tx, booking) is None:
        raise Refused("not_payable", state=booking.state.value)
    return new_pay_link(tx, booking.id, msisdn)


def pay_page(tx: Tx, token: str) -> PayPage:
    """Return what a link shows; raises NotFound (``no_link``)."""
    link = find_pay_link(tx, token)
    view = booking_by_id(tx, link.booking_id)
    tried = collections_of(tx, link.booking_id)
    cards = [attempt for attempt in tried if attempt.method is Method.CARD]
    return PayPage(view, payable_now(tx, view.booking), cards[0] if cards else None)


def start_card(tx: Tx, token: str) -> Attempt:
    """Plan to open the provider's page for what a booking waits for.

    A page that is open for the same sum is returned; one for another sum gives way.

    Raises:
        NotFound: ``no_link``.
        Refused: ``not_payable`` (data: state), ``prompt_open`` (M-Pesa asks on a phone at this
            moment), ``too_many_attempts``, ``no_route``.
    """
    link = find_pay_link(tx, token)
    booking = lock_booking(tx, link.booking_id)
    payable = payable_now(tx, booking)
    if payable is None:
        raise Refused("not_payable", state=booking.state.value)
    already = open_collection(tx, booking.id)
    if already is not None and already.method is Method.MPESA:
        raise Refused("prompt_open")
    if already is not None and already.amount_cents == payable.ask.cents:
        return already
    if already is not None:
        give_way(tx, already)
    if len(collections_of(tx, booking.id)) >= ATTEMPTS_PER_BOOKING_MAX:
        raise Refused("too_many_attempts")
    return new_collection(tx, booking, link.msisdn, payable.ask, tx.now, Method.CARD)
