"""The weekly run: begun once, over all vendors who are owed, and only if it can be paid."""

from collections import Counter
from datetime import date
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from core.db.tx import Tx
from core.escrow.accounts import AccountKind
from core.escrow.model import Account
from core.limits import LIST_MAX, PAYOUT_MIN_CENTS
from core.payouts import rules
from core.payouts.balances import guard_float
from core.payouts.holds import hold_of, way_to
from core.payouts.model import LIVE, Payout, PayoutRun
from core.people.model import Vendor


def open_run(tx: Tx) -> date | None:
    """Begin the week's run when its time has come; None when it is done or not yet due.

    Whoever cannot pay all of it is halted first (``guard_run``). A system that was never asked
    before starts with the coming Monday, so that a fresh installation does not make up for the
    past.
    """
    week = rules.week_of(tx.now)
    run = tx.db.get(PayoutRun, week)
    if run is None:
        first = tx.db.scalar(select(PayoutRun.week).limit(1)) is None
        tx.db.execute(
            insert(PayoutRun)
            .values(week=week, started_at=tx.now, finished_at=tx.now if first else None)
            .on_conflict_do_nothing()
        )
        if first:
            return None
    elif run.finished_at is not None:
        return None
    guard_run(tx)
    return week


def close_run(tx: Tx, week: date) -> None:
    """Note that every vendor has been looked at."""
    run = tx.db.get_one(PayoutRun, week, with_for_update=True)
    run.finished_at = run.finished_at or tx.now


def vendors_owed(tx: Tx, after: UUID | None, limit: int) -> list[UUID]:
    """Return vendors who are owed enough and have no payout yet, in id order after a given one.

    The books say so: of what came back to us later no booking may be waiting any more.
    """
    return list(tx.db.scalars(_owed(after, limit).with_only_columns(Vendor.id)))


def guard_run(tx: Tx) -> None:
    """Halt providers that are known to hold less than all vendors who are owed would be sent.

    A run commits a hundred of them at a time, and what is committed may leave before the next
    hundred is counted.
    """
    wanted: Counter[str] = Counter()
    after: UUID | None = None
    while owed := tx.db.execute(_owed(after, LIST_MAX)).all():
        for vendor, balance_cents in owed:
            if hold_of(vendor, tx.routes, tx.now) is None:
                first_part = rules.next_part(rules.payable_now(-balance_cents))
                wanted[way_to(vendor.payout_method, tx.routes)] += first_part
        after = owed[-1][0].id
    guard_float(tx, wanted)


def _owed(after: UUID | None, limit: int) -> Select[Vendor, int]:
    have_one = select(Payout.vendor_id).where(Payout.state.in_(LIVE))
    query = (
        select(Vendor, Account.balance_cents)
        .join(Account, Account.path == func.concat(f"{AccountKind.PAYABLE}:", Vendor.number))
        .where(Account.balance_cents <= -PAYOUT_MIN_CENTS, Vendor.id.not_in(have_one))
        .order_by(Vendor.id)
        .limit(limit)
    )
    return query.where(Vendor.id > after) if after else query
