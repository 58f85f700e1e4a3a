"""What a vendor is shown of their money."""

from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from core.booking.lifecycle import PAID, State
from core.booking.model import Booking
from core.clock import nairobi_date, nairobi_moment
from core.db.tx import Tx
from core.escrow import accounts, ledger
from core.limits import LIST_MAX
from core.money import Money
from core.payouts.holds import Hold, hold_of
from core.payouts.model import LIVE, Payout, PayoutState
from core.payouts.rules import next_run
from core.people.model import Vendor


@dataclass(frozen=True, slots=True)
class Earnings:
    """A vendor's money.

    Attributes:
        this_month: what became theirs since the month began, in Kenya.
        payable: released and not paid out yet.
        on_the_way: of that, what an open payout is carrying.
        waiting: the vendor's share of paid bookings whose money is still in escrow.
        next_run: when the next weekly payout is made.
        last_paid: the last payout that arrived, None if there was none.
        last_paid_at: when.
        hold: why nothing is paid at the moment, None when nothing is in the way.
    """

    this_month: Money
    payable: Money
    on_the_way: Money
    waiting: Money
    next_run: datetime
    last_paid: Money | None
    last_paid_at: datetime | None
    hold: Hold | None


def earnings(tx: Tx, vendor_id: UUID) -> Earnings:
    """Return a vendor's money as it stands now."""
    vendor = tx.db.get_one(Vendor, vendor_id)
    waiting = tx.db.scalar(
        select(func.sum(Booking.vendor_net_cents)).where(
            Booking.vendor_id == vendor_id,
            Booking.state.in_(PAID - {State.PAID_OUT}),
            Booking.released_at.is_(None),
        )
    )
    month_began = nairobi_moment(nairobi_date(tx.now).replace(day=1), time())
    became_theirs = func.coalesce(Booking.released_net_cents, Booking.vendor_net_cents)
    earned = tx.db.scalar(
        select(func.sum(became_theirs)).where(
            Booking.vendor_id == vendor_id, Booking.released_at >= month_began
        )
    )
    open_cents = tx.db.scalar(
        select(func.sum(Payout.amount_cents - Payout.paid_cents)).where(
            Payout.vendor_id == vendor_id, Payout.state == PayoutState.RELEASED
        )
    )
    last = tx.db.execute(
        select(Payout.amount_cents, Payout.finished_at)
        .where(Payout.vendor_id == vendor_id, Payout.state == PayoutState.PAID)
        .order_by(Payout.finished_at.desc())
        .limit(1)
    ).first()
    return Earnings(
        this_month=Money(int(earned or 0)),
        payable=ledger.balance(tx, accounts.payable(vendor.number)),
        on_the_way=Money(int(open_cents or 0)),
        waiting=Money(int(waiting or 0)),
        next_run=next_run(tx.now),
        last_paid=Money(last[0]) if last else None,
        last_paid_at=last[1] if last else None,
        hold=hold_of(vendor, tx.routes, tx.now),
    )


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout as an admin sees it, with its vendor."""

    payout: Payout
    vendor: Vendor


WAITING = frozenset({*LIVE, PayoutState.FAILED, PayoutState.REVERSED})
"""Not paid: somebody or something still has to act."""


def payouts_waiting(tx: Tx, limit: int = LIST_MAX) -> list[PayoutView]:
    """Return payouts that are not paid, the newest of each vendor, the oldest first."""
    newest = (
        select(Payout.id)
        .ext(distinct_on(Payout.vendor_id))
        .order_by(Payout.vendor_id, Payout.created_at.desc(), Payout.id.desc())
        .subquery()
    )
    rows = tx.db.execute(
        select(Payout, Vendor)
        .join(newest, newest.c.id == Payout.id)
        .join(Vendor, Vendor.id == Payout.vendor_id)
        .where(Payout.state.in_(WAITING))
        .order_by(Payout.created_at, Payout.id)
        .limit(min(limit, LIST_MAX))
    )
    return [PayoutView(payout, vendor) for payout, vendor in rows]
