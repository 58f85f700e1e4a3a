"""Tax that has been paid over to the authority: by month, never more than is owed for it.

VAT of a month is due on the 20th of the next. Tax withheld is due within five working days of its
deduction (provider-facts §6.1): it may be paid over in parts, and a month's last part is due a
week after the month's end.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from core.cases.model import Case, CaseKind, CaseState
from core.cases.usecases import close_settled, open_case
from core.clock import nairobi_date
from core.db.base import Base, cents, choice
from core.db.tx import Tx
from core.documents.month import Month
from core.documents.taxes import ACCOUNT, Tax
from core.errors import BadInput, KeyReused, Refused
from core.escrow import ledger, postings
from core.escrow.model import Posting, TransferRow
from core.escrow.transfer import TransferKind
from core.limits import CASES_BATCH_MAX, TAX_REFERENCE_MAX
from core.money import Money
from core.payments import receipts
from core.payments.model import Direction

BANK = "bank"
"""Whose money is taken when no provider's is: our own account at a bank."""
DUE_DAYS = {Tax.VAT: 20, Tax.WITHHOLDING: 7}
"""The last day of the next month on which a month's tax may be paid over."""
PAID_NOTE = "The month's tax has been paid over; closed by itself."
# One after the other: two at once would each see all of it owed.
PAYING_LOCK = 3_840_022
_REFERENCE = re.compile(rf"[A-Z0-9][A-Z0-9/-]{{0,{TAX_REFERENCE_MAX - 1}}}", re.ASCII)
_PROVIDER = re.compile(r"[a-z]{2,20}", re.ASCII)

# Months are Kenya's. What was paid over is noted by the month that it is for.
BY_MONTH = text(
    "SELECT to_char(posted_at AT TIME ZONE 'Africa/Nairobi', 'YYYY-MM') AS month,"
    " -sum(amount_cents) AS cents"
    " FROM ledger_postings JOIN ledger_transfers ON ledger_transfers.id = transfer_id"
    " WHERE account = :account AND entry_no IS NULL AND kind <> :paid"
    " GROUP BY month ORDER BY month"
)


