"""What is owed to the tax authority for a month, from the ledger's own tax accounts.

A row is a posting that a booking explains, in the month in which it was posted; a reversal is a
row of its month too. What the account moved beyond its rows is told as a difference: then there is
no report until somebody knows what it is.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, case, func, select
from sqlalchemy.orm import aliased

from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import nairobi_date
from core.db.tx import Tx
from core.documents.model import Document, DocumentKind
from core.documents.month import Month
from core.errors import Refused
from core.escrow import accounts
from core.escrow.model import Posting, TransferRow
from core.escrow.transfer import TransferKind
from core.limits import TAX_ROWS_MAX
from core.people.model import Vendor
from core.pricing.queries import DatedRate, dated_rates
from core.pricing.rules import VAT_BASES, WITHHOLDING_BASES, RateBase, RateName


class Tax(StrEnum):
    """A tax that we hold for the authority."""

    VAT = "vat"
    WITHHOLDING = "withholding"


ACCOUNT = {Tax.VAT: accounts.VAT, Tax.WITHHOLDING: accounts.WITHHOLDING}
RATE = {Tax.VAT: RateName.VAT, Tax.WITHHOLDING: RateName.WITHHOLDING}
# The other legs of the same transfer say what the tax is of (core.pricing.rules.quote).
PRICE_LEGS = ("payable", accounts.COMMISSION, accounts.WITHHOLDING)
LEGS = {
    RateBase.PRICE_AND_FEE: (*PRICE_LEGS, accounts.SERVICE_FEE),
    RateBase.FEE: (accounts.SERVICE_FEE,),
    RateBase.PRICE: PRICE_LEGS,
    RateBase.AFTER_COMMISSION: ("payable", accounts.WITHHOLDING),
}
BASES = {Tax.VAT: VAT_BASES, Tax.WITHHOLDING: WITHHOLDING_BASES}


class Untied(Refused):
    """The account moved otherwise than its rows say (data: moved, explained, difference cents)."""

    code = "untied"


@dataclass(frozen=True, slots=True)
class TaxRow:
    """One posting.

    Attributes:
        day: in Kenya, on which it was posted.
        booking: its code.
        receipt: the number of the booking's first receipt, empty while there is none.
        vendor: the vendor's number.
        business: the vendor's name.
        vendor_pin: the vendor's KRA PIN, empty where it is not known.
        event: the transfer's kind (``released``, ``retained`` ...).
        base_cents: what the tax is of; negative for a reversal, as the tax.
        basis_points: the rate that the booking's price has.
        tax_cents: positive where we owe more.
    """

    day: date
    booking: str
    receipt: str
    vendor: int
    business: str
    vendor_pin: str
    event: str
    base_cents: int
    basis_points: int
    tax_cents: int


@dataclass(frozen=True, slots=True)
class TaxReport:
    """A month of one tax.

    Attributes:
        opening_cents: owed when the month began.
        remitted_cents: paid over during the month, for whatever month.
        closing_cents: owed when it ended; opening and the rows' tax less what was paid over.
    """

    tax: Tax
    month: Month
    rows: list[TaxRow]
    opening_cents: int
    remitted_cents: int
    closing_cents: int

    @property
    def tax_cents(self) -> int:
        """The rows' tax."""
        return sum(row.tax_cents for row in self.rows)


def tax_report(tx: Tx, tax: Tax, month: Month) -> TaxReport:
    """Return a tax's month.

    Raises:
        Untied: some posting of the month belongs to no booking.
        Refused: ``too_many_rows`` (data: most).
    """
    opening = _owed_before(tx, tax, month.begins)
    closing = _owed_before(tx, tax, month.ends)
    remitted = _remitted(tx, tax, month)
    report = TaxReport(tax, month, _rows(tx, tax, month), opening, remitted, closing)
    explained = report.tax_cents - remitted
    if explained != closing - opening:
        raise Untied(
            moved_cents=closing - opening,
            explained_cents=explained,
            difference_cents=closing - opening - explained,
        )
    return report


