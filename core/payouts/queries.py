"""What a vendor is shown of their money."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from core.booking.lifecycle import PAID, State
from core.booking.model import Booking
from core.db.tx import Tx
from core.escrow import accounts, ledger
from core.money import Money
from core.payouts.model import Payout, PayoutState
from core.payouts.rules import next_run
from core.people.model import Vendor


@dataclass(frozen=True, slots=True)
class Earnings:
    """A vendor's money.

    Attributes:
        payable: released and not paid out yet.
        on_the_way: of that, what an open payout is carrying.
        waiting: the vendor's share of paid bookings whose money is still in escrow.
        next_run: when the next weekly payout is made.
        last_paid: the last payout that arrived, None if there was none.
        last_paid_at: when.
    """

    payable: Money
    on_the_way: Money
    waiting: Money
    next_run: datetime
    last_paid: Money | None
    last_paid_at: datetime | None


def earnings(tx: Tx, vendor_id: UUID) -> Earnings:
    """Return a vendor's money as it stands now."""
    number = tx.db.scalars(select(Vendor.number).where(Vendor.id == vendor_id)).one()
    waiting = tx.db.scalar(
        select(func.sum(Booking.vendor_net_cents)).where(
            Booking.vendor_id == vendor_id,
            Booking.state.in_(PAID - {State.PAID_OUT}),
            Booking.released_at.is_(None),
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
        payable=ledger.balance(tx, accounts.payable(number)),
        on_the_way=Money(int(open_cents or 0)),
        waiting=Money(int(waiting or 0)),
        next_run=next_run(tx.now),
        last_paid=Money(last[0]) if last else None,
        last_paid_at=last[1] if last else None,
    )
