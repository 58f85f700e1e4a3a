"""Making payouts: one a vendor, held while something is in the way, sent in parts.

The weekly run, an admin's own and a retry may meet: each locks the vendor first.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.db.tx import Tx, Work
from core.errors import BadInput, NotFound, Refused
from core.escrow import accounts
from core.escrow.model import Account
from core.limits import PAYOUT_HOLD_WHY_MAX
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts import rules
from core.payouts.balances import guard_float
from core.payouts.holds import Hold, hold_of, way_to
from core.payouts.model import (
    LIVE,
    HoldReason,
    Payout,
    PayoutEvent,
    PayoutItem,
    PayoutState,
)
from core.payouts.settle import hold_now, keep_held, live_payout, set_live, tell_held
from core.people.model import PayoutMethod, User, Vendor

# What stops a payout that is under way, too; anything else does not reach where it is going.
STOPPING = frozenset({HoldReason.RESTRICTED, HoldReason.ADMIN})


def make_payout(tx: Tx, vendor_id: UUID) -> Payout | None:
    """Make one vendor's payout, as ``make_payouts`` does; None when none is to be made."""
    made = make_payouts(tx, [vendor_id])
    return made[0] if made else None


def make_payouts(tx: Tx, vendor_ids: Collection[UUID]) -> list[Payout]:
    """Make the payouts of vendors, of everything that each is owed, in one transaction.

    With as many statements for a hundred vendors as for one, but for those who have to be told
    something. Nothing is made for a vendor who is owed less than the minimum or whose payout is
    on its way. One who may not be paid now gets a payout that is held, and is told why. When
    more is planned than a provider is known to hold, it is halted before anything is sent.

    Returns:
        the new payouts, in the order of the vendors' ids.
    """
    vendors = _lock_without_payout(tx, vendor_ids)
    balances = _lock_balances(tx, vendors)
    items = _items(tx, vendors)
    made = [
        (vendor, _new_payout(tx, vendor, items.get(vendor.id, []), balance))
        for vendor in vendors
        if rules.payable_now(balance := balances.get(vendor.number, 0))
    ]
    tx.db.add_all(payout for _, payout in made)
    tx.db.flush()
    rows = [
        {"payout_id": payout.id, "booking_id": booking_id, "amount_cents": cents, "live": True}
        for vendor, payout in made
        for booking_id, cents in items.get(vendor.id, [])
    ]
    if rows:
        tx.db.execute(insert(PayoutItem), rows)
    for vendor, payout in made:
        _send_or_tell(tx, payout, vendor)
    _guard(tx)
    return [payout for _, payout in made]


