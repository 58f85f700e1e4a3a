"""Counting units: claim and release them, block and free days, show what is left.

Each day of a listing has one counter row, made when it is first needed. Whoever changes counters
takes their rows in date order, so that two ranges that overlap wait for each other instead of
deadlocking; a CHECK on the row refuses an oversold day even if this code should err.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Date,
    Integer,
    and_,
    any_,
    bindparam,
    column,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from core.catalog.model import Listing, ListingDay
from core.catalog.rules import days_in
from core.clock import nairobi_date
from core.db.base import Base
from core.db.tx import Tx
from core.errors import BadInput, NotFound, NoUnits
from core.limits import BOOK_AHEAD_DAYS_MAX, STAY_NIGHTS_MAX

CALENDAR_DAYS_MAX = BOOK_AHEAD_DAYS_MAX + STAY_NIGHTS_MAX
BLOCK_DAYS_MAX = 100

Units = Mapping[date, int]
"""How many units are claimed on each day."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a listing.

    Attributes:
        units: how many exist on that day.
        booked: how many of them are claimed.
        blocked: the vendor takes nothing more on that day.
    """

    day: date
    units: int
    booked: int
    blocked: bool

    @property
    def left(self) -> int:
        """How many units can still be claimed."""
        return 0 if self.blocked else self.units - self.booked


def claim(tx: Tx, listing_id: UUID, starts_on: date, ends_on: date, quantity: int) -> None:
    """Take units on every day of ``[starts_on, ends_on)``, or on none.

    A refusal changes no counter, so the caller may go on in the same transaction.

    Raises:
        NoUnits: a day is blocked or too full (data: day, left).
        NotFound: no such listing.
    """
    assert quantity > 0, "a claim takes at least one unit"
    days = _checked(days_in(starts_on, ends_on), STAY_NIGHTS_MAX)
    chosen = {"chosen_listing": listing_id, "chosen_days": list(days), "wanted_units": quantity}
    taken = set(tx.db.scalars(_CLAIM, chosen))
    if len(taken) == len(days):
        return
    if taken:
        _count(tx, listing_id, sorted(taken), -quantity)
    offered = availability(tx, listing_id, starts_on, ends_on)
    short = next(day for day in offered if day.day not in taken)
    raise NoUnits(day=short.day, left=short.left)


def release(tx: Tx, listing_id: UUID, starts_on: date, ends_on: date, quantity: int) -> None:
    """Give back units that were claimed with the same arguments.

    Giving back more than was claimed is a fault of ours; the CHECK turns it into an
    ``IntegrityError``.
    """
    assert quantity > 0, "a release gives back at least one unit"
    days = _checked(days_in(starts_on, ends_on), STAY_NIGHTS_MAX)
    lock_days(tx, listing_id, days)
    _count(tx, listing_id, days, -quantity)


def exchange(tx: Tx, listing_id: UUID, held: Units, wanted: Units) -> None:
    """Turn what is claimed of a listing into something else: all of it, or nothing changes.

    The days on which something changes are locked in date order, like any claim; what is needed
    more is taken before what is needed no more is given back.

    Args:
        tx: the caller's transaction.
        listing_id: the listing.
        held: the units that the caller has claimed, by day.
        wanted: the units that it shall have claimed.

    Raises:
        NoUnits: a day is blocked or too full for what is needed more (data: day, left).
        NotFound: no such listing.
    """
    more = _difference(wanted, held)
    less = _difference(held, wanted)
    days = sorted(more.keys() | less.keys())
    if not days:
        return
    for row in lock_days(tx, listing_id, _checked(days, 2 * STAY_NIGHTS_MAX)):
        if more.get(row.day, 0) > max(row.left, 0):
            raise NoUnits(day=row.day, left=row.left)
    for change, sign in ((more, 1), (less, -1)):
        for quantity in sorted(set(change.values())):
            chosen = [day for day in change if change[day] == quantity]
            _count(tx, listing_id, chosen, sign * quantity)


def check_exchange(tx: Tx, listing_id: UUID, held: Units, wanted: Units) -> None:
    """Refuse what ``exchange`` would refuse at this moment; claims nothing. Raises the same."""
    more = _difference(wanted, held)
    if not more:
        return
    for day in availability(tx, listing_id, min(more), max(more) + timedelta(days=1)):
        if more.get(day.day, 0) > max(day.left, 0):
            raise NoUnits(day=day.day, left=day.left)


def units_by_day(starts_on: date, ends_on: date, quantity: int) -> Units:
    """Return the units of ``[starts_on, ends_on)`` by day."""
    return dict.fromkeys(days_in(starts_on, ends_on), quantity)


def either(first: Units, second: Units) -> Units:
    """Return what is enough for the one or for the other."""
    return {
        day: max(first.get(day, 0), second.get(day, 0)) for day in first.keys() | second.keys()
    }


def _difference(wanted: Units, held: Units) -> Units:
    more = {day: quantity - held.get(day, 0) for day, quantity in wanted.items()}
    return {day: quantity for day, quantity in more.items() if quantity > 0}


def block(tx: Tx, listing_id: UUID, days: Collection[date], *, vendor_id: UUID) -> list[Day]:
    """Close days of a vendor's own listing. What is booked on them stays booked.

    Returns:
        The days as they are now, in order: the vendor is told which of them have bookings.

    Raises:
        NotFound: no such listing of this vendor.
        BadInput: ``date_past``, ``date_too_far`` or ``days_bad`` (none, or too many at once).
    """
    return _set_blocked(tx, listing_id, days, vendor_id, blocked=True)


def free(tx: Tx, listing_id: UUID, days: Collection[date], *, vendor_id: UUID) -> list[Day]:
    """Open days that were closed; like ``block`` in all else."""
    return _set_blocked(tx, listing_id, days, vendor_id, blocked=False)


def availability(tx: Tx, listing_id: UUID, starts_on: date, ends_on: date) -> list[Day]:
    """Return every day of ``[starts_on, ends_on)`` in order, also those without a counter row.

    Raises:
        NotFound: no such listing.
        BadInput: ``days_bad``: an empty range, or one longer than the calendar (data: days_max).
    """
    days = _checked(days_in(starts_on, ends_on), CALENDAR_DAYS_MAX)
    chosen = {"chosen_listing": listing_id, "first_day": days[0], "last_day": days[-1]}
    rows = tx.db.execute(_AVAILABLE, chosen).all()
    if not rows:
        raise NotFound("no_listing")
    units = rows[0][0]
    counted = {row[1]: Day(*row[1:]) for row in rows}
    return [counted.get(day) or Day(day, units, 0, blocked=False) for day in days]


def min_free(tx: Tx, listing_id: UUID, starts_on: date, ends_on: date) -> int:
    """Return how many units are left on the fullest day of a range; raises as ``availability``."""
    return min(day.left for day in availability(tx, listing_id, starts_on, ends_on))


def _set_blocked(
    tx: Tx, listing_id: UUID, days: Collection[date], vendor_id: UUID, *, blocked: bool
) -> list[Day]:
    ordered = _checked(sorted(set(days)), BLOCK_DAYS_MAX)
    today = nairobi_date(tx.now)
    latest = today + timedelta(days=CALENDAR_DAYS_MAX)
    if ordered[0] < today:
        raise BadInput("date_past", today=today)
    if ordered[-1] > latest:
        raise BadInput("date_too_far", latest=latest)
    own = select(Listing.id).where(Listing.id == listing_id, Listing.vendor_id == vendor_id)
    if tx.db.scalar(own) is None:
        raise NotFound("no_listing")
    lock_days(tx, listing_id, ordered)
    changed = (
        update(ListingDay)
        .where(ListingDay.listing_id == listing_id, ListingDay.day.in_(ordered))
        .values(blocked=blocked)
        .returning(ListingDay.day, ListingDay.units, ListingDay.booked, ListingDay.blocked)
        .execution_options(synchronize_session=False)
    )
    return sorted((Day(*row) for row in tx.db.execute(changed)), key=lambda day: day.day)


def _checked(days: Sequence[date], days_max: int) -> Sequence[date]:
    if not 1 <= len(days) <= days_max:
        raise BadInput("days_bad", days_max=days_max)
    return days


_AVAILABLE = (
    select(
        Listing.units,
        ListingDay.day,
        ListingDay.units,
        ListingDay.booked,
        ListingDay.blocked,
    )
    .outerjoin(
        ListingDay,
        and_(
            ListingDay.listing_id == Listing.id,
            ListingDay.day.between(bindparam("first_day"), bindparam("last_day")),
        ),
    )
    .where(Listing.id == bindparam("chosen_listing"))
)
# Built once: they are the heart of every booking. Plain tables: they know nothing of ORM rows.
_DAYS = Base.metadata.tables[ListingDay.__tablename__]
_LISTINGS = Base.metadata.tables[Listing.__tablename__]
_WANTED = (
    func.unnest(bindparam("chosen_days", type_=ARRAY(Date)))
    .table_valued(column("day", Date))
    .render_derived(name="wanted")
)
_MISSING = (
    insert(_DAYS)
    .from_select(
        ["listing_id", "day", "units"],
        select(_LISTINGS.c.id, _WANTED.c.day, _LISTINGS.c.units)
        .join_from(_LISTINGS, _WANTED, true())
        .where(_LISTINGS.c.id == bindparam("chosen_listing"))
        .order_by(_WANTED.c.day),
    )
    .on_conflict_do_nothing()
)
# Takes each day that has room, in one round trip: the row's lock and the look at its counters are
# one step, so nobody can come between. A day without a row has all that the listing has.
_PROPOSED = insert(_DAYS).from_select(
    ["listing_id", "day", "units", "booked"],
    select(
        _LISTINGS.c.id, _WANTED.c.day, _LISTINGS.c.units, bindparam("wanted_units", type_=Integer)
    )
    .join_from(_LISTINGS, _WANTED, true())
    .where(
        _LISTINGS.c.id == bindparam("chosen_listing"),
        _LISTINGS.c.units >= bindparam("wanted_units", type_=Integer),
    )
    .order_by(_WANTED.c.day),
)
_BOOKED_THEN = _DAYS.c.booked + _PROPOSED.excluded.booked
_CLAIM = _PROPOSED.on_conflict_do_update(
    index_elements=["listing_id", "day"],
    set_={"booked": _BOOKED_THEN},
    where=and_(_DAYS.c.blocked.is_(False), _DAYS.c.units >= _BOOKED_THEN),
).returning(_DAYS.c.day)
_CHOSEN = and_(
    _DAYS.c.listing_id == bindparam("chosen_listing"),
    _DAYS.c.day == any_(bindparam("chosen_days", type_=ARRAY(Date))),
)
_LOCK = (
    select(_DAYS.c.day, _DAYS.c.units, _DAYS.c.booked, _DAYS.c.blocked)
    .where(_CHOSEN)
    .order_by(_DAYS.c.day)
    .with_for_update()
)
_COUNT = update(_DAYS).where(_CHOSEN).values(booked=_DAYS.c.booked + bindparam("change"))


def lock_days(tx: Tx, listing_id: UUID, days: Sequence[date]) -> list[Day]:
    """Make missing counter rows, lock all of them in date order and return them."""
    chosen = {"chosen_listing": listing_id, "chosen_days": list(days)}
    tx.db.execute(_MISSING, chosen)
    rows = [Day(*row) for row in tx.db.execute(_LOCK, chosen)]
    if not rows:
        raise NotFound("no_listing")
    assert len(rows) == len(days), "every day has its counter row"
    return rows


def _count(tx: Tx, listing_id: UUID, days: Sequence[date], change: int) -> None:
    chosen = {"chosen_listing": listing_id, "chosen_days": list(days), "change": change}
    tx.db.execute(_COUNT, chosen)
