"""The weekly run: one payout a vendor, sent in parts that a transaction can carry."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.dialects.postgresql import insert

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.db.tx import Tx, Work
from core.escrow import accounts, ledger
from core.escrow.model import Account
from core.payments import routing
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts import rules
from core.payouts.model import Payout, PayoutItem, PayoutRun, PayoutState
from core.people.model import PayoutMethod, User, Vendor, VendorStatus


def open_run(tx: Tx) -> date | None:
    """Begin the week's run when its time has come; None when it is done or not yet due.

    A system that was never asked before starts with the coming Monday, so that a fresh
    installation does not make up for the past.
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
        return None if first else week
    return week if run.finished_at is None else None


def close_run(tx: Tx, week: date) -> None:
    """Note that every vendor has been looked at."""
    run = tx.db.get_one(PayoutRun, week, with_for_update=True)
    run.finished_at = run.finished_at or tx.now


def vendors_owed(tx: Tx, after: UUID | None, limit: int) -> list[UUID]:
    """Return vendors that have released bookings waiting, in id order after a given one."""
    waiting = _waiting().order_by(None).with_only_columns(Booking.vendor_id).distinct()
    query = select(Vendor.id).where(Vendor.id.in_(waiting)).order_by(Vendor.id).limit(limit)
    return list(tx.db.scalars(query.where(Vendor.id > after) if after else query))


def make_payout(tx: Tx, vendor_id: UUID) -> Payout | None:
    """Make one vendor's payout of everything that is owed, and plan its first part.

    Returns:
        None when less than the minimum is owed, a payout is on its way, the vendor is not active
        or has not said where to pay, or nobody pays to such a place.
    """
    vendor = tx.db.get_one(Vendor, vendor_id, with_for_update={"key_share": True})
    if vendor.status is not VendorStatus.ACTIVE or not _can_be_paid(tx, vendor):
        return None
    live = select(Payout.id).where(
        Payout.vendor_id == vendor_id, Payout.state == PayoutState.RELEASED
    )
    if tx.db.scalar(live) is not None:
        return None
    balance = _locked_balance(tx, accounts.payable(vendor.number))
    amount = rules.payable_now(balance)
    items = tx.db.scalars(_waiting().where(Booking.vendor_id == vendor_id)).all()
    if amount == 0 or not items:
        return None
    return _new_payout(tx, vendor, items, balance, amount)


def _can_be_paid(tx: Tx, vendor: Vendor) -> bool:
    if vendor.payout_method is None or vendor.payout_sealed is None:
        return False
    return bool(_order(tx, vendor))


def _order(tx: Tx, vendor: Vendor) -> tuple[str, ...]:
    bank = vendor.payout_method is PayoutMethod.BANK
    return routing.order(tx.routes, Kind.PAYOUT, bank=bank)


def _new_payout(
    tx: Tx, vendor: Vendor, items: Sequence[Booking], balance: int, amount: int
) -> Payout:
    payout = Payout(
        id=tx.ids.uuid(),
        vendor_id=vendor.id,
        state=PayoutState.RELEASED,
        amount_cents=amount,
        carried_in_cents=balance - sum(_net_cents(item) for item in items),
        carried_out_cents=balance - amount,
        paid_cents=0,
        tries=0,
        created_at=tx.now,
    )
    tx.db.add(payout)
    tx.db.flush()
    tx.db.add_all(
        PayoutItem(
            payout_id=payout.id,
            booking_id=item.id,
            amount_cents=_net_cents(item),
            live=True,
        )
        for item in items
    )
    _new_part(tx, payout, vendor)
    return payout


def due_payouts(tx: Tx, limit: int) -> list[UUID]:
    """Return payouts whose next part or try is due."""
    return list(
        tx.db.scalars(
            select(Payout.id)
            .where(Payout.due_at <= tx.now)
            .order_by(Payout.due_at, Payout.id)
            .limit(limit)
        )
    )


def continue_payout(tx: Tx, payout_id: UUID) -> bool:
    """Plan the next part or try of a payout; False when another worker has it."""
    payout = tx.db.scalar(
        select(Payout)
        .where(Payout.id == payout_id, Payout.due_at <= tx.now)
        .with_for_update(skip_locked=True)
    )
    if payout is None:
        return False
    _new_part(tx, payout, tx.db.get_one(Vendor, payout.vendor_id))
    return True


def _new_part(tx: Tx, payout: Payout, vendor: Vendor) -> None:
    assert vendor.payout_sealed is not None, "a payout has a place to go"
    details = tx.vault.open(vendor.payout_sealed)
    to_bank = vendor.payout_method is PayoutMethod.BANK
    amount = rules.next_part(payout.amount_cents - payout.paid_cents)
    payout.due_at = None
    tx.db.add(
        Attempt(
            id=tx.ids.uuid(),
            kind=Kind.PAYOUT,
            provider=routing.choose(_order(tx, vendor), tx.routes.health.down()),
            state=AttemptState.QUEUED,
            payout_id=payout.id,
            # Where it goes is the attempt's own: a retry by its id must not go elsewhere.
            msisdn=_number_of(tx, vendor) if to_bank else details["msisdn"],
            bank_sealed=_bank_sealed(tx, details) if to_bank else None,
            amount_cents=amount,
            account=f"Payout {vendor.number}",
            due_at=tx.now,
            created_at=tx.now,
        )
    )
    tx.wake(Work.ATTEMPTS)


def _number_of(tx: Tx, vendor: Vendor) -> str:
    return tx.db.scalars(select(User.msisdn).where(User.id == vendor.user_id)).one()


def _bank_sealed(tx: Tx, details: Mapping[str, str]) -> bytes:
    return tx.vault.seal({name: details[name] for name in ("bank", "account", "name")})


def _locked_balance(tx: Tx, path: str) -> int:
    """Return a balance in cents that nobody changes until we have committed."""
    tx.db.execute(select(Account.path).where(Account.path == path).with_for_update())
    return ledger.balance(tx, path).cents


def _net_cents(booking: Booking) -> int:
    """What a booking earned its vendor: less than agreed when some of it went back."""
    released = booking.released_net_cents
    return booking.vendor_net_cents if released is None else released


def _waiting() -> Select[Booking]:
    in_payout = select(PayoutItem.booking_id).where(PayoutItem.live)
    return (
        select(Booking)
        .where(
            or_(
                Booking.state == State.COMPLETED,
                and_(Booking.state == State.CANCELLED, Booking.released_net_cents > 0),
            ),
            Booking.released_at.is_not(None),
            Booking.id.not_in(in_payout),
        )
        .order_by(Booking.released_at, Booking.id)
    )