def _lock_without_payout(tx: Tx, vendor_ids: Collection[UUID]) -> list[Vendor]:
    vendors = tx.db.scalars(
        select(Vendor)
        .where(Vendor.id.in_(vendor_ids))
        .order_by(Vendor.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    live = set(
        tx.db.scalars(
            select(Payout.vendor_id).where(
                Payout.vendor_id.in_(vendor_ids), Payout.state.in_(LIVE)
            )
        )
    )
    return [vendor for vendor in vendors if vendor.id not in live]


def _lock_balances(tx: Tx, vendors: Sequence[Vendor]) -> dict[int, int]:
    """Return what each vendor is owed in cents; nobody changes it until we have committed."""
    paths = {accounts.payable(vendor.number): vendor.number for vendor in vendors}
    rows = tx.db.execute(
        select(Account.path, Account.balance_cents)
        .where(Account.path.in_(paths))
        .order_by(Account.path)
        .with_for_update()
    )
    return {paths[path]: -cents for path, cents in rows}


def _items(tx: Tx, vendors: Sequence[Vendor]) -> dict[UUID, list[tuple[UUID, int]]]:
    """Return what waits for each vendor: booking and cents, the longest released first."""
    # What a booking earned its vendor: less than agreed when some of it went back.
    net = func.coalesce(Booking.released_net_cents, Booking.vendor_net_cents)
    rows = tx.db.execute(
        _waiting()
        .with_only_columns(Booking.vendor_id, Booking.id, net)
        .where(Booking.vendor_id.in_([vendor.id for vendor in vendors]))
    )
    found: dict[UUID, list[tuple[UUID, int]]] = {}
    for vendor_id, booking_id, cents in rows:
        found.setdefault(vendor_id, []).append((booking_id, cents))
    return found


def _new_payout(tx: Tx, vendor: Vendor, items: Sequence[tuple[UUID, int]], balance: int) -> Payout:
    amount = rules.payable_now(balance)
    payout = Payout(
        id=tx.ids.uuid(),
        vendor_id=vendor.id,
        state=PayoutState.HELD,
        amount_cents=amount,
        carried_in_cents=balance - sum(cents for _, cents in items),
        carried_out_cents=balance - amount,
        paid_cents=0,
        tries=0,
        created_at=tx.now,
    )
    _decide(tx, payout, vendor)
    return payout


def _decide(tx: Tx, payout: Payout, vendor: Vendor) -> None:
    """Release a held payout to where the vendor is paid today, unless something is in the way."""
    hold = hold_of(vendor, tx.routes, tx.now)
    if hold is not None:
        keep_held(tx, payout, hold.reason, hold.until)
        return
    payout.move(PayoutEvent.RELEASE)
    payout.hold_reason = None
    payout.due_at = None
    payout.method = vendor.payout_method
    payout.recipient_sealed = vendor.payout_sealed


def _send_or_tell(tx: Tx, payout: Payout, vendor: Vendor) -> None:
    """Plan the first part of what was released; the vendor is told once of each reason."""
    if payout.state is PayoutState.HELD:
        tell_held(tx, payout)
    else:
        _new_part(tx, payout, vendor)


def _release_or_hold(tx: Tx, payout: Payout, vendor: Vendor) -> None:
    _decide(tx, payout, vendor)
    _send_or_tell(tx, payout, vendor)
    _guard(tx)


def _guard(tx: Tx) -> None:
    tx.db.flush()
    guard_float(tx)


def look_again(tx: Tx, vendor: Vendor) -> None:
    """Look whether a locked vendor's payout may go out now, or is to be held.

    One that is under way ends the try that was sent: it can no longer be called back.
    """
    payout = live_payout(tx, vendor.id)
    if payout is None:
        return
    if payout.state is PayoutState.HELD:
        _release_or_hold(tx, payout, vendor)
        return
    hold = hold_of(vendor, tx.routes, tx.now)
    if hold is not None and hold.reason not in STOPPING and payout.hold_reason is None:
        return  # It goes on to where it was going.
    payout.hold_reason = hold.reason if hold is not None else None
    if hold is not None and payout.due_at is not None:
        hold_now(tx, payout)


def hold_by_admin(tx: Tx, vendor: Vendor, why: str) -> None:
    """Pay a locked vendor nothing more until ``release_by_admin``.

    Raises:
        BadInput: no reason is given, or a long one (data: field).
    """
    if not 0 < len(why.strip()) <= PAYOUT_HOLD_WHY_MAX:
        raise BadInput(field="why")
    vendor.payouts_held_why = why.strip()
    tx.db.flush()
    look_again(tx, vendor)


def release_by_admin(tx: Tx, vendor: Vendor) -> Hold | None:
    """Take back ``hold_by_admin`` of a locked vendor, and send what may be sent.

    Returns:
        what else is in the way.

    Raises:
        Refused: ``payout_held`` (data: reason), it is held for something else only, such as
            details that nobody has verified.
    """
    by_admin, vendor.payouts_held_why = vendor.payouts_held_why, None
    hold = hold_of(vendor, tx.routes, tx.now)
    if hold is not None and by_admin is None:
        raise Refused("payout_held", reason=hold.reason.value)
    tx.db.flush()
    look_again(tx, vendor)
    return hold


def retry_payout(tx: Tx, vendor: Vendor) -> Payout:
    """Try a locked vendor's failed payout again: the same payout, to the details of today.

    The same one, so that an earlier try that turns out to have gone through after all is seen
    by it and nothing is paid twice.

    Raises:
        NotFound: ``no_failed_payout``, the last payout has not failed.
        Refused: ``payout_held`` (data: reason).
    """
    payout = tx.db.scalar(
        select(Payout)
        .where(Payout.vendor_id == vendor.id)
        .order_by(Payout.created_at.desc(), Payout.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if payout is None or payout.state is not PayoutState.FAILED:
        raise NotFound("no_failed_payout")
    hold = hold_of(vendor, tx.routes, tx.now)
    if hold is not None:
        raise Refused("payout_held", reason=hold.reason.value)
    set_live(tx, payout, live=True)
    payout.move(PayoutEvent.RETRY)
    payout.tries = 0
    payout.finished_at = None
    _release_or_hold(tx, payout, vendor)
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
    """Plan the next part or try of a payout, or look at a held one again.

    Returns:
        False when another worker has it.
    """
    payout = tx.db.scalar(
        select(Payout)
        .where(Payout.id == payout_id, Payout.due_at <= tx.now)
        .with_for_update(skip_locked=True)
    )
    if payout is None:
        return False
    if payout.state is PayoutState.RELEASED:
        _new_part(tx, payout, tx.db.get_one(Vendor, payout.vendor_id))
        return True
    # Others lock the vendor first: who waited for it here might be waited for.
    vendor = tx.db.scalar(
        select(Vendor)
        .where(Vendor.id == payout.vendor_id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    if vendor is None:
        return False
    _release_or_hold(tx, payout, vendor)
    return True


def _new_part(tx: Tx, payout: Payout, vendor: Vendor) -> None:
    """Plan to send as much of a payout as one transaction carries, to where it always went."""
    assert payout.recipient_sealed is not None, "the database says so of a released one"
    details = tx.vault.open(payout.recipient_sealed)
    to_bank = payout.method is PayoutMethod.BANK
    amount = rules.next_part(payout.amount_cents - payout.paid_cents)
    payout.due_at = None
    tx.db.add(
        Attempt(
            id=tx.ids.uuid(),
            kind=Kind.PAYOUT,
            provider=way_to(payout.method, tx.routes),
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