def _owed_before(tx: Tx, tax: Tax, moment: datetime) -> int:
    """Sum the account as it stood: all postings, whether a booking explains them or not."""
    query = (
        select(func.coalesce(func.sum(-Posting.amount_cents), 0))
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .where(
            Posting.account == ACCOUNT[tax],
            Posting.entry_no.is_(None),
            TransferRow.posted_at < moment,
        )
    )
    return int(tx.db.scalar(query) or 0)


def _remitted(tx: Tx, tax: Tax, month: Month) -> int:
    """Sum what left the account for the authority in a month."""
    query = (
        select(func.coalesce(func.sum(Posting.amount_cents), 0))
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .where(
            Posting.account == ACCOUNT[tax],
            Posting.entry_no.is_(None),
            TransferRow.kind == TransferKind.TAX_PAID,
            TransferRow.posted_at >= month.begins,
            TransferRow.posted_at < month.ends,
        )
    )
    return int(tx.db.scalar(query) or 0)


def _rows(tx: Tx, tax: Tax, month: Month) -> list[TaxRow]:
    bases = [_sum_of(LEGS[base]).label(base.value) for base in BASES[tax]]
    query = (
        select(TransferRow, Posting.amount_cents, Booking, Listing.category, Vendor, *bases)
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .join(Booking, Booking.id == TransferRow.booking_id)
        .join(Listing, Listing.id == Booking.listing_id)
        .join(Vendor, Vendor.id == Booking.vendor_id)
        .where(
            Posting.account == ACCOUNT[tax],
            Posting.entry_no.is_(None),
            TransferRow.posted_at >= month.begins,
            TransferRow.posted_at < month.ends,
        )
        .order_by(TransferRow.posted_at, Posting.id)
        .limit(TAX_ROWS_MAX + 1)
    )
    found = tx.db.execute(query).all()
    if len(found) > TAX_ROWS_MAX:
        raise Refused("too_many_rows", most=TAX_ROWS_MAX)
    receipts = _receipts(tx, {row.Booking.id for row in found})
    rates: dict[tuple[date, str], DatedRate] = {}
    rows = []
    for row in found:
        key = row.Booking.priced_on, row.category.value
        if key not in rates:
            rates[key] = dated_rates(tx, *key)[RATE[tax]]
        pin = row.Vendor.kra_pin_sealed
        rows.append(
            TaxRow(
                day=nairobi_date(row.TransferRow.posted_at),
                booking=row.Booking.code,
                receipt=receipts.get(row.Booking.id, ""),
                vendor=row.Vendor.number,
                business=row.Vendor.business_name,
                vendor_pin=tx.vault.open(pin) if pin else "",
                event=row.TransferRow.kind,
                base_cents=int(getattr(row, rates[key].base.value)),
                basis_points=rates[key].basis_points,
                tax_cents=-int(row.amount_cents),
            )
        )
    return rows


def _sum_of(names: tuple[str, ...]) -> ScalarSelect[Any]:
    """What the same transfer credited to some accounts, a vendor's among them as ``payable``."""
    leg = aliased(Posting)
    kind = func.split_part(leg.account, ":", 1)
    name = case((kind == "payable", kind), else_=leg.account)
    return (
        select(func.coalesce(func.sum(-leg.amount_cents), 0))
        .where(leg.transfer_id == Posting.transfer_id, name.in_(names))
        .scalar_subquery()
    )


def _receipts(tx: Tx, booking_ids: set[UUID]) -> dict[UUID, str]:
    """Return the number of each booking's first receipt."""
    query = (
        select(Document)
        .where(Document.booking_id.in_(booking_ids), Document.kind == DocumentKind.RECEIPT)
        .order_by(Document.year.desc(), Document.number.desc())
    )
    return {document.booking_id: document.label for document in tx.db.scalars(query)}
