"""A vendor's month: what was earned, kept back and paid out, and what is still owed.

It is read from the vendor's payable account, and refused when it does not lead to its balance.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import aliased

from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import nairobi_date
from core.db.tx import Tx
from core.documents.month import Month
from core.documents.taxes import Untied
from core.errors import NotFound, Refused
from core.escrow import accounts, ledger
from core.escrow.model import Posting, TransferRow
from core.limits import STATEMENT_ENTRIES_MAX
from core.people.model import User, Vendor


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of what a vendor is owed.

    Attributes:
        at: when.
        event: the transfer's kind: ``released``, ``retained``, ``paid_out`` ...
        booking: its code, empty for a payout.
        listing: its title, empty for a payout.
        base_cents: the vendor's price, as far as it was earned.
        fee_cents: the fee that the customer paid us on top.
        commission_cents: kept for us.
        withholding_cents: kept for the tax authority.
        net_cents: by how much the account grew; negative for what was paid out.
        balance_cents: what was owed after it.
    """

    at: datetime
    event: str
    booking: str
    listing: str
    base_cents: int
    fee_cents: int
    commission_cents: int
    withholding_cents: int
    net_cents: int
    balance_cents: int

    @property
    def day(self) -> date:
        """The day in Kenya."""
        return nairobi_date(self.at)


@dataclass(frozen=True, slots=True)
class Statement:
    """A month of one vendor."""

    vendor: int
    business: str
    language: str
    month: Month
    made_at: datetime
    opening_cents: int
    closing_cents: int
    lines: list[StatementLine]

    def total(self, name: str) -> int:
        """Sum one column of the lines."""
        return sum(getattr(line, name) for line in self.lines)

    @property
    def paid_cents(self) -> int:
        """What went out to the vendor."""
        return -sum(line.net_cents for line in self.lines if not line.booking)


def vendor_named(tx: Tx, named: str) -> UUID:
    """Return a vendor by number or phone; raises NotFound (``no_vendor``)."""
    chosen = (
        Vendor.number == int(named)
        if named.isascii() and named.isdigit() and len(named) < 7
        else Vendor.user_id.in_(select(User.id).where(User.msisdn == named))
    )
    found = tx.db.scalar(select(Vendor.id).where(chosen))
    if found is None:
        raise NotFound("no_vendor")
    return found


def statement_of(tx: Tx, vendor_id: UUID, month: Month) -> Statement:
    """Return a vendor's month.

    Raises:
        Untied: the account's postings do not lead to its balance.
        Refused: ``too_many_rows`` (data: most).
    """
    vendor = tx.db.get_one(Vendor, vendor_id)
    path = accounts.payable(vendor.number)
    opening = _sum(tx, path, None, month.begins)
    lines = _lines(tx, path, month, opening)
    closing = opening + sum(line.net_cents for line in lines)
    later = _sum(tx, path, month.ends, None)
    balance = ledger.balance(tx, path).cents
    if closing + later != balance:
        raise Untied(
            moved_cents=balance,
            explained_cents=closing + later,
            difference_cents=balance - closing - later,
        )
    language = tx.db.scalars(select(User.language).where(User.id == vendor.user_id)).one()
    return Statement(
        vendor=vendor.number,
        business=vendor.business_name,
        language=language.value,
        month=month,
        made_at=tx.now,
        opening_cents=opening,
        closing_cents=closing,
        lines=lines,
    )


def _sum(tx: Tx, path: str, begins: datetime | None, ends: datetime | None) -> int:
    query = (
        select(func.coalesce(func.sum(-Posting.amount_cents), 0))
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .where(Posting.account == path, Posting.entry_no.is_not(None))
    )
    if begins is not None:
        query = query.where(TransferRow.posted_at >= begins)
    if ends is not None:
        query = query.where(TransferRow.posted_at < ends)
    return int(tx.db.scalar(query) or 0)


def _lines(tx: Tx, path: str, month: Month, opening: int) -> list[StatementLine]:
    kept = (_leg(accounts.SERVICE_FEE), _leg(accounts.COMMISSION), _leg(accounts.WITHHOLDING))
    query = (
        select(Posting.amount_cents, TransferRow, Booking.code, Listing.title, *kept)
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .outerjoin(Booking, Booking.id == TransferRow.booking_id)
        .outerjoin(Listing, Listing.id == Booking.listing_id)
        .where(
            Posting.account == path,
            Posting.entry_no.is_not(None),
            TransferRow.posted_at >= month.begins,
            TransferRow.posted_at < month.ends,
        )
        .order_by(Posting.entry_no)
        .limit(STATEMENT_ENTRIES_MAX + 1)
    )
    found = tx.db.execute(query).all()
    if len(found) > STATEMENT_ENTRIES_MAX:
        raise Refused("too_many_rows", most=STATEMENT_ENTRIES_MAX)
    lines: list[StatementLine] = []
    balance = opening
    for cents, transfer, code, title, fee, commission, withholding in found:
        balance -= cents
        earned = -cents + int(commission) + int(withholding) if code else 0
        lines.append(
            StatementLine(
                at=transfer.posted_at,
                event=transfer.kind,
                booking=code or "",
                listing=title or "",
                base_cents=earned,
                fee_cents=int(fee),
                commission_cents=int(commission),
                withholding_cents=int(withholding),
                net_cents=-cents,
                balance_cents=balance,
            )
        )
    return lines


def _leg(account: str) -> ScalarSelect[Any]:
    """What the same transfer credited to another account."""
    leg = aliased(Posting)
    return (
        select(func.coalesce(func.sum(-leg.amount_cents), 0))
        .where(leg.transfer_id == Posting.transfer_id, leg.account == account)
        .scalar_subquery()
    )
