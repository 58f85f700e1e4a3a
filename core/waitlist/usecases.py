"""Waiting for a full day: getting in line, being offered what became free, answering.

An offer claims nothing: it says that units are free, to one person for each of them, before
others in the line hear of it. Only the yes books, through the same calendar as any booking, so
that two people never get one unit. Each function is one effect in the caller's transaction; lock
order: customer, places in the line by age, calendar days.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import outbox
from core.booking.lifecycle import CLAIMING, State
from core.booking.model import Booking
from core.booking.offers import Offer, Wish, make_offer
from core.booking.usecases import book
from core.catalog import calendar
from core.catalog.model import Listing
from core.catalog.rules import days_in, starts_moment
from core.db.tx import Tx
from core.errors import NotFound, NoUnits, Refused
from core.limits import WAIT_LINE_MAX, WAIT_OFFER_SECONDS, WAITS_PER_CUSTOMER_MAX
from core.money import Money
from core.people.model import Purpose, User
from core.people.usecases import ensure_user, may_write
from core.waitlist.lifecycle import OPEN, WaitEvent, WaitState
from core.waitlist.model import Wait

WAIT_OFFERED_TOPIC = "wait_offered"


class Answer(StrEnum):
    """What came of a yes to an offer."""

    BOOKED = "booked"
    MISSED = "missed"
    """Somebody outside the line was faster; the place in the line is kept."""
    DEARER = "dearer"
    """The price has changed since; the offer now stands with the new one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a yes, with the booking that was made."""

    answer: Answer
    wait: Wait
    booking: Booking | None = None


def join_line(tx: Tx, msisdn: str, wish: Wish) -> Wait:
    """Get in line for a day that is full; who is in it already keeps their place.

    Raises:
        BadInput, NotFound: what ``make_offer`` says.
        Refused: ``free_now``; ``too_many_waits`` (data: limit).
    """
    offer = make_offer(tx, wish)
    customer = ensure_user(tx, msisdn)
    if calendar.min_free(tx, offer.listing.id, wish.starts_on, wish.ends_on) >= offer.quantity:
        raise Refused("free_now")
    same = (
        Wait.customer_id == customer.id,
        Wait.listing_id == offer.listing.id,
        Wait.starts_on == wish.starts_on,
        Wait.state.in_(OPEN),
    )
    known = tx.db.scalar(select(Wait).where(*same))
    if known is not None:
        return known
    mine = select(func.count()).where(Wait.customer_id == customer.id, Wait.state.in_(OPEN))
    if int(tx.db.scalar(mine) or 0) >= WAITS_PER_CUSTOMER_MAX:
        raise Refused("too_many_waits", limit=WAITS_PER_CUSTOMER_MAX)
    made = insert(Wait).values(
        id=tx.ids.uuid(),
        listing_id=offer.listing.id,
        customer_id=customer.id,
        state=WaitState.WAITING,
        starts_on=wish.starts_on,
        ends_on=wish.ends_on,
        people=wish.people,
        quantity=offer.quantity,
        due_at=last_moment(offer.listing, wish.starts_on),
        created_at=tx.now,
    )
    return tx.db.scalars(made.returning(Wait)).one()


def last_moment(listing: Listing, starts_on: date) -> datetime:
    """Return until when a day can still be booked, and so waited for."""
    return starts_moment(listing.terms, starts_on) - timedelta(hours=listing.lead_hours)


def offer_freed(tx: Tx, listing_id: UUID) -> list[Wait]:
    """Offer what is free of a listing to the first in line, as far as the units go.

    Units that are offered to somebody are offered to nobody else until that offer is over. Of
    two workers the second waits for the line and finds the first one's offers in it.
    """
    listing = tx.db.get_one(Listing, listing_id)
    line = tx.db.scalars(
        select(Wait)
        .where(Wait.listing_id == listing_id, Wait.state.in_(OPEN))
        .order_by(Wait.created_at, Wait.id)
        .limit(WAIT_LINE_MAX)
        .with_for_update(key_share=True)
    ).all()
    promised = _promised(line)
    offered = []
    for wait in line:
        if wait.state is not WaitState.WAITING or not _wants_it_still(tx, listing, wait):
            continue
        offer = _offer_now(tx, listing, wait)
        if offer is None or not _is_free(tx, offer, promised):
            continue
        _offer(tx, wait, offer)
        promised.update(dict.fromkeys(_days(wait), wait.quantity))
        offered.append(wait)
    return offered


def take_offer(tx: Tx, wait_id: UUID, msisdn: str) -> Taken:
    """Say yes to an offer: book it at the price that was told.

    Raises:
        NotFound: ``no_wait``: there is no such place in the line of this person.
        Refused: ``offer_over``; what ``book`` says, except that it is gone or costs more.
    """
    wait = _locked(tx, wait_id, msisdn)
    if wait.state is not WaitState.OFFERED or wait.due_at is None or wait.due_at <= tx.now:
        raise Refused("offer_over")
    listing = tx.db.get_one(Listing, wait.listing_id)
    assert wait.total_cents is not None, "an offer has a price"
    try:
        with tx.db.begin_nested():
            booking = book(tx, msisdn, _wish(listing, wait), Money(wait.total_cents))
    except NoUnits:
        wait.move(WaitEvent.MISS)
        wait.due_at = last_moment(listing, wait.starts_on)
        return Taken(Answer.MISSED, wait)
    except Refused as refused:
        if refused.code != "price_changed":
            raise
        wait.total_cents = refused.data["total_cents"]
        return Taken(Answer.DEARER, wait)
    wait.move(WaitEvent.TAKE)
    wait.due_at, wait.booking_id = None, booking.id
    return Taken(Answer.BOOKED, wait, booking)


def leave_line(tx: Tx, wait_id: UUID, msisdn: str) -> Wait:
    """Give a place in the line up.

    Raises:
        NotFound: ``no_wait``.
        IllegalMove: it is over.
    """
    wait = _locked(tx, wait_id, msisdn)
    wait.move(WaitEvent.LEAVE)
    wait.due_at = None
    return wait


def leave_all_lines(tx: Tx, msisdn: str) -> None:
    """Give up every place of somebody who wants no more offers."""
    own = select(User.id).where(User.msisdn == msisdn).scalar_subquery()
    tx.db.execute(
        update(Wait)
        .where(Wait.customer_id == own, Wait.state.in_(OPEN))
        .values(state=WaitState.LEFT, due_at=None)
    )


def due_waits(tx: Tx, limit: int) -> list[UUID]:
    """Return places whose time has run out, the longest overdue first."""
    query = select(Wait.id).where(Wait.due_at <= tx.now).order_by(Wait.due_at, Wait.id)
    return list(tx.db.scalars(query.limit(limit)))


def fire_wait(tx: Tx, wait_id: UUID) -> WaitState | None:
    """End a place whose time has run out; None when it has not, or another worker has it."""
    wait = tx.db.scalar(
        select(Wait)
        .where(Wait.id == wait_id, Wait.due_at <= tx.now)
        .with_for_update(skip_locked=True)
    )
    if wait is None:
        return None
    wait.move(WaitEvent.LAPSE)
    wait.due_at = None
    return wait.state


def _locked(tx: Tx, wait_id: UUID, msisdn: str) -> Wait:
    customer = ensure_user(tx, msisdn)
    wait = tx.db.get(Wait, wait_id, with_for_update=True, populate_existing=True)
    if wait is None or wait.customer_id != customer.id:
        raise NotFound("no_wait")
    return wait


def _wish(listing: Listing, wait: Wait) -> Wish:
    return Wish(listing.number, wait.starts_on, wait.ends_on, wait.people)


def _days(wait: Wait) -> Sequence[date]:
    return days_in(wait.starts_on, wait.ends_on)


def _promised(line: Sequence[Wait]) -> Counter[date]:
    """How many units of each day are offered to somebody at this moment."""
    promised = Counter[date]()
    for wait in line:
        if wait.state is WaitState.OFFERED:
            promised.update(dict.fromkeys(_days(wait), wait.quantity))
    return promised


def _offer_now(tx: Tx, listing: Listing, wait: Wait) -> Offer | None:
    """What the wish would be today; None when the listing does not take it any more."""
    try:
        return make_offer(tx, _wish(listing, wait))
    except Refused:
        return None


def _is_free(tx: Tx, offer: Offer, promised: Counter[date]) -> bool:
    wish = offer.wish
    days = calendar.availability(tx, offer.listing.id, wish.starts_on, wish.ends_on)
    return all(day.left - promised[day.day] >= offer.quantity for day in days)


def _wants_it_still(tx: Tx, listing: Listing, wait: Wait) -> bool:
    """Tell whether somebody waits in earnest; who has another booking or opted out leaves."""
    customer = tx.db.get_one(User, wait.customer_id)
    elsewhere = (
        select(Booking.id)
        .join(Listing, Listing.id == Booking.listing_id)
        .where(
            Booking.customer_id == wait.customer_id,
            Booking.state.in_((State.REQUESTED, *CLAIMING)),
            Booking.starts_on < wait.ends_on,
            Booking.ends_on > wait.starts_on,
            Listing.category == listing.category,
        )
        .limit(1)
    )
    if may_write(tx, customer.msisdn, Purpose.OFFERS) and tx.db.scalar(elsewhere) is None:
        return True
    wait.move(WaitEvent.LEAVE)
    wait.due_at = None
    return False


def _offer(tx: Tx, wait: Wait, offer: Offer) -> None:
    wait.move(WaitEvent.OFFER)
    until = tx.now + timedelta(seconds=WAIT_OFFER_SECONDS)
    wait.due_at = min(until, last_moment(offer.listing, wait.starts_on))
    wait.offered_at = tx.now
    wait.quantity, wait.total_cents = offer.quantity, offer.price.total.cents
    tx.db.flush()
    msisdn = tx.db.get_one(User, wait.customer_id).msisdn
    params = {
        "listing": offer.listing.title,
        "number": offer.listing.number,
        "category": offer.listing.category.value,
        "starts_on": wait.starts_on.isoformat(),
        "ends_on": wait.ends_on.isoformat(),
        "people": wait.people,
        "total_cents": wait.total_cents,
        "due_at": wait.due_at.isoformat(),
    }
    key = f"{WAIT_OFFERED_TOPIC}:{wait.id}:{tx.now.isoformat()}"
    outbox.add(tx, WAIT_OFFERED_TOPIC, msisdn, params, key=key)
