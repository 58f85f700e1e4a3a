"""Statements that were taken in, and which receipts each of them confirms."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, cents


class StatementRow(Base):
    """One statement. The digest of its file makes it once.

    What the account gained by its balances is what its receipts moved and what nobody could
    explain: closing - opening = matched + unexplained (invariant I14).
    """

    __tablename__ = "statements"
    __table_args__ = (
        CheckConstraint("begins < ends", name="period"),
        CheckConstraint("lines > 0", name="lines"),
        CheckConstraint("(opening_cents IS NULL) = (closing_cents IS NULL)", name="both_balances"),
        Index("ix_statements_account", "provider", "account", "ends"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    account: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    begins: Mapped[datetime]
    ends: Mapped[datetime]
    lines: Mapped[int]
    opening_cents: Mapped[int | None] = cents(nullable=True)
    closing_cents: Mapped[int | None] = cents(nullable=True)
    matched: Mapped[int]
    """How many receipts it confirms, charges among them."""
    matched_cents: Mapped[int] = cents()
    """What those moved, in positive."""
    unexplained_cents: Mapped[int] = cents()
    differences: Mapped[int]
    taken_at: Mapped[datetime]


class StatementMatch(Base):
    """A receipt and a statement that confirms it; periods of two statements may overlap."""

    __tablename__ = "statement_matches"

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.id"), primary_key=True)
    statement_id: Mapped[UUID] = mapped_column(
        ForeignKey(StatementRow.id), primary_key=True, index=True
    )
    line: Mapped[int]
