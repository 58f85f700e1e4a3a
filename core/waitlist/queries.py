"""What is shown of the line, and where in it something has become free."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, func, or_, select, tuple_

from core.catalog.model import Listing, ListingDay
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import LIST_MAX, WAIT_LISTINGS_MAX
from core.people.model import User
from core.waitlist.lifecycle import OPEN, WaitState
from core.waitlist.model import Wait

# For so long after an offer its answer is told what became of it.
ANSWER_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WaitView:
    """A place in the line with its listing and the number of whoever waits."""

    wait: Wait
    listing: Listing
    msisdn: str


def open_waits(tx: Tx, msisdn: str, limit: int = LIST_MAX) -> list[WaitView]:
    """Return what somebody waits for: what is offered first, then the next days."""
    query = (
        _VIEWS.where(User.msisdn == msisdn, Wait.state.in_(OPEN))
        .order_by((Wait.state == WaitState.OFFERED).desc(), Wait.starts_on, Wait.id)
        .limit(limit)
    )
    return [WaitView(*row) for row in tx.db.execute(query)]


def offers_lately(tx: Tx, msisdn: str, limit: int = LIST_MAX) -> list[WaitView]:
    """Return what somebody was offered within a day, whatever became of it; open ones first."""
    query = (
        _VIEWS.where(User.msisdn == msisdn, Wait.offered_at > tx.now - ANSWER_WITHIN)
        .order_by((Wait.state == WaitState.OFFERED).desc(), Wait.offered_at.desc(), Wait.id)
        .limit(limit)
    )
    return [WaitView(*row) for row in tx.db.execute(query)]


def wait_of(tx: Tx, wait_id: UUID, msisdn: str) -> WaitView:
    """Return somebody's place in a line; raises NotFound (``no_wait``)."""
    row = tx.db.execute(_VIEWS.where(Wait.id == wait_id, User.msisdn == msisdn)).first()
    if row is None:
        raise NotFound("no_wait")
    return WaitView(*row)


def place_in_line(tx: Tx, wait: Wait) -> int:
    """Return how many wait for some of the same days, up to this one: 1 is the first."""
    before = select(func.count()).where(
        Wait.listing_id == wait.listing_id,
        Wait.state.in_(OPEN),
        Wait.starts_on < wait.ends_on,
        Wait.ends_on > wait.starts_on,
        tuple_(Wait.created_at, Wait.id) <= (wait.created_at, wait.id),
    )
    return int(tx.db.scalar(before) or 0)


def freed_listings(tx: Tx, limit: int = WAIT_LISTINGS_MAX) -> list[UUID]:
    """Return listings where somebody waits and every day of the wish has enough units.

    Looking is all that it takes: whatever freed them (a cancellation, a lapsed hold, a change, a
    day opened again, one more unit) need not know that somebody waits.
    """
    return list(tx.db.scalars(_FREED, {"listings_max": limit}))


_VIEWS = (
    select(Wait, Listing, User.msisdn)
    .join(Listing, Listing.id == Wait.listing_id)
    .join(User, User.id == Wait.customer_id)
)
_TOO_FULL = exists().where(
    and_(
        ListingDay.listing_id == Wait.listing_id,
        ListingDay.day >= Wait.starts_on,
        ListingDay.day < Wait.ends_on,
        or_(ListingDay.blocked, ListingDay.units - ListingDay.booked < Wait.quantity),
    )
)
_FREED = (
    select(Wait.listing_id)
    .join(Listing, Listing.id == Wait.listing_id)
    .where(Wait.state == WaitState.WAITING, Listing.units >= Wait.quantity, ~_TOO_FULL)
    .group_by(Wait.listing_id)
    .order_by(func.min(Wait.created_at), Wait.listing_id)
    .limit(bindparam("listings_max"))
)