class TaxPayment(Base):
    """Tax of a month that was paid over, whole or in part."""

    __tablename__ = "tax_payments"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("extract(day FROM month) = 1", name="month"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tax: Mapped[Tax] = mapped_column(choice(Tax, "tax"))
    month: Mapped[date]
    """Its first day."""
    amount_cents: Mapped[int] = cents()
    provider: Mapped[str]
    """Whose money went: a provider's float or the bank's."""
    reference: Mapped[str]
    """Under what number it shows there: the payment slip's or the transaction's."""
    paid_at: Mapped[datetime]


def pay_over(
    tx: Tx, tax: Tax, month: Month, amount: Money, reference: str, provider: str = BANK
) -> tuple[TaxPayment, bool]:
    """Book that tax of a month was paid over; the same once more books nothing.

    Args:
        tx: the caller's transaction.
        tax: which.
        month: whose tax, which may have been posted lately or long ago.
        amount: any part of what is owed for it.
        reference: the payment's number where the money left.
        provider: where that was.

    Returns:
        the payment, and whether it is new.

    Raises:
        BadInput: amount, reference or provider cannot be meant (data: field).
        KeyReused: that number paid something else.
        Refused: ``over_owed`` (data: owed_cents), ``number_seen`` for another movement's number.
    """
    reference = reference.strip().upper()
    if amount.cents <= 0:
        raise BadInput(field="amount")
    if not _REFERENCE.fullmatch(reference):
        raise BadInput(field="reference")
    if not _PROVIDER.fullmatch(provider):
        raise BadInput(field="provider")
    tx.db.execute(select(func.pg_advisory_xact_lock(PAYING_LOCK)))
    earlier = tx.db.scalar(
        select(TaxPayment).where(
            TaxPayment.provider == provider, TaxPayment.reference == reference
        )
    )
    wanted = (tax, month.first, amount.cents)
    if earlier is not None:
        if (earlier.tax, earlier.month, earlier.amount_cents) != wanted:
            raise KeyReused(key=reference)
        return earlier, False
    left = owed(tx, tax, month)
    if amount.cents > left.cents:
        raise Refused("over_owed", owed_cents=left.cents)
    account = f"{tax.value} {month}"
    if not receipts.keep(tx, provider, reference, Direction.OUT, amount, account=account):
        raise Refused("number_seen")
    ledger.post(tx, postings.tax_paid(ACCOUNT[tax], provider, amount, reference=reference))
    made = TaxPayment(
        id=tx.ids.uuid(),
        tax=tax,
        month=month.first,
        amount_cents=amount.cents,
        provider=provider,
        reference=reference,
        paid_at=tx.now,
    )
    tx.db.add(made)
    tx.db.flush()
    return made, True


def owed(tx: Tx, tax: Tax, month: Month) -> Money:
    """Return what of a month's tax has not been paid over; negative after reversals of more."""
    posted = tx.db.scalar(
        select(func.coalesce(func.sum(-Posting.amount_cents), 0))
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .where(
            Posting.account == ACCOUNT[tax],
            Posting.entry_no.is_(None),
            TransferRow.kind != TransferKind.TAX_PAID,
            TransferRow.posted_at >= month.begins,
            TransferRow.posted_at < month.ends,
        )
    )
    return Money(int(posted or 0) - _paid(tx, tax).get(str(month), 0))


def unpaid(tx: Tx, tax: Tax) -> dict[str, int]:
    """Return the months of a tax for which something is owed: ``2026-11`` and cents."""
    paid = _paid(tx, tax)
    rows = tx.db.execute(BY_MONTH, {"account": ACCOUNT[tax], "paid": TransferKind.TAX_PAID.value})
    left = {row.month: int(row.cents) - paid.get(row.month, 0) for row in rows}
    return {month: cents_left for month, cents_left in left.items() if cents_left > 0}


def look_for_unpaid(tx: Tx) -> list[int]:
    """Open a case for each month whose tax is overdue, close those that are paid.

    Returns:
        the numbers of the new cases.
    """
    opened: list[int | None] = []
    late: dict[str, int] = {}
    for tax in Tax:
        for month, cents_left in unpaid(tx, tax).items():
            if nairobi_date(tx.now) > due_on(tax, Month.parse(month)):
                late[f"{tax.value} {month}"] = cents_left
    _close_paid(tx, late)
    for subject, cents_left in late.items():
        if _was_explained(tx, subject, cents_left):
            continue
        tax_name, _, month = subject.partition(" ")
        due = due_on(Tax(tax_name), Month.parse(month))
        facts = {"tax": tax_name, "month": month, "due": due.isoformat()}
        opened.append(
            open_case(
                tx, CaseKind.TAX_UNPAID, subject, amount_cents=cents_left, facts=facts, again=True
            )
        )
    return [number for number in opened if number is not None]


def _was_explained(tx: Tx, subject: str, cents_left: int) -> bool:
    """Tell whether a person has put an end to the case of just this sum."""
    explained = select(Case.id).where(
        Case.kind == CaseKind.TAX_UNPAID,
        Case.subject == subject,
        Case.state == CaseState.CLOSED,
        Case.amount_cents == cents_left,
        Case.note != PAID_NOTE,
    )
    return tx.db.scalar(explained.limit(1)) is not None


def due_on(tax: Tax, month: Month) -> date:
    """Return the last day on which a month's tax may be paid over."""
    return nairobi_date(month.ends) + timedelta(days=DUE_DAYS[tax] - 1)


def _paid(tx: Tx, tax: Tax) -> Mapping[str, int]:
    rows = tx.db.execute(
        select(TaxPayment.month, func.sum(TaxPayment.amount_cents))
        .where(TaxPayment.tax == tax)
        .group_by(TaxPayment.month)
    )
    return {str(Month(month)): int(paid_cents) for month, paid_cents in rows}


def _close_paid(tx: Tx, late: Mapping[str, int]) -> None:
    query = text("SELECT subject FROM cases WHERE kind = :kind AND state = 'open' LIMIT :most")
    values = {"kind": CaseKind.TAX_UNPAID.value, "most": CASES_BATCH_MAX}
    for subject in tx.db.scalars(query, values).all():
        if subject not in late:
            close_settled(tx, CaseKind.TAX_UNPAID, subject, PAID_NOTE)
