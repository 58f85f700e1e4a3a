"""Changing the days or the people of a booking: what it would mean, and doing it.

Before it is paid for, a booking becomes what is wished at once, at today's price; a vendor who
had accepted is asked again. A paid one stands until the change is certain: the vendor has agreed,
where that is needed, and the difference is paid. See decision 0017 for what a change costs.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from core.booking import changes, rules
from core.booking.changes import about_wish, open_change, present_price, price_json
from core.booking.dues import left_cents
from core.booking.lifecycle import Actor, ChangeEvent, ChangeState, Event, State
from core.booking.model import Booking, BookingChange
from core.booking.moves import lock_booking
from core.booking.notices import Topic, tell_customer, tell_vendor
from core.booking.offers import Offer, Wish, make_offer
from core.booking.policy import refund_of, refund_of_less
from core.booking.usecases import release_units
from core.catalog import calendar
from core.catalog.model import Listing
from core.db.tx import Tx
from core.errors import BadInput, IllegalMove, NotFound, Refused
from core.limits import CHANGES_PER_BOOKING_MAX, MPESA_MAX_CENTS, STAY_NIGHTS_MAX
from core.money import Money
from core.payments.collections import start_collection
from core.payments.queries import open_collection
from core.people.model import User

CHANGEABLE = frozenset({State.REQUESTED, State.AWAITING_PAYMENT, State.CONFIRMED})


@dataclass(frozen=True, slots=True)
class Change:
    """What a change would mean.

    Attributes:
        offer: the days and people wished, at today's price.
        present: the price of what is booked now.
        to_pay: the difference that is still to be paid; nothing before the booking is paid for.
        refund: what goes back of a difference that was paid.
        kept: what of that difference does not.
        asks_vendor: the vendor has to agree first.
        paid: whether the booking has been paid for.
    """

    offer: Offer
    present: Money
    to_pay: Money
    refund: Money
    kept: Money
    asks_vendor: bool
    paid: bool

    @property
    def agreed(self) -> Money:
        """The one sum that somebody says yes to.

        The new price before anything is paid; then what is to pay, below nothing what goes back.
        """
        return self.to_pay - self.refund if self.paid else self.offer.price.total


def wish_of(
    tx: Tx,
    booking: Booking,
    *,
    starts_on: date | None = None,
    days: int | None = None,
    people: int | None = None,
) -> Wish:
    """Return a booking's days and people with some of them changed; as long as it was.

    Raises:
        BadInput: ``nights_bad``.
    """
    listing = tx.db.get_one(Listing, booking.listing_id)
    first = starts_on or booking.starts_on
    length = (booking.ends_on - booking.starts_on).days if days is None else days
    if not 1 <= length <= STAY_NIGHTS_MAX:
        raise BadInput("nights_bad", nights_max=STAY_NIGHTS_MAX)
    last = first + timedelta(days=length)
    return Wish(listing.number, first, last, booking.people if people is None else people)


def preview_change(tx: Tx, booking: Booking, wish: Wish) -> Change:
    """Return what a change would mean at this moment; it changes and claims nothing.

    Raises:
        IllegalMove, Refused: what ``check_changeable`` says; ``too_late`` when the vendor has no
            time left to answer.
        BadInput: ``no_change``, or what ``make_offer`` says.
        NotFound: the listing is not on offer.
        NoUnits: not free (data: day, left).
    """
    check_changeable(tx, booking)
    same_days = (wish.starts_on, wish.ends_on) == (booking.starts_on, booking.ends_on)
    if same_days and wish.people == booking.people:
        raise BadInput("no_change")
    offer = make_offer(tx, wish, lead=wish.starts_on != booking.starts_on)
    found = _judge(tx, booking, offer)
    if found.asks_vendor and _answer_due(tx, booking, offer) <= tx.now:
        raise Refused("too_late")
    held: calendar.Units = {}
    if booking.state is not State.REQUESTED:
        held = calendar.units_by_day(booking.starts_on, booking.ends_on, booking.quantity)
    wished = calendar.units_by_day(wish.starts_on, wish.ends_on, offer.quantity)
    calendar.check_exchange(tx, booking.listing_id, held, wished)
    return found


def check_changeable(tx: Tx, booking: Booking) -> None:
    """Refuse any change of a booking that cannot be changed now, whatever is wished.

    Raises:
        IllegalMove: it is over, or has begun to be used (data: state).
        Refused: ``already_begun``, ``rest_unpaid``, ``change_open``, ``too_many_changes`` (data:
            limit).
    """
    if booking.state not in CHANGEABLE:
        raise IllegalMove(state=booking.state.value, event=Event.CHANGE.value)
    if booking.starts_at <= tx.now:
        raise Refused("already_begun")
    if booking.received_cents and left_cents(booking):
        # Two prices in pieces at once would be nobody's sum.
        raise Refused("rest_unpaid")
    if open_change(tx, booking.id) is not None:
        raise Refused("change_open")
    made = select(func.count()).select_from(BookingChange)
    asked_so_far = tx.db.scalar(made.where(BookingChange.booking_id == booking.id)) or 0
    if asked_so_far >= CHANGES_PER_BOOKING_MAX:
        raise Refused("too_many_changes", limit=CHANGES_PER_BOOKING_MAX)


def may_change(tx: Tx, booking: Booking) -> bool:
    """Tell whether a change can be asked for now, whatever it is."""
    try:
        check_changeable(tx, booking)
    except Refused:
        return False
    return True


def request_change(
    tx: Tx,
    booking_id: UUID,
    customer_id: UUID | None,
    wish: Wish,
    agreed: Money | None = None,
) -> BookingChange:
    """Change a booking, or begin to: by its state the change is applied, asked for or to be paid.

    A prompt for what is to be paid now is planned on the customer's phone.

    Args:
        tx: the caller's transaction.
        booking_id: the booking.
        customer_id: who asks; None for an admin.
        wish: the days and people wished.
        agreed: the sum that was shown (``Change.agreed``).

    Raises:
        NotFound: no such booking of this customer.
        Refused: ``change_cost`` when the sum is another by now (data: agreed_cents);
            ``prompt_open`` while M-Pesa asks for the price as it was; what ``preview_change``
            and ``start_collection`` say.
    """
    booking = lock_booking(tx, booking_id)
    if customer_id is not None and booking.customer_id != customer_id:
        raise NotFound("no_booking")
    found = preview_change(tx, booking, wish)
    if agreed is not None and agreed != found.agreed:
        raise Refused("change_cost", agreed_cents=found.agreed.cents)
    change = _write(tx, booking, found)
    actor = Actor.CUSTOMER if customer_id is not None else Actor.ADMIN
    if not found.paid:
        _change_unpaid(tx, booking, change, found.offer, actor, customer_id)
    elif found.asks_vendor:
        change.due_at = _answer_due(tx, booking, found.offer)
        tell_vendor(tx, booking, Topic.CHANGE_ASKED, key=str(change.id), **about_wish(change))
    elif found.to_pay.cents:
        changes.hold(tx, booking, change)
    else:
        changes.apply_change(tx, booking, change, actor, customer_id)
    if changes.payable_now(tx, booking) is not None:
        start_collection(tx, booking.id, _msisdn(tx, booking))
    return change


def accept_change(tx: Tx, booking_id: UUID, vendor_id: UUID) -> BookingChange:
    """Say yes to the change that waits for this vendor: applied, or to be paid first.

    What it costs is what the customer was shown, however long the answer took.

    Raises:
        NotFound: no such booking of this vendor, or ``no_change_asked``.
        NoUnits: what it needs more is gone.
        Refused: ``already_begun``.
    """
    booking, change = _asked(tx, booking_id, vendor_id)
    if booking.starts_at <= tx.now:
        raise Refused("already_begun")
    change.accepted_at = tx.now
    if change.to_pay_cents:
        changes.hold(tx, booking, change)
        key = str(change.id)
        tell_customer(tx, booking, Topic.CHANGE_ACCEPTED, key=key, **about_wish(change))
    else:
        changes.apply_change(tx, booking, change, Actor.VENDOR, vendor_id)
    return change


def decline_change(tx: Tx, booking_id: UUID, vendor_id: UUID) -> BookingChange:
    """Say no to a change: the booking stands, and the customer is told. Raises NotFound."""
    booking, change = _asked(tx, booking_id, vendor_id)
    changes.off(tx, booking, change, ChangeEvent.DECLINE, changes.DECLINED, vendor=False)
    return change


def keep_as_was(tx: Tx, booking_id: UUID, customer_id: UUID) -> BookingChange:
    """Take a wish back that waits: the booking stands as it was.

    Raises:
        NotFound: no such booking of this customer, or ``no_change_asked``.
    """
    booking = lock_booking(tx, booking_id)
    change = open_change(tx, booking.id)
    if booking.customer_id != customer_id:
        raise NotFound("no_booking")
    if change is None:
        raise NotFound("no_change_asked")
    asked = change.state is ChangeState.ASKED or change.accepted_at is not None
    changes.off(tx, booking, change, ChangeEvent.DROP, changes.WITHDRAWN, vendor=asked)
    return change


def _judge(tx: Tx, booking: Booking, offer: Offer) -> Change:
    """Say what an offer costs in place of what is booked, and whether the vendor is asked."""
    present, wished = present_price(booking), offer.price.total
    nothing = Money(0)
    if booking.state is not State.CONFIRMED:
        asks = booking.state is State.REQUESTED or booking.accepted_at is not None
        return Change(offer, present, nothing, nothing, nothing, asks, paid=False)
    # Once cancelling gives less back, moving on must not be the way around that: the vendor says.
    late = refund_of(booking.policy, present, booking.starts_at, tx.now).tier > 0
    asks = late or not offer.instant
    if (wished - present).cents > MPESA_MAX_CENTS:
        raise BadInput("too_expensive", max_cents=MPESA_MAX_CENTS)
    if wished >= present:
        return Change(offer, present, wished - present, nothing, nothing, asks, paid=True)
    refund = refund_of_less(booking.policy, present, wished, booking.starts_at, tx.now)
    kept = present - wished - refund
    return Change(offer, present, nothing, refund, kept, asks, paid=True)


def _answer_due(tx: Tx, booking: Booking, offer: Offer) -> datetime:
    starts_at = offer.starts_at
    if booking.state is State.CONFIRMED:
        starts_at = min(starts_at, booking.starts_at)
    return rules.answer_due(tx.now, starts_at)


def _write(tx: Tx, booking: Booking, found: Change) -> BookingChange:
    offer = found.offer
    change = BookingChange(
        id=tx.ids.uuid(),
        booking_id=booking.id,
        state=ChangeState.ASKED,
        starts_on=offer.wish.starts_on,
        ends_on=offer.wish.ends_on,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        people=offer.wish.people,
        quantity=offer.quantity,
        price=price_json(offer.price),
        was_starts_on=booking.starts_on,
        was_ends_on=booking.ends_on,
        was_people=booking.people,
        was_cents=found.present.cents,
        was_net_cents=booking.vendor_net_cents,
        to_pay_cents=found.to_pay.cents,
        refund_cents=found.refund.cents,
        kept_cents=found.kept.cents,
        created_at=tx.now,
    )
    tx.db.add(change)
    tx.db.flush()
    return change


def _change_unpaid(
    tx: Tx,
    booking: Booking,
    change: BookingChange,
    offer: Offer,
    actor: Actor,
    actor_id: UUID | None,
) -> None:
    """Nothing has been paid: the booking becomes what is wished, its hold with it."""
    if open_collection(tx, booking.id) is not None:
        raise Refused("prompt_open")
    event = Event.CHANGE
    if booking.accepted_at is not None:
        # The vendor had said yes to something else.
        event = Event.ASK_AGAIN
        booking.accepted_at = None
        release_units(tx, booking)
    elif booking.state is State.AWAITING_PAYMENT:
        changes.rehold(tx, booking, change)
    # What was to come first may be all of the new price, or more.
    booking.deposit_cents = booking.rest_due_at = None
    changes.become(tx, booking, change, event, actor, actor_id)
    if offer.deposit is not None:
        booking.deposit_cents = offer.deposit.now.cents
        booking.rest_due_at = offer.deposit.rest_by
    if booking.state is State.REQUESTED:
        booking.due_at = rules.answer_due(tx.now, booking.starts_at)
        about = changes.was(change)
        tell_vendor(tx, booking, Topic.REQUEST_CHANGED, key=str(change.id), **about)


def _asked(tx: Tx, booking_id: UUID, vendor_id: UUID) -> tuple[Booking, BookingChange]:
    booking = lock_booking(tx, booking_id)
    if booking.vendor_id != vendor_id:
        raise NotFound("no_booking")
    change = open_change(tx, booking.id)
    if change is None or change.state is not ChangeState.ASKED:
        raise NotFound("no_change_asked")
    return booking, change


def _msisdn(tx: Tx, booking: Booking) -> str:
    return tx.db.scalars(select(User.msisdn).where(User.id == booking.customer_id)).one()
